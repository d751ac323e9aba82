#include "spikelens/train/train.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/core/parallel.h"
#include "spikelens/evaluate/accuracy.h"
#include "spikelens/io/files.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/pipeline/check_memory.h"
#include "spikelens/pipeline/documents.h"
#include "spikelens/pipeline/output.h"
#include "spikelens/train/outcome.h"

#include "arguments.h"
#include "checkpoints.h"
#include "commands.h"
#include "remarks.h"
#include "run_directory.h"

namespace spikelens::app {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

/// Training samples on which it is told whether a layer spikes at all.
constexpr int64_t kSamplesListenedTo = 1000;

Reset parse_reset(const std::string& text) {
    if (text == "subtract") return Reset::subtract;
    if (text == "zero") return Reset::zero;
    if (text == "none") return Reset::none;
    throw InputError("--reset is subtract, zero or none, not '" + text + "'" + suggestion(text, {"subtract", "zero", "none"}));
}

Network make_network(const TrainCommand& command, const SampleSource& samples, uint64_t seed) {
    const int steps = samples.steps() > 0 ? samples.steps() : command.steps;
    NetworkDefaults defaults;
    defaults.neuron.beta = command.beta;
    defaults.neuron.threshold = command.threshold;
    defaults.neuron.reset = parse_reset(command.reset);
    defaults.neuron.delay = command.delay;
    defaults.bias = command.bias;
    const auto classes = static_cast<int64_t>(samples.classes().size());
    Network network = parse_network(preset_text(command.network, classes), samples.shape(), steps, defaults);
    if (network.class_count() != classes)
        throw InputError(
            fmt::format("the network ends in {} outputs, but {} has {} classes", network.class_count(), command.data, classes));
    network.classes = samples.classes();
    initialise_weights(network, seed);
    return network;
}

TrainOptions train_options(const TrainCommand& command, const Globals& globals) {
    TrainOptions options;
    options.epochs = command.epochs;
    options.batch = command.batch;
    options.learning_rate = command.learning_rate;
    options.momentum = command.momentum;
    options.weight_decay = command.weight_decay;
    options.clip_norm = command.clip_norm;
    options.surrogate = parse_surrogate(command.surrogate);
    options.seed = globals.seed;
    options.threads = globals.threads;
    return options;
}

json options_document(const TrainOptions& options, int64_t samples) {
    return {{"epochs", options.epochs},
            {"batch", options.batch},
            {"learning_rate", options.learning_rate},
            {"momentum", options.momentum},
            {"weight_decay", options.weight_decay},
            {"clip_norm", options.clip_norm},
            {"surrogate", surrogate_text(options.surrogate)},
            {"samples", samples}};
}

/// What a checkpoint belongs to. Epochs are not in it: training may go on for more.
std::map<std::string, std::string> identity(const json& options, const Network& network, const RunData& data, uint64_t seed) {
    std::map<std::string, std::string> text = {{"data", data.name},
                                               {"network", network_text(network)},
                                               {"steps", std::to_string(network.steps)},
                                               {"seed", std::to_string(seed)}};
    if (data.coded()) text["coding"] = coding_text(data.coding);
    if (!data.binning.empty()) text["binning"] = data.binning;
    for (const auto& [key, value] : options.items())
        if (key != "epochs") text[key] = value.is_string() ? value.get<std::string>() : value.dump();
    for (const auto& [file, checksum] : data.sha256) text["sha256 of " + file] = checksum;
    return text;
}

/// What can be told without the data: nothing is loaded or deleted for options that cannot be used.
void check_command(const TrainCommand& command, const TrainOptions& options) {
    check_train_options(options);
    parse_reset(command.reset);
    if (command.samples < 0) throw InputError(fmt::format("--train-samples must be 0 (all) or more, not {}", command.samples));
    if (command.steps < 1 || command.steps > 65535)
        throw InputError(fmt::format("--steps must be 1 to 65535, not {}", command.steps));
    if (!(command.checkpoint_every >= 0))
        throw InputError(fmt::format("--checkpoint-every must be 0 or more seconds, not {}", command.checkpoint_every));
}

/// Where the run's training stands: what its checkpoint has, else the beginning.
TrainState find_state(const TrainCommand& command, const RunDirectory& files, Checkpoints& checkpoints, Network& network,
                      Console& console) {
    if (command.restart) remove_file(files.checkpoint());
    TrainState state;
    if (checkpoints.resume(network, state)) {
        if (state.epochs_done + (state.part.samples > 0 ? 1 : 0) > command.epochs)
            throw InputError(fmt::format("{} is beyond --epochs {}: {} (--restart begins anew)", command.out.string(),
                                         command.epochs, checkpoints.position(state)));
        console.message(fmt::format("continuing {}: {}", command.out.string(), checkpoints.position(state)));
    } else if (std::filesystem::exists(files.model()) && !command.restart) {
        throw InputError(command.out.string() +
                         " holds a model that was not trained there; choose another --out, or --restart to replace it");
    }
    return state;
}

/// Whether the network learned: what a report of plain numbers would hide.
json learned_document(const TrainState& state, const Simulator& simulator, const SampleSource& samples, double accuracy) {
    const Network& network = simulator.network();
    json silent = json::array();
    for (const int layer : silent_layers(simulator, samples, kSamplesListenedTo)) silent.push_back(network.layers[layer].name);
    return {{"diverged", diverged(state.history.back(), network.class_count())},
            {"silent_layers", silent},
            {"largest_class_share", largest_class_share(samples)},
            {"at_chance", network.class_count() > 1 && accuracy <= largest_class_share(samples)}};
}

std::vector<std::string> warnings(const json& document) {
    std::vector<std::string> list;
    const json& last = document["epochs"].back();
    if (document["diverged"].get<bool>())
        list.push_back(fmt::format(
            "training diverged: the mean loss of epoch {} is {:.3g}, and {:.3g} for a network that knows "
            "nothing; a smaller --learning-rate helps",
            last["epoch"].get<int>(), last["loss"].get<double>(), std::log(static_cast<double>(document["classes"].size()))));
    for (const json& layer : document["silent_layers"])
        list.push_back(fmt::format(
            "no neuron of {} spikes on the first {} training samples: what is behind it sees nothing of "
            "the input; a lower --threshold or another --learning-rate may help",
            layer.get<std::string>(), grouped(std::min(kSamplesListenedTo, document["train_samples"].get<int64_t>()))));
    if (document["at_chance"].get<bool>())
        list.push_back(
            fmt::format("the network has learned nothing: {:.2f} % of the training samples are right, and {:.2f} % "
                        "by always answering the most frequent class",
                        100 * document["train_accuracy"].get<double>(), 100 * document["largest_class_share"].get<double>()));
    return list;
}

/// The warnings in a word each, for the result.
std::string learned_text(const json& document) {
    std::string text;
    if (document["diverged"].get<bool>())
        text +=
            fmt::format("diverged: the loss of the last epoch is {:.3g}\n", document["epochs"].back()["loss"].get<double>());
    for (const json& layer : document["silent_layers"]) text += fmt::format("silent: {}\n", layer.get<std::string>());
    if (document["at_chance"].get<bool>()) text += "learned nothing: no better than always answering one class\n";
    return text;
}

std::string text_of(const json& document) {
    const auto& interval = document.at("test_accuracy_ci95");
    return fmt::format(
        "{} on {}: {:.2f} % of {} test samples right (95 % interval {:.2f} to {:.2f}), {:.2f} % of {} training samples\n"
        "{}{}run: {}\n",
        document["network"]["text"].get<std::string>(), document["data"].get<std::string>(),
        100 * document["test_accuracy"].get<double>(), document["test_samples"].get<int64_t>(), 100 * interval[0].get<double>(),
        100 * interval[1].get<double>(), 100 * document["train_accuracy"].get<double>(),
        document["train_samples"].get<int64_t>(), learned_text(document), accuracy_remarks(document),
        document["run"].get<std::string>());
}

}  // namespace

