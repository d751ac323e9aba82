#include "spikelens/pipeline/inspect.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/option_error.h"
#include "spikelens/model_io/import.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/pipeline/output.h"
#include "spikelens/snn/engine.h"

namespace spikelens {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kAtOnce = 100;  ///< samples

std::string activity_words(const Network& network, int index) {
    const Layer& layer = network.layers[index];
    if (!layer.neuron && index + 1 < static_cast<int>(network.layers.size()))
        return signals(network)[index].currents ? "none: sends currents" : "none: sends numbers of spikes";
    if (!layer.neuron && layer.readout_alpha != 0)
        return fmt::format("leaks, β {:g}, current kept by α {:g} (readout)", layer.readout_beta, layer.readout_alpha);
    if (!layer.neuron)
        return layer.leaks() ? fmt::format("leaks, β {:g} (readout)", layer.readout_beta) : "integrates (readout)";
    std::string words = neuron_words(*layer.neuron);
    for (const NeuronValue& value : layer.values)
        words += fmt::format(", {} by {}", value.field, value.values.shape.size() == 1 ? "channel" : "neuron");
    return words;
}

/// What a layer does with its inputs, in the order of LayerKind.
constexpr std::array<std::string_view, kLayerWords.size()> kKindNames = {
    "convolution", "fully connected", "sum", "and", "and not", "concatenation", "passes on", "normalisation by step"};

std::optional<int> unless(int usual, int value) { return value == usual ? std::nullopt : std::optional(value); }

void add_windows(LayerSummary& summary, const Layer& layer) {
    summary.kernel = layer.kernel, summary.stride = layer.stride, summary.padding = layer.padding;
    summary.dilation = unless(1, layer.dilation), summary.groups = unless(1, layer.groups);
    summary.kernel_columns = unless(layer.kernel, layer.kernel_columns());
    summary.stride_columns = unless(layer.stride, layer.stride_columns());
    summary.padding_columns = unless(layer.padding, layer.padding_columns());
    summary.dilation_columns = unless(layer.dilation, layer.dilation_columns());
}

/// What graphs alone have.
void add_graph(LayerSummary& summary, const Network& network, int index) {
    const Layer& layer = network.layers[index];
    if (layer.recurrence.kind != RecurrenceKind::none)
        summary.recurrence = kRecurrenceWords[static_cast<size_t>(layer.recurrence.kind)];
    if (layer.inputs == std::vector{index - 1}) return;
    summary.inputs.emplace();
    for (const int input : layer.inputs)
        summary.inputs->push_back(input == kNetworkInput ? "input" : network.layers[input].name);
}

LayerSummary summary_of(const Network& network, int index) {
    const Layer& layer = network.layers[index];
    LayerSummary summary;
    summary.layer = layer.name;
    summary.kind = kKindNames[static_cast<size_t>(layer.kind)];
    summary.input = {layer.in_channels, layer.in_height, layer.in_width};
    summary.output = {layer.out_channels, layer.out_height, layer.out_width};
    summary.parameters = layer.weight.size() + layer.bias.size() + layer.recurrence.weight.size();
    summary.neuron = activity_words(network, index);
    summary.receptive_field = receptive_field(network, index).size;
    if (layer.kind == LayerKind::conv) add_windows(summary, layer);
    add_graph(summary, network, index);
    if (layer.pool.kind != PoolKind::none)
        summary.pool = {std::string(kPoolWords[static_cast<size_t>(layer.pool.kind)]),
                        layer.pool.size,
                        layer.pool.stride,
                        {layer.out_channels, layer.pooled_height, layer.pooled_width},
                        unless(layer.pool.size, layer.pool.columns()),
                        unless(layer.pool.stride, layer.pool.stride_columns()),
                        unless(0, layer.pool.padding),
                        unless(layer.pool.padding, layer.pool.padding_columns()),
                        layer.pool.ceil ? std::optional(true) : std::nullopt};
    return summary;
}

std::vector<int64_t> range(int64_t first, int64_t end) {
    std::vector<int64_t> indices(end - first);
    std::iota(indices.begin(), indices.end(), first);
    return indices;
}

/// What one layer did so far.
struct Activity {
    double spikes = 0, neurons = 0;
    std::vector<bool> active;  ///< filters

