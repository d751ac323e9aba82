#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "report/charts.h"
#include "report/plot.h"
#include "report/svg.h"

namespace spikelens::report {
namespace {

TEST(NiceTicks, AreRoundEvenlySpacedAndInside) {
    for (double low : {-3.7, 0.0, 0.0012, 41.0})
        for (double span : {0.0009, 0.034, 1.0, 7.0, 12345.0}) {
            const auto ticks = nice_ticks(low, low + span);
            ASSERT_GE(ticks.size(), 2U) << low << " " << span;
            EXPECT_LE(ticks.size(), 8U);
            const double step = ticks[1] - ticks[0],
                         mantissa = step / std::pow(10, std::floor(std::log10(step) + 1e-9));
            EXPECT_NEAR(std::min({std::abs(mantissa - 1), std::abs(mantissa - 2), std::abs(mantissa - 5)}), 0, 1e-3)
                << step;
            for (size_t i = 0; i < ticks.size(); ++i) {
                EXPECT_NEAR(ticks[i], ticks[0] + step * static_cast<double>(i), 1e-6 * step);
                EXPECT_NEAR(ticks[i] / step, std::round(ticks[i] / step), 1e-4);
                EXPECT_GE(ticks[i], low - 1e-6 * span);
                EXPECT_LE(ticks[i], low + span * (1 + 1e-6));
            }
        }
}

TEST(NiceTicks, KnownCase) {
    EXPECT_EQ(nice_ticks(0, 1, 5), (std::vector<double>{0, 0.2, 0.4, 0.6000000000000001, 0.8, 1}));
}

TEST(NiceTicks, NothingForAnEmptyOrUnknownInterval) {
    EXPECT_TRUE(nice_ticks(1, 1).empty());
    EXPECT_TRUE(nice_ticks(2, 1).empty());
    EXPECT_TRUE(nice_ticks(0, std::numeric_limits<double>::quiet_NaN()).empty());
    EXPECT_TRUE(nice_ticks(0, std::numeric_limits<double>::infinity()).empty());
}

TEST(LogTicks, OneTwoFive) {
    const auto ticks = log_ticks(0.5, 50);
    const std::vector<double> expected = {0.5, 1, 2, 5, 10, 20, 50};
    ASSERT_EQ(ticks.size(), expected.size());
    for (size_t i = 0; i < ticks.size(); ++i) EXPECT_DOUBLE_EQ(ticks[i], expected[i]);
    EXPECT_TRUE(log_ticks(0, 1).empty());
}

TEST(Scale, MapsEndsToEndsAndIsLinear) {
    const Scale scale(Axis{"", 2, 6}, 100, 20);
    EXPECT_DOUBLE_EQ(scale(2), 100);
    EXPECT_DOUBLE_EQ(scale(6), 20);
    EXPECT_DOUBLE_EQ(scale(3), 80);
}

TEST(Axis, StepsHaveTicksAtWholeNumbersAlone) {
    const auto ticks = [](double high) { return Axis{.label = "step", .low = 1, .high = high, .whole = true}.ticks(); };
    EXPECT_EQ(ticks(2), (std::vector<double>{1, 2}));
    EXPECT_EQ(ticks(3), (std::vector<double>{1, 2, 3}));
    EXPECT_EQ(ticks(25).front(), 5);
}

TEST(Scale, LogarithmicAxisHasItsGeometricMeanInTheMiddle) {
    const Scale scale(Axis{"", 0.1, 10, true}, 0, 200);
    EXPECT_NEAR(scale(1), 100, 1e-9);
    EXPECT_NEAR(scale(10), 200, 1e-9);
}

TEST(Path, IsInterruptedByUnknownPoints) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    EXPECT_EQ(svg::path({{0, 1}, {2, 3}, {4, nan}, {5, 6}, {7, 8.125}}), "M0,1L2,3M5,6L7,8.12");
}

TEST(LinePlot, FitCoversBandsAndSurvivesNothing) {
    LinePlot plot;
    fit_y(plot, kUnknown, kUnknown);
    EXPECT_LT(plot.y.low, plot.y.high);
    plot.series.push_back({"a", {0, 1}, {2, kUnknown}, {0.5, 0.5}, line_style(0)});
    fit_y(plot, kUnknown, kUnknown);
    EXPECT_DOUBLE_EQ(plot.y.low, 1.5);
    EXPECT_DOUBLE_EQ(plot.y.high, 2.5);
}

TEST(LinePlot, NamesAreEscapedAndNoCoordinateIsUnknown) {
    LinePlot plot;
    plot.title = "a \"title\" <b>";
    plot.series.push_back({"<script>", {0, 1, 2}, {0, kUnknown, 2}, {}, line_style(0)});
    fit_y(plot, 0, 1);
    const std::string drawing = draw(plot).markup();
    EXPECT_EQ(drawing.find("<script>"), std::string::npos);
    EXPECT_EQ(drawing.find("nan"), std::string::npos);
    EXPECT_NE(drawing.find("&lt;script&gt;"), std::string::npos);
}

TEST(LineStyles, NeighboursDifferWithoutColour) {
    for (int i = 0; i < 20; ++i)
        EXPECT_TRUE(line_style(i).dash != line_style(i + 1).dash || line_style(i).marker != line_style(i + 1).marker);
}

TEST(RowChart, UnknownMarksAreNotDrawn) {
    RowChart chart;
    chart.rows.push_back({"empty class", {{kUnknown, {}, line_style(0)}}, "no samples"});
    const std::string drawing = draw(chart).markup();
    EXPECT_EQ(drawing.find("nan"), std::string::npos);
    EXPECT_EQ(drawing.find("<circle"), std::string::npos);
    EXPECT_NE(drawing.find("no samples"), std::string::npos);
}

TEST(Shorten, CountsLettersNotBytes) {
    EXPECT_EQ(shorten("Bücher", 6), "Bücher");
    EXPECT_EQ(shorten("Bücher", 3), "Bü…");
}

}  // namespace
}  // namespace spikelens::report
