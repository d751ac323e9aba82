#pragma once

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

/// A dense row-major array: what every result is made of. Plain data, no arithmetic.
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

    /// Elements of one index of the first axis: `row(n)` of [N, C, H, W] is the n-th [C, H, W].
    std::span<T> row(int64_t index) {
        const int64_t length = row_size();
        return {data.data() + index * length, static_cast<size_t>(length)};
    }
    std::span<const T> row(int64_t index) const {
        const int64_t length = row_size();
        return {data.data() + index * length, static_cast<size_t>(length)};
    }
    int64_t row_size() const { return element_count(std::span(shape).subspan(1)); }

    bool operator==(const Array&) const = default;
};

using FloatArray = Array<float>;
using DoubleArray = Array<double>;

}  // namespace spikelens
