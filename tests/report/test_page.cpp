#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "fixture.h"

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
        const std::string command =
            std::string(SPIKELENS_PYTHON) + " '" SPIKELENS_SOURCE_DIR "/tests/report/" + script + "' '" + folder.string() + "'";
        return WEXITSTATUS(std::system(command.c_str()));
    }

    std::filesystem::path folder;
};

TEST_F(ReportFiles, AreWellFormedAndLoadNothing) { EXPECT_EQ(run("check_html.py"), 0); }

TEST_F(ReportFiles, WorkInABrowser) {
    const int code = run("check_browser.py");
    if (code == 77) GTEST_SKIP() << "No Chromium is installed: the report was not opened in a browser.";
    EXPECT_EQ(code, 0);
}

TEST_F(ReportFiles, ArePassedByAxe) {
    const int code = run("check_axe.py");
    if (code == 77) GTEST_SKIP() << "No Chromium is installed: axe was not asked about the report.";
    if (code == 78) GTEST_SKIP() << "There is no axe in build/peers (./run peers brings it): accessibility was NOT checked.";
    EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace spikelens
