#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/snn/simulate.h"

#include "small_weights.h"

namespace spikelens {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

class InputOfWeights : public WeightFile {
  protected:
    static TestFile file_of(int64_t inputs) {
        TestFile file;
        file.add("conv1.weight", values({3, 2, 3, 3}, 1));
        file.add("conv1.bias", values({3}, 2));
        file.add("full2.weight", values({2, inputs}, 3));
        file.add("full2.bias", values({2}, 4));
        return file;
    }
    static WeightOptions normalised(const std::vector<double>& mean, const std::vector<double>& deviation) {
        return {.layers = {}, .input = InputNormalisation{mean, deviation}};
    }
    const std::string bare = "3C3p0-LIF-2F", padded = "3C3-LIF-2F";
};

/// The network with folded weights does with x what the other does with (x − mean) / deviation.
TEST_F(InputOfWeights, NormalisationIsFoldedIntoTheFirstLayer) {
    const TestFile file = file_of(48);
    const FloatArray images = values({4, 2, 6, 6}, 9);
    for (const std::vector<double>& mean : {std::vector<double>{0.25}, std::vector<double>{0.25, -0.5}}) {
        const std::vector<double> deviation = {0.5, 2};
        FloatArray shown = images;
        for (size_t i = 0; i < shown.data.size(); ++i) {
            const size_t channel = i / 36 % 2;
            shown.data[i] = static_cast<float>((images.data[i] - mean[channel % mean.size()]) / deviation[channel]);
        }
        const ImportedNetwork folded = import(file, bare, normalised(mean, deviation));
        EXPECT_THAT(folded.assumptions, Contains(HasSubstr("normalisation of the input is folded into conv1")));
        const FloatArray expected = Simulator(import(file, bare).network).run(shown).scores;
        const FloatArray scores = Simulator(folded.network).run(images).scores;
        for (size_t i = 0; i < scores.data.size(); ++i) EXPECT_NEAR(scores.data[i], expected.data[i], 1e-5);
    }
}

TEST_F(InputOfWeights, WhatPaddingMakesInexactIsRefused) {
    EXPECT_THAT(refusal(file_of(108), padded, normalised({0.5}, {0.5})),
                AllOf(HasSubstr("conv1"), HasSubstr("pads its input")));
    EXPECT_EQ(refusal(file_of(108), padded, normalised({0}, {0.5})), "") << "a zero stays a zero";
    EXPECT_THAT(refusal(file_of(48), bare, normalised({0.5, 0.5, 0.5}, {1})),
                AllOf(HasSubstr("3 numbers"), HasSubstr("2 channels")));
    EXPECT_THAT(refusal(file_of(48), bare, normalised({0.5}, {0})), HasSubstr("above 0"));
    EXPECT_THAT(refusal(file_of(48), bare, normalised({NAN}, {1})), HasSubstr("finite"));
}

TEST_F(InputOfWeights, WithoutItIsAnAssumption) {
    EXPECT_THAT(import(file_of(48), bare).assumptions, Contains(HasSubstr("pixels from 0 to 1")));
}

}  // namespace
}  // namespace spikelens
