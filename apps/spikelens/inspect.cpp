#include "spikelens/pipeline/inspect.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/printable.h"
#include "spikelens/pipeline/fields.h"

#include "commands.h"
#include "run_directory.h"
#include "text.h"

namespace spikelens::app {
namespace {

struct InspectCommand : InspectOptions {
    std::filesystem::path model;
};

template <class Number>
std::string list_text(const std::vector<Number>& numbers) {
    return fmt::format("[{}]", fmt::join(numbers, ","));
}

std::string layers_text(const std::vector<LayerSummary>& layers) {
    constexpr auto right = TextTable::Align::right;
    std::vector<TextTable::Column> columns = {
        {"layer"}, {"output"}, {"after pooling"}, {"parameters", right}, {"field", right}};
    if (std::ranges::any_of(layers, [](const LayerSummary& layer) { return layer.dead_filters.has_value(); }))
        columns.insert(columns.end(), {{"spikes", right}, {"dead", right}});
    TextTable table(columns), neurons({{""}, {""}});
    for (const LayerSummary& layer : layers) {
        std::vector<std::string> row = {layer.layer, list_text(layer.output), layer.pool ? list_text(layer.pool->output) : "",
                                        std::to_string(layer.parameters), std::to_string(layer.receptive_field)};
        if (layer.dead_filters) {
            row.push_back(fmt::format("{:.1f}%", 100 * *layer.spikes_per_neuron_and_step));
            row.push_back(std::to_string(*layer.dead_filters));
        }
        table.add(row);
        neurons.add({layer.layer, layer.neuron});
    }
    return table.text() + "\n" + neurons.text();
}

std::string text_of(const InspectResult& result) {
    const NetworkSummary& network = result.network;
    std::string text =
        paragraph(printable(network.text)) +
        paragraph(fmt::format("input {}, {}, {} parameters, model {}", list_text(network.input), counted(network.steps, "step"),
                              network.parameters, result.fingerprint.substr(0, 16))) +
        "\n" + layers_text(result.layers) + "\n";
    for (const std::string& line : result.kernels) text += paragraph(line);
    if (result.images_per_second) text += fmt::format("{:.0f} images a second\n", *result.images_per_second);
    return text;
}

}  // namespace

void add_inspect(CLI::App& program, Run& run) {
    auto command = std::make_shared<InspectCommand>();
    CLI::App* app =
        program.add_subcommand("inspect", "Print a model: layers, shapes, neurons, spike rates, dead filters, kernels");
    app->add_option("model", command->model, "A run directory or a model file")->required();
    app->add_option("--samples", command->samples, "Test images for spike rates, when a run directory is given")
        ->capture_default_str();
    app->add_flag("--speed", command->speed, "Time the simulation of these images");
    app->callback([command, &run] {
        run = [command](const Globals& globals, Console& console) -> Outcome {
            const Execution execution = globals.execution(console);
            const InspectResult result = std::filesystem::is_directory(command->model)
                                             ? inspect_run(open_run(command->model), *command, execution)
                                             : inspect_model(command->model, execution);
            return {document_of(result), text_of(result)};
        };
    });
}

}  // namespace spikelens::app
