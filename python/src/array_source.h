#pragma once

#include <algorithm>
#include <vector>

#include "spikelens/core/samples.h"

#include "arrays.h"

namespace spikelens::python {

/// Python's arrays as a set of samples.
class ArraySource final : public SampleSource {
  public:
    /// `labels` may be empty: each is 0 then.
    ArraySource(Samples samples, std::vector<int> labels, std::vector<std::string> classes)
        : samples_(std::move(samples)), labels_(std::move(labels)), classes_(std::move(classes)) {}

    int64_t size() const override { return samples_.count(); }
    Shape shape() const override {
        const Shape& all = samples_.shape();
        return {all.end() - 3, all.end()};
    }
    const std::vector<std::string>& classes() const override { return classes_; }
    int steps() const override { return samples_.spiking() ? static_cast<int>(samples_.shape()[1]) : 0; }
    FloatArray images(std::span<const int64_t> indices) const override;
    Input input(std::span<const int64_t> indices) const override { return samples_.select(indices); }
    int label(int64_t index) const override { return labels_.empty() ? 0 : labels_[index]; }

  private:
    Samples samples_;
    std::vector<int> labels_;
    std::vector<std::string> classes_;
};

}  // namespace spikelens::python
