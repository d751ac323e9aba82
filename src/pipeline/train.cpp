#include "spikelens/pipeline/train.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/option_error.h"
#include "spikelens/core/parallel.h"
#include "spikelens/core/printable.h"
#include "spikelens/io/files.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/pipeline/check_memory.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/output.h"
#include "spikelens/pipeline/ranks.h"
#include "spikelens/train/calibrate.h"
#include "spikelens/train/outcome.h"
#include "spikelens/train/plan.h"

#include "checkpoints.h"
#include "kept_epochs.h"
#include "make_run.h"
#include "training_watch.h"

namespace spikelens {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

/// Training samples on which it is told whether a layer spikes at all.
constexpr int kMostSteps = 65535;

void check_start(const TrainRunOptions& options) {
    const NetworkDefaults usual;
    const bool chosen = options.neurons.neuron != usual.neuron || options.neurons.bias != usual.bias;
    if (!options.from.empty() && (!options.network.empty() || chosen))
        throw OptionError(
            "from", "neither a network nor neurons can be chosen: " + options.from.string() + " tells them itself");
    if (options.from.empty() && options.replace_last)
        throw OptionError("replace_last",
                          "a last layer is replaced in a network that training starts from, and none is given");
}

/// What can be told without the data: nothing is loaded or deleted for options that cannot be used.
void check_options(const TrainRunOptions& options) {
    check_train_options(options.training);
    check_device(options.training.device);
    if (options.samples < 0)
        throw OptionError("train_samples", fmt::format("the number of training samples must be 0 (all) or more, not {}",
                                                       options.samples));
    if (options.steps && (*options.steps < 1 || *options.steps > kMostSteps))
        throw OptionError("steps",
                          fmt::format("the number of steps must be 1 to {}, not {}", kMostSteps, *options.steps));
    if (options.calibrate < 0)
        throw OptionError("calibrate", fmt::format("thresholds are balanced on 0 batches (not at all) or more, not {}",
                                                   options.calibrate));
    check_start(options);
    if (!(options.checkpoint_every >= 0))
        throw OptionError(
            "checkpoint_every",
            fmt::format("the time between checkpoints must be 0 or more seconds, not {}", options.checkpoint_every));
}

/// The network that training starts from; none where it begins with a new one.
std::optional<Network> load_start(const TrainRunOptions& options) {
    if (options.from.empty()) return std::nullopt;
    return load_model(std::filesystem::is_directory(options.from) ? RunDirectory{options.from}.model() : options.from);
}

int steps_of(const TrainRunOptions& options, const std::optional<Network>& start) {
    return options.steps.value_or(start ? start->steps : kUsualSteps);
}

Network fitted(Network network, const TrainRunOptions& options, const SampleSource& samples) {
    if (network.input_shape() != samples.shape())
        throw InputError(fmt::format("{} expects input {}, but {} has samples {}", options.from.string(),
                                     shape_text(network.input_shape()), options.data, shape_text(samples.shape())));
    if (options.replace_last)
        replace_last_layer(network, static_cast<int64_t>(samples.classes().size()), options.training.seed);
    return network;
}

Network new_network(const TrainRunOptions& options, const SampleSource& samples, int steps) {
    const auto classes = static_cast<int64_t>(samples.classes().size());
    const std::string text = preset_text(options.network.empty() ? "shallow" : options.network, classes);
    Network network = parse_network(text, samples.shape(), steps, options.neurons);
    initialise_weights(network, options.training.seed);
    return network;
}

/// The network as training begins with it. Balanced thresholds come later.
Network make_network(const TrainRunOptions& options, std::optional<Network> start, const SampleSource& samples) {
    const int steps = samples.steps() > 0 ? samples.steps() : steps_of(options, start);
    Network network = start ? fitted(std::move(*start), options, samples) : new_network(options, samples, steps);
    check_outputs(network, samples, options.data);
    network.steps = steps;
    network.classes = samples.classes();
    return network;
}

/// A cosine is over all epochs where it does not say; a training that goes on for more has another.
TrainRunOptions with_whole_cosine(TrainRunOptions options) {
    Schedule& schedule = options.training.schedule;
    if (schedule.kind == Schedule::Kind::cosine && schedule.epochs == 0) schedule.epochs = options.training.epochs;
    return options;
}

/// What is usual is left out of the later options, so that what earlier runs kept of theirs stays what it is.
json options_document(const TrainRunOptions& run, const Network& start, int64_t samples) {
    const TrainOptions &options = run.training, usual;
    json document = {{"epochs", options.epochs},
                     {"batch", options.batch},
                     {"learning_rate", options.learning_rate},
                     {"momentum", options.momentum},
                     {"weight_decay", options.weight_decay},
                     {"clip_norm", options.clip_norm},
                     {"surrogate", surrogate_text(options.surrogate)},
                     {"samples", samples}};
    if (options.schedule.kind != usual.schedule.kind) document["schedule"] = schedule_text(options.schedule);
    if (options.warm_up > 0) document["warm_up"] = options.warm_up;
    if (options.accumulate != usual.accumulate) document["accumulate"] = options.accumulate;
    if (options.augmentation.any()) document["augment"] = augmentation_text(options.augmentation);
    if (!options.freeze.empty()) document["freeze"] = options.freeze;
    if (options.device != usual.device) document["device"] = device_text(options.device);
    if (options.precision != usual.precision) document["precision"] = precision_text(options.precision);
    if (run.calibrate > 0) document["calibrate"] = run.calibrate;
    if (run.keep_epoch == KeptEpoch::best) document["keep_epoch"] = "best";
    if (!run.from.empty()) document["from"] = model_fingerprint(start);
    return document;
}

/// What a checkpoint belongs to. Epochs are not in it: training may go on for more, and keep another.
std::map<std::string, std::string> identity_of(const json& options, const Network& network, const RunData& data,
                                               uint64_t seed) {
    std::map<std::string, std::string> text = {{"data", data.name},
                                               {"network", network_text(network)},
                                               {"steps", std::to_string(network.steps)},
                                               {"seed", std::to_string(seed)}};
    if (data.coded()) text["coding"] = coding_text(data.coding);
    if (!data.binning.empty()) text["binning"] = data.binning;
    if (data.pictures)
        for (const auto& [name, word] : picture_words(*data.pictures)) text["pictures " + name] = word;
    for (const auto& [key, value] : options.items())
        if (key != "epochs" && key != "keep_epoch")
            text[key] = value.is_string() ? value.get<std::string>() : value.dump();
    for (const auto& [file, checksum] : data.sha256) text["sha256 of " + file] = checksum;
    return text;
}

/// Where the run's training stands: what its checkpoint has, else the beginning.
TrainState find_state(const TrainRunOptions& options, const RunDirectory& files, Checkpoints& checkpoints,
                      Network& network, const StageNotes& notes) {
    if (options.restart) remove_file(files.checkpoint());
    const std::string out = options.out.string();
    TrainState state;
    // Balanced thresholds are not yet in the network: the options, which are the same, say that they are this one's.
    if (options.calibrate > 0 && std::filesystem::exists(files.checkpoint())) network.layers.clear();
    if (checkpoints.resume(network, state)) {
        const int begun = state.epochs_done + (state.part.samples > 0 ? 1 : 0);
        if (begun > options.training.epochs)
            throw InputError(fmt::format("{} is beyond {} epochs: {} (restart to begin anew)", out,
                                         options.training.epochs, checkpoints.position(state)));
        notes.say(fmt::format("continuing {}: {}", out, checkpoints.position(state)));
    } else if (std::filesystem::exists(files.model()) && !options.restart) {
        throw InputError(out +
                         " holds a model that was not trained there; choose another folder, or restart to replace it");
    }
    return state;
}

std::vector<EpochSummary> epochs_of(const TrainState& state, int64_t classes) {
    std::vector<EpochSummary> epochs;
    for (const EpochResult& epoch : state.history)
        epochs.push_back(
            {epoch.epoch, epoch.loss, epoch.accuracy, epoch.seconds, diverged(epoch, classes), std::nullopt});
    return epochs;
}

TrainResult result_of(const RunInMaking& making, const TrainState& state, const Execution& execution) {
    const CpuEngine engine(making.network, execution);
    TrainResult result;
    result.made = measure_run(making, engine);
    result.made.epochs = epochs_of(state, making.network.class_count());
    result.network = NetworkSummary(making.network);
    result.fingerprint = model_fingerprint(making.network);
    result.threads = execution.threads > 0 ? execution.threads : available_threads();
    result.diverged = result.made.epochs.back().diverged;
    return result;
}

}  // namespace