Outcome run_train(const TrainCommand& command, const Globals& globals, Console& console) {
    const auto started = Clock::now();
    const RunDirectory files{command.out};
    const TrainOptions options = train_options(command, globals);
    check_command(command, options);
    check_run_folder(command.out);
    const RunData data = load_run_data(command.data, command.binning, command.coding, command.steps, globals.seed);
    const FirstSamples samples(*data.train, command.samples > 0 ? command.samples : data.train->size());
    Network network = make_network(command, samples, globals.seed);
    const json options_json = options_document(options, samples.size());
    check_memory(Simulator(network, globals.simulation()), *data.test);
    check_run_folder(command.out);
    const auto lock = lock_run(command.out, globals, console);
    Checkpoints checkpoints(files.checkpoint(), identity(options_json, network, data, globals.seed), command.checkpoint_every,
                            samples.size(), console);
    TrainState state = find_state(command, files, checkpoints, network, console);
    checkpoints.train(network, samples, options, state);

    const Simulator simulator(network, globals.simulation());
    const Accuracy test = measure_accuracy(simulator, *data.test, "test images", console.progress());
    const Accuracy train = measure_accuracy(simulator, samples, "training images", console.progress());
    json document = {{"command", "train"},
                     {"run", command.out.string()},
                     {"data", data.name},
                     {"classes", network.classes},
                     {"network", network_document(network)},
                     {"seed", globals.seed},
                     {"options", options_json},
                     {"epochs", epochs_document(state, network.class_count())},
                     {"threads", globals.threads > 0 ? globals.threads : available_threads()},
                     {"fingerprint", model_fingerprint(network)}};
    document.update(accuracy_document(train, "train", false));
    document.update(accuracy_document(test, "test", true));
    document.update(learned_document(state, simulator, samples, document["train_accuracy"]));
    for (const std::string& warning : warnings(document)) console.message("warning: " + warning);
    document["seconds"] = std::chrono::duration<double>(Clock::now() - started).count();
    document = create_run(files, {network,
                                  data,
                                  command.data,
                                  "train",
                                  {arguments_of(command, globals), globals.seed},
                                  globals.arguments,
                                  options_json,
                                  document});
    return {document, text_of(document)};
}

