#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <ostream>

#include <gtest/gtest.h>

#include "spikelens/attribute/baseline.h"
#include "spikelens/attribute/completeness.h"
#include "spikelens/attribute/probe.h"
#include "spikelens/core/error.h"

#include "small_network.h"
#include "spiking_input.h"

namespace spikelens {
namespace {

constexpr int64_t pixels = 144;

/// Two channels, of which the network does not see the second.
Network half_blind_network() {
    Network network = test::two_conv_network({2, 12, 12});
    Layer& first = network.layers[0];
    const int64_t taps = int64_t{first.kernel} * first.kernel;
    for (int64_t o = 0; o < first.out_channels; ++o) {
        std::fill_n(first.weight.data.begin() + (o * 2 + 1) * taps, taps, 0.0F);
    }
    return network;
}

/// Readings of both convolutions with weights of either sign.
Probe some_probe(const Network& network) {
    Probe probe;
    for (int l : {0, 1}) {
        const Layer& layer = network.layers[l];
        const int64_t inputs = int64_t{layer.out_channels} * layer.pooled_height * layer.pooled_width;
        Probe::Reading reading{l, FloatArray({network.class_count(), inputs}), FloatArray({network.class_count()})};
        for (int64_t i = 0; i < reading.weight.size(); ++i)
            reading.weight.data[i] =
                static_cast<float>(random_uniform(2, Stream::test, {static_cast<uint64_t>(i)}) - 0.5);
        probe.readings.push_back(std::move(reading));
    }
    return probe;
}

struct Model {
    Network network = half_blind_network();
    CpuEngine engine{network};
    RelevantFilters relevant = test::relevant_filters(network, {{1, 2}, {5, 8, 9}, {0, 3, 4, 6}, {2, 7}, {7}});
    Probe probe = some_probe(network);
    AttributionContext context{.engine = &engine, .relevant = &relevant, .seed = 3, .probe = &probe};
};

/// All methods share one model, as they do in the program.
Model& model() {
    static Model shared;
    return shared;
}

/// More than explain() takes at once.
constexpr int64_t count = 70;

Input some_input(bool spiking) {
    const Shape shape{2, 12, 12};
    return spiking ? Input(test::test_spikes(4, count, shape, 0.12)) : Input(test::test_images(count, shape));
}

Input sample_of(const Input& input, int64_t n) { return input.select({&n, 1}); }

/// Another picture in the channel that the network does not see. Its spikes only change places, so that what is said of
/// "the first half of the spikes" stays what it was.
void change_unseen(Input& input) {
    for (int64_t plane = 1; plane * pixels < input.images.size(); plane += 2)
        for (int64_t i = 0; i < pixels; ++i) {
            float& value = input.images.data[plane * pixels + i];
            value = 1 - value * value;
        }
    for (int64_t plane = 1; plane * pixels < input.spikes.size(); plane += 2) {
        const auto first = input.spikes.data.begin() + plane * pixels;
        std::reverse(first, first + pixels);
    }
}

struct Case {
    std::string spec;
    bool spiking = false;
};

void PrintTo(const Case& test, std::ostream* out) { *out << test.spec << (test.spiking ? " of spikes" : " of images"); }

class Conformance : public testing::TestWithParam<Case> {
  protected:
    Input input = some_input(GetParam().spiking);
    std::vector<int> targets = std::vector<int>(count);
    std::vector<int64_t> samples = test::sample_numbers(count);
    MethodSpec spec = parse_method(GetParam().spec);
    const MethodInfo& info = spec.method->info();

    void SetUp() override {
        for (int64_t n = 0; n < count; ++n) targets[n] = static_cast<int>(n % 5);
    }

    FloatArray maps() const { return explain(spec, model().context, {input, targets, samples}); }