std::vector<std::string> TrainResult::warnings() const {
    std::vector<std::string> list;
    if (diverged && !made.epochs.empty())
        list.push_back(fmt::format(
            "training diverged: the mean loss of epoch {} is {:.3g}, and {:.3g} for a network that knows nothing; a "
            "smaller learning rate helps",
            made.epochs.back().epoch, made.epochs.back().loss, std::log(static_cast<double>(made.classes.size()))));
    for (std::string& warning : made.warnings()) list.push_back(std::move(warning));
    return list;
}

namespace {

TrainResult train_by(const TrainRunOptions& given, const Execution& execution, const StageNotes& notes, Ranks* ranks) {
    const auto started = Clock::now();
    check_options(given);
    const TrainRunOptions options = with_whole_cosine(given);
    const RunDirectory files{options.out};
    check_run_folder(options.out);
    const TrainOptions& training = options.training;
    std::optional<Network> start = load_start(options);
    const RunData data = load_run_data(options.data, {options.binning, options.pictures, options.coding},
                                       steps_of(options, start), training.seed, execution);
    say_damaged(data, notes);
    const FirstSamples samples(*data.train, samples_meant(options.samples, data.train->size(), notes));
    Network network = make_network(options, std::move(start), samples);
    const RunInMaking making{files,
                             options.data,
                             data,
                             samples,
                             network,
                             options_document(options, network, samples.size()),
                             {options.again, training.seed},
                             options.arguments};
    check_memory(CpuEngine(network, execution), *data.test);
    check_run_folder(options.out);
    const bool first = !ranks || ranks->first();
    const auto lock = first ? locked(options.lock, options.out) : nullptr;
    Checkpoints checkpoints(files.checkpoint(), identity_of(making.options, network, data, training.seed),
                            options.checkpoint_every, samples.size(), notes);
    if (!first) ranks->wait_for_first();  // it may remove the checkpoint
    TrainState state = find_state(options, files, checkpoints, network, notes);
    KeptEpochs kept(options.keep_epoch, files);
    if (first) kept.begin(network, state);
    if (ranks && first) ranks->wait_for_first();
    if (options.calibrate > 0 && state.epochs_done == 0 && state.part.samples == 0)
        balance_thresholds(network, samples, options.calibrate * training.batch, execution);
    notes.tell("training: " + plan_text(plan_training(network, samples, training, execution)));
    TrainingWatch watch(samples, training.epochs, execution, notes);
    const auto look = [&](const Network& trained, const TrainState& at) {
        if (!first) return;
        kept.after_batch(trained, at);
        watch.after_batch(trained, at);
    };
    checkpoints.train(network, samples, training, state, look, execution, ranks ? ranks->team() : TrainTeam{});
    if (!first) return {};

    kept.choose(network, state, *data.test, execution);
    TrainResult result = result_of(making, state, execution);
    kept.tell(result);
    for (const std::string& warning : result.warnings()) notes.say("warning: " + warning);
    result.seconds = std::chrono::duration<double>(Clock::now() - started).count();
    write_made_run(making, "train", document_of(result));
    return result;
}

}  // namespace

TrainResult train_run(const TrainRunOptions& options, const Execution& execution, const StageNotes& notes) {
    return train_by(options, execution, notes, nullptr);
}

TrainResult train_run(const TrainRunOptions& options, const Execution& execution, const StageNotes& notes,
                      Ranks& ranks) {
    return train_by(options, execution, notes, &ranks);
}

}  // namespace spikelens
