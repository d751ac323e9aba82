#pragma once

#include <algorithm>

#include "spikelens/core/random.h"
#include "spikelens/core/samples.h"

namespace spikelens {

/// Images and labels in memory.
class MemorySamples : public SampleSource {
  public:
    MemorySamples(FloatArray images, std::vector<int> labels, int classes)
        : images_(std::move(images)), labels_(std::move(labels)) {
        for (int c = 0; c < classes; ++c) classes_.push_back("class " + std::to_string(c));
    }
    int64_t size() const override { return static_cast<int64_t>(labels_.size()); }
    Shape shape() const override { return {images_.shape.begin() + 1, images_.shape.end()}; }
    const std::vector<std::string>& classes() const override { return classes_; }
    FloatArray images(std::span<const int64_t> indices) const override { return images_.select(indices); }
    int label(int64_t index) const override { return labels_[index]; }
    std::vector<int>& labels() { return labels_; }

  private:
    FloatArray images_;
    std::vector<int> labels_;
    std::vector<std::string> classes_;
};

/// Random images in [0, 2): bright enough that untrained networks spike.
inline MemorySamples random_samples(int64_t count, const Shape& shape, int classes, uint64_t seed) {
    Shape all = shape;
    all.insert(all.begin(), count);
    FloatArray images(all);
    for (int64_t i = 0; i < images.size(); ++i)
        images.data[i] = static_cast<float>(2 * random_uniform(seed, Stream::test, {0, static_cast<uint64_t>(i)}));
    std::vector<int> labels(count);
    for (int64_t i = 0; i < count; ++i)
        labels[i] = static_cast<int>(random_bits(seed, Stream::test, {1, static_cast<uint64_t>(i)}) % classes);
    return {std::move(images), std::move(labels), classes};
}

}  // namespace spikelens
