#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/inspect.h"

#include "commands.h"
#include "run_directory.h"

namespace spikelens::app {

void add_export(CLI::App& program, Run& run) {
    struct Command {
        std::filesystem::path model, out;
    };
    auto command = std::make_shared<Command>();
    CLI::App* app = program.add_subcommand("export", "Write a network as a NIR graph or a model file");
    app->add_option("model", command->model, "A run directory or a model file")->required();
    app->add_option("--out", command->out, "The file to write: .nir or .safetensors")->required();
    app->callback([command, &run] {
        run = [command](const Globals&, Console&) -> Outcome {
            if (std::filesystem::is_directory(command->model)) open_run(command->model);  // its sentences say what to do
            const ExportResult result = export_model(command->model, command->out);
            return {document_of(result), result.out + "\n"};
        };
    });
}

}  // namespace spikelens::app
