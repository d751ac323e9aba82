// The adjoint of a layer's weights equals its definition, and has the same bits in every set.
#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/core/random.h"
#include "spikelens/snn/network.h"

#include "kernels/dispatch.h"
#include "snn/layer_adjoint.h"
#include "snn/lower.h"

namespace spikelens {
namespace {

/// Neurons that carry nothing back over time.
struct Case {
    const char* text;
    Shape input;
    int steps;
    double density;  ///< of what is not zero
};

const Case cases[] = {
    {"5C3-LIF(beta=0)-1F", {3, 6, 7}, 4, 1.0},        {"33C5s2-LIF(beta=0)-1F", {16, 9, 8}, 3, 0.2},
    {"70C3p0-LIF(beta=0)-1F", {65, 5, 6}, 2, 0.5},    {"16C3-LIF(beta=0)-1F", {16, 12, 12}, 3, 0.1},
    {"16C5s2p4-LIF(beta=0)-1F", {2, 5, 21}, 7, 0.3},  {"64C1p0s3-LIF(beta=0)-1F", {20, 4, 30}, 3, 0.7},
    {"130F-LIF(beta=0)-1F", {7, 5, 3}, 70, 0.4},      {"3F-LIF(beta=0)-1F", {1, 1, 1}, 1, 1.0},
    {"40C5-LIF(beta=0)-1F", {32, 12, 12}, 11, 0.4},   {"32C3-LIF(beta=0)-1F", {16, 9, 7}, 9, 0.5},
    {"16C5p1s2-LIF(beta=0)-1F", {2, 34, 34}, 2, 0.9}, {"4C3s3p2-LIF(beta=0)-1F", {5, 3, 3}, 2, 1.0}};

class SpreadOf : public ::testing::TestWithParam<Case> {
  protected:
    static Layer layer() {
        Network network = parse_network(GetParam().text, GetParam().input, GetParam().steps);
        initialise_weights(network, 1);
        return network.layers[0];
    }
    const Layer layer_ = layer();
    const kernels::LayerPlan plan_ = lower_for_spikes(layer_, 1.0);
    int64_t pixels_ = int64_t{layer_.out_height} * layer_.out_width, steps_ = GetParam().steps;
    std::vector<float> gradient_ = random_gradient();

    std::vector<float> random_gradient() const {
        std::vector<float> values(steps_ * pixels_ * plan_.padded());
        for (size_t i = 0; i < values.size(); ++i)
            if (static_cast<int>(i % plan_.padded()) < layer_.out_channels &&
                random_uniform(3, Stream::test, {i, 0}) < GetParam().density)
                values[i] = static_cast<float>(random_uniform(3, Stream::test, {i, 1}) - 0.5);
        return values;
    }

    std::vector<float> spread(const std::string& set) const {
        const LayerAdjoint adjoint(layer_, plan_, kernels::choose_kernels(set), {});
        std::vector<float> input(steps_ * adjoint.input_size());
        adjoint.unweigh(steps_, gradient_.data(), input.data());
        return input;
    }

    /// Σ over outputs and taps of the weight between the two, in double.
    double expected(int64_t step, int row, int column, int channel) const {
        const bool conv = layer_.kind == LayerKind::conv;
        const int height = conv ? layer_.kernel : layer_.in_height, width = conv ? layer_.kernel : layer_.in_width;
        double sum = 0;
        for (int o = 0; o < layer_.out_channels; ++o)
            for (int y = 0; y < layer_.out_height; ++y)
                for (int x = 0; x < layer_.out_width; ++x) {
                    const int ky = row + layer_.padding - y * layer_.stride,
                              kx = column + layer_.padding - x * layer_.stride;
                    if (ky < 0 || kx < 0 || ky >= height || kx >= width) continue;
                    const int64_t weight = ((int64_t{o} * layer_.in_channels + channel) * height + ky) * width + kx;
                    sum += static_cast<double>(layer_.weight.data[weight]) *
                           gradient_[(step * pixels_ + y * layer_.out_width + x) * plan_.padded() + o];
                }
        return sum;
    }
};

TEST_P(SpreadOf, EqualsTheDefinition) {
    const std::vector<float> computed = spread("");
    auto value = computed.begin();
    double largest = 0;
    for (int64_t step = 0; step < steps_; ++step)
        for (int row = 0; row < layer_.in_height; ++row)
            for (int column = 0; column < layer_.in_width; ++column)
                for (int channel = 0; channel < layer_.in_channels; ++channel, ++value) {
                    const double sum = expected(step, row, column, channel);
                    largest = std::max(largest, std::abs(sum));
                    ASSERT_NEAR(*value, sum, 2e-6) << step << " " << row << " " << column << " " << channel;
                }
    EXPECT_GT(largest, 0.01);
}

TEST_P(SpreadOf, IsTheSameInEverySet) {
    const std::vector<float> scalar = spread("scalar");
    for (const std::string& set : kernels::supported_kernels()) EXPECT_EQ(spread(set), scalar) << set;
}

INSTANTIATE_TEST_SUITE_P(Layers, SpreadOf, ::testing::ValuesIn(cases));

}  // namespace
}  // namespace spikelens
