#include <algorithm>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/snn/engine.h"

#include "../attribute/small_network.h"
#include "../attribute/spiking_input.h"

namespace spikelens {
namespace {

class GpuEngine : public testing::TestWithParam<std::string> {
  protected:
    void SetUp() override {
        try {
            engine_of(test::small_network("4F", {1, 2, 2}, 2));
        } catch (const RunError& error) {
            GTEST_SKIP() << error.what();
        }
    }

    static std::unique_ptr<const Engine> engine_of(const Network& network, Execution execution = {}) {
        return make_engine(GetParam(), std::make_shared<const Network>(network), std::move(execution));
    }

    static void expect_the_same(const Engine& engine, const Simulator& simulator, const Input& input,
                                std::span<const FilterIndex> ablated = {}) {
        RecordRequest request{{}, true, true, true, true};
        const Network& network = engine.network();
        for (int l = 0; l < static_cast<int>(network.layers.size()); ++l)
            if (network.layers[l].neuron) request.layers.push_back(l);
        const Recording got = engine.run(input, request, ablated), wanted = simulator.run(input, request, ablated);
        EXPECT_EQ(got.scores, wanted.scores);
        ASSERT_EQ(got.layers.size(), wanted.layers.size());
        for (size_t l = 0; l < got.layers.size(); ++l) {
            const std::string& name = network.layers[got.layers[l].layer].name;
            EXPECT_EQ(got.layers[l].counts, wanted.layers[l].counts) << name;
            EXPECT_EQ(got.layers[l].pooled_counts, wanted.layers[l].pooled_counts) << name;
            EXPECT_EQ(got.layers[l].spikes, wanted.layers[l].spikes) << name;
            EXPECT_EQ(got.layers[l].potentials, wanted.layers[l].potentials) << name;
        }
        EXPECT_EQ(engine.run(input, {}, ablated).scores, wanted.scores);
    }

