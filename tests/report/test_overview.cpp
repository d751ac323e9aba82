#include <algorithm>

#include <gtest/gtest.h>

#include "spikelens/report/report.h"

#include "fixture.h"
#include "report/page.h"

namespace spikelens {
namespace {

using namespace report;
using report_test::synthetic_report;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

Page page_of(const ReportData& data) { return {data, read_results(data)}; }

TEST(Report, HeadlineNeedsNoKnowledgeOfNetworks) {
    ReportData data = synthetic_report();
    EXPECT_EQ(headline(page_of(data)),
              "This network tells ten kinds of images apart: T-shirt/top, Trouser, Pullover and seven others; it is "
              "right in 89 "
              "of 100 test images.");
    data.results.train->made.data = "fashion-mnist";
    data.results.train->made.test.accuracy = 0.9996;
    EXPECT_EQ(headline(page_of(data)),
              "This network recognises ten kinds of clothes; it is right in 9,996 of 10,000 test images.");
    EXPECT_TRUE(contains(small_print(page_of(data)), "Network 16C3-LIF-MP2-32C3-LIF-MP2-FC10"));
    data.results.train->made.test.accuracy = 0.5;
    data.results.train->made.test.samples = 4;
    data.results.train->made.test.undecided = 1;
    EXPECT_TRUE(contains(headline(page_of(data)), "right in 2 of 4 test images, and names no class for 1 of 4."));
    for (auto& row : data.results.train->made.confusion) row[6] = row[8] = 0;
    EXPECT_TRUE(contains(headline(page_of(data)), "for 1 of 4 and never answers Shirt and Bag."));
    data.results.train.reset();
    EXPECT_TRUE(contains(headline(page_of(data)), "how often it is right has not been measured"));
}

TEST(Report, FindingSaysWhatWasMeasured) {
    ReportData data = synthetic_report();
    EXPECT_TRUE(contains(finding(page_of(data)), "Of its 48 filters, "));
    EXPECT_TRUE(contains(finding(page_of(data)),
                         "costs 10.9 points of accuracy, silencing as many at random costs 0.7 points."));
    EXPECT_EQ(trust(page_of(data)),
              "The best of four explanations, ig2d, is not told apart from the sanity baseline intensity on insertion: "
              "0.810 against 0.806.");
    data.results.interpret->ablation.curve = {{2, 0.87, 0.88, {}, {}, {}, 0.02, 0.02, 1}};
    EXPECT_TRUE(contains(finding(page_of(data)), "the two are not told apart"));
}

/// Renames the fixture's brightness baseline to the product's and sets what ig2d has over it on insertion.
void set_lead_over_brightness(ReportData& data, double lead, bool decided) {
    for (EvaluatedMethod& of : data.results.evaluate->methods)
        if (of.method == "intensity") of.method = "input";
    for (MetricDifference& of : data.results.evaluate->differences) {
        if (of.b == "intensity") of.b = "input";
        if (of.a == "ig2d" && of.b == "input" && of.metric == "insertion") of.difference = lead, of.decided = decided;
    }
}

std::string hero_of(const ReportData& data) {
    const std::string html = report_html(data);
    const size_t begin = html.find("<div class=\"hero\">");
    return begin == std::string::npos ? std::string() : html.substr(begin, html.find("<dl class=\"tiles\">") - begin);
}

TEST(Report, FirstMapIsTheBestMeasuredOneWithItsVerdict) {
    ReportData data = synthetic_report();
    set_lead_over_brightness(data, 0.1, true);
    EXPECT_TRUE(contains(hero_of(data), "where it looked, says ig2d"));
    EXPECT_TRUE(contains(hero_of(data), "ahead of the input&#39;s own brightness on insertion: 0.810 against 0.806"));
    set_lead_over_brightness(data, -0.1, true);
    EXPECT_TRUE(contains(hero_of(data), "below the input&#39;s own brightness on insertion"));
    set_lead_over_brightness(data, 0.1, false);
    EXPECT_TRUE(contains(hero_of(data), "not told apart from the input&#39;s own brightness on insertion"));
    data.results.evaluate->differences.clear();
    EXPECT_EQ(standing(*page_of(data).results.evaluate, "ig2d").verdict, Standing::Verdict::undecided);
}

TEST(Report, NoExplanationIsTheBestWhereAllAreEqual) {
    ReportData data = synthetic_report();
    const auto set = [&](const std::vector<std::string>& names, double mean) {
        for (EvaluatedMethod& of : data.results.evaluate->methods)
            for (MetricScore& score : of.metrics)
                if (score.metric == "insertion" && std::ranges::find(names, of.method) != names.end())
                    score.mean = mean;
    };
    EXPECT_TRUE(contains(report_html(data), "Best explanation by insertion"));
    set({"grad2d", "ig2d"}, 0.9);
    EXPECT_EQ(trust(page_of(data)),
              "Of four explanations, two are equally good by insertion, and none is better: 0.900.");
    set({"svebi", "grad2d", "ig2d", "sam"}, 0.5);
    EXPECT_TRUE(contains(trust(page_of(data)), "Of four explanations, all are equally good by insertion"));
    const std::string html = report_html(data);
    EXPECT_TRUE(contains(html, "No best explanation by insertion"));
    EXPECT_FALSE(contains(html, "Best explanation by insertion"));
    EXPECT_TRUE(contains(hero_of(data), "4 explanations are equally good by insertion"));
}

TEST(Report, ClassNeverPredictedHasNothingToSolve) {
    ReportData data = synthetic_report();
    const auto count = [&] {
        const std::string html = report_html(data), words = "never predicted: there is nothing to solve";
        int found = 0;
        for (size_t at = html.find(words); at != std::string::npos; at = html.find(words, at + 1)) ++found;
        return found;
    };
    const auto never = std::ranges::count(data.results.interpret->per_class, 0, &ClassPath::predicted_samples);
    EXPECT_EQ(count(), never);
    data.results.interpret->per_class[0].predicted_samples = 0;
    EXPECT_EQ(count(), never + 1);
}

TEST(Report, FirstMapWithoutMeasurementsSaysSo) {
    ReportData data = synthetic_report();
    const auto keep = [&](bool baselines) {
        std::erase_if(data.results.evaluate->methods,
                      [&](const EvaluatedMethod& of) { return of.sanity_baseline != baselines; });
    };
    keep(false);
    EXPECT_TRUE(contains(hero_of(data), "0.810 on insertion, beside no sanity baseline"));
    data = synthetic_report();
    keep(true);
    EXPECT_TRUE(contains(hero_of(data), "where it looked, says svebi"));
    EXPECT_TRUE(contains(hero_of(data), "not measured on insertion"));
    EXPECT_TRUE(contains(trust(page_of(data)), "Only sanity baselines were measured"));
    data.results.evaluate.reset();
    EXPECT_TRUE(contains(hero_of(data), "not measured: whether it can be trusted is not known"));
    data.results.interpret.reset();  // no filter between image and map
    EXPECT_TRUE(contains(hero_of(data), "where it looked, says svebi"));
    EXPECT_FALSE(contains(hero_of(data), "strongest filter"));
    data = synthetic_report();
    data.methods.resize(2);  // svebi and grad2d alone: the best of those shown
    EXPECT_TRUE(contains(hero_of(data), "where it looked, says svebi"));
    EXPECT_TRUE(contains(hero_of(data), "0.720 against 0.806"));
}

/// A network whose neurons never spike decides by biases: whatever a map shows, it did not look there.
TEST(Report, ANetworkThatSeesNothingHasNoFirstMap) {
    ReportData data = synthetic_report();
    EXPECT_TRUE(contains(report_html(data), "div class=\"hero\""));
    for (ReportImage& image : data.images) image.probabilities = data.images.front().probabilities;
    const std::string html = report_html(data);
    EXPECT_FALSE(contains(html, "div class=\"hero\""));
    EXPECT_TRUE(contains(html, "below the same scores."));
}

TEST(Report, DivergedTrainingIsNoResult) {
    ReportData data = synthetic_report();
    data.results.train->diverged = true;
    const std::string html = report_html(data), body = html.substr(html.find("<body>"));
    EXPECT_TRUE(contains(body, "<strong>Training diverged.</strong>"));
    EXPECT_TRUE(contains(headline(page_of(data)), "diverged"));
    EXPECT_FALSE(contains(body, "88.9\u00a0%"));
    EXPECT_FALSE(contains(body, "id=\"class-accuracy\""));
    EXPECT_EQ(hero_of(data), "");
    EXPECT_FALSE(page_of(synthetic_report()).results.train->diverged);
}

TEST(Report, TellsWhenRightAndWrongPredictionsAreDecided) {
    ReportData data = synthetic_report();
    const std::string html = report_html(data);
    EXPECT_TRUE(contains(html, "id=\"decision-times\""));
    EXPECT_TRUE(contains(html, "half of the 100 right after step 2, half of the 20 wrong after step 5 were decided"));
    data.decisions.wrong.assign(10, 0);
    EXPECT_TRUE(contains(report_html(data), "half of the 100 right after step 2 were decided"));
    data.decisions = {};
    EXPECT_FALSE(contains(report_html(data), "decision-times"));
}

TEST(Report, UndecidedIsNoClass) {
    const std::string html = report_html(synthetic_report());
    EXPECT_TRUE(contains(html, "<b>undecided</b><span class=\"wrong\">✗ no output spike; is "));
    ReportData data = synthetic_report();
    data.results.train->made.test.undecided = 3;
    data.results.train->made.confusion_undecided = {3, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    const ReportData decided = synthetic_report();
    const Page page = page_of(data), without = page_of(decided);
    EXPECT_EQ(page.results.train->samples_of(0), without.results.train->samples_of(0) + 3);
    EXPECT_TRUE(contains(report_html(data), "3 images for which the network named no class are not in it."));
    data.results.train->made.test.undecided = 10000;
    EXPECT_TRUE(contains(headline(page_of(data)), "decides nothing: it names no class for any of 10,000 test images"));
    EXPECT_TRUE(contains(report_html(data), "undecided on every test image"));
    EXPECT_FALSE(contains(report_html(data), "id=\"ablation\""));
}

}  // namespace
}  // namespace spikelens
