#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>

#include <fmt/format.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/error.h"
#include "spikelens/core/printable.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/made_run.h"
#include "spikelens/snn/engine.h"

#include "commands.h"
#include "run_directory.h"
#include "text.h"

namespace spikelens::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct InspectCommand {
    fs::path model;
    int64_t samples = 500;
    bool speed = false;
};

std::string activity_words(const Network& network, const Layer& layer) {
    if (!layer.neuron && &layer != &network.layers.back())
        return signals(network)[&layer - network.layers.data()].currents ? "none: sends currents" : "none: sends spikes";
    if (!layer.neuron)
        return layer.readout_beta == 1 ? "integrates (readout)" : fmt::format("leaks, β {:g} (readout)", layer.readout_beta);
    std::string words = neuron_words(*layer.neuron);
    for (const NeuronValue& value : layer.values)
        words += fmt::format(", {} by {}", value.field, value.values.shape.size() == 1 ? "channel" : "neuron");
    return words;
}

/// As `inspect` names what a layer does with its inputs.
constexpr std::array<std::string_view, 7> kind_names = {"convolution", "fully connected", "sum",         "AND",
                                                        "AND NOT",     "concatenation",   "passes it on"};

/// One number, or of rows and of columns.
json sides(int rows, int columns) { return rows == columns ? json(rows) : json{rows, columns}; }

json layer_document(const Network& network, int index) {
    const Layer& layer = network.layers[index];
    json document = {{"layer", layer.name},
                     {"kind", kind_names[static_cast<size_t>(layer.kind)]},
                     {"input", {layer.in_channels, layer.in_height, layer.in_width}},
                     {"output", {layer.out_channels, layer.out_height, layer.out_width}},
                     {"parameters", layer.weight.size() + layer.bias.size() + layer.recurrence.weight.size()},
                     {"neuron", activity_words(network, layer)},
                     {"receptive_field", receptive_field(network, index).size}};
    if (layer.kind == LayerKind::conv)
        document.update({{"kernel", sides(layer.kernel, layer.kernel_columns())},
                         {"stride", sides(layer.stride, layer.stride_columns())},
                         {"padding", sides(layer.padding, layer.padding_columns())}});
    if (layer.groups != 1) document["groups"] = layer.groups;
    if (layer.dilation != 1 || layer.dilation_columns() != 1)
        document["dilation"] = sides(layer.dilation, layer.dilation_columns());
    if (layer.recurrence.kind != RecurrenceKind::none)
        document["recurrence"] = recurrence_words[static_cast<size_t>(layer.recurrence.kind)];
    if (layer.inputs != std::vector{index - 1})
        for (const int input : layer.inputs)
            document["inputs"].push_back(input == kNetworkInput ? "input" : network.layers[input].name);
    if (layer.pool.kind != PoolKind::none)
        document["pool"] = {{"kind", pool_words[static_cast<size_t>(layer.pool.kind)]},
                            {"size", sides(layer.pool.size, layer.pool.columns())},
                            {"stride", sides(layer.pool.stride, layer.pool.stride_columns())},
                            {"output", {layer.out_channels, layer.pooled_height, layer.pooled_width}}};
    return document;
}

/// Spikes per neuron and step, and filters that never spike, over some test images.
void add_activity(json& layers, const Network& network, const Engine& engine, const SampleSource& data) {
    RecordRequest request;
    request.counts = true;
    for (int l = 0; l < static_cast<int>(network.layers.size()); ++l)
        if (network.layers[l].neuron) request.layers.push_back(l);
    std::vector<double> spikes(network.layers.size(), 0), neurons(network.layers.size(), 0);
    std::vector<std::vector<bool>> active(network.layers.size());
    for (int64_t first = 0; first < data.size(); first += 100) {
        std::vector<int64_t> indices(std::min<int64_t>(100, data.size() - first));
        std::iota(indices.begin(), indices.end(), first);
        const Recording recording = engine.run(data.input(indices), request);
        for (const LayerRecording& layer : recording.layers) {
            auto& seen = active[layer.layer];
            seen.resize(layer.counts.extent(1));
            const int64_t pixels = layer.counts.extent(2) * layer.counts.extent(3);
            for (int64_t i = 0; i < layer.counts.size(); ++i) {
                spikes[layer.layer] += layer.counts.data[i];
                if (layer.counts.data[i] > 0) seen[i / pixels % layer.counts.extent(1)] = true;
            }
            neurons[layer.layer] += static_cast<double>(layer.counts.size());
        }
    }
    const int steps = data.steps() > 0 ? data.steps() : network.steps;
    for (int l : request.layers) {
        layers[l]["spikes_per_neuron_and_step"] = spikes[l] / (neurons[l] * steps);
        layers[l]["dead_filters"] = std::ranges::count(active[l], false);
    }
}

