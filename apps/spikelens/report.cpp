#include "spikelens/pipeline/fields.h"

#include "arguments.h"
#include "commands.h"
#include "run_directory.h"
#include "usage.h"

namespace spikelens::app {

ReportResult call_report(const ReportCommand& command, const Globals& globals, Console& console) {
    const WrittenRun written = open_for_output(command.run, command.out, globals, console);
    ReportOptions options = command;
    options.methods = split_list(command.methods);
    options.seed = globals.seed;
    options.command = arguments_of(command, globals);
    return report_run(written.run, options, globals.execution(console), console.notes());
}

void add_report(CLI::App& program, Run& run) {
    auto command = std::make_shared<ReportCommand>();
    CLI::App* app = program.add_subcommand("report", "Write one self-contained report.html");
    app->add_option("run", command->run, "The run directory")->required();
    app->add_option("--out", command->out, "The file to write; by default RUN/report.html");
    app->add_option("--images", command->images,
                    "Samples in the gallery, half of them wrong predictions; at most 12 recordings")
        ->check(between(0, 500))
        ->capture_default_str();
    app->add_option("--methods", command->methods, "Methods in the gallery; by default those evaluated");
    app->callback([command, &run] {
        run = [command](const Globals& globals, Console& console) -> Outcome {
            const ReportResult result = call_report(*command, globals, console);
            return {document_of(result), result.report + "\n"};
        };
    });
}

}  // namespace spikelens::app
