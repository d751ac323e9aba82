#include "spikelens/model_io/import.h"

#include <cmath>
#include <map>

#include <fmt/ranges.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/evaluate/accuracy.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/pipeline/check_memory.h"
#include "spikelens/pipeline/documents.h"
#include "spikelens/pipeline/output.h"

#include "arguments.h"
#include "commands.h"
#include "remarks.h"
#include "run_directory.h"
#include "text.h"

namespace spikelens::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string surrogate_of(const ImportCommand& command) {
    return command.surrogate.empty() ? "atan(2,through_reset)" : command.surrogate;
}

std::vector<int64_t> parse_shape(const std::string& text, const char* option) {
    std::vector<int64_t> shape;
    for (const std::string& part : split_list({text})) {
        const bool digits = !part.empty() && part.size() < 7 && part.find_first_not_of("0123456789") == std::string::npos;
        if (!digits) break;
        shape.push_back(std::stoll(part));
    }
    if (shape.size() != 3) throw InputError(fmt::format("{} is '{}', expected C,H,W such as 1,28,28", option, text));
    return shape;
}

std::optional<Reset> parse_reset_option(const std::string& text) {
    if (text.empty()) return std::nullopt;
    if (text == "subtract") return Reset::subtract;
    if (text == "zero") return Reset::zero;
    if (text == "none") return Reset::none;
    throw InputError("--reset is subtract, zero or none, not '" + text + "'" + suggestion(text, {"subtract", "zero", "none"}));
}

