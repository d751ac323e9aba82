#include "spikelens/report/stage.h"

#include "commands.h"

namespace spikelens::app {
namespace {

ReportResult run_report(const OfRun<ReportOptions>& options, const Call& call) {
    const WrittenRun written = call.open_to_write(options.run, options.out);
    return report_run(written.run, options, call.execution(), call.notes());
}

}  // namespace

void declare(OptionTable& table, ReportOptions& options) {
    table.add("--out", options.out, "The file to write; by default RUN/report.html");
    table.add("--images", options.images,
              "Samples in the gallery, half of them wrong predictions; at most 12 recordings");
    table.add_list("--methods", options.methods, "method; spikelens methods lists them",
                   "Methods in the gallery; by default those evaluated");
}

Command report_command() {
    return command_of<OfRun<ReportOptions>>("report", "Write one self-contained report.html", run_report);
}

}  // namespace spikelens::app
