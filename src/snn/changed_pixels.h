#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spikelens/core/array.h"

#include "kernels/layer_plan.h"
#include "spike_maps.h"

namespace spikelens {

/// Some pixels of an image or a layer.
struct PixelSet {
    int height = 0, width = 0;
    int pitch = 0;               ///< columns kept of a row, a multiple of 32: loops without a remainder
    std::vector<uint8_t> holds;  ///< [height][pitch], 0 or 1

    PixelSet(int rows, int columns)
        : height(rows), width(columns), pitch((columns + 31) / 32 * 32), holds(static_cast<size_t>(rows) * pitch) {}
    uint8_t* row(int y) { return &holds[static_cast<size_t>(y) * pitch]; }
    const uint8_t* row(int y) const { return &holds[static_cast<size_t>(y) * pitch]; }
    bool any() const;
    /// The share of all pixels.
    double share() const;
    std::vector<kernels::PixelSpan> spans() const;
};

/// Where two images [C, H, W] differ in any bit.
PixelSet changed_pixels(std::span<const float> before, std::span<const float> after, const Shape& shape);

/// Where spikes have changed, and what they were.
struct Change {
    PixelSet pixels;
    std::vector<kernels::PixelSpan> spans;  ///< hold these pixels, and perhaps others
    std::vector<uint64_t> before;           ///< the words of the spans
};

/// Where two maps of the same size differ in any step.
Change changed_spikes(const SpikeMap& before, const SpikeMap& after);

/// The spikes of these channels (bits), in place of what `kept` held; where it has changed.
Change keep_channels(const SpikeMap& spikes, std::span<const uint64_t> channels, SpikeMap& kept);

/// Windows over rows and columns: of a convolution or a pool.
struct Windows {
    int out_height, out_width, height, width, stride, padding;
};
Windows windows_of(const kernels::LayerPlan& plan);
Windows windows_of(const Pool& pool, const SpikeMap& pooled);

/// The outputs whose window holds one of these pixels: where nothing else changed, no other output can have.
PixelSet reached(const PixelSet& pixels, const Windows& windows);

/// Computes some pixels of a map anew, and says which have changed.
class Renewal {
  public:
    /// Takes these pixels out of the map, leaving zeros.
    Renewal(SpikeMap& map, std::vector<kernels::PixelSpan> spans);
    std::span<const kernels::PixelSpan> spans() const { return spans_; }
    /// To be called once they are there again.
    Change finish() &&;

  private:
    SpikeMap& map_;
    std::vector<kernels::PixelSpan> spans_;
    std::vector<uint64_t> before_;
};

}  // namespace spikelens