    const std::vector<std::string> texts = {
        "4C3-LIF(beta=0.8,delay)-MP2-5C3-IF(reset=zero)-AP2-7F-LIF(reset=none)-3F",
        "17C3s2-LIF(alpha=0.5)-SP2-40C3-LIF(ge)-33F-LIF(decay_input,gain=1.5)-3F-LI(beta=0.9)",
        "5C5-LIF-MP3s2-6C1-LIF(reset=zero,v_reset=0.2,delay)-GSP-20F-IF(alpha=0.3,reset=zero)-4F-LIF",
        "33C3b0-LIF-MP3-65F-LIF(threshold=0.5)-5F-IF",
        "3F",
        "3F-LI(beta=0.8)",
        "4C3-LIF-3F-LI(beta=0.8,alpha=0.5)",
        "2F-LIF",
    };
};

TEST_P(GpuEngine, GivesTheBitsOfTheScalarKernelsForEveryNeuronPoolAndTail) {
    const Shape shape{2, 11, 11};
    for (const std::string& text : texts)
        for (const int steps : {1, 7, 25}) {
            SCOPED_TRACE(text + ", steps " + std::to_string(steps));
            const Network network = test::small_network(text, shape, steps);
            const auto engine = engine_of(network);
            const Simulator scalar(network, {.threads = 2, .kernel = "portable"});
            expect_the_same(*engine, scalar, test::test_images(3, shape));
            expect_the_same(*engine, scalar, test::test_spikes(steps, 3, shape));
        }
}

TEST_P(GpuEngine, LongTimeIsTakenInParts) {
    const Shape shape{1, 6, 6};
    for (const std::string& text : texts)
        for (const int steps : {128, 129, 200}) {
            SCOPED_TRACE(text + ", steps " + std::to_string(steps));
            const Network network = test::small_network(text, shape, steps);
            const auto engine = engine_of(network);
            const Simulator scalar(network, {.threads = 2, .kernel = "portable"});
            const std::vector<FilterIndex> ablated{{0, 1}};
            const bool fires = network.layers[0].neuron.has_value();
            expect_the_same(*engine, scalar, test::test_images(1, shape), fires ? ablated : std::vector<FilterIndex>{});
            expect_the_same(*engine, scalar, test::test_spikes(steps, 2, shape));
            if (!fires) continue;
            EXPECT_EQ(engine->run_ablations(test::test_images(2, shape), std::vector{ablated, {}}),
                      scalar.run_ablations(test::test_images(2, shape), std::vector{ablated, {}}));
        }
}

TEST_P(GpuEngine, AblationsFromAnyLayerAreThoseOfTheScalarKernels) {
    const Shape shape{2, 11, 11};
    for (const std::string& text : {texts[0], texts[2], texts[3]}) {
        const Network network = test::small_network(text, shape, 5);
        const auto engine = engine_of(network);
        const Simulator scalar(network, {.threads = 1, .kernel = "scalar"});
        std::vector<std::vector<FilterIndex>> sets{{}, {{1, 1}, {0, 2}}};
        for (int l = 0; l < static_cast<int>(network.layers.size()); ++l)
            if (network.layers[l].neuron) sets.push_back({{l, 1}}), sets.push_back({{l, 0}, {l, 1}});
        for (const Input& input : {Input(test::test_images(4, shape)), Input(test::test_spikes(5, 4, shape))}) {
            EXPECT_EQ(engine->run_ablations(input, sets), scalar.run_ablations(input, sets)) << text;
            expect_the_same(*engine, scalar, input, sets[1]);
        }
    }
}

TEST_P(GpuEngine, RefusesWhatItDoesNotTakeInOneSentence) {
    const auto refuses = [&](const std::string& text, const Shape& shape, const std::string& part) {
        try {
            engine_of(test::small_network(text, shape, 2));
            ADD_FAILURE() << text << " was accepted";
        } catch (const InputError& error) {
            EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
        }
    };
    refuses("3C3-LIF-[3C3-LIF|]add-4F", {1, 6, 6}, "expected a chain of layers");
    refuses("3C3-BN2-LIF-4F", {1, 6, 6}, "layer conv1 is normalised at each step by itself");
    refuses("3C3-LIF-SP16-4F", {1, 16, 16}, "numbers up to 255");
    const Network wide = test::small_network("2F", {4, 150, 150}, 1);  // sums of slices near what int32 holds
    const auto engine = engine_of(wide);
    EXPECT_THROW(engine->run(Array<uint8_t>({1, 1, 4, 150, 150}, uint8_t{128})), InputError);
    const Array<uint8_t> most({1, 1, 4, 150, 150}, uint8_t{127});
    EXPECT_EQ(engine->run(most).scores, Simulator(wide, {.threads = 1}).run(most, {}).scores);
}

INSTANTIATE_TEST_SUITE_P(On, GpuEngine, testing::Values("gpu", "gpu_emulated"),
                         [](const auto& engine) { return engine.param; });

TEST(GpuEmulated, MemoryBoundsBatchesAndChangesNothing) {
    const Network network = test::small_network("5C3-LIF-MP2-4F", {1, 10, 10}, 6);
    const auto shared = std::make_shared<const Network>(network);
    const Input images = test::test_images(7, {1, 10, 10});
    const auto little = make_engine("gpu_emulated", shared, {.memory = 60'000});
    EXPECT_EQ(little->run(images).scores, make_engine("gpu_emulated", shared)->run(images).scores);
    const auto none = make_engine("gpu_emulated", shared, {.memory = 10'000});
    EXPECT_THROW(none->run(images), InputError);
}

TEST(GpuEmulated, RefusalsNameIt) {
    const auto graph = std::make_shared<const Network>(test::small_network("[4C3|4C1]add-LIF-2F", {1, 5, 5}, 2));
    try {
        make_engine("gpu_emulated", graph);
        ADD_FAILURE() << "is accepted";
    } catch (const InputError& error) {
        EXPECT_NE(std::string(error.what()).find("the engine gpu_emulated"), std::string::npos) << error.what();
    }
}

TEST(GpuEmulated, StopsBetweenBatches) {
    const auto network = std::make_shared<const Network>(test::small_network("5C3-LIF-MP2-4F", {1, 10, 10}, 6));
    int asked = 0;
    const auto engine =
        make_engine("gpu_emulated", network, {.memory = 60'000, .cancelled = [&] { return ++asked > 2; }});
    EXPECT_THROW(engine->run(test::test_images(20, {1, 10, 10})), Cancelled);
}

TEST(GpuLibrary, IsNamedWhereItIsMissing) {
    try {
        make_engine("gpu", std::make_shared<const Network>(test::small_network("4F", {1, 2, 2}, 2)));
    } catch (const RunError& error) {
        EXPECT_NE(std::string(error.what()).find("the engine gpu needs"), std::string::npos) << error.what();
    }
}

}  // namespace
}  // namespace spikelens
