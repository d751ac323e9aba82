#include "spikelens/train/train.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/core/parallel.h"
#include "spikelens/evaluate/accuracy.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/results/documents.h"

#include "arguments.h"
#include "checks.h"
#include "commands.h"
#include "run_directory.h"

namespace spikelens::app {
namespace {

using nlohmann::json;

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

std::string text_of(const json& document) {
    const auto& interval = document.at("test_accuracy_ci95");
    return fmt::format(
        "{} on {}: {:.2f} % of {} test samples right (95 % interval {:.2f} to {:.2f}), {:.2f} % of {} training samples\nrun: "
        "{}\n",
        document["network"]["text"].get<std::string>(), document["data"].get<std::string>(),
        100 * document["test_accuracy"].get<double>(), document["test_samples"].get<int64_t>(), 100 * interval[0].get<double>(),
        100 * interval[1].get<double>(), 100 * document["train_accuracy"].get<double>(),
        document["train_samples"].get<int64_t>(), document["run"].get<std::string>());
}

}  // namespace

Outcome run_train(const TrainCommand& command, const Globals& globals, Console& console) {
    const auto started = std::chrono::steady_clock::now();
    if (command.samples < 0) throw InputError(fmt::format("--train-samples must be 0 (all) or more, not {}", command.samples));
    const RunDirectory files{command.out};
    const RunData data = load_run_data(command.data, command.binning, command.coding, command.steps, globals.seed);
    const FirstSamples samples(*data.train, command.samples > 0 ? command.samples : data.train->size());
    Network network = make_network(command, samples, globals.seed);
    const TrainOptions options = train_options(command, globals);
    const json options_json = options_document(options, samples.size());
    const auto identity_text = identity(options_json, network, data, globals.seed);

    check_memory(Simulator(network, globals.simulation()), *data.test);
    const auto lock = lock_run(command.out, globals, console);
    if (command.restart) std::filesystem::remove(files.checkpoint());
    TrainState state;
    if (std::filesystem::exists(files.checkpoint())) {
        load_checkpoint(network, state, identity_text, files.checkpoint());
        if (state.epochs_done > options.epochs)
            throw InputError(fmt::format("{} already has {} epochs; --epochs {} is fewer (--restart begins anew)",
                                         command.out.string(), state.epochs_done, options.epochs));
        console.message(fmt::format("continuing {} after epoch {}", command.out.string(), state.epochs_done));
    } else if (std::filesystem::exists(files.model()) && !command.restart) {
        throw InputError(command.out.string() +
                         " holds a model that was not trained there; choose another --out, or --restart to replace it");
    }
    train(
        network, samples, options, state,
        [&](const Network& trained, const TrainState& at) { save_checkpoint(trained, at, identity_text, files.checkpoint()); },
        console.progress());

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
                     {"epochs", epochs_document(state)},
                     {"threads", globals.threads > 0 ? globals.threads : available_threads()},
                     {"fingerprint", model_fingerprint(network)}};
    document.update(accuracy_document(train, "train", false));
    document.update(accuracy_document(test, "test", true));
    document["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
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
    app->add_option("--binning", command->binning, "Recordings as steps: 1ms, 30x10ms or count=50; 1ms unless said");
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
    app->add_flag("--restart", command->restart, "Begin anew, whatever the run directory holds");
    app->callback([command, &run] {
        run = [command](const Globals& globals, Console& console) { return run_train(*command, globals, console); };
    });
}

}  // namespace spikelens::app
