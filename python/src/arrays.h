#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "spikelens/core/array.h"
#include "spikelens/core/samples.h"

namespace spikelens::python {

namespace nb = nanobind;

using FloatValues = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;
using ByteValues = nb::ndarray<const uint8_t, nb::c_contig, nb::device::cpu>;

template <class Values>
Shape shape_of(const Values& values) {
    Shape shape;
    for (size_t axis = 0; axis < values.ndim(); ++axis) shape.push_back(static_cast<int64_t>(values.shape(axis)));
    return shape;
}

/// Looks at an array of Python's: valid while that is there.
template <class T, class Values>
ArrayView<T> view_of(const Values& values) {
    return {shape_of(values), std::span<const T>(values.data(), values.size())};
}

/// What a network is shown, in Python's memory: images of float32 [N, C, H, W] or spikes of uint8 [N, T, C, H, W]. A
/// batch at a time is copied for the engine.
struct Samples {
    ArrayView<float> images;
    ArrayView<uint8_t> spikes;

    explicit Samples(const FloatValues& values) : images(view_of<float>(values)) {}
    explicit Samples(const ByteValues& values) : spikes(view_of<uint8_t>(values)) {}

    bool spiking() const { return !spikes.shape.empty(); }
    const Shape& shape() const { return spiking() ? spikes.shape : images.shape; }
    int64_t count() const { return shape().at(0); }
    Input batch(int64_t first, int64_t count) const {
        if (spiking()) return spikes.rows(first, count).copy();
        return images.rows(first, count).copy();
    }
    /// Copies of these samples, in this order. They must be there.
    Input select(std::span<const int64_t> indices) const {
        Input some;
        for (const int64_t index : indices) some.append(batch(index, 1));
        return some;
    }
};

/// Samples of an ndarray of either kind: throws TypeError for another, InputError for other axes.
Samples samples_of(const nb::object& values);

/// The array as one of NumPy, which owns its values from then on: nothing is copied.
template <class T>
nb::ndarray<nb::numpy, T> numpy_array(Array<T> array) {
    auto* owned = new std::vector<T>(std::move(array.data));
    const nb::capsule owner(owned, [](void* data) noexcept { delete static_cast<std::vector<T>*>(data); });
    std::vector<size_t> shape(array.shape.begin(), array.shape.end());
    return nb::ndarray<nb::numpy, T>(owned->data(), shape.size(), shape.data(), owner);
}

/// A copy of an array of Python's.
FloatArray float_array(const FloatValues& values);

}  // namespace spikelens::python
