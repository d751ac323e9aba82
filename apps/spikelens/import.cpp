#include "spikelens/pipeline/import.h"

#include <map>

#include <fmt/ranges.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/core/printable.h"
#include "spikelens/pipeline/fields.h"

#include "arguments.h"
#include "choices.h"
#include "commands.h"
#include "remarks.h"
#include "run_directory.h"
#include "text.h"

namespace spikelens::app {
namespace {

Shape parse_shape(const std::string& text) {
    Shape shape;
    for (const std::string& part : split_list({text})) {
        const bool digits = !part.empty() && part.size() < 7 && part.find_first_not_of("0123456789") == std::string::npos;
        if (!digits) break;
        shape.push_back(std::stoll(part));
    }
    if (shape.size() != 3) throw InputError(fmt::format("--input is '{}', expected C,H,W such as 1,28,28", text));
    return shape;
}

/// "full2=head.out" → full2 is filled from head.out.
std::map<std::string, std::string> parse_layers(const std::vector<std::string>& words) {
    std::map<std::string, std::string> layers;
    for (const std::string& word : split_list(words)) {
        const size_t equals = word.find('=');
        if (equals == std::string::npos || equals == 0 || equals + 1 == word.size())
            throw InputError(fmt::format("--map has '{}', expected LAYER=MODULE such as full2=head.out", word));
        if (!layers.emplace(word.substr(0, equals), word.substr(equals + 1)).second)
            throw InputError(fmt::format("--map fills {} twice", word.substr(0, equals)));
    }
    return layers;
}

std::string text_of(const ImportResult& result) {
    std::string text = fmt::format("{}\ninput [{}], {} parameters\n", result.network.text, fmt::join(result.network.input, ","),
                                   result.network.parameters);
    TextTable tensors({{"in the file"}, {"shape"}, {"where it went"}});
    for (const TensorSummary& tensor : result.tensors)
        tensors.add({tensor.from, fmt::format("[{}]", fmt::join(tensor.shape, ",")),
                     (tensor.to.empty() ? "left out" : tensor.to) + (tensor.note.empty() ? "" : ": " + tensor.note)});
    text += "\n" + tensors.text();
    if (!result.assumptions.empty()) text += "\nassumed, because the file does not say:\n";
    for (const std::string& assumption : result.assumptions) text += "  " + assumption + "\n";
    if (result.made)
        text += fmt::format("\n{}: {:.2f} % of {} test samples right\n", result.made->data, 100 * result.made->test.accuracy,
                            result.made->test.samples) +
                accuracy_remarks(*result.made);
    return text + "\n" + printable(result.out) + "\n";
}

}  // namespace

ImportResult call_import(ImportOptions options, const Globals& globals, Console& console) {
    options.seed = globals.seed;
    options.again = arguments_of(options);
    options.arguments = globals.arguments;
    options.lock = [&](const std::filesystem::path& root) { return lock_run(root, globals, console); };
    return import_run(options, globals.execution(console), console.notes());
}

void add_import(CLI::App& program, Run& run) {
    auto options = std::make_shared<ImportOptions>();
    CLI::App* app = program.add_subcommand("import", "Import a network: NIR, a PyTorch state dict, or safetensors");
    app->add_option("file", options->file, "A .nir graph, or weights: .pth, .pt, .safetensors")->required();
    app->add_option("--out", options->out, "A model file to write (.safetensors), or with --data a run directory to make")
        ->required();
    app->add_option("--data", options->data, "The data set of the run: a name or a folder");
    app->add_option("--binning", options->binning,
                    "Recordings as steps: 1ms, 30x10ms or count=50 (1ms); with ,clip at most 255 events a pixel and step");
    app->add_option("--coding", options->coding, "Images as spikes: direct, rate, latency, latency(log) or delta");
    add_picture_options(app, options->pictures);
    app->add_option("--network", options->network, "For weights: a preset or a text such as 16C3-LIF-MP2-10F");
    add_parsed(*app, "--input", options->input, parse_shape, "The network's input C,H,W");
    app->add_option("--classes", options->classes, "Number of outputs of a preset; by default 10");
    app->add_option("--replace-last", options->replace_last,
                    "Outputs of a new last layer, with drawn weights, for another task");
    app->add_option("--steps", options->steps, "Time steps T, for images");
    add_choice(*app, "--match", options->match, kMatches, "How weights find their layers: auto, name or order");
    app->add_option_function<std::vector<std::string>>(
        "--map", [options](const std::vector<std::string>& words) { options->layers = parse_layers(words); },
        "Which module of the file fills a layer: full2=head.out,…");
    add_choice(*app, "--neurons", options->neurons, kNeuronSources,
               "Which neuron parameters count, the file's or the network text's: file, text, or agree (they must be equal)");
    app->add_option("--dialect", options->dialect,
                    "Library that wrote the NIR graph: auto, exact, snntorch, spikingjelly, norse, sinabs, rockpool");
    app->add_option("--dt", options->dt, "Seconds per step of a NIR graph, where the dialect needs it");
    add_parsed(*app, "--reset", options->reset, parse_reset,
               "Reset of the neurons instead of the dialect's: subtract, zero or none");
    app->add_option("--surrogate", options->surrogate,
                    "Surrogate for gradient methods: triangle, sigmoid, fast_sigmoid or atan");
    app->callback([options, &run] {
        run = [options](const Globals& globals, Console& console) -> Outcome {
            const ImportResult result = call_import(*options, globals, console);
            return {document_of(result), text_of(result)};
        };
    });
}

}  // namespace spikelens::app