    FloatArray map_of_one(int64_t n) const {
        return explain(spec, model().context, {sample_of(input, n), {&targets[n], 1}, {&samples[n], 1}});
    }
};

bool same_bits(std::span<const float> a, std::span<const float> b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

TEST_P(Conformance, MapsAreFiniteAndOfTheStatedShape) {
    const FloatArray result = maps();
    Shape each{count, 2, 12, 12}, summed{count, 1, 12, 12};
    if (info.timed) {
        const int64_t steps = input.spiking() ? input.steps() : model().network.steps;
        for (Shape* shape : {&each, &summed}) shape->insert(shape->begin() + 1, steps);
    }
    EXPECT_TRUE(result.shape == each || result.shape == summed) << shape_text(result.shape);
    EXPECT_TRUE(std::ranges::all_of(result.data, [](float value) { return std::isfinite(value); }));
    EXPECT_TRUE(std::ranges::any_of(result.data, [](float value) { return value != 0; }));
    const bool negative = std::ranges::any_of(result.data, [](float value) { return value < 0; });
    EXPECT_EQ(negative, info.signed_values);
}

TEST_P(Conformance, ABatchOfOneEqualsABatchOfMany) {
    const FloatArray many = maps();
    EXPECT_TRUE(same_bits(many.data, maps().data)) << "not deterministic";
    for (int64_t n : {0, 1, 33, 63, 64, 69}) {
        const FloatArray one = map_of_one(n);
        EXPECT_EQ(one.shape, many.rows(n, 1).shape);
        EXPECT_TRUE(same_bits(one.data, many.row(n))) << "sample " << n;
    }
}

TEST_P(Conformance, TheTargetMattersExactlyIfTheMethodSaysSo) {
    const FloatArray before = maps();
    for (int& target : targets) target = (target + 1) % 5;
    const FloatArray after = maps();
    EXPECT_EQ(before != after, info.class_specific);
}

TEST_P(Conformance, WhatTheNetworkCannotSeeIsNotEvidence) {
    const FloatArray before = maps();
    if (info.sanity_baseline) {  // they may show anything of the input, but nothing of the network
        EXPECT_EQ(explain(spec, {.seed = model().context.seed}, {input, targets, samples}), before);
        return;
    }
    const size_t channel_axis = info.timed ? 2 : 1;
    for (int64_t plane = 1; before.shape[channel_axis] == 2 && plane * pixels < before.size(); plane += 2) {
        const auto unseen = std::span(before.data).subspan(plane * pixels, pixels);
        EXPECT_TRUE(std::ranges::all_of(unseen, [](float value) { return value == 0; })) << "plane " << plane;
    }
    const bool segmented = info.name == "lime" || info.name == "shapley";
    if (segmented && !input.spiking()) return;  // segments are drawn after the picture
    change_unseen(input);
    EXPECT_EQ(pixel_maps(before, View::natural), pixel_maps(maps(), View::natural));
}

TEST_P(Conformance, ScoresOfAMethodAreThoseOfTheEngine) {
    FloatArray scores;
    explain(spec, model().context, {input, targets, samples, &scores});
    EXPECT_EQ(!scores.empty(), info.name == "grad2d" || (info.name == "grad3d" && input.spiking()));
    if (scores.empty()) return;
    EXPECT_EQ(scores, model().engine.run(input).scores);
}

// Which methods aim at completeness, and from where: as their definitions say, integrated gradients and Shapley values
// from a baseline, which is read from the options here, and made here; shares and relevance with what biases brought.
TEST_P(Conformance, CompletenessIsMeasuredFromTheMethodsOwnBaseline) {
    const bool from_baseline =
        info.name == "ig2d" || info.name == "ig3d" || info.name == "rescale" || info.name.starts_with("shapley");
    const bool with_biases =
        info.name.ends_with("lrp") || info.name.ends_with("ltrp") ||
        ((info.name == "share" || info.name == "share3d") && spec.text.find(":layer=") == std::string::npos);
    const bool aims = from_baseline || with_biases;
    const FloatArray result = maps(), scores = model().engine.run(input).scores;
    const AttributionRequest request{input, targets, samples};
    ASSERT_EQ(completeness_baseline(spec, input).has_value(), aims);
    for (const char* view : {"absolute", "positive", "negative"}) {
        MethodSpec viewed = parse_method(spec.text + ":view=" + view);
        EXPECT_FALSE(completeness_baseline(viewed, input));
    }
    if (!aims) {
        EXPECT_THROW(own_completeness(spec, model().context, request, result, scores), InputError);
        return;
    }
    const auto reported = own_completeness(spec, model().context, request, result, scores);
    ASSERT_EQ(reported.size(), static_cast<size_t>(count));
    if (with_biases) {
        EXPECT_EQ(completeness_baseline(spec, input), "biases");
        for (int64_t n = 0; n < count; ++n) {
            double size = 1;
            for (const float value : result.row(n)) size += std::abs(value);
            EXPECT_LE(reported[n].gap, 1e-5 * size) << "sample " << n;
        }
        return;
    }
    Input own = Array<uint8_t>(input.spikes.shape);
    std::string name = "silence";
    if (!input.spiking()) {
        const size_t option = spec.text.find("baseline=");
        name = option == std::string::npos ? "black" : spec.text.substr(option + 9);
        own = baseline_images(input.images, parse_baseline(name));
    }
    EXPECT_EQ(completeness_baseline(spec, input), name);
    const FloatArray from = model().engine.run(own).scores;
    for (int64_t n = 0; n < count; ++n) {
        double sum = 0;
        for (float value : result.row(n)) sum += value;
        const double change = static_cast<double>(scores.row(n)[targets[n]]) - from.row(n)[targets[n]];
        EXPECT_NEAR(reported[n].gap, std::abs(sum - change), 1e-9) << "sample " << n;
    }
}

// An address stands for the content, wherever it comes and whatever number it is.
TEST_P(Conformance, TheAddressIsAnyNumberAndThePlaceIsNothing) {
    const std::vector<int64_t> addresses{-1, std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(),
                                         -1};
    const auto one = [&](int64_t address) {
        const int target = 1;
        return explain(spec, model().context, {sample_of(input, 3), {&target, 1}, {&address, 1}});
    };
    const Input copies = input.select(std::vector<int64_t>(4, 3));
    const std::vector<int> same(4, 1);
    const FloatArray together = explain(spec, model().context, {copies, same, addresses});
    for (int64_t n = 0; n < 4; ++n)
        EXPECT_TRUE(same_bits(together.row(n), one(addresses[n]).data)) << "address " << addresses[n];
}

TEST_P(Conformance, TheModelIsUnchangedAfterwards) {
    const Network untouched = half_blind_network();
    const FloatArray scores = model().engine.run(input).scores;
    maps();
    EXPECT_EQ(model().engine.run(input).scores, scores);
    for (size_t l = 0; l < untouched.layers.size(); ++l) {
        for (const Network* network :
             std::initializer_list<const Network*>{&model().network, &model().engine.network()}) {
            EXPECT_TRUE(same_bits(network->layers[l].weight.data, untouched.layers[l].weight.data));
            EXPECT_TRUE(same_bits(network->layers[l].bias.data, untouched.layers[l].bias.data));
        }
    }
}

TEST(ConformanceOfAll, EveryMethodExplainsSomethingAndRefusesTheRest) {
    for (const MethodInfo& info : all_methods()) {
        EXPECT_TRUE(info.on_images || info.on_spikes) << info.name;
        for (const bool spiking : {false, true}) {
            if (spiking ? info.on_spikes : info.on_images) continue;
            const Input input = sample_of(some_input(spiking), 0);
            const std::vector<int> targets{0};
            const std::vector<int64_t> samples{0};
            EXPECT_THROW(explain(parse_method(info.name), model().context, {input, targets, samples}), InputError)
                << info.name;
        }
    }
}

/// Every method there is on everything it explains, those whose cost is an option with a small one; then variants.
std::vector<Case> every_case() {
    const std::map<std::string, std::string> smaller{{"ig2d", ":steps=3"},
                                                     {"ig3d", ":steps=3"},
                                                     {"conductance", ":steps=3"},
                                                     {"rise", ":masks=20"},
                                                     {"lime", ":samples=20:segments=9"},
                                                     {"smoothgrad", ":copies=3"},
                                                     {"vargrad", ":copies=3"},
                                                     {"shapley", ":orders=2:segments=9"},
                                                     {"shapley3d", ":orders=2:segments=8:windows=2"},
                                                     {"occlusion", ":size=6:stride=3"},
                                                     {"spike_occlusion", ":group=20"}};
    std::vector<Case> cases;
    for (const MethodInfo& info : all_methods()) {
        const auto found = smaller.find(info.name);
        const std::string spec = info.name + (found == smaller.end() ? "" : found->second);
        if (info.on_images) cases.push_back({spec, false});
        if (info.on_spikes) cases.push_back({spec, true});
    }
    for (const char* spec : {"svebi:layer=conv1", "svebi:layer=combined", "svebi:scale=weight", "sam:layer=conv1",
                             "gradcam:layer=conv1", "share:layer=conv2", "share3d:layer=conv1:filters=relevant"})
        for (const bool spiking : {false, true}) cases.push_back({spec, spiking});
    for (const char* spec : {"ig2d:steps=2:baseline=blur", "ig3d:steps=2:baseline=mean", "gate:baseline=mean",
                             "gate_path:steps=2:baseline=blur", "occlusion:size=5:stride=4:baseline=mean",
                             "shapley:estimator=kernel:samples=20:segments=9:baseline=mean", "slrp:alpha=2",
                             "sltrp:bias=share", "smoothgrad:of=ig2d:steps=2:copies=2", "vargrad:of=grad3d:copies=3"})
        cases.push_back({spec, false});
    for (const char* spec : {"ig3d:steps=2:path=linear", "ig3d:steps=2:order=random:draws=2",
                             "shapley:estimator=exact:segments=4", "shapley3d:estimator=kernel:samples=20:segments=8",
                             "slrp:alpha=2", "sltrp:bias=share", "smoothgrad:of=grad3d:copies=2"})
        cases.push_back({spec, true});
    return cases;
}

std::string test_name(const testing::TestParamInfo<Case>& parameter) {
    std::string name = parameter.param.spec;
    std::ranges::replace_if(
        name, [](unsigned char c) { return !std::isalnum(c); }, '_');
    return name + (parameter.param.spiking ? "_of_spikes" : "_of_images");
}

INSTANTIATE_TEST_SUITE_P(EveryMethod, Conformance, testing::ValuesIn(every_case()), test_name);

}  // namespace
}  // namespace spikelens
