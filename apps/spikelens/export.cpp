#include "spikelens/core/printable.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/inspect.h"

#include "commands.h"

namespace spikelens::app {
namespace {

struct ExportCommand {
    std::filesystem::path model, out;
};

void declare(OptionTable& table, ExportCommand& command) {
    table.add("model", command.model, "A run directory or a model file").required();
    table.add("--out", command.out, "The file to write: .nir or .safetensors").required();
}

Outcome run_export(const ExportCommand& command, const Call&) {
    if (std::filesystem::is_directory(command.model)) open_run(command.model);  // its sentences say what to do
    const ExportResult result = export_model(command.model, command.out);
    return {document_of(result), printable(result.out) + "\n"};
}

}  // namespace

Command export_command() {
    return command_of<ExportCommand>("export", "Write a network as a NIR graph or a model file", run_export);
}

}  // namespace spikelens::app
