#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "spikelens/core/random.h"
#include "spikelens/core/samples.h"

namespace spikelens::testing {

/// Images of noise in [0, 1], each from its address; sample n is of class n % 3.
class RandomSamples : public SampleSource {
  public:
    RandomSamples(Shape shape, int64_t count) : shape_(std::move(shape)), count_(count) {}

    int64_t size() const override { return count_; }
    Shape shape() const override { return shape_; }
    const std::vector<std::string>& classes() const override { return classes_; }
    int label(int64_t index) const override { return static_cast<int>(index % 3); }
    FloatArray images(std::span<const int64_t> indices) const override {
        Shape shape = shape_;
        shape.insert(shape.begin(), static_cast<int64_t>(indices.size()));
        FloatArray images(shape);
        for (size_t n = 0; n < indices.size(); ++n) {
            const RandomRow row(7, Stream::test, {static_cast<uint64_t>(indices[n])});
            uint64_t i = 0;
            for (float& pixel : images.row(static_cast<int64_t>(n))) pixel = static_cast<float>(row.uniform(i++));
        }
        return images;
    }

  private:
    Shape shape_;
    int64_t count_;
    std::vector<std::string> classes_ = {"a", "b", "c"};
};

}  // namespace spikelens::testing
