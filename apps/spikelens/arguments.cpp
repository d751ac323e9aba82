#include "arguments.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "choices.h"

namespace spikelens::app {
namespace {

/// "split_seed" → "--split-seed"
std::string picture_flag(std::string name) {
    std::ranges::replace(name, '_', '-');
    return "--" + name;
}

}  // namespace

void add_picture_options(CLI::App* app, PictureWords& words) {
    const std::pair<const char*, const char*> options[] = {
        {"resize", "Pictures: to HEIGHTxWIDTH, or until the shorter side has so many pixels; antialiased"},
        {"crop", "Pictures: the middle HEIGHTxWIDTH (or one number) after resizing"},
        {"mean", "Pictures: taken from red, green and blue: none, imagenet or R,G,B (none)"},
        {"std", "Pictures: what red, green and blue are then divided by: none, imagenet or R,G,B (none)"},
        {"split", "Pictures in CLASS/FILE: the share for training (0.8) or how many; the rest are the test set"},
        {"split_seed", "Pictures: the seed of that split, as torch's random_split draws it (0)"},
        {"damaged", "Damaged pictures: stop or skip, which names them (stop)"},
        {"background", "Pictures: black, white or #ff8000 behind transparent pixels (black)"}};
    for (const auto& [name, help] : options)
        app->add_option_function<std::string>(
            picture_flag(name), [&words, key = std::string(name)](const std::string& text) { words[key] = text; }, help);
}

ArgumentList& ArgumentList::word(const std::string& value) {
    words_.push_back(value);
    return *this;
}

ArgumentList& ArgumentList::option(const std::string& name, const std::string& value, const std::string& usual) {
    return value == usual ? *this : word(name).word(value);
}

ArgumentList& ArgumentList::option(const std::string& name, double value, double usual) {
    return value == usual ? *this : word(name).word(fmt::format("{}", value));
}

ArgumentList& ArgumentList::option(const std::string& name, float value, float usual) {
    return value == usual ? *this : word(name).word(fmt::format("{}", value));
}

ArgumentList& ArgumentList::option(const std::string& name, int64_t value, int64_t usual) {
    return value == usual ? *this : word(name).word(std::to_string(value));
}

ArgumentList& ArgumentList::list(const std::string& name, const std::vector<std::string>& values) {
    return values.empty() ? *this : word(name).word(fmt::format("{}", fmt::join(values, ",")));
}

ArgumentList& ArgumentList::pictures(const PictureWords& words) {
    for (const auto& [name, value] : words) word(picture_flag(name)).word(value);
    return *this;
}

ArgumentList& ArgumentList::flag(const std::string& name, bool set) { return set ? word(name) : *this; }

std::vector<std::string> ArgumentList::with_seed(uint64_t seed) const {
    std::vector<std::string> words = words_;
    if (seed != Globals{}.seed) words.insert(words.end(), {"--seed", std::to_string(seed)});
    return words;
}

std::vector<std::string> arguments_of(const TrainRunOptions& options) {
    const TrainRunOptions usual;
    const TrainOptions &training = options.training, &usual_training = usual.training;
    const Neuron &neuron = options.neurons.neuron, &usual_neuron = usual.neurons.neuron;
    const bool usual_steps = options.from.empty() && options.steps == 10;
    const std::string steps = options.steps && !usual_steps ? std::to_string(*options.steps) : "";
    return ArgumentList("train")
        .word("--data")
        .word(options.data)
        .option("--network", options.network == "shallow" ? "" : options.network, "")
        .option("--coding", options.coding, usual.coding)
        .option("--binning", options.binning, usual.binning)
        .pictures(options.pictures)
        .word("--out")
        .word(options.out.string())
        .option("--from", options.from.string(), "")
        .flag("--replace-last", options.replace_last)
        .option("--calibrate", options.calibrate, usual.calibrate)
        .option("--steps", steps, "")
        .option("--epochs", int64_t{training.epochs}, int64_t{usual_training.epochs})
        .option("--batch", int64_t{training.batch}, int64_t{usual_training.batch})
        .option("--learning-rate", training.learning_rate, usual_training.learning_rate)
        .option("--schedule", schedule_text(training.schedule), "constant")
        .option("--warm-up", int64_t{training.warm_up}, int64_t{usual_training.warm_up})
        .option("--accumulate", int64_t{training.accumulate}, int64_t{usual_training.accumulate})
        .option("--augment", augmentation_text(training.augmentation), "none")
        .list("--freeze", training.freeze)
        .option("--momentum", training.momentum, usual_training.momentum)
        .option("--weight-decay", training.weight_decay, usual_training.weight_decay)
        .option("--clip-norm", training.clip_norm, usual_training.clip_norm)
        .option("--surrogate", surrogate_text(training.surrogate), surrogate_text(usual_training.surrogate))
        .option("--beta", neuron.beta, usual_neuron.beta)
        .option("--threshold", neuron.threshold, usual_neuron.threshold)
        .option("--reset", reset_word(neuron.reset), reset_word(usual_neuron.reset))
        .flag("--delay", neuron.delay)
        .flag("--no-bias", !options.neurons.bias)
        .option("--train-samples", options.samples, usual.samples)
        .with_seed(training.seed);
}

std::vector<std::string> arguments_of(const ImportOptions& options) {
    const ImportOptions usual;
    const auto given = [](const auto& value, const auto& word) { return value ? std::string(word(*value)) : std::string(); };
    std::vector<std::string> layers;
    for (const auto& [layer, module] : options.layers) layers.push_back(layer + "=" + module);
    return ArgumentList("import")
        .word(options.file.string())
        .word("--out")
        .word(options.out.string())
        .option("--data", options.data, usual.data)
        .option("--binning", options.binning, usual.binning)
        .option("--coding", options.coding, usual.coding)
        .pictures(options.pictures)
        .option("--network", options.network, usual.network)
        .option("--input", given(options.input, [](const Shape& shape) { return fmt::format("{}", fmt::join(shape, ",")); }),
                "")
        .option("--classes", options.classes)
        .option("--replace-last", options.replace_last)
        .option("--steps", options.steps)
        .option("--match", given(options.match, [](MatchWeights match) { return word_of(match, kMatches); }), "")
        .list("--map", layers)
        .option("--neurons", given(options.neurons, [](NeuronSource source) { return word_of(source, kNeuronSources); }), "")
        .option("--dialect", options.dialect, usual.dialect)
        .option("--dt", options.dt)
        .option("--reset", given(options.reset, reset_word), "")
        .option("--surrogate", options.surrogate, usual.surrogate)
        .with_seed(options.seed);
}

std::vector<std::string> arguments_of(const InterpretCommand& command, const Globals& globals) {
    const InterpretCommand usual;
    return ArgumentList("interpret")
        .word(command.run.string())
        .option("--mu", command.mu, usual.mu)
        .option("--mu-max", int64_t{command.mu_max}, int64_t{usual.mu_max})
        .option("--response", word_of(command.response, kResponses), word_of(usual.response, kResponses))
        .flag("--signed", command.is_signed)
        .option("--draws", int64_t{command.draws}, int64_t{usual.draws})
        .option("--train-samples", command.samples, usual.samples)
        .option("--probe-samples", command.probe_samples, usual.probe_samples)
        .with(globals);
}

std::vector<std::string> arguments_of(const EvaluateCommand& command, const Globals& globals) {
    const EvaluateCommand usual;
    return ArgumentList("evaluate")
        .word(command.run.string())
        .list("--methods", split_list(command.methods))
        .list("--metrics", split_list(command.metrics))
        .option("--samples", command.samples, usual.samples)
        .option("--baseline", baseline_text(command.metric.baseline), baseline_text(usual.metric.baseline))
        .option("--step", command.metric.pixels_per_step, usual.metric.pixels_per_step)
        .option("--spike-steps", command.metric.spike_steps, usual.metric.spike_steps)
        .option("--coding", command.coding, usual.coding)
        .with(globals);
}

std::vector<std::string> arguments_of(const ReportCommand& command, const Globals& globals) {
    const ReportCommand usual;
    return ArgumentList("report")
        .word(command.run.string())
        .option("--out", command.out.string(), usual.out.string())
        .option("--images", int64_t{command.images}, int64_t{usual.images})
        .list("--methods", split_list(command.methods))
        .with(globals);
}

}  // namespace spikelens::app
