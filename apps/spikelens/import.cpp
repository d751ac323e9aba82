#include "spikelens/model_io/import.h"

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/evaluate/accuracy.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/results/documents.h"
#include "spikelens/results/output.h"

#include "arguments.h"
#include "checks.h"
#include "commands.h"
#include "remarks.h"
#include "run_directory.h"
#include "usage.h"

namespace spikelens::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

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

MatchWeights parse_match(const std::string& text) {
    if (text == "auto") return MatchWeights::automatic;
    if (text == "name") return MatchWeights::by_name;
    if (text == "order") return MatchWeights::by_order;
    throw InputError("--match is auto, name or order, not '" + text + "'" + suggestion(text, {"auto", "name", "order"}));
}

bool is_nir(const fs::path& file) {
    const std::string ending = file.extension().string();
    return ending == ".nir" || ending == ".h5" || ending == ".hdf5";
}

ImportedNetwork import_file(const ImportCommand& command) {
    if (is_nir(command.file)) {
        if (!command.network.empty())
            throw InputError("--network is for files of weights alone; " + command.file.string() + " is a NIR graph");
        NirOptions options;
        options.dialect = command.dialect;
        if (command.dt > 0) options.dt = command.dt;
        options.reset = parse_reset_option(command.reset);
        options.steps = command.steps;
        if (!command.input.empty()) options.input = parse_shape(command.input, "--input");
        return import_nir(command.file, options);
    }
    if (command.network.empty() || command.input.empty())
        throw InputError(command.file.string() +
                         " holds weights alone; say the network with --network TEXT and --input C,H,W (and --steps)");
    const Network network = parse_network(preset_text(command.network, command.classes), parse_shape(command.input, "--input"),
                                          command.steps > 0 ? command.steps : 10);
    return import_weights(command.file, network, parse_match(command.match));
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
    text += fmt::format("\n{:28} {:16} {}\n", "in the file", "shape", "where it went");
    for (const json& tensor : document["tensors"]) {
        const std::string to = tensor["to"], note = tensor["note"];
        text += fmt::format("{:28} {:16} {}{}\n", tensor["from"].get<std::string>(), tensor["shape"].dump(),
                            to.empty() ? "left out" : to, note.empty() ? "" : ": " + note);
    }
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
    parse_surrogate(command.surrogate);
    const RunDirectory files{command.out};
    const RunData data = load_run_data(command.data, command.binning, command.coding, network.steps, globals.seed);
    if (data.test->shape() != network.input_shape())
        throw InputError(fmt::format("the network expects input {}, but {} has samples {}", shape_text(network.input_shape()),
                                     data.name, shape_text(data.test->shape())));
    if (static_cast<int64_t>(data.test->classes().size()) != network.class_count())
        throw InputError(fmt::format("the network ends in {} outputs, but {} has {} classes", network.class_count(), data.name,
                                     data.test->classes().size()));
    network.classes = data.test->classes();
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
                     {"options", {{"imported", command.file.string()}, {"surrogate", command.surrogate}}},
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
    if (command.steps < 0 || command.steps > 65535)
        throw InputError(fmt::format("--steps must be 1 to 65535, or 0 for the usual number, not {}", command.steps));
    if (command.classes < 1) throw InputError(fmt::format("--classes must be 1 or more, not {}", command.classes));
    ImportedNetwork imported = import_file(command);
    json document = import_document(command, imported);
    if (!command.data.empty()) {
        write_run(command, globals, imported.network, document, console);
    } else {
        if (command.out.extension() != ".safetensors")
            throw InputError("--out is '" + command.out.string() +
                             "', expected a model file ending in .safetensors, or --data to make a run directory");
        check_output(command.out, OutputKind::model);
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
    app->add_option("--binning", command->binning, "Recordings as steps: 1ms, 30x10ms or count=50; 1ms unless said");
    app->add_option("--coding", command->coding, "Images as spikes: direct, rate, latency, latency(log) or delta");
    app->add_option("--network", command->network, "For weights: a preset or a text such as 16C3-LIF-MP2-10F");
    app->add_option("--input", command->input, "The network's input C,H,W");
    app->add_option("--classes", command->classes, "Outputs of a preset")->capture_default_str();
    app->add_option("--steps", command->steps, "Time steps T, for images");
    app->add_option("--match", command->match, "How weights find their layers: auto, name or order")->capture_default_str();
    app->add_option("--dialect", command->dialect,
                    "Whose NIR it is: auto, exact, snntorch, spikingjelly, norse, sinabs, rockpool")
        ->capture_default_str();
    app->add_option("--dt", command->dt, "Seconds per step of a NIR graph, where the dialect needs it")->check(above_zero());
    app->add_option("--reset", command->reset, "subtract, zero or none, in place of the dialect's");
    app->add_option("--surrogate", command->surrogate, "Of gradient methods: triangle, sigmoid, fast_sigmoid or atan")
        ->capture_default_str();
    app->callback([command, &run] {
        run = [command](const Globals& globals, Console& console) { return run_import(*command, globals, console); };
    });
}

}  // namespace spikelens::app
