#include <algorithm>
#include <cmath>
#include <string>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/train/plan.h"

#include "train/torch/torch_network.h"
#include "train/training.h"

namespace spikelens {
namespace {

using testing::Halves;
using testing::lively_network;
using testing::parameters;
using testing::random_values;
using testing::Stop;
using testing::Training;

double largest(const at::Tensor& values) { return values.abs().max().item<double>(); }

/// Two ways to compute one step of training.
struct Step {
    at::Tensor scores;
    std::vector<at::Tensor> gradients;
};

Step step_of(const Network& network, const Surrogate& surrogate, const at::Tensor& input,
             TorchNetwork::Computing computing, bool recompute = false) {
    const at::NoGradGuard no_autograd;
    compute_in_this_thread();
    const TorchNetwork torch(network, surrogate, std::vector<bool>(network.layers.size(), false), computing);
    TorchNetwork::Trace trace;
    trace.recompute = recompute;
    Step step;
    step.scores = torch.forward(input, trace);
    at::Tensor way = at::from_blob(random_values(step.scores.numel(), -1, 1, 3).data(), step.scores.sizes()).clone();
    step.gradients = torch.backward(trace, way);
    return step;
}

at::Tensor pictures(const Network& network, int64_t count) {
    std::vector<float> values = random_values(count * element_count(network.input_shape()), 0, 1, 7);
    return at::from_blob(values.data(), {count, network.channels, network.height, network.width}).clone();
}

/// Counts of spikes at every step.
at::Tensor recordings(const Network& network, int64_t count) {
    return (pictures(network, count * 5) * 3)
        .to(at::kByte)
        .view({count, 5, network.channels, network.height, network.width});
}

/// Spikes are equal to the bit, since a score counts them, and gradients but for rounding.
void expect_equal_but_for_rounding(const Network& network, const Surrogate& surrogate, const at::Tensor& input,
                                   bool recompute = false) {
    const Step fused = step_of(network, surrogate, input, {}, recompute);
    const Step composed = step_of(network, surrogate, input, {.fused = false}, recompute);
    EXPECT_TRUE(at::equal(fused.scores, composed.scores));
    EXPECT_GT(largest(fused.scores), 0) << "nothing was tested: nothing spikes";
    ASSERT_EQ(fused.gradients.size(), composed.gradients.size());
    double all = 0;
    for (const at::Tensor& gradient : fused.gradients) all = std::max(all, largest(gradient));
    EXPECT_GT(all, 0) << "nothing was tested: the gradient is zero";
    for (size_t p = 0; p < fused.gradients.size(); ++p)
        EXPECT_LE(largest(fused.gradients[p] - composed.gradients[p]), 1e-6 * all) << "parameter " << p;
}

TEST(Computing, NeuronsOfAnyKindAreThoseOfOurKernels) {
    for (const std::string neuron :
         {"LIF", "LIF(delay)", "LIF(reset=zero)", "LIF(reset=zero,delay)", "LIF(reset=zero,v_reset=-0.2)",
          "LIF(reset=none)", "LIF(beta=1)", "LIF(beta=0.2,threshold=0.5)", "LIF(threshold=0.7)", "LIF(ge)",
          "LIF(decay_input,threshold=0.02)", "LIF(gain=1.5)", "LIF(alpha=0.6)", "LIF(alpha=0.6,reset=zero,delay)",
          "LIF(alpha=0.7,delay,decay_input,threshold=0.02)"})
        for (const std::string surrogate : {"triangle(0.9)", "sigmoid(5)", "fast_sigmoid(4)", "atan(2)",
                                            "atan(2,through_reset)", "triangle(0.9,through_reset)"}) {
            SCOPED_TRACE(neuron + " " + surrogate);
            const Network network =
                lively_network("4C3-" + neuron + "-MP2-6F-" + neuron + "-3F-" + neuron, {1, 6, 6}, 4, 1);
            expect_equal_but_for_rounding(network, parse_surrogate(surrogate), pictures(network, 5));
            expect_equal_but_for_rounding(network, parse_surrogate(surrogate), recordings(network, 3));
        }
}

TEST(Computing, PoolsAndReadoutsOfAnyKindToo) {
    for (const std::string pool : {"", "-MP2", "-MP3s1", "-MP2s1", "-AP2", "-AP2s1", "-AP3", "-SP2", "-SP3s2"})
        for (const std::string end : {"3F", "3F-LIF(threshold=0.2)", "5C1-LIF(threshold=0.3)-3F-LI(beta=0.9)"})
            for (const bool recompute : {false, true}) {
                SCOPED_TRACE(pool + " " + end);
                const Network network =
                    lively_network("4C3-LIF" + pool + "-4C3s2-LIF(threshold=0.5)-" + end, {2, 8, 8}, 5, 2);
                const Surrogate surrogate = parse_surrogate("atan(2)");
                expect_equal_but_for_rounding(network, surrogate, pictures(network, 4), recompute);
                expect_equal_but_for_rounding(network, surrogate, recordings(network, 4), recompute);
            }
}

/// Eight bits: a factor is off by at most 2^-9 of itself.
constexpr double kRounding = 1.0 / 512;

TEST(Computing, ProductsInBfloat16HaveTheRoundingOfTheirFactors) {
    // Sums without a threshold between them: 36 products of two factors off by 2^-9 each, and the sum's own rounding.
    const Network network = lively_network("3F", {1, 6, 6}, 4, 1);
    const at::Tensor input = pictures(network, 6);
    const Step exact = step_of(network, {}, input, {}),
               rounded = step_of(network, {}, input, {.products = at::kBFloat16});
    EXPECT_FALSE(at::equal(exact.scores, rounded.scores));
    const at::Tensor weight = view_of(network.layers[0].weight.data.data(), network.layers[0].weight.shape);
    const double sum = at::mm(input.flatten(1).abs(), weight.abs().t()).max().item<double>();
    EXPECT_LE(largest(exact.scores - rounded.scores), 3.1 * kRounding * sum);
    for (const at::Tensor& gradient : rounded.gradients) EXPECT_EQ(gradient.scalar_type(), at::kFloat);
    EXPECT_LE(largest(exact.gradients[0] - rounded.gradients[0]), 3.1 * kRounding * 6);
    EXPECT_TRUE(at::equal(exact.gradients[1], rounded.gradients[1])) << "a bias has no product";
}

TEST(Computing, SpikesAreExactInBfloat16) {
    // Weights of three bits and counts are numbers of bfloat16: then so little is rounded that every neuron spikes
    // alike.
    Network network = lively_network("4C3-LIF-MP2-6C3-LIF-3F-LIF", {2, 6, 6}, 5, 1);
    for (Layer& layer : network.layers)
        for (float& weight : layer.weight.data) weight = std::round(weight * 8) / 8;
    const at::Tensor input = recordings(network, 4);
    const Step exact = step_of(network, {}, input, {}),
               rounded = step_of(network, {}, input, {.products = at::kBFloat16});
    EXPECT_GT(largest(exact.scores), 0);
    EXPECT_TRUE(at::equal(exact.scores, rounded.scores));
    for (size_t p = 0; p < exact.gradients.size(); ++p) {
        const double size = exact.gradients[p].norm().item<double>();
        EXPECT_LE((exact.gradients[p] - rounded.gradients[p]).norm().item<double>(), 4 * kRounding * size) << p;
    }
}

TEST(Computing, RecomputesInBfloat16WhatItComputedBefore) {
    const Network network = lively_network("4C3-LIF-MP2-6C3-LIF-3F-LIF", {2, 6, 6}, 5, 1);
    const at::Tensor input = recordings(network, 4);
    const Step kept = step_of(network, {}, input, {.products = at::kBFloat16}),
               anew = step_of(network, {}, input, {.products = at::kBFloat16}, true);
    EXPECT_TRUE(at::equal(kept.scores, anew.scores));
    EXPECT_GT(largest(kept.gradients[0]), 0);
    for (size_t p = 0; p < kept.gradients.size(); ++p)
        EXPECT_TRUE(at::equal(kept.gradients[p], anew.gradients[p])) << p;
}

TEST_F(Training, LearnsInBfloat16AndGoesOnInTheSameBits) {
    samples = Halves(120);
    initialise_weights(network, 5);
    options.batch = 10;
    options.epochs = 8;
    options.learning_rate = 0.2;
    options.precision = Precision::bfloat16;
    options.accumulate = 2;
    options.freeze = {"full2"};
    Network start = network, exact = network;
    std::vector<Stop> stops;
    train(network, samples, options, state,
          [&](const Network& now, const TrainState& at) {
              if (at.epochs_done == 3 && at.part.samples % 50 == 0) stops.push_back({now, at});
          },
          {.threads = 1});
    EXPECT_LT(state.history.back().loss, state.history.front().loss / 2);
    ASSERT_EQ(stops.size(), 3U);
    for (Stop& stop : stops) {
        train(stop.network, samples, options, stop.state, nullptr, {.threads = 3});
        expect_same_end(stop);
    }
    options.precision = Precision::float32;
    TrainState fresh;
    train(exact, samples, options, fresh, nullptr);
    EXPECT_NE(parameters(exact), parameters(network));
    EXPECT_NEAR(fresh.history.front().loss, state.history.front().loss, 0.05);
}

TEST_F(Training, MemoryOfBfloat16AndOfOtherDevicesIsPlanned) {
    const TrainPlan plan = plan_training(network, samples, options, {});
    options.precision = Precision::bfloat16;
    const TrainPlan rounded = plan_training(network, samples, options, {});
    EXPECT_GT(rounded.bytes, plan.bytes);
    EXPECT_GT(rounded.weights, plan.weights);
    options.device = Device::cuda;
    EXPECT_GT(plan_training(network, samples, options, {}).bytes, rounded.bytes);
}

TEST_F(Training, SaysWhyThereIsNoGpu) {
    if (at::globalContext().hasCUDA()) GTEST_SKIP() << "here is a GPU";
    options.device = Device::cuda;
    try {
        run();
        FAIL() << "trained on a GPU that is not there";
    } catch (const InputError& error) {
        EXPECT_TRUE(std::string(error.what()).starts_with("training: there is no GPU to train on: LibTorch "))
            << error.what();
    }
    EXPECT_THROW(parse_device("gpu"), InputError);
    EXPECT_THROW(parse_precision("float16"), InputError);
    EXPECT_EQ(parse_precision(precision_text(Precision::bfloat16)), Precision::bfloat16);
    EXPECT_EQ(parse_device(device_text(Device::cuda)), Device::cuda);
}

}  // namespace
}  // namespace spikelens
