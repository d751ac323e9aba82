#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include <gtest/gtest.h>

#include "small_network.h"

namespace spikelens {
namespace {

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

struct Model {
    Network network = half_blind_network();
    Simulator simulator{network};
    GradientNetwork gradient{network};
    RelevantFilters relevant = test::relevant_filters(network, {{1, 2}, {5, 8, 9}, {0, 3, 4, 6}, {2, 7}, {7}});
    AttributionContext context{&simulator, &gradient, &relevant, 3};
};

/// All methods share one model, as they do in the program.
Model& model() {
    static Model shared;
    return shared;
}

class Conformance : public testing::TestWithParam<std::string> {
  protected:
    static constexpr int64_t count = 70;  // more than explain() takes at once
    FloatArray images = test::test_images(count, {2, 12, 12});
    std::vector<int> targets = std::vector<int>(count);
    std::vector<int64_t> samples = test::sample_numbers(count);
    MethodSpec spec = parse_method(GetParam());
    const MethodInfo& info = spec.method->info();

    void SetUp() override {
        for (int64_t n = 0; n < count; ++n) targets[n] = static_cast<int>(n % 5);
    }

    FloatArray maps() { return explain(spec, model().context, {images, targets, samples}); }

    FloatArray map_of_one(int64_t n) {
        const FloatArray image({1, 2, 12, 12}, std::vector<float>(images.row(n).begin(), images.row(n).end()));
        return explain(spec, model().context, {image, {&targets[n], 1}, {&samples[n], 1}});
    }
};

bool same_bits(std::span<const float> a, std::span<const float> b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

TEST_P(Conformance, MapsAreFiniteAndOfTheStatedShape) {
    const FloatArray result = maps();
    ASSERT_EQ(result.shape.size(), 4U);
    EXPECT_TRUE(result.shape == images.shape || result.shape == (Shape{count, 1, 12, 12})) << shape_text(result.shape);
    EXPECT_TRUE(std::ranges::all_of(result.data, [](float value) { return std::isfinite(value); }));
    EXPECT_TRUE(std::ranges::any_of(result.data, [](float value) { return value != 0; }));
    const bool negative = std::ranges::any_of(result.data, [](float value) { return value < 0; });
    EXPECT_EQ(negative, info.signed_values);
}

TEST_P(Conformance, ABatchOfOneEqualsABatchOfMany) {
    const FloatArray many = maps();
    EXPECT_TRUE(same_bits(many.data, maps().data)) << "not deterministic";
    for (int64_t n : {0, 1, 33, 63, 64, 69}) EXPECT_TRUE(same_bits(map_of_one(n).data, many.row(n))) << "sample " << n;
}

TEST_P(Conformance, TheTargetMattersExactlyIfTheMethodSaysSo) {
    const FloatArray before = maps();
    for (int& target : targets) target = (target + 1) % 5;
    const FloatArray after = maps();
    EXPECT_EQ(before != after, info.class_specific);
}

TEST_P(Conformance, WhatTheNetworkCannotSeeIsNotEvidence) {
    const FloatArray before = maps();
    if (info.baseline) {  // they may show anything of the image, but nothing of the network
        EXPECT_EQ(explain(spec, {.seed = model().context.seed}, {images, targets, samples}), before);
        return;
    }
    const int64_t pixels = 144;
    if (before.shape[1] == 2) {
        for (int64_t n = 0; n < count; ++n) {
            const auto unseen = before.row(n).subspan(pixels);
            EXPECT_TRUE(std::ranges::all_of(unseen, [](float value) { return value == 0; })) << "sample " << n;
        }
    }
    for (int64_t n = 0; n < count; ++n) {
        for (float& value : images.row(n).subspan(pixels)) value = 1 - value * value;
    }
    EXPECT_EQ(pixel_maps(before, View::natural), pixel_maps(maps(), View::natural));
}

TEST_P(Conformance, TheModelIsUnchangedAfterwards) {
    const Network untouched = half_blind_network();
    const FloatArray scores = model().simulator.run(images).scores;
    maps();
    EXPECT_EQ(model().simulator.run(images).scores, scores);
    for (size_t l = 0; l < untouched.layers.size(); ++l) {
        for (const Network* network : std::initializer_list<const Network*>{&model().network, &model().simulator.network()}) {
            EXPECT_TRUE(same_bits(network->layers[l].weight.data, untouched.layers[l].weight.data));
            EXPECT_TRUE(same_bits(network->layers[l].bias.data, untouched.layers[l].bias.data));
        }
    }
}

/// Every method there is; those whose cost is an option, with a small one.
std::vector<std::string> every_method() {
    const std::map<std::string, std::string> smaller{
        {"ig2d", ":steps=7"}, {"rise", ":masks=20"}, {"occlusion", ":size=6:stride=3"}};
    std::vector<std::string> specs;
    for (const MethodInfo& info : all_methods()) {
        const auto found = smaller.find(info.name);
        specs.push_back(info.name + (found == smaller.end() ? "" : found->second));
    }
    for (const char* variant :
         {"svebi:layer=conv1", "svebi:layer=combined", "ig2d:steps=3:baseline=blur", "sam:layer=conv1", "gate:baseline=mean",
          "gate_path:steps=2:baseline=blur", "occlusion:size=5:stride=4:baseline=mean"}) {
        specs.push_back(variant);
    }
    return specs;
}

std::string test_name(const testing::TestParamInfo<std::string>& parameter) {
    std::string name = parameter.param;
    std::ranges::replace_if(
        name, [](unsigned char c) { return !std::isalnum(c); }, '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(EveryMethod, Conformance, testing::ValuesIn(every_method()), test_name);

}  // namespace
}  // namespace spikelens
