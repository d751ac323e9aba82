#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/snn/surrogate.h"

namespace spikelens {
namespace {

class EachSurrogate : public ::testing::TestWithParam<const char*> {};

double integral(const Surrogate& surrogate, double from, double to) {
    const int pieces = 20000;  // Simpson
    const double h = (to - from) / pieces;
    double sum = 0;
    for (int i = 0; i < pieces; ++i) {
        const double left = from + i * h;
        sum += h / 6 *
               (surrogate_derivative(surrogate, left) + 4 * surrogate_derivative(surrogate, left + h / 2) +
                surrogate_derivative(surrogate, left + h));
    }
    return sum;
}

TEST_P(EachSurrogate, StepIsTheIntegralOfTheDerivative) {
    const Surrogate surrogate = parse_surrogate(GetParam());
    for (double to : {-1.0, -0.5, -0.125, 0.0, 0.25, 1.0, 2.5})
        EXPECT_NEAR(surrogate_step(surrogate, to) - surrogate_step(surrogate, -3.0), integral(surrogate, -3.0, to),
                    5e-7)
            << to;
}

TEST_P(EachSurrogate, StepStartsAtZeroFarBelow) {
    EXPECT_NEAR(surrogate_step(parse_surrogate(GetParam()), -1e9), 0, 1e-8);
}

TEST_P(EachSurrogate, DerivativeIsEvenAndHighestAtTheThreshold) {
    const Surrogate surrogate = parse_surrogate(GetParam());
    for (double v : {0.1, 0.7, 3.0, 1000.0}) {
        EXPECT_DOUBLE_EQ(surrogate_derivative(surrogate, v), surrogate_derivative(surrogate, -v));
        EXPECT_LT(surrogate_derivative(surrogate, v), surrogate_derivative(surrogate, 0));
        EXPECT_GE(surrogate_derivative(surrogate, v), 0);
    }
}

TEST_P(EachSurrogate, TextReadsBack) {
    const Surrogate surrogate = parse_surrogate(GetParam());
    const Surrogate again = parse_surrogate(surrogate_text(surrogate));
    EXPECT_EQ(again.kind, surrogate.kind);
    EXPECT_EQ(again.scale, surrogate.scale);
    EXPECT_EQ(again.through_reset, surrogate.through_reset);
}

INSTANTIATE_TEST_SUITE_P(Surrogates, EachSurrogate,
                         ::testing::Values("triangle", "triangle(1.5)", "sigmoid", "sigmoid(4)", "fast_sigmoid",
                                           "fast_sigmoid(10,through_reset)", "atan", "atan(0.7)",
                                           "triangle(through_reset)"));

TEST(Surrogate, DerivativesAtPointsWorkedByHand) {
    EXPECT_NEAR(surrogate_derivative(parse_surrogate("triangle"), 0.25), 0.225, 1e-7);
    EXPECT_EQ(surrogate_derivative(parse_surrogate("triangle"), 1.5), 0);
    EXPECT_NEAR(surrogate_derivative(parse_surrogate("sigmoid"), 0), 6.25, 1e-12);
    EXPECT_NEAR(surrogate_derivative(parse_surrogate("fast_sigmoid"), -0.04), 0.25, 1e-12);
    EXPECT_NEAR(surrogate_derivative(parse_surrogate("atan"), 1 / 3.14159265358979), 0.5, 1e-12);
}

TEST(Surrogate, DefaultIsTheTriangleOfTheReferenceCode) {
    EXPECT_EQ(surrogate_text({}), "triangle(0.3)");
    EXPECT_EQ(surrogate_text(parse_surrogate("sigmoid")), "sigmoid(25)");
    EXPECT_EQ(surrogate_text(parse_surrogate("atan(2,through_reset)")), "atan(2,through_reset)");
}

TEST(Surrogate, RefusesWhatItDoesNotKnow) {
    for (const char* text : {"", "relu", "triangle(", "triangle()", "triangle(0)", "triangle(-1)", "triangle(nan)",
                             "triangle(1,2)", "atan(2", "atan(2)x", "atan(1e99)", "sigmoid(2,through_reset,3)"})
        EXPECT_THROW(parse_surrogate(text), InputError) << text;
}

}  // namespace
}  // namespace spikelens
