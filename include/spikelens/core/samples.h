#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "spikelens/core/array.h"

namespace spikelens {

/// What a network is shown, N samples: images [N, C, H, W], the same current at every step (direct coding), or spikes
/// [T, N, C, H, W], whole numbers of spikes per step. The other one is empty.
struct Input {
    FloatArray images;
    Array<uint8_t> spikes;

    Input() = default;
    Input(FloatArray values) : images(std::move(values)) {}
    Input(Array<uint8_t> values) : spikes(std::move(values)) {}

    bool spiking() const { return !spikes.shape.empty(); }
    const Shape& shape() const { return spiking() ? spikes.shape : images.shape; }
    int64_t samples() const { return spiking() ? spikes.extent(1) : images.extent(0); }

    bool operator==(const Input&) const = default;
};

/// Sample n of [T, N, …], as [T, …].
template <class T>
Array<T> sequence_of(const Array<T>& all, int64_t n) {
    Array<T> one;
    one.shape = all.shape;
    one.shape.erase(one.shape.begin() + 1);
    const int64_t size = all.row_size() / all.extent(1);
    for (int64_t t = 0; t < all.extent(0); ++t) {
        const auto values = all.row(t).subspan(n * size, size);
        one.data.insert(one.data.end(), values.begin(), values.end());
    }
    return one;
}

/// A labelled set of images or recordings as every stage sees it: training, interpretation and evaluation know batches, not
/// files.
class SampleSource {
  public:
    virtual ~SampleSource() = default;
    virtual int64_t size() const = 0;
    /// [C, H, W]
    virtual Shape shape() const = 0;
    /// One name per class.
    virtual const std::vector<std::string>& classes() const = 0;
    /// Steps of spiking samples, the same for all; 0 for images.
    virtual int steps() const { return 0; }
    /// These samples as people see them: images [N, C, H, W], values in [0, 1]; of spiking samples their spikes summed over
    /// time, divided by each sample's largest sum. Safe to call from several threads.
    virtual FloatArray images(std::span<const int64_t> indices) const = 0;
    /// These samples as networks see them. Safe to call from several threads.
    virtual Input input(std::span<const int64_t> indices) const { return images(indices); }
    virtual int label(int64_t index) const = 0;
};

}  // namespace spikelens
