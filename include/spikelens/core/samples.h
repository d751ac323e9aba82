#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "spikelens/core/array.h"

namespace spikelens {

/// A labelled set of images as every stage sees it: training, interpretation and evaluation know batches, not files.
class SampleSource {
  public:
    virtual ~SampleSource() = default;
    virtual int64_t size() const = 0;
    /// [C, H, W]
    virtual Shape shape() const = 0;
    /// One name per class.
    virtual const std::vector<std::string>& classes() const = 0;
    /// The images of these samples, [N, C, H, W], values in [0, 1]. Safe to call from several threads.
    virtual FloatArray images(std::span<const int64_t> indices) const = 0;
    virtual int label(int64_t index) const = 0;
};

}  // namespace spikelens
