#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>

#include "spikelens/core/printable.h"
#include "spikelens/core/random.h"

#include "fixture.h"
#include "report/html.h"

namespace spikelens {
namespace {

/// The reports that the scripts look at, in a folder of their own.
class ReportFiles : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "spikelens-report-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder = pattern;
        write("full", report_test::synthetic_report());
        write("colour", report_test::synthetic_report({3, {8, 8}, 3, 64, 5, false}));
        report_test::FixtureOptions recordings{10, {8, 8}, 2, 34, 4};
        recordings.recordings = true;
        write("recordings", report_test::synthetic_report(recordings));
        ReportData empty;
        empty.run = "runs/empty";
        write("empty", empty);
    }
    void TearDown() override { std::filesystem::remove_all(folder); }

    void write(const std::string& name, const ReportData& data) const {
        std::ofstream(folder / (name + ".html"), std::ios::binary) << report_html(data);
    }
    int run(const std::string& script) const {
        const std::string command = std::string(SPIKELENS_PYTHON) + " '" SPIKELENS_SOURCE_DIR "/tests/report/" +
                                    script + "' '" + folder.string() + "'";
        return WEXITSTATUS(std::system(command.c_str()));
    }

    std::filesystem::path folder;
};

TEST_F(ReportFiles, AreWellFormedAndLoadNothing) { EXPECT_EQ(run("check_html.py"), 0); }

/// Bytes of all kinds, more of those that end something.
std::string hostile_text(uint64_t index) {
    static const std::string pieces[] = {"</script>",
                                         "<!--",
                                         "]]>",
                                         "\"",
                                         "'",
                                         ">",
                                         "&lt;",
                                         "&#0;",
                                         "&amp",
                                         "\r\n",
                                         "\t",
                                         "\xE2\x80\xAE",
                                         "\xEF\xBB\xBF",
                                         "\xED\xA0\x80",
                                         "\xF4\x90\x80\x80",
                                         "\xC2\x85",
                                         "Bücher",
                                         "\xF0\x9F\x90\xA6",
                                         "=",
                                         "`",
                                         " "};
    const auto order =
        random_permutation(256 + static_cast<int64_t>(std::size(pieces)) * 8, 7, Stream::sampling, {index});
    std::string text;
    for (size_t i = 0; i < index % 40; ++i)
        text += order[i] < 256 ? std::string(1, static_cast<char>(order[i]))
                               : pieces[static_cast<size_t>(order[i] - 256) / 8];
    return text;
}

/// Any text comes back from a parser as it is, or as `printable_lines` shows it: as text, as an attribute, within a
/// drawing.
TEST_F(ReportFiles, AnyTextComesBack) {
    std::filesystem::remove(folder / "full.html");
    nlohmann::json expected = nlohmann::json::array();
    report::Html content;
    for (uint64_t i = 0; i < 2000; ++i) {
        const std::string text = hostile_text(i), other = hostile_text(i + 5000);
        expected.push_back({printable_lines(text), printable_lines(other)});
        content += report::tag(i % 2 == 0 ? "td.fuzz" : "text.fuzz", {{"title", other}, {"hidden", true}}, text);
    }
    std::ofstream(folder / "fuzz.json") << expected;
    std::ofstream(folder / "fuzz.fragment", std::ios::binary) << content.markup();
    EXPECT_EQ(run("check_html.py"), 0);
}

TEST_F(ReportFiles, WorkInABrowser) {
    const int code = run("check_browser.py");
    if (code == 77) GTEST_SKIP() << "No Chromium is installed: the report was not opened in a browser.";
    EXPECT_EQ(code, 0);
}

TEST_F(ReportFiles, ArePassedByAxe) {
    const int code = run("check_axe.py");
    if (code == 77) GTEST_SKIP() << "No Chromium is installed: axe was not asked about the report.";
    if (code == 78)
        GTEST_SKIP() << "There is no axe in build/peers (./run peers brings it): accessibility was NOT checked.";
    EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace spikelens
