#include <cstdio>
#include <cstring>
#include <fstream>

#include <gtest/gtest.h>

#include "spikelens/report/report.h"

#include "fixture.h"
#include "report/html.h"
#include "report/page.h"
#include "report/provenance.h"

namespace spikelens {
namespace {

using namespace report;
using report_test::synthetic_report;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

Page page_of(const ReportData& data) { return {data, read_results(data)}; }

std::string unescaped(std::string text) {
    for (const auto& [from, to] :
         {std::pair{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}})
        for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + 1))
            text.replace(at, strlen(from), to);
    return text;
}

/// What a shell makes of a line, each word ended by a NUL.
std::string words_in_a_shell(const std::string& line) {
    const std::string script = "spikelens() { printf '%s\\0' \"$@\"; }\n" + line;
    const std::string path = testing::TempDir() + "/spikelens-words.sh";
    std::ofstream(path, std::ios::binary) << script;
    std::string words;
    FILE* pipe = popen(("bash '" + path + "'").c_str(), "r");
    for (int c = fgetc(pipe); c != EOF; c = fgetc(pipe)) words += static_cast<char>(c);
    EXPECT_EQ(pclose(pipe), 0) << line;
    std::remove(path.c_str());
    return words;
}

TEST(Report, CommandsSurviveTheShell) {
    const std::vector<std::string> words = {"train",
                                            "--data",
                                            "my data/it's \"here\" $HOME `x` \\",
                                            "--out",
                                            "a\nb\tc",
                                            "é–ü",
                                            "",
                                            "~",
                                            "*",
                                            "#not a comment",
                                            "a;b&&c|d>e",
                                            "\xff\x01"
                                            "1",
                                            "\u202e",
                                            "-3",
                                            "'",
                                            "!x",
                                            "<b>&amp;</b>"};
    std::string expected;
    for (const std::string& word : words) expected += word + '\0';
    std::vector<std::string> line = {"spikelens"};
    line.insert(line.end(), words.begin(), words.end());
    EXPECT_EQ(words_in_a_shell(shell(line)), expected) << shell(line);

    ReportData data = synthetic_report();
    data.command = words;
    const std::string html = report_html(data), escaped = Html(shell(line)).markup();
    EXPECT_TRUE(contains(html, escaped)) << escaped;
    EXPECT_EQ(unescaped(escaped), shell(line));
}

TEST(Report, PrintsTheCommandsOfEveryStage) {
    const ReportData data = synthetic_report();
    const std::vector<std::string> all = {
        "spikelens train --data synthetic --out runs/synthetic", "spikelens interpret runs/synthetic --mu-max 50",
        "spikelens evaluate runs/synthetic --methods svebi,ig2d", "spikelens evaluate runs/synthetic --methods sam",
        "spikelens report runs/synthetic --images 12"};
    EXPECT_EQ(all_commands(page_of(data)), all);
    const std::string html = report_html(data);
    const auto figure_of = [&](const std::string& id) {
        const size_t begin = html.find("id=\"" + id + "\"");
        return html.substr(begin, html.find("</figure>", begin) - begin);
    };
    EXPECT_TRUE(contains(figure_of("curve-insertion"), Html(all[2] + "\n" + all[3]).markup()));
    EXPECT_TRUE(contains(figure_of("ablation"), all[1]));
    EXPECT_TRUE(contains(figure_of("path-0"), all[1]));
    EXPECT_TRUE(contains(figure_of("confusion"), all[0]));
}

TEST(Report, OptionsThatWereNotRecordedAreNotGuessed) {
    ReportData data = synthetic_report();
    data.manifest.erase("stages");
    EXPECT_EQ(unrecorded_stages(page_of(data)), (std::vector<std::string>{"interpret", "evaluate"}));
    const std::string html = report_html(data), commands = html.substr(html.find("<h3>Commands</h3>"));
    EXPECT_TRUE(contains(commands, "spikelens train --data synthetic --network shallow --out runs/synthetic"));
    EXPECT_TRUE(contains(commands, "The options of interpret, evaluate were not recorded"));
    EXPECT_FALSE(contains(html, "spikelens interpret runs/synthetic"));
    EXPECT_FALSE(contains(html, "spikelens evaluate runs/synthetic"));
    EXPECT_TRUE(contains(html, "This run did not record the options of evaluate."));
}

}  // namespace
}  // namespace spikelens
