#include "spikelens/pipeline/import.h"

#include "commands.h"

namespace spikelens::app {
namespace {

Shape parse_shape(const std::string& text) {
    Shape shape;
    for (const std::string& part : split_list({text})) shape.push_back(number_of<int64_t>("--input", part));
    if (shape.size() != 3) throw InputError(fmt::format("--input is '{}', expected C,H,W such as 1,28,28", text));
    return shape;
}

using Layers = std::map<std::string, std::string>;

/// "full2=head.out" → full2 is filled from head.out.
Layers parse_layers(const Strings& words) {
    Layers layers;
    for (const std::string& word : split_list(words)) {
        const size_t equals = word.find('=');
        if (equals == std::string::npos || equals == 0 || equals + 1 == word.size())
            throw InputError(fmt::format("--map has '{}', expected LAYER=MODULE such as full2=head.out", word));
        if (!layers.emplace(word.substr(0, equals), word.substr(equals + 1)).second)
            throw InputError(fmt::format("--map fills {} twice", word.substr(0, equals)));
    }
    return layers;
}

Strings layer_words(const Layers& layers) {
    Strings words;
    for (const auto& [layer, module] : layers) words.push_back(fmt::format("{}={}", layer, module));
    return layers.empty() ? words : Strings{fmt::format("{}", fmt::join(words, ","))};
}

}  // namespace

void declare(OptionTable& table, ImportOptions& options) {
    static const Words<MatchWeights> matches = {
        {"auto", MatchWeights::automatic}, {"name", MatchWeights::by_name}, {"order", MatchWeights::by_order}};
    static const Words<NeuronSource> sources = {
        {"agree", NeuronSource::agree}, {"file", NeuronSource::file}, {"text", NeuronSource::text}};
    table.add("file", options.file, "A .nir graph, or weights: .pth, .pt, .safetensors").required();
    table.add("--out", options.out, "A model file to write (.safetensors), or with --data a run directory to make")
        .required();
    table.add("--data", options.data, "The data set of the run: a name or a folder");
    table.add("--binning", options.binning,
              "Recordings as steps: 1ms, 30x10ms or count=50 (1ms); with ,clip at most 255 events a pixel and step");
    table.add("--coding", options.coding, "Images as spikes: direct, rate, latency, latency(log) or delta");
    table.add_pictures(options.pictures);
    table.add("--network", options.network, "For weights: a preset or a text such as 16C3-LIF-MP2-10F");
    table.add_parsed(
        "--input", options.input, parse_shape,
        [](const Shape& shape) { return fmt::format("{}", fmt::join(shape, ",")); }, "The network's input C,H,W");
    table.add("--classes", options.classes, "Number of outputs of a preset; by default 10");
    table.add("--replace-last", options.replace_last,
              "Outputs of a new last layer, with drawn weights, for another task");
    table.add("--steps", options.steps, "Time steps T, for images");
    table.add_choice("--match", options.match, matches, "How weights find their layers");
    table
        .add_option(
            {"--map",
             "Which module of the file fills a layer: full2=head.out,…; also conv1.norm=bn, full2.recurrent=lif",
             "TEXT", [&options](const Strings& words) { options.layers = parse_layers(words); },
             [&options] { return layer_words(options.layers); }})
        .many();
    table.add("--bn-eps", options.bn_eps, "ε of the batch normalisations in a file of weights; by default 1e-5");
    table.add_choice("--neurons", options.neurons, sources,
                     "Which neuron parameters count, the file's or the network text's; agree: they must be equal");
    table.add("--dialect", options.dialect,
              "Library that wrote the NIR graph: auto, exact, snntorch, spikingjelly, norse, sinabs, rockpool");
    table.add("--dt", options.dt, "Seconds per step of a NIR graph, where the dialect needs it");
    add_reset(table, options.reset, "Reset of the neurons instead of the dialect's");
    table.add("--surrogate", options.surrogate,
              "Surrogate for gradient methods: triangle, sigmoid, fast_sigmoid or atan");
}

Command import_command() {
    return command_of<ImportOptions>("import", "Import a network: NIR, a PyTorch state dict, or safetensors",
                                     [](const ImportOptions& options, const Call& call) {
                                         return import_run(options, call.execution(), call.notes());
                                     });
}

}  // namespace spikelens::app
