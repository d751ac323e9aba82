#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <malloc.h>

#include "spikelens/core/error.h"
#include "spikelens/train/plan.h"

#include "support/random_samples.h"

namespace spikelens {
namespace {

using testing::RandomSamples;

constexpr const char* kDeep = "16C3-LIF-16C3-LIF-AP2-24C3-LIF-24C3-LIF-MP2-32C3-LIF-SP2-32C3-LIF-20F-LIF-3F";

Network drawn(std::string_view text, const Shape& input, int steps) {
    Network network = parse_network(text, input, steps);
    initialise_weights(network, 3);
    for (Layer& layer : network.layers)
        if (layer.neuron) layer.neuron->threshold = 0.1F;
    return network;
}

/// One of /proc/self/status, in bytes.
int64_t status(const std::string& field) {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(field + ":")) return 1024 * std::stoll(line.substr(field.size() + 1));
    ADD_FAILURE() << "no " << field;
    return 0;
}

/// How much more memory `body` takes at its height than there was before.
int64_t peak_of(const auto& body) {
    ::malloc_trim(0);
    std::ofstream("/proc/self/clear_refs") << "5";
    const int64_t before = status("VmRSS");
    body();
    return status("VmHWM") - before;
}

struct Trained {
    std::vector<FloatArray> weights, momentum;
    bool operator==(const Trained&) const = default;
};

Trained trained(Network network, const SampleSource& samples, const TrainOptions& options, const Execution& execution) {
    TrainState state;
    train(network, samples, options, state, nullptr, execution);
    Trained result{{}, state.momentum};
    for (const Layer& layer : network.layers) result.weights.push_back(layer.weight);
    return result;
}

TEST(TrainPlan, TheBitsAreTheSameWhateverIsComputedAnew) {
    const Network network = drawn(kDeep, {2, 16, 16}, 4);
    const RandomSamples samples({2, 16, 16}, 12);
    TrainOptions options;
    options.epochs = 1;
    options.batch = 12;
    const Trained expected = trained(network, samples, options, {.threads = 2});
    for (const FloatArray& momentum : expected.momentum)
        EXPECT_TRUE(std::ranges::any_of(momentum.data, [](float value) { return value != 0; })) << "nothing was tested";
    int plans = 0;
    TrainPlan before;
    for (int64_t memory = int64_t{64} << 20; before.threads > 1 || !before.recompute || plans == 0;
         memory = memory * 9 / 10) {
        const Execution execution{.threads = 2, .memory = memory};
        const TrainPlan plan = plan_training(network, samples, options, execution);
        EXPECT_LE(plan.bytes, memory);
        if (plans > 0 && plan.bytes == before.bytes) continue;
        EXPECT_EQ(trained(network, samples, options, execution), expected) << plan_text(plan);
        before = plan;
        ++plans;
    }
    EXPECT_GE(plans, 3) << "two threads or one, with what is kept or computed anew";
}

TEST(TrainPlan, FrozenLayersNeedLess) {
    const Network network = drawn(kDeep, {2, 16, 16}, 4);
    const RandomSamples samples({2, 16, 16}, 8);
    TrainOptions options, frozen;
    frozen.freeze = {"conv1..conv4"};
    EXPECT_LT(plan_training(network, samples, frozen, {.threads = 1}).bytes,
              plan_training(network, samples, options, {.threads = 1}).bytes);
}

TEST(TrainPlan, SmallerPartsNeedLess) {
    const Network network = drawn(kDeep, {2, 16, 16}, 4);
    const RandomSamples samples({2, 16, 16}, 64);
    TrainOptions options;
    options.batch = 64;
    const TrainPlan whole = plan_training(network, samples, options, {.threads = 1});
    EXPECT_EQ(whole.shard, 8);
    options.accumulate = 8;
    const TrainPlan part = plan_training(network, samples, options, {.threads = 1});
    EXPECT_EQ(part.shard, 1);
    EXPECT_EQ(8 * part.bytes, whole.bytes);
}

TEST(TrainPlan, SaysWhatIsMissing) {
    const Network network = drawn(kDeep, {2, 16, 16}, 4);
    TrainOptions options;
    try {
        plan_training(network, RandomSamples({2, 16, 16}, 64), options, {.memory = 100'000});
        FAIL();
    } catch (const InputError& error) {
        EXPECT_TRUE(std::string(error.what()).find("more than the memory of 97 KB; a batch in more parts") !=
                    std::string::npos)
            << error.what();
    }
}

// A sample takes some 100 MB when all is kept.
TEST(TrainPlan, PeakMemoryStaysWithinThePlan) {
    const Network network = drawn("32C3-LIF-32C3-LIF-32C3-LIF-32C3-LIF-32C3-LIF-MP2-32C3-LIF-MP8-3F", {2, 64, 64}, 16);
    const RandomSamples samples({2, 64, 64}, 2);
    TrainOptions options;
    options.epochs = 1;
    options.batch = 16;
    TrainOptions one = options;
    one.batch = 1;
    trained(network, RandomSamples({2, 64, 64}, 1), one, {.threads = 1});  // what LibTorch loads, and keeps
    const Execution roomy{.threads = 1}, tight{.threads = 1, .memory = int64_t{80} << 20};
    const TrainPlan whole = plan_training(network, samples, options, roomy),
                    lean = plan_training(network, samples, options, tight);
    ASSERT_FALSE(whole.recompute);
    ASSERT_TRUE(lean.recompute);
    Trained with_all, with_little;
    const int64_t all = peak_of([&] { with_all = trained(network, samples, options, roomy); });
    const int64_t little = peak_of([&] { with_little = trained(network, samples, options, tight); });
    RecordProperty("planned_all", std::to_string(whole.bytes));
    RecordProperty("peak_all", std::to_string(all));
    RecordProperty("planned_little", std::to_string(lean.bytes));
    RecordProperty("peak_little", std::to_string(little));
    EXPECT_LE(little, tight.memory + lean.weights + (int64_t{8} << 20));
    EXPECT_GT(all, tight.memory + lean.weights + (int64_t{8} << 20)) << "the test could not have failed";
    EXPECT_EQ(with_little, with_all);
}

}  // namespace
}  // namespace spikelens
