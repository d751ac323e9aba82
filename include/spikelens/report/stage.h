#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "spikelens/core/execution.h"
#include "spikelens/pipeline/run.h"
#include "spikelens/pipeline/stage.h"

namespace spikelens {

struct ReportOptions {
    std::filesystem::path out;  ///< the file to write; empty: report.html in the run
    int images = 24;            ///< of the test set, as many right as wrong predictions; at most 12 recordings
    std::vector<std::string>
        methods;                     ///< empty: those evaluated, or a usual set; the sanity baselines are always there
    uint64_t seed = 1;               ///< of the draw of images and of methods
    std::vector<std::string> again;  ///< the program's words that make the report again; the page shows them
};

struct ReportResult {
    std::string command = "report";
    std::string run, fingerprint;
    std::string report;  ///< the file
    int64_t bytes = 0;
    std::vector<int64_t> images;  ///< indices in the test set

    static void fields(auto& self, auto& field) {
        field("command", self.command), field("run", self.run), field("fingerprint", self.fingerprint);
        field("report", self.report), field("bytes", self.bytes), field("images", self.images);
    }
};

/// Writes one HTML page of what the run holds: its results (current_results), its filters, and test samples that it
/// explains for the page. What is not of the run as it is is left out, which a line says. Nothing else is written.
///
/// Throws InputError for a file that may not be written (check_output) and for images below 0 or above 500, before
/// anything is computed; for methods that cannot be used; for data that are not the run's, and result files that say
/// something else than they should.
ReportResult report_run(const Run& run, const ReportOptions& options, const Execution& execution,
                        const StageNotes& notes);

/// Where the page is.
std::string text_of(const ReportResult& result);

}  // namespace spikelens
