#include "spikelens/train/train.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/core/option_error.h"

#include "core/module.h"
#include "trainer.h"

namespace spikelens {
namespace {

void require(bool condition, const std::string& sentence) {
    if (!condition) throw InputError("training: " + sentence);
}

void require_option(const char* field, bool condition, const std::string& sentence) {
    if (!condition) throw OptionError(field, "training: " + sentence);
}

// Weights are floats, and so must be what scales them.
bool not_negative(double value) { return std::isfinite(static_cast<float>(value)) && value >= 0; }
bool positive(double value) { return not_negative(value) && static_cast<float>(value) > 0; }

void check_state(const TrainState& state, const TrainOptions& options, int64_t samples) {
    const EpochPart& part = state.part;
    require(state.epochs_done >= 0 && state.history.size() == static_cast<size_t>(state.epochs_done),
            "the state says " + std::to_string(state.epochs_done) + " epochs are done but records " +
                std::to_string(state.history.size()));
    require(state.epochs_done + (part.samples > 0 ? 1 : 0) <= options.epochs,
            "the state is in epoch " + std::to_string(state.epochs_done + 1) + ", behind the last of " +
                std::to_string(options.epochs));
    require(part.samples >= 0 && part.samples < samples && part.samples % options.batch == 0,
            "the state stands behind sample " + std::to_string(part.samples) + " of an epoch of " +
                std::to_string(samples) + ", expected a whole number of batches of " + std::to_string(options.batch));
    require(part.correct >= 0 && part.correct <= part.samples && std::isfinite(part.loss) && part.loss >= 0,
            "the state's sums of the epoch under way are impossible");
}

void check_schedule(const Schedule& schedule, int warm_up, int epochs) {
    require_option("warm_up", warm_up >= 0, "the warm-up must be 0 epochs or more, not " + std::to_string(warm_up));
    require_option(
        "schedule",
        schedule.kind != Schedule::Kind::step || (schedule.epochs >= 1 && schedule.factor > 0 && schedule.factor <= 1),
        "a schedule in steps needs 1 epoch or more and a factor above 0 and at most 1");
    if (schedule.kind != Schedule::Kind::cosine) return;
    const int end = schedule.epochs > 0 ? schedule.epochs : epochs;
    require_option(
        "schedule", epochs <= end,
        "the schedule " + schedule_text(schedule) + " ends before the last of " + std::to_string(epochs) + " epochs");
    require_option(
        "warm_up", warm_up < end,
        "a warm-up of " + std::to_string(warm_up) + " epochs leaves nothing of a cosine of " + std::to_string(end));
}

void check_augmentation(const Augmentation& augmentation, const Network& network) {
    require_option("augment", augmentation.crop >= 0 && augmentation.crop < std::min(network.height, network.width),
                   "samples of " + std::to_string(network.height) + " x " + std::to_string(network.width) +
                       " pixels cannot be moved by up to " + std::to_string(augmentation.crop));
}

void check_samples(const SampleSource& samples, const Network& network) {
    require(samples.size() > 0, "there are no samples");
    require(samples.shape() == network.input_shape(), "samples have the shape " + shape_text(samples.shape()) +
                                                          "; the network needs " + shape_text(network.input_shape()));
    for (int64_t i = 0; i < samples.size(); ++i) {
        const int label = samples.label(i);
        if (label < 0 || label >= network.class_count())
            throw InputError("training: sample " + std::to_string(i) + " has the label " + std::to_string(label) +
                             "; the network's classes are 0 to " + std::to_string(network.class_count() - 1));
    }
}

/// The training library, which alone is linked with LibTorch.
const TrainingLibrary& training_library() {
    return *static_cast<const TrainingLibrary*>(
        load_module("train", SPIKELENS_TRAIN_STAMP, "training needs Spikelens' training library"));
}

constexpr std::array<std::string_view, 2> kDevices = {"cpu", "cuda"}, kPrecisions = {"float32", "bfloat16"};

/// The place of a word among those of an enum.
int place_among(const std::array<std::string_view, 2>& words, std::string_view text, const std::string& what) {
    const auto found = std::ranges::find(words, text);
    if (found == words.end())
        throw InputError(what + " must be " + std::string(words[0]) + " or " + std::string(words[1]) + ", not '" +
                         std::string(text) + "'");
    return static_cast<int>(found - words.begin());
}

}  // namespace

Device parse_device(std::string_view text) { return static_cast<Device>(place_among(kDevices, text, "the device")); }
Precision parse_precision(std::string_view text) {
    return static_cast<Precision>(place_among(kPrecisions, text, "the precision"));
}
std::string device_text(Device device) { return std::string(kDevices[static_cast<size_t>(device)]); }
std::string precision_text(Precision precision) { return std::string(kPrecisions[static_cast<size_t>(precision)]); }

void check_device(Device device) {
    if (device == Device::cpu) return;
    const std::string why = training_library().why_no_gpu();
    require_option("device", why.empty(), "there is no GPU to train on: " + why);
}

void check_train_options(const TrainOptions& options) {
    require_option("epochs", options.epochs >= 1, "epochs must be 1 or more, not " + std::to_string(options.epochs));
    require_option("batch", options.batch >= 1, "the batch must be 1 or more, not " + std::to_string(options.batch));
    require_option("learning_rate", positive(options.learning_rate),
                   "the learning rate must be above 0, not " + number(options.learning_rate));
    require_option("momentum", options.momentum >= 0 && options.momentum < 1,
                   "momentum must be in [0, 1), not " + number(options.momentum));
    require_option("weight_decay", not_negative(options.weight_decay),
                   "weight decay must be 0 or more, not " + number(options.weight_decay));
    require_option("clip_norm", not_negative(options.clip_norm),
                   "the norm to clip at must be 0 or more, not " + number(options.clip_norm));
    require_option("accumulate", options.accumulate >= 1 && options.accumulate <= options.batch,
                   "a batch of " + std::to_string(options.batch) + " cannot be computed in " +
                       std::to_string(options.accumulate) + " parts");
    check_schedule(options.schedule, options.warm_up, options.epochs);
    require_option("surrogate", positive(options.surrogate.scale),
                   "the surrogate's scale must be above 0, not " + number(options.surrogate.scale));
}

std::vector<bool> frozen_layers(const Network& network, const std::vector<std::string>& words) {
    const auto place_of = [&](const std::string& name) {
        std::vector<std::string> names;
        for (const Layer& layer : network.layers) names.push_back(layer.name);
        const auto found = std::ranges::find(names, name);
        require_option("freeze", found != names.end(),
                       "there is no layer '" + name + "' to be frozen" + suggestion(name, names));
        return found - names.begin();
    };
    std::vector<bool> frozen(network.layers.size(), false);
    for (const std::string& word : words) {
        const size_t dots = word.find("..");
        const auto first = place_of(word.substr(0, dots));
        const auto last = dots == std::string::npos ? first : place_of(word.substr(dots + 2));
        require_option("freeze", first <= last, "the layers " + word + " to be frozen stand in the other order");
        std::fill(frozen.begin() + first, frozen.begin() + last + 1, true);
    }
    require_option("freeze", std::ranges::find(frozen, false) != frozen.end(),
                   "all layers are frozen: nothing is left to train");
    return frozen;
}

void train(Network& network, const SampleSource& samples, const TrainOptions& options, TrainState& state,
           const std::function<void(const Network&, const TrainState&)>& after_batch, const Execution& execution) {
    train(network, samples, options, state, after_batch, execution, {});
}

void train(Network& network, const SampleSource& samples, const TrainOptions& options, TrainState& state,
           const std::function<void(const Network&, const TrainState&)>& after_batch, const Execution& execution,
           const TrainTeam& team) {
    check_network(network, "training");
    require_chain(network, "training");
    check_train_options(options);
    check_device(options.device);
    check_augmentation(options.augmentation, network);
    check_samples(samples, network);
    check_state(state, options, samples.size());
    training_library().train(network, samples, options, plan_training(network, samples, options, execution), state,
                             after_batch, execution, team);
}

}  // namespace spikelens