/// One of the words; the first when the option is not there.
template <class Choice>
Choice parse_choice(const char* option, const std::string& text, const std::vector<std::pair<std::string, Choice>>& words) {
    std::vector<std::string> known;
    for (const auto& [word, choice] : words) {
        if (text == word || text.empty()) return choice;
        known.push_back(word);
    }
    throw InputError(fmt::format("{} is '{}', expected {}{}", option, text, fmt::join(known, ", "), suggestion(text, known)));
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

bool is_nir(const fs::path& file) {
    const std::string ending = file.extension().string();
    return ending == ".nir" || ending == ".h5" || ending == ".hdf5";
}

NirOptions nir_options(const ImportCommand& command) {
    NirOptions options;
    if (!command.dialect.empty()) options.dialect = command.dialect;
    options.dt = command.dt;
    options.reset = parse_reset_option(command.reset);
    options.steps = command.steps.value_or(0);
    if (!command.input.empty()) options.input = parse_shape(command.input, "--input");
    return options;
}

WeightOptions weight_options(const ImportCommand& command) {
    return {parse_choice<MatchWeights>(
                "--match", command.match,
                {{"auto", MatchWeights::automatic}, {"name", MatchWeights::by_name}, {"order", MatchWeights::by_order}}),
            parse_layers(command.layers),
            parse_choice<NeuronSource>(
                "--neurons", command.neurons,
                {{"agree", NeuronSource::agree}, {"file", NeuronSource::file}, {"text", NeuronSource::text}})};
}

/// The network whose weights the file holds.
Network network_of(const ImportCommand& command) {
    if (command.network.empty() || command.input.empty())
        throw InputError(command.file.string() +
                         " holds weights alone; say the network with --network TEXT and --input C,H,W (and --steps)");
    const std::string text = preset_text(command.network, command.classes.value_or(10));
    if (command.classes && text == command.network)
        throw InputError("--classes is for presets; the network " + command.network + " says its outputs itself");
    return parse_network(text, parse_shape(command.input, "--input"), command.steps.value_or(10));
}

/// An option that the import would not read.
struct Unused {
    const char* option;
    bool given;
};
void refuse_unused(std::initializer_list<Unused> options, const std::string& reason) {
    for (const Unused& unused : options)
        if (unused.given) throw InputError(unused.option + reason);
}

void check_numbers(const ImportCommand& command) {
    constexpr int most_steps = 65535;
    constexpr int64_t most_classes = 1'000'000;
    if (command.steps && (*command.steps < 1 || *command.steps > most_steps))
        throw InputError(fmt::format("--steps is {}, expected 1 to {}", *command.steps, most_steps));
    if (command.classes && (*command.classes < 1 || *command.classes > most_classes))
        throw InputError(fmt::format("--classes is {}, expected 1 to {}", *command.classes, most_classes));
    if (command.dt && (!(*command.dt > 0) || !std::isfinite(*command.dt)))
        throw InputError(fmt::format("--dt is {}, expected seconds above 0", *command.dt));
}

/// Everything that can be told before a file is read.
void check_options(const ImportCommand& command) {
    check_numbers(command);
    const std::string file = command.file.string();
    if (is_nir(command.file)) {
        refuse_unused({{"--network", !command.network.empty()},
                       {"--classes", command.classes.has_value()},
                       {"--match", !command.match.empty()},
                       {"--map", !command.layers.empty()},
                       {"--neurons", !command.neurons.empty()}},
                      " is for files of weights alone; " + file + " is a NIR graph");
        check_dialect(nir_options(command).dialect);
    } else {
        refuse_unused(
            {{"--dialect", !command.dialect.empty()}, {"--dt", command.dt.has_value()}, {"--reset", !command.reset.empty()}},
            " is for NIR graphs; " + file + " holds weights alone, and the network text says what its neurons do");
        weight_options(command);
        network_of(command);
    }
    if (command.data.empty()) {
        refuse_unused({{"--binning", !command.binning.empty()},
                       {"--coding", !command.coding.empty()},
                       {"--surrogate", !command.surrogate.empty()}},
                      " is of a run: it needs --data");
        if (command.out.extension() != ".safetensors")
            throw InputError("--out is '" + command.out.string() +
                             "', expected a model file ending in .safetensors, or --data to make a run directory");
        check_output(command.out, OutputKind::model);
        return;
    }
    if (!command.binning.empty()) parse_binning(command.binning);
    if (!command.coding.empty()) parse_coding(command.coding);
    parse_surrogate(surrogate_of(command));
    if (fs::exists(RunDirectory{command.out}.checkpoint()))
        throw InputError(command.out.string() + " holds a network trained there; choose another --out");
    if (fs::exists(command.out) && !fs::is_directory(command.out))
        throw InputError(command.out.string() + " is a file; with --data, --out is a run directory to make");
}

ImportedNetwork import_file(const ImportCommand& command) {
    if (is_nir(command.file)) return import_nir(command.file, nir_options(command));
    return import_weights(command.file, network_of(command), weight_options(command));
}

json import_document(const ImportCommand& command, const ImportedNetwork& imported) {
    json tensors = json::array();
    for (const ImportedTensor& tensor : imported.tensors)
        tensors.push_back({{"from", tensor.from}, {"to", tensor.to}, {"shape", tensor.shape}, {"note", tensor.note}});
    return {{"command", "import"},
            {"file", command.file.string()},
            {"format", imported.format},
            {"out", command.out.string()},
            {"fingerprint", model_fingerprint(imported.network)},
            {"network", network_document(imported.network)},
            {"assumptions", imported.assumptions},
            {"tensors", tensors}};
}

std::string text_of(const json& document) {
    std::string text = fmt::format("{}\ninput {}, {} parameters\n", document["network"]["text"].get<std::string>(),
                                   document["network"]["input"].dump(), document["network"]["parameters"].get<int64_t>());
    TextTable tensors({{"in the file"}, {"shape"}, {"where it went"}});
    for (const json& tensor : document["tensors"]) {
        const std::string to = tensor["to"], note = tensor["note"];
        tensors.add(
            {tensor["from"], tensor["shape"].dump(), (to.empty() ? "left out" : to) + (note.empty() ? "" : ": " + note)});
    }
    text += "\n" + tensors.text();
    if (!document["assumptions"].empty()) text += "\nassumed, because the file does not say:\n";
    for (const json& assumption : document["assumptions"]) text += "  " + assumption.get<std::string>() + "\n";
    if (document.contains("test_accuracy"))
        text += fmt::format("\n{}: {:.2f} % of {} test samples right\n", document["data"].get<std::string>(),
                            100 * document["test_accuracy"].get<double>(), document["test_samples"].get<int64_t>()) +
                accuracy_remarks(document);
    return text + "\n" + document["out"].get<std::string>() + "\n";
}

/// A run directory as `train` makes one, its network from elsewhere.
void write_run(const ImportCommand& command, const Globals& globals, Network& network, json& document, Console& console) {
    const RunDirectory files{command.out};
    const RunData data = load_run_data(command.data, command.binning, command.coding, network.steps, globals.seed);
    if (data.test->shape() != network.input_shape())
        throw InputError(fmt::format("the network expects input {}, but {} has samples {}", shape_text(network.input_shape()),
                                     data.name, shape_text(data.test->shape())));
    if (static_cast<int64_t>(data.test->classes().size()) != network.class_count())
        throw InputError(fmt::format("the network ends in {} outputs, but {} has {} classes", network.class_count(), data.name,
                                     data.test->classes().size()));
    network.classes = data.test->classes();
    if (command.steps && data.test->steps() > 0 && *command.steps != data.test->steps())
        throw InputError(fmt::format("--steps is {}, but the recordings of {} have {} steps", *command.steps, data.name,
                                     data.test->steps()));
    if (data.test->steps() > 0) network.steps = data.test->steps();
    const Simulator simulator(network, globals.simulation());
    check_memory(simulator, *data.test);
    check_run_folder(command.out);
    const auto lock = lock_run(command.out, globals, console);
    if (fs::exists(files.checkpoint()))
        throw InputError(command.out.string() + " holds a network trained there; choose another --out");
    const Accuracy test = measure_accuracy(simulator, *data.test, "test samples", console.progress());
    const Accuracy train = measure_accuracy(simulator, *data.train, "training samples", console.progress());
    document.update({{"data", data.name},
                     {"classes", network.classes},
                     {"seed", globals.seed},
                     {"run", command.out.string()},
                     {"network", network_document(network)},
                     {"options", {{"imported", command.file.string()}, {"surrogate", surrogate_of(command)}}},
                     {"epochs", json::array()},
                     {"fingerprint", model_fingerprint(network)}});
    document.update(accuracy_document(train, "train", false));
    document.update(accuracy_document(test, "test", true));
    document = create_run(files, {network,
                                  data,
                                  command.data,
                                  "import",
                                  {arguments_of(command, globals), globals.seed},
                                  globals.arguments,
                                  document["options"],
                                  document});
}

}  // namespace

