#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/pipeline/explainer.h"

namespace spikelens {
namespace {

class Labelled final : public SampleSource {
  public:
    explicit Labelled(std::vector<int> labels) : labels_(std::move(labels)) {}
    int64_t size() const override { return std::ssize(labels_); }
    Shape shape() const override { return {1, 1, 1}; }
    int steps() const override { return 0; }
    int label(int64_t index) const override { return labels_[index]; }
    const std::vector<std::string>& classes() const override { return names_; }
    FloatArray images(std::span<const int64_t> indices) const override {
        return FloatArray({std::ssize(indices), 1, 1, 1});
    }
    Input input(std::span<const int64_t> indices) const override { return images(indices); }

  private:
    std::vector<int> labels_;
    std::vector<std::string> names_ = {"a", "b"};
};

/// Class 0 has the samples 0, 2, 4, 5, 6 and class 1 has 1, 3, 7.
const Labelled samples({0, 1, 0, 1, 0, 0, 0, 1});

TEST(DrawSamples, WholeBatchesAreThoseOfAClassFromItsFirstOn) {
    EXPECT_EQ(draw_samples(samples, 2, 0, 1), (std::vector<int64_t>{0, 1, 2, 3, 4, 5}));
    EXPECT_EQ(draw_samples(samples, 4, 0, 1), (std::vector<int64_t>{0, 2, 4, 5}));
    EXPECT_EQ(draw_samples(samples, 0, 0, 1), draw_samples(8, 0, 1));
    const std::vector<int64_t> drawn = draw_samples(samples, 4, 2, 3);
    ASSERT_EQ(drawn.size(), 2U);
    for (const int64_t index : drawn) EXPECT_TRUE(index == 0 || index == 2 || index == 4 || index == 5) << index;
}

TEST(DrawSamples, ABatchThatNoClassFillsIsRefused) {
    EXPECT_THROW(draw_samples(samples, 6, 0, 1), InputError);
    EXPECT_THROW(draw_samples(samples, -1, 0, 1), InputError);
}

}  // namespace
}  // namespace spikelens
