#include "spikelens/pipeline/inspect.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/printable.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/text.h"

#include "commands.h"

namespace spikelens::app {
namespace {

struct InspectCommand : InspectOptions {
    std::filesystem::path model;
    std::string engine = Execution{}.engine;
};

void declare(OptionTable& table, InspectCommand& command) {
    table.add("model", command.model, "A run directory or a model file").required();
    table.add("--samples", command.samples, "Test images for spike rates, when a run directory is given");
    table.add("--speed", command.speed, "Time the simulation of these images");
    table.add_engine(command.engine);
}

Outcome run_inspect(const InspectCommand& command, const Call& call) {
    const InspectResult result = std::filesystem::is_directory(command.model)
                                     ? inspect_run(open_run(command.model), command, call.execution(command.engine))
                                     : inspect_model(command.model, call.execution(command.engine));
    return {document_of(result), text_of(result)};
}

}  // namespace

Command inspect_command() {
    return command_of<InspectCommand>("inspect", "Print a model: layers, shapes, neurons, spike rates, dead filters, kernels",
                                      run_inspect);
}

}  // namespace spikelens::app
