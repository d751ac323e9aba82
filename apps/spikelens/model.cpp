#include "spikelens/pipeline/inspect.h"

#include "commands.h"

namespace spikelens::app {
namespace {

struct InspectCommand : InspectOptions {
    std::filesystem::path model;
    std::string engine = Execution{}.engine;
};
struct ExportCommand {
    std::filesystem::path model, out;
};

void declare(OptionTable& table, InspectCommand& command) {
    table.add("model", command.model, "A run directory or a model file").required();
    table.add("--samples", command.samples, "Test images for spike rates, when a run directory is given");
    table.add("--speed", command.speed, "Time the simulation of these images");
    table.add_engine(command.engine);
}

void declare(OptionTable& table, ExportCommand& command) {
    table.add("model", command.model, "A run directory or a model file").required();
    table.add("--out", command.out, "The file to write: .nir or .safetensors").required();
}

InspectResult run_inspect(const InspectCommand& command, const Call& call) {
    if (!std::filesystem::is_directory(command.model))
        return inspect_model(command.model, call.execution(command.engine));
    return inspect_run(call.open(command.model), command, call.execution(command.engine));
}

ExportResult run_export(const ExportCommand& command, const Call& call) {
    if (std::filesystem::is_directory(command.model)) call.open(command.model);  // its sentences say what to do
    return export_model(command.model, command.out);
}

}  // namespace

Command inspect_command() {
    return command_of<InspectCommand>(
        "inspect", "Print a model: layers, shapes, neurons, spike rates, dead filters, kernels", run_inspect);
}

Command export_command() {
    return command_of<ExportCommand>("export", "Write a network as a NIR graph or a model file", run_export);
}

}  // namespace spikelens::app