/// Images a second through the exact simulation, the best of three passes.
double images_per_second(const Engine& engine, const SampleSource& data) {
    std::vector<int64_t> indices(data.size());
    std::iota(indices.begin(), indices.end(), 0);
    const Input images = data.input(indices);
    double best = 0;
    for (int pass = 0; pass < 4; ++pass) {
        const auto started = std::chrono::steady_clock::now();
        engine.run(images);
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
        if (pass > 0) best = std::max(best, static_cast<double>(indices.size()) / seconds);
    }
    return best;
}

std::string layers_text(const json& layers) {
    constexpr auto right = TextTable::Align::right;
    const bool active = std::ranges::any_of(layers, [](const json& layer) { return layer.contains("dead_filters"); });
    std::vector<TextTable::Column> columns = {
        {"layer"}, {"output"}, {"after pooling"}, {"parameters", right}, {"field", right}};
    if (active) columns.insert(columns.end(), {{"spikes", right}, {"dead", right}});
    TextTable table(columns), neurons({{""}, {""}});
    for (const json& layer : layers) {
        std::vector<std::string> row = {layer["layer"], layer["output"].dump(),
                                        layer.contains("pool") ? layer["pool"]["output"].dump() : "",
                                        layer["parameters"].dump(), layer["receptive_field"].dump()};
        if (layer.contains("dead_filters")) {
            row.push_back(fmt::format("{:.1f}%", 100 * layer["spikes_per_neuron_and_step"].get<double>()));
            row.push_back(layer["dead_filters"].dump());
        }
        table.add(row);
        neurons.add({layer["layer"], layer["neuron"]});
    }
    return table.text() + "\n" + neurons.text();
}

std::string text_of(const json& document) {
    const json& network = document["network"];
    std::string text = paragraph(printable(network["text"].get<std::string>()));
    text += paragraph(fmt::format("input {}, {}, {} parameters, model {}", network["input"].dump(),
                                  counted(network["steps"].get<int>(), "step"), network["parameters"].get<int64_t>(),
                                  document["fingerprint"].get<std::string>().substr(0, 16)));
    text += "\n" + layers_text(document["layers"]) + "\n";
    for (const json& line : document["kernels"]) text += paragraph(line.get<std::string>());
    if (document.contains("images_per_second"))
        text += fmt::format("{:.0f} images a second\n", document["images_per_second"].get<double>());
    return text;
}

Outcome run_inspect(const InspectCommand& command, const Globals& globals, Console& console) {
    if (command.samples < 0) throw InputError(fmt::format("--samples must be 0 (none) or more, not {}", command.samples));
    const bool is_run = fs::is_directory(command.model);
    const OpenRun run = is_run ? open_run(command.model) : OpenRun{};
    const auto shared = is_run ? run.network : std::make_shared<const Network>(load_model(command.model));
    const Network& network = *shared;
    const CpuEngine engine(shared, globals.execution(console));
    json layers = json::array();
    for (int l = 0; l < static_cast<int>(network.layers.size()); ++l) layers.push_back(layer_document(network, l));
    json document = {{"command", "inspect"},
                     {"model", command.model.string()},
                     {"fingerprint", model_fingerprint(network)},
                     {"network", document_of(NetworkSummary(network))},
                     {"classes", network.classes},
                     {"kernels", engine.describe()}};
    if (is_run && command.samples > 0) {
        const RunData data = run.load_data(globals.execution(console));
        const FirstSamples samples(*data.test, command.samples);
        add_activity(layers, network, engine, samples);
        document["activity_samples"] = samples.size();
        if (command.speed) document["images_per_second"] = images_per_second(engine, samples);
    }
    document["layers"] = layers;
    return {document, text_of(document)};
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
        run = [command](const Globals& globals, Console& console) { return run_inspect(*command, globals, console); };
    });
}

}  // namespace spikelens::app