void add_train(CLI::App& program, Run& run) {
    auto command = std::make_shared<TrainCommand>();
    CLI::App* app =
        program.add_subcommand("train", "Train a spiking network on a data set; continues where an interrupted run stopped");
    app->add_option("--data", command->data, "fashion-mnist, mnist, nmnist, or a folder of IDX files or event recordings")
        ->capture_default_str();
    app->add_option("--coding", command->coding, "Images as spikes: direct, rate, latency, latency(log) or delta")
        ->capture_default_str();
    app->add_option("--binning", command->binning,
                    "Recordings as steps: 1ms, 30x10ms or count=50 (1ms); with ,clip at most 255 events a pixel and step");
    app->add_option("--network", command->network, "A preset (shallow, svgg19) or a text such as 16C3-LIF-MP2-128F-LIF-10F")
        ->capture_default_str();
    app->add_option("--out", command->out, "The run directory to make")->required();
    app->add_option("--steps", command->steps, "Time steps T, for images")->capture_default_str();
    app->add_option("--epochs", command->epochs, "Passes over the training set")->capture_default_str();
    app->add_option("--batch", command->batch, "Samples per step of the optimiser")->capture_default_str();
    app->add_option("--learning-rate", command->learning_rate, "Of stochastic gradient descent")->capture_default_str();
    app->add_option("--momentum", command->momentum, "Of stochastic gradient descent")->capture_default_str();
    app->add_option("--weight-decay", command->weight_decay, "L2 penalty on the weights")->capture_default_str();
    app->add_option("--clip-norm", command->clip_norm, "Largest norm of a gradient; 0: no limit")->capture_default_str();
    app->add_option("--surrogate", command->surrogate, "triangle, sigmoid, fast_sigmoid or atan, with scale: atan(2)")
        ->capture_default_str();
    app->add_option("--beta", command->beta, "Leak of neurons whose text does not say")->capture_default_str();
    app->add_option("--threshold", command->threshold, "Threshold of neurons whose text does not say")->capture_default_str();
    app->add_option("--reset", command->reset, "subtract, zero or none")->capture_default_str();
    app->add_flag("--delay", command->delay, "The reset acts one step after the spike");
    app->add_flag("!--no-bias", command->bias, "Layers without biases");
    app->add_option("--train-samples", command->samples, "Use the first so many training samples; 0: all")
        ->capture_default_str();
    app->add_option("--checkpoint-every", command->checkpoint_every, "Seconds between checkpoints; 0: after every batch")
        ->capture_default_str();
    app->add_flag("--restart", command->restart, "Begin anew, whatever the run directory holds");
    app->callback([command, &run] {
        run = [command](const Globals& globals, Console& console) { return run_train(*command, globals, console); };
    });
}

}  // namespace spikelens::app
