#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "spikelens/core/samples.h"

namespace spikelens {

/// The first `count` samples of another set (all, when it has fewer). The other set outlives this. Throws InputError
/// for a negative count.
class FirstSamples : public SampleSource {
  public:
    FirstSamples(const SampleSource& all, int64_t count);

    int64_t size() const override { return count_; }
    Shape shape() const override { return all_.shape(); }
    const std::vector<std::string>& classes() const override { return all_.classes(); }
    int steps() const override { return all_.steps(); }
    FloatArray images(std::span<const int64_t> indices) const override { return all_.images(indices); }
    Input input(std::span<const int64_t> indices) const override { return all_.input(indices); }
    int label(int64_t index) const override { return all_.label(index); }

  private:
    const SampleSource& all_;
    int64_t count_;
};

/// Images [N, C, H, W] → spikes [N, T, C, H, W]. `addresses` [N] are those of random draws (core/random.h).
struct Coder {
    int steps = 0;  ///< T
    std::function<Array<uint8_t>(const FloatArray& images, std::span<const int64_t> addresses)> code;
};

/// A set of images as a coder shows them: input() gives spikes, images() the images. Throws InputError for samples that
/// are spikes already; input() throws what the coder does.
class CodedSamples : public SampleSource {
  public:
    /// Sample i has the address first_address + i: sets are kept apart by it (training and test samples of one data set
    /// must not share random spikes).
    CodedSamples(std::shared_ptr<const SampleSource> images, Coder coder, int64_t first_address = 0);

    int64_t size() const override { return images_->size(); }
    Shape shape() const override { return images_->shape(); }
    const std::vector<std::string>& classes() const override { return images_->classes(); }
    int steps() const override { return coder_.steps; }
    FloatArray images(std::span<const int64_t> indices) const override { return images_->images(indices); }
    Input input(std::span<const int64_t> indices) const override;
    int label(int64_t index) const override { return images_->label(index); }

  private:
    std::shared_ptr<const SampleSource> images_;
    Coder coder_;
    int64_t first_address_;
};

}  // namespace spikelens
