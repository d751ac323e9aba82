#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/snn/network.h"

#include "pipeline/evaluate_result.h"

namespace spikelens {
namespace {

MeasuredMethod measured(const std::string& method, std::map<std::string, MetricResult> scores) {
    MeasuredMethod of{parse_method(method), {{"method", method}, {"surrogate", "triangle"}}, {}, {}, {}};
    of.scores.metrics = std::move(scores);
    of.scores.done = 5;
    of.scores.undecided = 1;
    of.scores.seconds = 8;
    of.scores.maps[MapState::zero] = 2;
    return of;
}

/// Two methods by two metrics over four samples, computed by hand: t(0.975, 3 degrees of freedom) = 3.182446.
class Scores : public testing::Test {
  protected:
    Scores() {
        MetricResult one{{1, 2, 3, 4}, FloatArray({4, 2})}, other{{0, 1, 2, 1}, FloatArray({4, 2})};
        one.curves.data = {1, 0, 2, 0, 3, 0, 4, 0};
        result.metrics = {"insertion", "completeness"};
        add_scores(result, {measured("grad2d", {{"insertion", one}}),
                            measured("input", {{"insertion", other}, {"completeness", {{1, 1, 1, 1}, {}}}})});
    }
    EvaluateResult result;
};

TEST_F(Scores, AreMeansWithStudentsInterval) {
    const MetricScore& score = *result.score("grad2d", "insertion");
    EXPECT_EQ(score.better, "higher");
    EXPECT_EQ(score.samples, 4);
    EXPECT_DOUBLE_EQ(score.mean, 2.5);
    const double half = 3.182446 * std::sqrt(5.0 / 3) / 2;
    EXPECT_NEAR(score.ci95.low, 2.5 - half, 1e-5);
    EXPECT_NEAR(score.ci95.high, 2.5 + half, 1e-5);
    EXPECT_EQ(score.curve, (std::vector<double>{2.5, 0}));
    EXPECT_NEAR(score.curve_ci95[0], half, 1e-5);
    EXPECT_TRUE(std::isnan(score.curve_ci95[1]));  // four equal values say nothing of others
    EXPECT_EQ(result.score("grad2d", "completeness"), nullptr);
    EXPECT_EQ(result.score("sam", "insertion"), nullptr);
    EXPECT_TRUE(result.measures("completeness"));
    EXPECT_FALSE(result.measures("deletion"));
}

TEST_F(Scores, TellOfTheMethodToo) {
    const EvaluatedMethod& method = *result.method("input");
    EXPECT_TRUE(method.sanity_baseline);
    EXPECT_EQ(method.seconds_per_explanation, 2);  // four were explained
    EXPECT_EQ(method.zero_maps, 2);
    EXPECT_EQ(method.noise_maps, 0);
    EXPECT_EQ(method.surrogate, "triangle");
    EXPECT_FALSE(method.relevant);
}

TEST_F(Scores, DifferencesArePairedAndTurnAround) {
    ASSERT_EQ(result.differences.size(), 1U);  // one method has no completeness
    const MetricDifference there = result.difference("insertion", "grad2d", "input").value();
    EXPECT_DOUBLE_EQ(there.difference, 1.5);
    EXPECT_NEAR(there.ci95.low, 1.5 - 3.182446 * 1.0 / 2, 1e-5);  // differences 1, 1, 1, 3: deviation 1
    EXPECT_FALSE(there.decided);
    const MetricDifference back = result.difference("insertion", "input", "grad2d").value();
    EXPECT_EQ(back.difference, -there.difference);
    EXPECT_EQ(back.ci95.low, -there.ci95.high);
    EXPECT_EQ(back.ci95.high, -there.ci95.low);
    EXPECT_FALSE(result.difference("completeness", "grad2d", "input"));
}

TEST(PaperValues, AreOfThePapersNetworkAlone) {
    EvaluateResult result;
    result.data = "mnist";
    for (const char* method : {"ig2d", "svebi", "random"}) result.methods.emplace_back().method = method;
    for (const char* metric : {"insertion", "deletion"}) result.methods[0].metrics.emplace_back().metric = metric;
    result.methods[1].metrics.emplace_back().metric = "insertion";
    EXPECT_EQ(paper_values(result, preset_text("shallow", 10)).size(), 3U) << "of what was measured alone";
    EXPECT_THAT(paper_values(result, "10F"), testing::IsEmpty());
    result.data = "fashion-mnist";
    EXPECT_THAT(paper_values(result, preset_text("shallow", 10)), testing::IsEmpty());
}

}  // namespace
}  // namespace spikelens
