#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "small_weights.h"

namespace spikelens {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

class WeightParts : public WeightFile {
  protected:
    static TestFile with(const std::vector<std::pair<std::string, FloatArray>>& parts) {
        TestFile file;
        for (const auto& [name, part] : parts) file.add(name, part);
        file.add("conv.bias", values({3}, 4));
        file.add("full.weight", values({2, 108}, 2));
        file.add("full.bias", values({2}, 3));
        return file;
    }
    const std::string text = "3C3-LIF-2F";
};

TEST_F(WeightParts, PrunedWeightsAreMasked) {
    const FloatArray whole = values({3, 2, 3, 3}, 1);
    FloatArray mask({3, 2, 3, 3});
    for (size_t i = 0; i < mask.data.size(); i += 3) mask.data[i] = 1;
    const TestFile file = with({{"conv.weight_orig", whole}, {"conv.weight_mask", mask}});
    const ImportedNetwork imported = import(file, text);
    for (size_t i = 0; i < mask.data.size(); ++i)
        EXPECT_EQ(imported.network.layers[0].weight.data[i], i % 3 == 0 ? whole.data[i] : 0);
    EXPECT_EQ(imported.tensors[0].from, "conv.weight_orig");
    EXPECT_EQ(imported.tensors[1].from, "conv.weight_mask");
    EXPECT_EQ(imported.tensors[1].to, "conv1.weight");
    EXPECT_THAT(imported.tensors[1].note, HasSubstr("conv.weight_orig · conv.weight_mask"));
    TestFile short_mask = file;
    short_mask.tensors[1].shape = {3, 2, 3};
    short_mask.tensors[1].strides = {6, 3, 1};
    EXPECT_THAT(refusal(short_mask, text),
                AllOf(HasSubstr("conv.weight_orig"), HasSubstr("its mask of the same shape")));
    EXPECT_THAT(refusal(with({{"conv.weight_orig", whole}}), text),
                AllOf(HasSubstr("conv.weight_orig"), HasSubstr("pruned, and its other part is missing")));
}

/// v · g / ‖v‖ for each output, or over the whole weight, by both names that PyTorch gives.
TEST_F(WeightParts, WeightNormIsComputed) {
    const FloatArray v = values({3, 2, 3, 3}, 1);
    for (const Shape& shape : {Shape{3, 1, 1, 1}, Shape{1, 2, 1, 1}, Shape{}})
        for (const bool parametrised : {false, true}) {
            const FloatArray g = positive(shape, 5);
            const std::string first = parametrised ? "conv.parametrizations.weight.original0" : "conv.weight_g";
            const std::string second = parametrised ? "conv.parametrizations.weight.original1" : "conv.weight_v";
            const ImportedNetwork imported = import(with({{first, g}, {second, v}}), text);
            const auto group = [&](size_t i) { return shape.empty() ? 0 : shape[0] == 3 ? i / 18 : i / 9 % 2; };
            for (size_t i = 0; i < 54; ++i) {
                double squares = 0;
                for (size_t j = 0; j < 54; ++j) squares += group(j) == group(i) ? double{v.data[j]} * v.data[j] : 0;
                EXPECT_FLOAT_EQ(imported.network.layers[0].weight.data[i],
                                static_cast<float>(v.data[i] * g.data[group(i)] / std::sqrt(squares)));
            }
            EXPECT_EQ(imported.tensors[0].to, "conv1.weight");
            if (parametrised) {
                EXPECT_THAT(imported.assumptions, Contains(HasSubstr("were taken as weight_norm's g and v")));
            }
        }
    EXPECT_THAT(refusal(with({{"conv.weight_g", positive({3, 2, 1, 1}, 5)}, {"conv.weight_v", v}}), text),
                AllOf(HasSubstr("conv.weight_g"), HasSubstr("weight_norm's g")));
}

TEST_F(WeightParts, WhatCannotBeComputedIsRefusedByName) {
    const FloatArray v = values({3, 2, 3, 3}, 1);
    EXPECT_THAT(refusal(with({{"block.conv.parametrizations.weight.original", v}}), text),
                AllOf(HasSubstr("parametrisation of the module block.conv"), HasSubstr("remove_parametrizations")));
    EXPECT_THAT(
        refusal(with({{"conv.weight_orig", v}, {"conv.weight_u", values({3}, 6)}, {"conv.weight_v", values({18}, 7)}}),
                text),
        AllOf(HasSubstr("spectral_norm"), HasSubstr("module conv:"), HasSubstr("remove_spectral_norm")));
    EXPECT_THAT(refusal(with({{"conv.parametrizations.weight.original", v},
                              {"conv.parametrizations.weight.0._u", values({3}, 6)}}),
                        text),
                AllOf(HasSubstr("spectral_norm"), HasSubstr("module conv:"), HasSubstr("remove_parametrizations")));
    EXPECT_THAT(refusal(with({{"conv.weight", values({2, 3, 3, 3}, 1)}}), text),
                AllOf(HasSubstr("conv.weight"), HasSubstr("transposed convolution")));
}

}  // namespace
}  // namespace spikelens
