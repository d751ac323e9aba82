#include "arguments.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

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

std::vector<std::string> ArgumentList::with(const Globals& globals) const {
    std::vector<std::string> words = words_;
    if (globals.seed != Globals{}.seed) words.insert(words.end(), {"--seed", std::to_string(globals.seed)});
    return words;
}

std::vector<std::string> arguments_of(const TrainCommand& command, const Globals& globals) {
    const TrainCommand usual;
    return ArgumentList("train")
        .word("--data")
        .word(command.data)
        .option("--network", command.network, usual.network)
        .option("--coding", command.coding, usual.coding)
        .option("--binning", command.binning, usual.binning)
        .pictures(command.pictures)
        .word("--out")
        .word(command.out.string())
        .option("--steps", int64_t{command.steps}, int64_t{usual.steps})
        .option("--epochs", int64_t{command.epochs}, int64_t{usual.epochs})
        .option("--batch", int64_t{command.batch}, int64_t{usual.batch})
        .option("--learning-rate", command.learning_rate, usual.learning_rate)
        .option("--momentum", command.momentum, usual.momentum)
        .option("--weight-decay", command.weight_decay, usual.weight_decay)
        .option("--clip-norm", command.clip_norm, usual.clip_norm)
        .option("--surrogate", command.surrogate, usual.surrogate)
        .option("--beta", command.beta, usual.beta)
        .option("--threshold", command.threshold, usual.threshold)
        .option("--reset", command.reset, usual.reset)
        .flag("--delay", command.delay)
        .flag("--no-bias", !command.bias)
        .option("--train-samples", command.samples, usual.samples)
        .with(globals);
}

std::vector<std::string> arguments_of(const ImportCommand& command, const Globals& globals) {
    const ImportCommand usual;
    return ArgumentList("import")
        .word(command.file.string())
        .word("--out")
        .word(command.out.string())
        .option("--data", command.data, usual.data)
        .option("--binning", command.binning, usual.binning)
        .option("--coding", command.coding, usual.coding)
        .pictures(command.pictures)
        .option("--network", command.network, usual.network)
        .option("--input", command.input, usual.input)
        .option("--classes", command.classes)
        .option("--steps", command.steps)
        .option("--match", command.match, usual.match)
        .list("--map", command.layers)
        .option("--neurons", command.neurons, usual.neurons)
        .option("--dialect", command.dialect, usual.dialect)
        .option("--dt", command.dt)
        .option("--reset", command.reset, usual.reset)
        .option("--surrogate", command.surrogate, usual.surrogate)
        .with(globals);
}

std::vector<std::string> arguments_of(const InterpretCommand& command, const Globals& globals) {
    const InterpretCommand usual;
    return ArgumentList("interpret")
        .word(command.run.string())
        .option("--mu", command.mu, usual.mu)
        .option("--mu-max", int64_t{command.mu_max}, int64_t{usual.mu_max})
        .option("--response", command.response, usual.response)
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
        .option("--baseline", command.baseline, usual.baseline)
        .option("--step", command.step, usual.step)
        .option("--spike-steps", command.spike_steps, usual.spike_steps)
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
