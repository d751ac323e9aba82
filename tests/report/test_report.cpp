#include <algorithm>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/report/report.h"

#include "fixture.h"
#include "report/assets.h"
#include "report/bytes.h"
#include "report/page.h"

namespace spikelens {
namespace {

using namespace report;
using report_test::synthetic_report;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

Page page_of(const ReportData& data) { return {data, read_results(data)}; }

TEST(Report, SameDataGiveTheSameBytes) { EXPECT_EQ(report_html(synthetic_report()), report_html(synthetic_report())); }

TEST(Report, PolicyNamesTheStyleAndTheScriptInTheFile) {
    const std::string html = report_html(synthetic_report());
    const std::string policy = "default-src 'none'; img-src data: blob:; style-src " + policy_hash(report_css()) +
                               "; script-src " + policy_hash(report_js());
    EXPECT_TRUE(contains(html, Html(policy).markup()));
    EXPECT_TRUE(contains(html, "<style>" + std::string(report_css()) + "</style>"));
    EXPECT_TRUE(contains(html, "<script>" + std::string(report_js()) + "</script>"));
    EXPECT_FALSE(contains(std::string(report_js()), "</script"));
}

TEST(Report, EveryMissingStageNamesItsCommand) {
    ReportData data;
    data.run = "runs/empty";
    const std::string html = report_html(data);
    for (const char* command :
         {"spikelens interpret runs/empty", "spikelens evaluate runs/empty", "spikelens report runs/empty"})
        EXPECT_TRUE(contains(html, command)) << command;
    EXPECT_TRUE(contains(headline(page_of(data)), "not been measured"));
    EXPECT_FALSE(contains(html, ">nan<"));
}

TEST(Report, HostileNamesStayText) {
    ReportData data = synthetic_report();
    const std::string hostile = "<script>alert(1)</script>\"'><img src=x>";
    data.results.train->made.classes[0] = hostile;
    data.results.interpret->classes[0] = hostile;
    data.methods[0].name = data.methods[0].title = data.methods[0].meaning = hostile;
    data.results.evaluate->methods[0].method = hostile;
    data.filters[0].name = hostile;
    data.manifest["stages"]["train"]["command"][1] = hostile;
    data.run = hostile;
    data.image_choice = hostile;
    const std::string html = report_html(data);
    EXPECT_FALSE(contains(html, "<script>alert"));
    EXPECT_FALSE(contains(html, "<img src=x>"));
}

TEST(Report, ClaimsAreJudgedByIntervals) {
    const ReportData data = synthetic_report();
    const auto list = claims(page_of(data));
    const auto verdict = [&](const std::string& statement) {
        for (const Claim& claim : list)
            if (claim.statement == statement) return claim.verdict;
        ADD_FAILURE() << statement;
        return Claim::Verdict::undecided;
    };
    EXPECT_EQ(verdict("Silencing the relevant filters (μ = 2) costs more than silencing as many random ones"),
              Claim::Verdict::held);
    EXPECT_EQ(verdict("insertion: svebi scores above grad2d"), Claim::Verdict::held);        // ours 0.72 − 0.66
    EXPECT_EQ(verdict("insertion: svebi scores above ig2d"), Claim::Verdict::contradicted);  // ours 0.72 − 0.81
    EXPECT_EQ(verdict("insertion of svebi"), Claim::Verdict::contradicted);  // 0.8459 against [0.703, 0.737]
}

/// A number that lies in an interval wider than a tenth of it on either side settles nothing.
TEST(Report, WideIntervalsHoldNothing) {
    EXPECT_EQ(holds(0.8, {0.75, 0.85}), std::optional(true));
    EXPECT_EQ(holds(0.8, {0.71, 0.88}), std::nullopt);
    EXPECT_EQ(holds(0.8, {0.2, 0.7}), std::optional(false));
    EXPECT_EQ(holds(0.8, {}), std::nullopt);
    ReportData data = synthetic_report();
    data.results.evaluate->methods[0].metrics[0].ci95 = {0.6, 0.9};
    const auto list = claims(page_of(data));
    const auto claim = std::ranges::find(list, "insertion of svebi", &Claim::statement);
    ASSERT_NE(claim, list.end());
    EXPECT_EQ(claim->verdict, Claim::Verdict::undecided);
}

TEST(Report, APapersColumnStandsBesideWhatThePaperMeasured) {
    ReportData data = synthetic_report();
    const auto columns = [&] {
        const std::string html = report_html(data), head = ">paper</th>";
        size_t found = 0;
        for (size_t at = html.find(head); at != std::string::npos; at = html.find(head, at + 1)) ++found;
        return found;
    };
    const size_t both = columns();
    std::erase_if(data.results.evaluate->paper, [](const PaperValue& paper) { return paper.metric == "deletion"; });
    EXPECT_EQ(columns() + 1, both);
}

/// An experiment's claims are those of its document, whatever the run's own results say.
TEST(Report, ClaimsOfAnExperimentAreItsOwn) {
    ReportData data = synthetic_report();
    ClaimsResult made;
    made.experiment = "svebi-mnist";
    made.claims = {{"insertion of svebi, Table 1", 0.8459, "0.7800 ± 0.0900, 3 seeds", std::nullopt, std::nullopt},
                   {"insertion of svebi, Table 1", 0.8459, 0.79, false, std::nullopt, "20 epochs", 0.0123},
                   {"svebi beats grad2d on insertion", "yes", "0 of 3 seeds", false, std::nullopt}};
    made.seeds = {{1, "run", {{"insertion of svebi, Table 1", 0.8459, 0.7, false, Interval(0.69, 0.71)}}}};
    data.results.claims = made;
    const auto list = claims(page_of(data));
    ASSERT_EQ(list.size(), 2U);
    EXPECT_EQ(list[0].verdict, Claim::Verdict::undecided);
    EXPECT_EQ(list[0].ours, "0.7800 ± 0.0900, 3 seeds");
    EXPECT_EQ(list[1].verdict, Claim::Verdict::contradicted);
    const std::string html = report_html(data);
    EXPECT_TRUE(contains(html, "tested on several seeds"));
    EXPECT_TRUE(contains(html, "+0.0123")) << "what the choice changes";
    EXPECT_TRUE(contains(html, "0.7000 [0.6900, 0.7100]")) << "each seed by itself";
    EXPECT_FALSE(contains(html, "insertion: svebi scores above grad2d")) << "no second judgement";
}

TEST(Report, ChoicesOfFiltersAreShownWhereTheyWereMeasured) {
    ReportData data = synthetic_report();
    EXPECT_FALSE(contains(report_html(data), "filter-areas"));
    FiltersResult filters;
    filters.samples = 3;
    filters.train_samples = 10;
    filters.chosen_mu = 2;
    filters.full_accuracy = 0.9;
    filters.live = 2;
    filters.selections = {{"lasso", {{1, 1, 0.8, 0.1}, {2, 1.5, 0.7, 0.1}}, 0.05, 0.02, 0.8},
                          {"share", {{1, 1, 0.6, kUnknown}, {2, 1.5, 0.5, kUnknown}}, 0.25, kUnknown, 0.95},
                          {"random, live", {{1, 1, 0.9, 0.1}, {2, 1.5, 0.9, 0.1}}, 0, 0, kUnknown}};
    filters.per_class = {{0, "zero", {{"conv1", 3, 3, true, true, 0.5, {{"share", 1.25}}}}}};
    data.results.filters = filters;
    const std::string html = report_html(data);
    EXPECT_TRUE(contains(html, "id=\"filter-areas\""));
    EXPECT_TRUE(contains(html, "0.500 ± —")) << "no interval of one sample";
    EXPECT_TRUE(contains(html, "conv1.3* 1.25"));
    EXPECT_TRUE(contains(html, "conv1.3 (50\u00a0%)"));
    EXPECT_FALSE(contains(html, ">nan<"));
}

TEST(Report, OneSampleHasNoIntervalAndNoVerdict) {
    ReportData data = synthetic_report();
    data.results.evaluate->methods[0].metrics[0].ci95 = {};
    data.results.evaluate->methods[0].metrics[0].samples = 1;
    data.results.train->made.test.ci95 = {};
    const std::string html = report_html(data);
    EXPECT_TRUE(contains(html, "no interval: 1 sample"));
    for (const Claim& claim : claims(page_of(data))) {
        if (claim.statement == "insertion of svebi") {
            EXPECT_EQ(claim.verdict, Claim::Verdict::undecided);
        }
    }
}

TEST(Report, UnconvergedWeightsAreWithheld) {
    ReportData data = synthetic_report();
    data.results.interpret->per_class[1].path[0].kkt_residual = 1e-4;
    const std::string html = report_html(data);
    EXPECT_TRUE(contains(html, "not converged: residual 1e-04"));
    EXPECT_TRUE(contains(html, "id=\"path-0\""));
    EXPECT_FALSE(contains(html, "id=\"path-1\""));
}

TEST(Report, DeadZeroAndBrokenAreSaid) {
    const std::string html = report_html(synthetic_report());
    EXPECT_TRUE(contains(html, "This filter never spiked"));
    EXPECT_TRUE(contains(html, "no attribution (0)"));
    EXPECT_TRUE(contains(html, "1 value not finite"));
    EXPECT_TRUE(contains(html, "only rounding (|v| ≤ "));
    EXPECT_TRUE(contains(html, "never predicts this class"));
    EXPECT_TRUE(contains(html, "no samples"));
}

/// Every stage alone, with nothing in its lists, beside the others as they are or beside none.
TEST(Report, EmptyResultsStillHaveAPage) {
    for (const ReportData& others : {synthetic_report(), ReportData()}) {
        ReportData data = others;
        data.results.train = TrainResult();
        EXPECT_TRUE(contains(report_html(data), "No confusion matrix was recorded."));
        data = others;
        data.results.interpret = InterpretResult();
        EXPECT_TRUE(contains(report_html(data), "The interpretation names no classes."));
        data = others;
        data.results.evaluate = EvaluateResult();
        EXPECT_TRUE(contains(report_html(data), "The evaluation names no method."));
    }
}

ReportData recordings_report(int images) {
    report_test::FixtureOptions options;
    options.recordings = true;
    options.channels = 2;
    options.side = 34;
    options.images = images;
    return synthetic_report(options);
}

int count_of(const std::string& text, const std::string& part) {
    int count = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

TEST(Report, EventsAreShownOnlyWhereThereAreClouds) {
    const std::string images = report_html(synthetic_report());
    for (const char* part : {"id=\"events\"", "#event", "<details class=\"events\""})
        EXPECT_FALSE(contains(images.substr(images.find("<body>")), part)) << part;

    const std::string html = report_html(recordings_report(4));
    EXPECT_TRUE(contains(html, "<section id=\"events\""));
    EXPECT_TRUE(contains(html, "<a href=\"#events\">Events</a>"));
    EXPECT_EQ(count_of(html, "<details class=\"events\""), 4);
    EXPECT_EQ(count_of(html, "\" open><summary>"), 1);
    EXPECT_EQ(count_of(html, "class=\"cloud\""), 4 * (1 + 3));       // the recording and three timed methods
    EXPECT_EQ(count_of(html, "<ol class=\"windows\">"), 4 * 3 - 2);  // one is all zero, one is not finite
    EXPECT_EQ(count_of(html, "<ol class=\"windows counts\">"), 4);
    EXPECT_TRUE(contains(html, "no attribution (0) in any window"));
    EXPECT_TRUE(contains(html, "1 value of the windows not finite"));
    EXPECT_TRUE(contains(html, "windows of 8 steps"));
    EXPECT_TRUE(contains(html, "ig3d, steps 7–14: from "));  // window 1 of 8 over 60 steps: 7.5 and 15, rounded down
}

TEST(Report, RecordingsWithoutTimedMethodsAreStillShown) {
    ReportData data = recordings_report(2);
    for (ReportImage& image : data.images) {
        image.clouds.clear();
        image.windows.clear();
        image.spikes_per_window.clear();
    }
    data.steps = 0;
    data.window_steps = 0;
    const std::string html = report_html(data);
    EXPECT_EQ(count_of(html, "class=\"cloud\""), 2);
    EXPECT_TRUE(contains(html, "No method of this report tells time apart"));
}

TEST(Report, RecordingsAreCalledRecordings) {
    const std::string html = report_html(recordings_report(3)), body = html.substr(html.find("<body>"));
    for (const char* words :
         {"10,000 test recordings", "1,000 test recordings; spikes changed in 28 steps; seed 1",
          "<h2 id=\"images-title\">Recordings</h2>", "<legend>Recordings</legend>", "Test recording test:417",
          "mean over recordings", "spikes deleted", "spikes inserted", "next, previous recording"})
        EXPECT_TRUE(contains(body, words)) << words;
    for (const char* words : {"test image", "Test image", "over images", "pixels deleted", "training image", "black"})
        EXPECT_FALSE(contains(body, words)) << words;
    ReportData data = recordings_report(1);
    data.input_kind = "films";
    EXPECT_THROW(report_html(data), InputError);
}

TEST(Report, MetricsWithoutCurvesAreInTablesAlone) {
    const ReportData data = recordings_report(1);
    const std::string html = report_html(data);
    for (const char* figure :
         {"id=\"curve-spike_insertion\"", "id=\"curve-spike_deletion\"", "id=\"difference-completeness\""})
        EXPECT_TRUE(contains(html, figure)) << figure;
    for (const char* figure : {"id=\"curve-sensitivity\"", "id=\"curve-completeness\""})
        EXPECT_FALSE(contains(html, figure)) << figure;
    for (const char* head : {">spike_insertion ↑<", ">spike_deletion ↓<", ">sensitivity ↓<", ">completeness ↓<"})
        EXPECT_TRUE(contains(html, head)) << head;
    EXPECT_TRUE(contains(html, "3086 <small>[2778, 3395]</small>"));  // 12345 · 0.25, four digits
    EXPECT_TRUE(contains(html, "spike_insertion, spike_deletion: area under the curve. sensitivity: "));
    EXPECT_TRUE(contains(trust(page_of(data)),
                         "The best of four explanations, ig3d, is ahead of the input's own spikes on "
                         "spike_insertion: 0.810 against 0.706."));
    EXPECT_FALSE(contains(html, ">nan"));
}

TEST(Report, LeadsWithAMetricThatHasACurve) {
    ReportData data = recordings_report(1);
    for (EvaluatedMethod& of : data.results.evaluate->methods) std::ranges::reverse(of.metrics);
    EXPECT_EQ(metrics_of(*data.results.evaluate)[0], "completeness");
    EXPECT_EQ(leading_metric(*data.results.evaluate), "spike_deletion");
}

TEST(Report, StaysSmallWithRecordings) { EXPECT_LT(report_html(recordings_report(12)).size(), 15U << 20); }

TEST(Report, StaysSmall) {
    report_test::FixtureOptions many;
    many.filters_per_layer[0] = 80;
    many.filters_per_layer[1] = 120;
    EXPECT_LT(report_html(synthetic_report()).size(), 2U << 20);
    EXPECT_LT(report_html(synthetic_report(many)).size(), 6U << 20);
    EXPECT_LT(report_css().size() + report_js().size(), 100U << 10);
}

}  // namespace
}  // namespace spikelens
