#include <gtest/gtest.h>

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
    EXPECT_TRUE(contains(html, "default-src 'none'; img-src data: blob:; style-src " + policy_hash(report_css()) +
                                   "; script-src " + policy_hash(report_js())));
    EXPECT_TRUE(contains(html, "<style>" + std::string(report_css()) + "</style>"));
    EXPECT_TRUE(contains(html, "<script>" + std::string(report_js()) + "</script>"));
    EXPECT_FALSE(contains(std::string(report_js()), "</script"));
}

TEST(Report, FindingSaysWhatWasMeasured) {
    ReportData data = synthetic_report();
    EXPECT_TRUE(contains(finding(page_of(data)), "reads synthetic garments with 88.9\u00a0% accuracy; at μ = 2, on average "));
    EXPECT_TRUE(contains(finding(page_of(data)), "silencing them costs 10.9 points, silencing as many random ones 0.7."));
    EXPECT_TRUE(contains(trust(page_of(data)),
                         "ig2d explains best (0.810), which is not told apart from the sanity baseline intensity (0.806)"));
    data.train = nullptr;
    EXPECT_FALSE(contains(finding(page_of(data)), "88.9"));
}

TEST(Report, EveryMissingStageNamesItsCommand) {
    ReportData data;
    data.run = "runs/empty";
    const std::string html = report_html(data);
    for (const char* command :
         {"spikelens interpret runs/empty", "spikelens evaluate runs/empty", "spikelens report runs/empty"})
        EXPECT_TRUE(contains(html, command)) << command;
    EXPECT_TRUE(contains(finding(page_of(data)), "not been measured"));
    EXPECT_FALSE(contains(html, ">nan<"));
}

TEST(Report, HostileNamesStayText) {
    ReportData data = synthetic_report();
    const std::string hostile = "<script>alert(1)</script>\"'><img src=x>";
    data.train["classes"][0] = hostile;
    data.interpret["classes"][0] = hostile;
    data.methods[0].name = data.methods[0].title = data.methods[0].meaning = hostile;
    data.evaluate["methods"][0]["method"] = hostile;
    data.filters[0].name = hostile;
    data.manifest["command"] = hostile;
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
    EXPECT_EQ(verdict("insertion of svebi"), Claim::Verdict::contradicted);                  // 0.8459 against [0.703, 0.737]
}

TEST(Report, OneSampleHasNoIntervalAndNoVerdict) {
    ReportData data = synthetic_report();
    data.evaluate["methods"][0]["metrics"][0]["ci95"] = nullptr;
    data.evaluate["methods"][0]["metrics"][0]["samples"] = 1;
    data.train["test_accuracy_ci95"] = {nullptr, nullptr};
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
    data.interpret["per_class"][1]["path"][0]["kkt_residual"] = 1e-4;
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
    EXPECT_TRUE(contains(html, "never predicts this class"));
    EXPECT_TRUE(contains(html, "no samples"));
}

TEST(Report, EmptyListsAndForeignTypesDoNotThrow) {
    for (const char* document : {"train", "interpret", "evaluate"})
        for (const nlohmann::json& value :
             {nlohmann::json::object(),
              nlohmann::json{{"classes", 3}, {"per_class", "x"}, {"methods", {1, nullptr}}, {"confusion", {1, 2}}},
              nlohmann::json{{"per_class", nlohmann::json::array()},
                             {"ablation", {{"curve", nlohmann::json::array()}}},
                             {"methods", nlohmann::json::array()}}}) {
            ReportData data = synthetic_report();
            (document[0] == 't' ? data.train : document[0] == 'i' ? data.interpret : data.evaluate) = value;
            EXPECT_NO_THROW(report_html(data)) << document << value;
        }
}

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
