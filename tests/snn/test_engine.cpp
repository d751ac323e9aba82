#include <algorithm>
#include <atomic>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/snn/engine.h"

#include "attribute/small_network.h"
#include "attribute/spiking_input.h"

namespace spikelens {
namespace {

std::unique_ptr<const Engine> engine_of(const std::string& name, const Network& network) {
    return make_engine(name, std::make_shared<const Network>(network));
}

class EngineConformance : public testing::TestWithParam<std::string> {
  protected:
    /// Skips where this machine has no such engine.
    void SetUp() override {
        try {
            engine_of(GetParam(), test::small_network("4F", {1, 2, 2}, 2));
        } catch (const RunError& error) {
            GTEST_SKIP() << error.what();
        }
    }

    const Shape shape{2, 9, 7};
    const std::vector<std::string> texts{"3C3-LIF-MP2-4C3-IF(reset=zero)-5F-LIF-4F", "4C3s2-LIF(beta=0.8,delay)-4F-LIF",
                                         "6F-LIF(reset=none)-4F", "3C3-LIF-[3C3-LIF|3C1-R1-IF|]cat-MP2-4F"};
    const std::vector<Input> inputs{test::test_images(5, shape), test::test_spikes(6, 5, shape)};
    const std::vector<int> targets{0, 3, 1, 2, 3};
};

void expect_equal(const Recording& got, const Recording& wanted) {
    EXPECT_EQ(got.scores, wanted.scores);
    ASSERT_EQ(got.layers.size(), wanted.layers.size());
    for (size_t l = 0; l < got.layers.size(); ++l) {
        EXPECT_EQ(got.layers[l].counts, wanted.layers[l].counts);
        EXPECT_EQ(got.layers[l].pooled_counts, wanted.layers[l].pooled_counts);
        EXPECT_EQ(got.layers[l].spikes, wanted.layers[l].spikes);
        EXPECT_EQ(got.layers[l].potentials, wanted.layers[l].potentials);
    }
}

TEST_P(EngineConformance, GivesTheBytesOfTheScalarReference) {
    for (const std::string& text : texts) {
        const Network network = test::small_network(text, shape, 4);
        if (!is_chain(network) && GetParam().starts_with("gpu")) {
            EXPECT_THROW(engine_of(GetParam(), network), InputError);
            continue;
        }
        const auto engine = engine_of(GetParam(), network);
        const Simulator scalar(network, {.threads = 1, .kernel = "scalar"});
        const RecordRequest request{{0}, true, true, true, true};
        const std::vector<std::vector<FilterIndex>> sets{{}, {{0, 1}}, {{0, 0}, {0, 2}}};
        for (const Input& input : inputs) {
            expect_equal(engine->run(input, request), scalar.run(input, request));
            const FloatArray ablated = engine->run_ablations(input, sets);
            for (size_t s = 0; s < sets.size(); ++s) {
                const FloatArray wanted = scalar.run(input, {}, sets[s]).scores;
                EXPECT_TRUE(std::ranges::equal(ablated.row(static_cast<int64_t>(s)), wanted.data))
                    << text << ", set " << s;
            }
        }
    }
}

TEST_P(EngineConformance, ASampleDoesNotDependOnItsBatch) {
    const Network network = test::small_network(texts[0], shape, 4);
    const auto engine = engine_of(GetParam(), network);
    for (const Input& input : inputs) {
        const FloatArray together = engine->run(input).scores;
        const InputGradient gradients = engine->gradient(input, targets);
        for (int64_t n = 0; n < input.samples(); ++n) {
            const Input one = input.select(std::vector<int64_t>{n});
            EXPECT_TRUE(std::ranges::equal(engine->run(one).scores.data, together.row(n)));
            const InputGradient alone = engine->gradient(one, {&targets[n], 1});
            EXPECT_TRUE(std::ranges::equal(alone.gradient.data, gradients.gradient.row(n)));
            EXPECT_TRUE(std::ranges::equal(alone.scores.data, gradients.scores.row(n)));
        }
    }
}

TEST_P(EngineConformance, GradientsHaveTheInputsShapeAndTheScoresOfTheSimulation) {
    const Network network = test::small_network(texts[0], shape, 4);
    const auto engine = engine_of(GetParam(), network);
    for (const Input& input : inputs) {
        const InputGradient result = engine->gradient(input, targets);
        EXPECT_EQ(result.gradient.shape, input.shape());
        const FloatArray scores = engine->run(input).scores;
        for (int64_t i = 0; i < scores.size(); ++i) EXPECT_NEAR(result.scores.data[i], scores.data[i], 1e-5);
        const SpikeGradient at_spikes = engine->spike_gradient(input, targets, 0);
        EXPECT_EQ(at_spikes.gradient.shape, at_spikes.spikes.shape);
        EXPECT_EQ(at_spikes.spikes.extent(0), input.samples());
    }
}

TEST_P(EngineConformance, RefusesWhatDoesNotFit) {
    const auto engine = engine_of(GetParam(), test::small_network(texts[0], shape, 4));
    EXPECT_THROW(engine->run(test::test_images(1, {2, 9, 8})), InputError);
    EXPECT_THROW(engine->run(inputs[0], {{7}, true, false, false, false}), InputError);
    EXPECT_THROW(engine->run(inputs[0], {}, std::vector<FilterIndex>{{0, 99}}), InputError);
    EXPECT_THROW(engine->gradient(inputs[0], std::vector{0}), InputError);
    EXPECT_THROW(engine->gradient(inputs[0], std::vector{0, 1, 2, 3, 4}), InputError);
}

INSTANTIATE_TEST_SUITE_P(All, EngineConformance, testing::ValuesIn(engine_names()),
                         [](const auto& engine) { return engine.param; });

TEST(Engine, StopsWhenCancelled) {
    std::atomic<int> asked = 0;
    const CpuEngine engine(test::small_network("3C3-LIF-4F", {1, 8, 8}, 4),
                           {.threads = 2, .cancelled = [&] { return ++asked > 3; }});
    EXPECT_THROW(engine.run(test::test_images(50, {1, 8, 8})), Cancelled);
    EXPECT_LT(asked, 50);
}

TEST(Engine, AnUnknownOneIsNamedWithTheNearest) {
    try {
        make_engine("cpo", std::make_shared<const Network>(test::small_network("4F", {1, 2, 2}, 2)));
        FAIL() << "accepted";
    } catch (const InputError& error) {
        EXPECT_NE(std::string(error.what()).find("'cpo'"), std::string::npos);
        EXPECT_NE(std::string(error.what()).find("cpu"), std::string::npos);
    }
}

TEST(Engine, MemoryBoundsGradientsToo) {
    const Network network = test::small_network("16C3-LIF-MP2-16C3-LIF-4F", {1, 32, 32}, 10);
    const Input images = test::test_images(6, {1, 32, 32});
    const std::vector<int> targets(6, 1);
    const FloatArray roomy = CpuEngine(network).gradient(images, targets).gradient;
    EXPECT_EQ(CpuEngine(network, {.threads = 4, .memory = int64_t{20} << 20}).gradient(images, targets).gradient,
              roomy);
    EXPECT_THROW(CpuEngine(network, {.memory = int64_t{2} << 20}).gradient(images, targets), InputError);
}

}  // namespace
}  // namespace spikelens
