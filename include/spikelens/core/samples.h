#pragma once

#include <cassert>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "spikelens/core/array.h"

namespace spikelens {

/// What a network is shown, N samples: images [N, C, H, W], the same current at every step (direct coding), or spikes
/// [N, T, C, H, W], whole numbers of spikes per step. The other one is empty. A sample is one row.
struct Input {
    FloatArray images;
    Array<uint8_t> spikes;

    Input() = default;
    Input(FloatArray values) : images(std::move(values)) {}
    Input(Array<uint8_t> values) : spikes(std::move(values)) {}

    bool spiking() const { return !spikes.shape.empty(); }
    const Shape& shape() const { return spiking() ? spikes.shape : images.shape; }
    int64_t samples() const { return shape().at(0); }
    /// Steps of spikes; 0 of images, which have none of their own.
    int64_t steps() const { return spiking() ? spikes.extent(1) : 0; }

    /// Copies of these samples, in this order. They must be there.
    Input select(std::span<const int64_t> indices) const {
        if (spiking()) return spikes.select(indices);
        return images.select(indices);
    }
    /// Puts the samples of another input of the same kind and shape behind its own; an Input{} becomes the other one.
    void append(const Input& more) {
        assert(shape().empty() || spiking() == more.spiking());
        if (more.spiking())
            spikes.append(more.spikes);
        else
            images.append(more.images);
    }

    bool operator==(const Input&) const = default;
};

/// A labelled set of images or recordings as every stage sees it: training, interpretation and evaluation know batches,
/// not files.
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
    /// These samples as people see them: images [N, C, H, W], values in [0, 1]; of spiking samples their spikes summed
    /// over time, divided by each sample's largest sum. Safe to call from several threads.
    virtual FloatArray images(std::span<const int64_t> indices) const = 0;
    /// These samples as networks see them. Safe to call from several threads.
    virtual Input input(std::span<const int64_t> indices) const { return images(indices); }
    virtual int label(int64_t index) const = 0;
};

}  // namespace spikelens