Outcome run_import(const ImportCommand& command, const Globals& globals, Console& console) {
    check_options(command);
    ImportedNetwork imported = import_file(command);
    json document = import_document(command, imported);
    if (!command.data.empty()) {
        write_run(command, globals, imported.network, document, console);
    } else {
        save_model(imported.network, command.out);
    }
    return {document, text_of(document)};
}

void add_import(CLI::App& program, Run& run) {
    auto command = std::make_shared<ImportCommand>();
    CLI::App* app =
        program.add_subcommand("import", "Take a network from elsewhere: NIR, a PyTorch state dict, or safetensors");
    app->add_option("file", command->file, "A .nir graph, or weights: .pth, .pt, .safetensors")->required();
    app->add_option("--out", command->out, "A model file to write (.safetensors), or with --data a run directory to make")
        ->required();
    app->add_option("--data", command->data, "The data set of the run: a name or a folder");
    app->add_option("--binning", command->binning,
                    "Recordings as steps: 1ms, 30x10ms or count=50 (1ms); with ,clip at most 255 events a pixel and step");
    app->add_option("--coding", command->coding, "Images as spikes: direct, rate, latency, latency(log) or delta");
    app->add_option("--network", command->network, "For weights: a preset or a text such as 16C3-LIF-MP2-10F");
    app->add_option("--input", command->input, "The network's input C,H,W");
    app->add_option("--classes", command->classes, "Outputs of a preset; 10 unless said");
    app->add_option("--steps", command->steps, "Time steps T, for images");
    app->add_option("--match", command->match, "How weights find their layers: auto, name or order");
    app->add_option("--map", command->layers, "Which module of the file fills a layer: full2=head.out,…");
    app->add_option("--neurons", command->neurons,
                    "When the file has parameters of neurons: agree (or stop), file or text (of the network)");
    app->add_option("--dialect", command->dialect,
                    "Whose NIR it is: auto, exact, snntorch, spikingjelly, norse, sinabs, rockpool");
    app->add_option("--dt", command->dt, "Seconds per step of a NIR graph, where the dialect needs it");
    app->add_option("--reset", command->reset, "subtract, zero or none, in place of the dialect's");
    app->add_option("--surrogate", command->surrogate, "Of gradient methods: triangle, sigmoid, fast_sigmoid or atan");
    app->callback([command, &run] {
        run = [command](const Globals& globals, Console& console) { return run_import(*command, globals, console); };
    });
}

}  // namespace spikelens::app
