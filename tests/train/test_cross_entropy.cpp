#include <cmath>

#include <gtest/gtest.h>

#include "train/cross_entropy.h"

namespace spikelens {
namespace {

TEST(CrossEntropy, AnUndecidedSampleIsNotRightWhateverItsLabel) {
    const std::vector<float> scores{0, 0, 0, 0, 0, 0, 2, 0, 1};
    const std::vector<int> labels{0, 2, 0};
    std::vector<float> gradient(scores.size());
    const BatchRecord record = cross_entropy(scores, labels, 1, gradient);
    EXPECT_EQ(record.correct, 1);
    EXPECT_NEAR(record.loss, 2 * std::log(3) + std::log(1 + std::exp(-2) + std::exp(-1)), 1e-12);
}

}  // namespace
}  // namespace spikelens
