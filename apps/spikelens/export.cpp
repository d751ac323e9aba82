#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/model_io/import.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/made_run.h"
#include "spikelens/pipeline/output.h"

#include "commands.h"
#include "run_directory.h"

namespace spikelens::app {
namespace {

struct ExportCommand {
    std::filesystem::path model, out;
};

Outcome run_export(const ExportCommand& command) {
    const Network network =
        std::filesystem::is_directory(command.model) ? *open_run(command.model).network : load_model(command.model);
    const std::string ending = command.out.extension().string();
    if (ending != ".nir" && ending != ".safetensors")
        throw InputError("--out is '" + command.out.string() + "', expected a file ending in .nir or .safetensors");
    check_output(command.out, ending == ".nir" ? OutputKind::nir : OutputKind::model);
    if (ending == ".nir")
        export_nir(network, command.out);
    else
        save_model(network, command.out);
    return {{{"command", "export"},
             {"model", command.model.string()},
             {"out", command.out.string()},
             {"fingerprint", model_fingerprint(network)},
             {"network", document_of(NetworkSummary(network))}},
            command.out.string() + "\n"};
}

}  // namespace

void add_export(CLI::App& program, Run& run) {
    auto command = std::make_shared<ExportCommand>();
    CLI::App* app = program.add_subcommand("export", "Write a network as a NIR graph or a model file");
    app->add_option("model", command->model, "A run directory or a model file")->required();
    app->add_option("--out", command->out, "The file to write: .nir or .safetensors")->required();
    app->callback([command, &run] { run = [command](const Globals&, Console&) { return run_export(*command); }; });
}

}  // namespace spikelens::app
