#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/attribute/method.h"
#include "spikelens/core/error.h"

#include "small_network.h"
#include "spiking_input.h"

namespace spikelens {
namespace {

const Shape shape{1, 8, 12};

/// Whether the method, by its usual options, gives finite maps of a network; else it refuses by an InputError.
bool explains(const MethodInfo& info, const Network& network, const Input& input) {
    const CpuEngine engine(network, {.threads = 1});
    const RelevantFilters relevant = test::relevant_filters(network, {{0}, {1, 2}, {3}, {0, 2}, {1}});
    const std::vector<int> targets{0, 2};
    const std::vector<int64_t> samples{0, 1};
    const AttributionContext context{.engine = &engine, .relevant = &relevant, .seed = 3};
    try {
        const FloatArray maps = explain(parse_method(info.name), context, {input, targets, samples});
        EXPECT_TRUE(std::ranges::all_of(maps.data, [](float value) { return std::isfinite(value); })) << info.name;
        return true;
    } catch (const InputError&) {
        return false;
    }
}

/// Gates and relevance refuse normalisations of each step too.
TEST(Graphs, EveryMethodTakesThemButOfRecurrenceGatesTsaAndRelevanceAndOfAdaptationShares) {
    const std::vector<std::string> texts = {"4C3-LIF-[4C3-LIF-4C3-LIF|]add-MP2-5F",
                                            "4C3-LIF-[4C3|4C1]add-LIF-[4C3-IF|]cat-5F",
                                            "4C3-MP2-LIF(beta=*)-4C3g4-LIF(threshold=**)-5F",
                                            "4C3-LIF-[4C3-IF|]and-5C1-GAP",
                                            "4C1x3-LIF-4C1x3d1x2-LIF-MP1x2-5F",
                                            "4C3-BN4-LIF-MP2-[4C3-BN4|]add-LIF-5F",
                                            "4C3-LIF(adapt=0.5,rho=0.9)-MP3s2p1-4C3-LIF-5F",
                                            "4C3-LIF-4C3-RC3-LIF-5F-R-IF-5F"};
    for (const std::string& text : texts) {
        const Network network = test::small_network(text, shape, 4);
        for (const MethodInfo& info : all_methods()) {
            const bool steady = info.name.starts_with("gate") || info.name.starts_with("tsa") || info.name == "slrp";
            const bool alike = info.name.starts_with("gate") || info.name == "slrp" || info.name == "sltrp";
            const bool fixed = info.name.starts_with("share") || info.name == "rescale";
            const bool taken = !((steady || info.name == "sltrp") && text == texts.back()) &&
                               !(alike && text.find("BN4") != std::string::npos) &&
                               !((fixed || info.name == "sltrp") && text.find("adapt") != std::string::npos);
            if (info.needs_probe) continue;
            std::vector<Input> inputs;
            if (info.on_images) inputs.emplace_back(test::test_images(2, shape));
            if (info.on_spikes) inputs.emplace_back(test::test_spikes(4, 2, shape));
            for (const Input& input : inputs)
                EXPECT_EQ(explains(info, network, input), taken) << info.name << " of " << text;
        }
    }
}

}  // namespace
}  // namespace spikelens
