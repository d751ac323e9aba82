#include "spikelens/core/printable.h"
#include "spikelens/pipeline/fields.h"

#include "commands.h"

namespace spikelens::app {
namespace {

Outcome run_report(ReportCommand& command, const Call& call) {
    command.seed = call.globals.seed;
    command.ReportOptions::command = words_of("report", command, call.globals.seed);
    const WrittenRun written = open_to_write(command.run, call.globals, call.console, command.out);
    const ReportResult result = report_run(written.run, command, call.execution(), call.notes());
    return {document_of(result), printable(result.report) + "\n"};
}

}  // namespace

void declare(OptionTable& table, ReportCommand& command) {
    table.add("run", command.run, "The run directory").required();
    table.add("--out", command.out, "The file to write; by default RUN/report.html");
    table.add("--images", command.images, "Samples in the gallery, half of them wrong predictions; at most 12 recordings")
        .in(0, 500);
    table.add_list("--methods", command.methods, "method", "Methods in the gallery; by default those evaluated");
}

Command report_command() { return command_of<ReportCommand>("report", "Write one self-contained report.html", run_report); }

}  // namespace spikelens::app
