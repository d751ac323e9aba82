#include <limits>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "spikelens/attribute/method_options.h"
#include "spikelens/core/error.h"

#include "small_network.h"

namespace spikelens {
namespace {

std::string error_of(const std::string& spec) {
    try {
        parse_method(spec);
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Registry, EveryNameParsesToAMethodOfThatName) {
    std::set<std::string> names;
    for (const MethodInfo& info : all_methods()) {
        EXPECT_EQ(parse_method(info.name).method->info().name, info.name);
        EXPECT_TRUE(names.insert(info.name).second) << info.name << " twice";
        for (const std::string& said : {info.title, info.meaning, info.cost, info.source})
            EXPECT_FALSE(said.empty()) << info.name;
    }
    for (const char* name : {"svebi", "grad2d", "ig2d", "sam", "gate", "gate_path", "occlusion", "rise", "random",
                             "uniform", "input", "sobel"}) {
        EXPECT_TRUE(names.count(name)) << name;
    }
}

TEST(Registry, FourSanityBaselinesNeedNoNetwork) {
    int baselines = 0;
    for (const MethodInfo& info : all_methods()) {
        if (!info.sanity_baseline) continue;
        ++baselines;
        EXPECT_FALSE(info.needs_engine || info.needs_gradient || info.needs_relevant || info.class_specific)
            << info.name;
    }
    EXPECT_EQ(baselines, 4);
}

TEST(Registry, KeepsTheTextAndTheView) {
    const MethodSpec spec = parse_method("ig2d:steps=64:view=absolute");
    EXPECT_EQ(spec.text, "ig2d:steps=64:view=absolute");
    EXPECT_EQ(spec.view, View::absolute);
    EXPECT_EQ(parse_method("ig2d").view, View::natural);
    EXPECT_EQ(parse_method("sam:view=positive").view, View::positive);
    EXPECT_EQ(parse_method("uniform:view=negative").view, View::negative);
    EXPECT_TRUE(has(spec.method->info().cost, "64"));
}

TEST(Registry, TellsEveryOptionWithItsDefaultAndRange) {
    for (const MethodInfo& info : all_methods())
        for (const MethodOption& option : method_options(info.name)) {
            EXPECT_FALSE(option.expected.empty() || option.meaning.empty()) << info.name << " " << option.name;
            if (option.standard.empty() || option.name == "view") continue;
            EXPECT_EQ(error_of(info.name + ":" + option.name + "=" + option.standard), "") << "its own default";
            EXPECT_TRUE(
                has(options_text(info.name), option.name + "=" + option.standard + " (" + option.expected + "): "));
        }
    EXPECT_EQ(options_text("grad2d"), "");
    EXPECT_FALSE(has(options_text("svebi"), "decay="));
    EXPECT_TRUE(has(options_text("svebi:weights=first:mu=2"), "; mu (a number above 0"));
    EXPECT_TRUE(has(options_text("svebi:weights=exponential"), "; decay=0.9 ("));
    const std::vector<MethodOption> options = method_options("ig2d:steps=64");
    ASSERT_EQ(options.size(), 3U);
    EXPECT_EQ(options[0].name + " " + options[0].standard, "steps 32");
    EXPECT_EQ(options[0].expected, "a whole number from 1 to 100000");
    EXPECT_EQ(options[2].name + " " + options[2].standard, "view natural");
    EXPECT_THROW(method_options("ig2d:step=64"), InputError);
}

// Cached scores and maps are found by it.
TEST(Registry, CanonicalTextHasOptionsInOrderAndNoDefaults) {
    for (const MethodInfo& info : all_methods()) {
        EXPECT_EQ(parse_method(info.name).canonical, info.name);
        for (const MethodOption& option : method_options(info.name)) {
            if (option.standard.empty()) continue;
            EXPECT_EQ(parse_method(info.name + ":" + option.name + "=" + option.standard).canonical, info.name);
        }
    }
    const std::map<std::string, std::string> canonical{
        {"sam:layer=conv1:past=strict:gamma=0.5", "sam:past=strict:layer=conv1"},
        {"svebi:mu=3:decay=0.90:weights=exponential:layer=auto", "svebi:weights=exponential:mu=3"},
        {"ig3d:baseline=mean:path=binary:steps=08", "ig3d:steps=8:path=binary:baseline=mean"},
        {"gate_path:view=absolute:baseline=blur:steps=2", "gate_path:steps=2:baseline=blur:view=absolute"},
        {"occlusion:stride=2:size=5", "occlusion:size=5"},
    };
    for (const auto& [text, expected] : canonical) EXPECT_EQ(parse_method(text).canonical, expected);
}

TEST(Registry, NamesTheNearestOfAnUnknownName) {
    EXPECT_TRUE(has(error_of("svbei"), "'svebi'"));
    EXPECT_TRUE(has(error_of("svebi:layr=conv1"), "'layer'"));
    EXPECT_TRUE(has(error_of("grad2d:veiw=absolute"), "'view'"));
    EXPECT_TRUE(has(error_of("grad2d:steps=4"), "'steps'")) << "grad2d takes no steps";
}

TEST(Registry, SaysWhatAnOptionNeeds) {
    EXPECT_TRUE(has(error_of("svebi:decay=0.5"),
                    "'svebi:decay=0.5': option decay does nothing here; only weights=exponential"));
    EXPECT_TRUE(has(error_of("share:filters=relevant"), "only a layer of the network (layer=conv1) has it"));
    EXPECT_TRUE(has(error_of("share:layer=conv1:baseline=blur"), "only layer=input has it"));
    EXPECT_TRUE(has(error_of("share3d:layer=conv1:passes=2"), "only layer=input has it"));
    EXPECT_TRUE(has(error_of("shapley:estimator=kernel:orders=4"), "only estimator=permutation has it"));
    EXPECT_TRUE(has(error_of("shapley:samples=4"), "only estimator=kernel has it"));
    EXPECT_TRUE(has(error_of("smoothgrad:steps=4"), "only of=ig2d or of=ig3d has it"));
    EXPECT_EQ(error_of("smoothgrad:of=ig3d:steps=4"), "");
}

TEST(Registry, RefusesWhatIsNotASpec) {
    for (const char* spec :
         {"", ":", ":layer=conv1", "svebi:", "svebi:layer", "svebi:=conv1", "ig2d:steps=4:steps=4", "svebi "}) {
        EXPECT_THROW(parse_method(spec), InputError) << spec;
    }
}

TEST(Registry, BadValuesNameOptionValueAndExpectation) {
    EXPECT_TRUE(has(error_of("ig2d:steps=0"), "steps is '0', expected a whole number from 1"));
    EXPECT_TRUE(has(error_of("ig2d:steps=4x"), "steps is '4x'"));
    EXPECT_TRUE(has(error_of("ig2d:steps="), "steps is ''"));
    EXPECT_TRUE(has(error_of("ig2d:steps=99999999999999999999"), "expected a whole number"));
    EXPECT_TRUE(has(error_of("ig2d:baseline=grey"), "baseline is 'grey', expected black, blur or mean"));
    EXPECT_TRUE(has(error_of("sam:gamma=nan"), "gamma is 'nan', expected a number above 0"));
    EXPECT_TRUE(has(error_of("sam:gamma=-1"), "gamma is '-1'"));
    EXPECT_TRUE(has(error_of("rise:p=1.5"), "at most 1"));
    EXPECT_TRUE(has(error_of("sam:view=all"), "view is 'all'"));
    EXPECT_TRUE(has(error_of("svebi:layer="), "layer is ''"));
    EXPECT_TRUE(has(error_of("occlusion:size=4:stride=5"), "from 1 to 4"))
        << "pixels between patches would have no value";
    EXPECT_NO_THROW(parse_method("occlusion:size=1"));
}

class Explain : public testing::Test {
  protected:
    Network network = test::two_conv_network();
    CpuEngine simulator{network};
    FloatArray images = test::test_images(2, {1, 12, 12});
    std::vector<int> targets{0, 1};
    std::vector<int64_t> samples{0, 1};

    std::string error_of(const std::string& spec, const AttributionContext& context,
                         const AttributionRequest& request) {
        try {
            explain(parse_method(spec), context, request);
        } catch (const InputError& error) {
            return error.what();
        }
        return "";
    }
};

TEST_F(Explain, SaysWhatIsMissing) {
    const AttributionRequest request{images, targets, samples};
    EXPECT_TRUE(has(error_of("svebi", {.engine = &simulator}, request), "svebi needs relevant filters"));
    EXPECT_TRUE(has(error_of("ig2d", {}, request), "ig2d needs a network"));
    EXPECT_TRUE(has(error_of("sam", {}, request), "sam needs a network"));
    EXPECT_EQ(error_of("sobel", {}, request), "");
}

TEST_F(Explain, RefusesWhatDoesNotFit) {
    const AttributionContext context{.engine = &simulator};
    EXPECT_TRUE(has(error_of("gate", context, {images, {targets.data(), 1}, samples}), "needs as many targets"));
    EXPECT_TRUE(has(error_of("gate", context, {images, targets, {samples.data(), 1}}), "needs as many targets"));
    const std::vector<int> outside{0, 5}, negative{-1, 0};
    EXPECT_TRUE(has(error_of("gate", context, {images, outside, samples}), "class 5"));
    EXPECT_TRUE(has(error_of("gate", context, {images, negative, samples}), "class -1"));
    const FloatArray other = test::test_images(2, {1, 12, 11});
    EXPECT_TRUE(has(error_of("uniform", context, {other, targets, samples}), "[N, 1, 12, 12]"));
    const FloatArray flat({2, 144});
    EXPECT_TRUE(has(error_of("uniform", {}, {flat, targets, samples}), "[N, C, H, W]"));
    images.data[150] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_TRUE(has(error_of("input", context, {images, targets, samples}), "image 1"));
}

TEST_F(Explain, NoImagesGiveNoMaps) {
    const FloatArray none({0, 1, 12, 12});
    EXPECT_EQ(explain(parse_method("input"), {}, {none, {}, {}}).size(), 0);
}

TEST(PixelMaps, SumChannelsThenView) {
    const FloatArray attribution({1, 2, 1, 3}, {1, -2, 0.5F, 2, -3, -2.5F});
    EXPECT_EQ(pixel_maps(attribution, View::natural), FloatArray({1, 1, 3}, {3, -5, -2}));
    EXPECT_EQ(pixel_maps(attribution, View::absolute), FloatArray({1, 1, 3}, {3, 5, 2}));
    EXPECT_EQ(pixel_maps(attribution, View::positive), FloatArray({1, 1, 3}, {3, 0, 0}));
    EXPECT_EQ(pixel_maps(attribution, View::negative), FloatArray({1, 1, 3}, {0, 5, 2}));
    EXPECT_THROW(pixel_maps(FloatArray({2, 3}), View::natural), InputError);
}

}  // namespace
}  // namespace spikelens
