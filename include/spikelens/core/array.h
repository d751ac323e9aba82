#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spikelens {

using Shape = std::vector<int64_t>;

/// Product of the extents; 1 for a scalar (empty shape).
inline int64_t element_count(std::span<const int64_t> shape) {
    int64_t count = 1;
    for (int64_t extent : shape) count *= extent;
    return count;
}

/// "[10, 1, 28, 28]", for messages.
inline std::string shape_text(std::span<const int64_t> shape) {
    std::string text = "[";
    for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
    return text + "]";
}

template <class T>
struct ArrayView;

/// A dense row-major array: what every result is made of. Plain data, no arithmetic. A row is what one index of the
/// first axis has: row n of [N, C, H, W] is the n-th [C, H, W].
template <class T>
struct Array {
    Shape shape;
    std::vector<T> data;

    Array() = default;
    explicit Array(Shape extents, T value = T{}) : shape(std::move(extents)), data(element_count(shape), value) {}
    Array(Shape extents, std::vector<T> values) : shape(std::move(extents)), data(std::move(values)) {
        assert(static_cast<int64_t>(data.size()) == element_count(shape));
    }

    int64_t size() const { return static_cast<int64_t>(data.size()); }
    bool empty() const { return data.empty(); }
    int64_t extent(size_t axis) const { return shape.at(axis); }

    /// The elements of one row.
    std::span<T> row(int64_t index) {
        const int64_t length = row_size();
        return {data.data() + index * length, static_cast<size_t>(length)};
    }
    std::span<const T> row(int64_t index) const {
        const int64_t length = row_size();
        return {data.data() + index * length, static_cast<size_t>(length)};
    }
    int64_t row_size() const { return element_count(std::span(shape).subspan(1)); }

    /// Looks at one row, or at `count` of them from `first` on, without copying. They must be there.
    ArrayView<T> sub(int64_t index) const { return ArrayView<T>(*this).sub(index); }
    ArrayView<T> rows(int64_t first, int64_t count) const { return ArrayView<T>(*this).rows(first, count); }

    /// Copies of these rows, in this order. They must be there.
    Array select(std::span<const int64_t> indices) const {
        Array some;
        some.shape = shape;
        some.shape.at(0) = static_cast<int64_t>(indices.size());
        some.data.reserve(indices.size() * static_cast<size_t>(row_size()));
        for (int64_t index : indices) some.data.insert(some.data.end(), row(index).begin(), row(index).end());
        return some;
    }

    /// Puts the rows of another array behind its own. The other axes must be equal; an Array{} becomes the other one.
    void append(const ArrayView<T>& more) {
        if (shape.empty()) {
            *this = more.copy();
            return;
        }
        assert(std::ranges::equal(std::span(shape).subspan(1), std::span(more.shape).subspan(1)));
        shape[0] += more.extent(0);
        data.insert(data.end(), more.data.begin(), more.data.end());
    }

    bool operator==(const Array&) const = default;
};

/// Looks at an array, or at rows of it, without copying. Valid while the array is there and nothing is added to it.
template <class T>
struct ArrayView {
    Shape shape;
    std::span<const T> data;

    ArrayView() = default;
    ArrayView(const Array<T>& array) : shape(array.shape), data(array.data) {}
    ArrayView(Shape extents, std::span<const T> values) : shape(std::move(extents)), data(values) {
        assert(static_cast<int64_t>(data.size()) == element_count(shape));
    }

    int64_t size() const { return static_cast<int64_t>(data.size()); }
    bool empty() const { return data.empty(); }
    int64_t extent(size_t axis) const { return shape.at(axis); }

    std::span<const T> row(int64_t index) const { return data.subspan(index * row_size(), row_size()); }
    int64_t row_size() const { return element_count(std::span(shape).subspan(1)); }

    /// One row: of [N, T, C, H, W] a [T, C, H, W].
    ArrayView sub(int64_t index) const { return {Shape(shape.begin() + 1, shape.end()), row(index)}; }
    /// `count` rows from `first` on: of [N, T, C, H, W] a [count, T, C, H, W].
    ArrayView rows(int64_t first, int64_t count) const {
        Shape some = shape;
        some.at(0) = count;
        return {std::move(some), data.subspan(first * row_size(), count * row_size())};
    }

    Array<T> copy() const { return {shape, std::vector<T>(data.begin(), data.end())}; }
};

using FloatArray = Array<float>;
using DoubleArray = Array<double>;

}  // namespace spikelens
