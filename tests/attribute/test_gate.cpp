#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/attribute/baseline.h"
#include "spikelens/core/error.h"

#include "gate_reference.h"
#include "small_network.h"

namespace spikelens {
namespace {

void expect_gate_equals_reference(const Network& network, int64_t path_steps, const std::string& options) {
    const CpuEngine simulator(network);
    const test::GateReference reference{network, simulator};
    const Shape shape = network.input_shape();
    const FloatArray images = test::test_images(3, shape);
    const FloatArray baseline = baseline_images(images, options.empty() ? Baseline::black : Baseline::mean);
    const std::vector<int> targets{0, 2, 1};
    const std::vector<int64_t> samples{0, 1, 2};
    const std::string spec =
        path_steps == 1 ? "gate" + options : "gate_path:steps=" + std::to_string(path_steps) + options;
    const FloatArray maps = explain(parse_method(spec), {.engine = &simulator}, {images, targets, samples});
    ASSERT_EQ(maps.shape, images.shape);
    double largest = 0;
    for (int64_t n = 0; n < 3; ++n) {
        test::Vector gain(images.row_size());
        for (int64_t k = 1; k <= path_steps; ++k) {
            FloatArray point({1, shape[0], shape[1], shape[2]});
            for (int64_t i = 0; i < point.size(); ++i) {
                const float share = static_cast<float>(k) / static_cast<float>(path_steps);
                const float from = baseline.row(n)[i], to = images.row(n)[i];
                point.data[i] = k == path_steps ? to : from + share * (to - from);
            }
            const test::Vector at_point = reference.gains(point, targets[n]).input;
            for (size_t i = 0; i < gain.size(); ++i) gain[i] += at_point[i] / static_cast<double>(path_steps);
        }
        for (size_t i = 0; i < gain.size(); ++i) {
            const double expected = gain[i] * (images.row(n)[i] - baseline.row(n)[i]);
            EXPECT_NEAR(maps.row(n)[i], expected, 1e-5 + 1e-4 * std::abs(expected))
                << spec << ", sample " << n << ", input " << i;
            largest = std::max(largest, std::abs(expected));
        }
    }
    EXPECT_GT(largest, 0.01) << "the network must spike for this test to mean anything";
}

TEST(Gate, EqualsTheProductOfDenseMatrices) {
    expect_gate_equals_reference(test::two_conv_network(), 1, "");
    expect_gate_equals_reference(test::two_conv_network({2, 12, 12}), 1, ":baseline=mean");
}

TEST(Gate, OfOtherPoolsStridesAndNeurons) {
    for (const char* text :
         {"4C3-LIF-AP2-5F-LIF-3F", "4C3s2-LIF-6C3p0-IF-5F-LIF-3F", "4C3-LIF-MP3s2-3F", "4C3b0-LIF-MP2-3F-LIF",
          "4C3-LIF(gain=2,decay_input,beta=0.5)-MP2-6F-LIF(gain=0.5)-3F", "8F-LIF-3F", "4C3-LIF-SP2-5F-LIF-3F",
          "4C3-LIF(alpha=0.5)-MP2-5F-LIF(alpha=0.3,beta=0.8)-3F", "4C3-LIF-MP2-5F-LIF-3F-LI(beta=0.7)",
          // A threshold this low makes more spikes than drive: gates at their limit.
          "4C3-LIF(threshold=0.05,decay_input,beta=0.8)-MP2-6F-LIF(threshold=0.1)-3F"}) {
        expect_gate_equals_reference(test::small_network(text, {1, 7, 9}, 6), 1, "");
    }
}

TEST(Gate, OfGraphs) {
    for (const char* text :
         {"4C3-LIF-[4C3-LIF-4C3-LIF|]add-MP2-5F-LIF-3F", "4C3-LIF-[4C3-LIF-4C3|]add-LIF-AP2-3F",
          "[4C3|4C1]add-LIF-[3C3-LIF|4C1-IF|]cat-MP2-3F", "4C3-MP2-LIF-[4C3-AP2|4C1-MP2]add-LIF(decay_input,gain=2)-3F",
          "4C3-LIF-[4C3-LIF|4C1-LIF]and-[|4C3-LIF(threshold=2)]iand-3F",
          "4C3-LIF(beta=*,gain=**)-4C1x3g2d1x2-IF-MP2x1-5F-LIF-3F", "4C3-LIF-[4C3-IF|]add-MP2-3C1-GAP-LI(beta=0.5)",
          "4C3-LIF-[4C3-IF|]and-IF-3C1-IF-GAP"})
        expect_gate_equals_reference(test::small_network(text, {1, 7, 9}, 6), 1, "");
    expect_gate_equals_reference(test::small_network("4C3-LIF-[4C3-LIF|]add-MP2-3F", {1, 8, 8}, 6), 3,
                                 ":baseline=mean");
}

TEST(Gate, RefusesRecurrence) {
    const CpuEngine simulator(test::small_network("4C3-LIF-6F-R-LIF-3F", {1, 7, 9}, 6));
    const FloatArray images = test::test_images(1, {1, 7, 9});
    try {
        explain(parse_method("gate"), {.engine = &simulator}, {images, std::vector{0}, std::vector<int64_t>{0}});
        FAIL() << "accepted";
    } catch (const InputError& error) {
        EXPECT_NE(std::string(error.what()).find("full2"), std::string::npos) << error.what();
    }
}

TEST(GatePath, AveragesTheGainAlongThePath) {
    expect_gate_equals_reference(test::two_conv_network(), 4, "");
    expect_gate_equals_reference(test::two_conv_network(), 3, ":baseline=mean");
}

TEST(GatePath, OfOneStepIsGate) {
    const Network network = test::two_conv_network();
    const CpuEngine simulator(network);
    const FloatArray images = test::test_images(2, {1, 12, 12});
    const std::vector<int> targets{0, 3};
    const std::vector<int64_t> samples{0, 1};
    const AttributionContext context{.engine = &simulator};
    EXPECT_EQ(explain(parse_method("gate_path:steps=1"), context, {images, targets, samples}),
              explain(parse_method("gate"), context, {images, targets, samples}));
}

}  // namespace
}  // namespace spikelens