    void add(const Array<uint16_t>& counts) {
        active.resize(counts.extent(1));
        const int64_t pixels = counts.extent(2) * counts.extent(3);
        for (int64_t i = 0; i < counts.size(); ++i) {
            spikes += counts.data[i];
            if (counts.data[i] > 0) active[i / pixels % counts.extent(1)] = true;
        }
        neurons += static_cast<double>(counts.size());
    }
};

/// Spikes per neuron and step, and filters that never spike.
void add_activity(std::vector<LayerSummary>& layers, const Engine& engine, const SampleSource& data) {
    const Network& network = engine.network();
    RecordRequest request;
    request.counts = true;
    for (int l = 0; l < static_cast<int>(network.layers.size()); ++l)
        if (network.layers[l].neuron) request.layers.push_back(l);
    std::vector<Activity> activity(network.layers.size());
    for (int64_t first = 0; first < data.size(); first += kAtOnce) {
        const Recording recording =
            engine.run(data.input(range(first, std::min(first + kAtOnce, data.size()))), request);
        for (const LayerRecording& layer : recording.layers) activity[layer.layer].add(layer.counts);
    }
    const int steps = data.steps() > 0 ? data.steps() : network.steps;
    for (int l : request.layers) {
        layers[l].spikes_per_neuron_and_step = activity[l].spikes / (activity[l].neurons * steps);
        layers[l].dead_filters = std::ranges::count(activity[l].active, false);
    }
}

double images_per_second(const Engine& engine, const SampleSource& data) {
    const Input images = data.input(range(0, data.size()));
    double best = 0;
    for (int pass = 0; pass < 4; ++pass) {
        const auto started = std::chrono::steady_clock::now();
        engine.run(images);
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
        if (pass > 0) best = std::max(best, static_cast<double>(data.size()) / seconds);
    }
    return best;
}

InspectResult describe(const Engine& engine, const fs::path& model) {
    const Network& network = engine.network();
    InspectResult result;
    result.model = model.string();
    result.fingerprint = model_fingerprint(network);
    result.network = NetworkSummary(network);
    result.classes = network.classes;
    result.kernels = engine.describe();
    for (int l = 0; l < static_cast<int>(network.layers.size()); ++l) result.layers.push_back(summary_of(network, l));
    return result;
}

}  // namespace

InspectResult inspect_run(const Run& run, const InspectOptions& options, const Execution& execution) {
    if (options.samples < 0)
        throw OptionError("samples",
                          fmt::format("the number of samples must be 0 (none) or more, not {}", options.samples));
    const std::unique_ptr<const Engine> engine = make_engine(execution.engine, run.network, execution);
    InspectResult result = describe(*engine, run.files.root);
    if (options.samples == 0) return result;
    const RunData data = run.load_data(execution);
    const FirstSamples samples(*data.test, options.samples);
    add_activity(result.layers, *engine, samples);
    result.activity_samples = samples.size();
    if (options.speed) result.images_per_second = images_per_second(*engine, samples);
    return result;
}

InspectResult inspect_model(const fs::path& file, const Execution& execution) {
    return describe(*make_engine(execution.engine, std::make_shared<const Network>(load_model(file)), execution), file);
}

ExportResult export_model(const fs::path& model, const fs::path& out) {
    const Network network = fs::is_directory(model) ? *Run::open(model).network : load_model(model);
    const std::string ending = out.extension().string();
    if (ending != ".nir" && ending != ".safetensors")
        throw InputError("the file to write is '" + out.string() + "', expected one ending in .nir or .safetensors");
    check_output(out, ending == ".nir" ? OutputKind::nir : OutputKind::model);
    if (ending == ".nir")
        export_nir(network, out);
    else
        save_model(network, out);
    return {"export", model.string(), out.string(), model_fingerprint(network), NetworkSummary(network)};
}

}  // namespace spikelens
