#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "small_network.h"
#include "snn/reference_network.h"
#include "spiking_input.h"

namespace spikelens {
namespace {

using spikelens::testing::Dual;
using spikelens::testing::ReferenceNetwork;

struct Explained {
    Network network;
    CpuEngine engine{network};
    std::vector<int> targets{2, 0};
    std::vector<int64_t> samples{0, 1};

    FloatArray by(const std::string& spec, const Input& input) const {
        const AttributionContext context{.engine = &engine};
        return explain(parse_method(spec), context, {input, targets, samples});
    }
};

/// Two samples, as an image and as spikes over more steps than the network's own.
std::vector<Input> both_inputs(const Shape& shape) {
    return {test::test_images(2, shape), test::test_spikes(7, 2, shape)};
}

/// ∂y_c/∂x[t, i] of one sample, one direction after the other through the definition of the network.
std::vector<double> reference_gradient(const Network& network, const std::vector<std::vector<double>>& frames,
                                       int target) {
    const ReferenceNetwork reference(network, Surrogate{}, false);
    std::vector<std::vector<Dual>> input;
    for (const auto& frame : frames) {
        input.emplace_back();
        for (double value : frame) input.back().push_back({value, 0});
    }
    std::vector<double> slopes;
    for (auto& frame : input) {
        for (Dual& value : frame) {
            value.slope = 1;
            slopes.push_back(reference.scores(input)[target].slope);
            value.slope = 0;
        }
    }
    return slopes;
}

TEST(Grad3D, IsTheGradientAtEveryPlaceAndStep) {
    const Shape shape{2, 5, 6};
    const Explained explained{test::small_network("3C3-LIF-MP2-4F-LIF-3F", shape, 4)};
    for (const Input& input : both_inputs(shape)) {
        const FloatArray result = explained.by("grad3d", input);
        const int64_t steps = input.spiking() ? 7 : 4, size = 60;
        ASSERT_EQ(result.shape, (Shape{2, steps, 2, 5, 6}));
        double largest = 0;
        for (int64_t n = 0; n < 2; ++n) {
            const auto expected =
                reference_gradient(explained.network, test::frames_of(input, n, steps), explained.targets[n]);
            for (int64_t i = 0; i < steps * size; ++i) {
                EXPECT_NEAR(result.row(n)[i], expected[i], 1e-5 + 1e-4 * std::abs(expected[i]));
                largest = std::max(largest, std::abs(expected[i]));
            }
        }
        EXPECT_GT(largest, 1e-3) << "nothing was tested: the gradient is zero";
    }
}

TEST(Grad3D, SummedOverTimeIsGrad2D) {
    for (const char* text :
         {"4C3-LIF-MP2-6C3-LIF-MP2-12F-LIF-5F", "4C3-LIF-AP2-5F-LIF-3F-LIF", "4C3-LIF(alpha=0.5)-3F-LI(beta=0.8)"}) {
        const Explained explained{test::small_network(text, {2, 12, 12}, 6)};
        for (const Input& input : both_inputs({2, 12, 12})) {
            const FloatArray timed = explained.by("grad3d", input), summed = explained.by("grad2d", input);
            ASSERT_EQ(summed.shape, (Shape{2, 2, 12, 12}));
            const double largest =
                std::abs(*std::ranges::max_element(timed.data, {}, [](float v) { return std::abs(v); }));
            EXPECT_GT(largest, 1e-5) << text << ": nothing was tested, the gradient is zero";
            for (int64_t i = 0; i < summed.size(); ++i) {
                const ArrayView<float> of_sample = timed.sub(i / summed.row_size());
                double sum = 0;
                for (int64_t t = 0; t < of_sample.extent(0); ++t) sum += of_sample.row(t)[i % summed.row_size()];
                EXPECT_NEAR(summed.data[i], sum, 1e-5 * largest) << text << " " << i;
            }
        }
    }
}

}  // namespace
}  // namespace spikelens
