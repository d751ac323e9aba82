#include "make_run.h"

#include <algorithm>

#include <fmt/format.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/error.h"
#include "spikelens/core/printable.h"
#include "spikelens/model_io/model_file.h"

namespace spikelens {

using nlohmann::json;

json Interval::document() const { return known() ? json::array({low, high}) : json(nullptr); }

Interval Interval::read(const JsonField& field) {
    Interval interval;
    if (field.is_null()) return interval;
    const std::vector<double> ends = field.numbers();
    if (ends.size() != 2) field.fail("must be two numbers or null");
    interval.low = ends[0];
    interval.high = ends[1];
    return interval;
}

NetworkSummary::NetworkSummary(const Network& network)
    : text(network_text(network)),
      input(network.input_shape()),
      steps(network.steps),
      parameters(parameter_count(network)) {}

AccuracySummary::AccuracySummary(const Accuracy& measured)
    : samples(measured.samples), undecided(measured.undecided), silent(measured.silent) {
    const Estimate share = estimate_share(measured.correct, measured.samples);
    accuracy = share.mean;
    ci95 = Interval(share);
}

namespace {

constexpr int64_t kSamplesListenedTo = 1000;

Activity measure_activity(const RunInMaking& making, const Engine& engine, double train_accuracy) {
    Activity activity;
    activity.spike_rates = spike_rates(engine, making.train, kSamplesListenedTo);
    activity.silent_layers = silent_layers(*activity.spike_rates);
    activity.largest_class_share = largest_class_share(making.train);
    activity.at_chance = making.network.class_count() > 1 && train_accuracy <= activity.largest_class_share;
    return activity;
}

}  // namespace

std::vector<std::string> MadeRun::warnings() const {
    if (!activity) return {};
    const bool imported = epochs.empty();
    std::vector<std::string> list;
    for (const std::string& layer : activity->silent_layers)
        list.push_back(fmt::format("no neuron of {} spikes on the first {} training samples: it passes nothing on; {}",
                                   layer, grouped(std::min(kSamplesListenedTo, train.samples)),
                                   imported ? "are inputs, weights and thresholds scaled as in training?"
                                            : "a lower threshold or another learning rate may help"));
    if (activity->at_chance)
        list.push_back(fmt::format(
            "the network {}: {:.2f} % of the training samples are right, and {:.2f} % by always answering the most "
            "frequent class{}",
            imported ? "knows nothing of these data" : "has learned nothing", 100 * train.accuracy,
            100 * activity->largest_class_share,
            imported ? "; are inputs, neurons and the order of classes those of training?" : ""));
    return list;
}

MadeRun measure_run(const RunInMaking& making, const Engine& engine) {
    const Accuracy test = measure_accuracy(engine, *making.data.test, "test samples");
    const Accuracy train = measure_accuracy(engine, making.train, "training samples");
    MadeRun made;
    made.run = making.files.root.string();
    made.data = making.data.name;
    made.classes = making.network.classes;
    made.seed = making.made.seed;
    made.options = making.options;
    made.test = AccuracySummary(test);
    made.train = AccuracySummary(train);
    made.activity = measure_activity(making, engine, made.train.accuracy);
    for (int64_t label = 0; label < test.confusion.extent(0); ++label) {
        const auto row = test.confusion.row(label);
        made.confusion.emplace_back(row.begin(), row.end());
    }
    made.confusion_undecided = test.confusion_undecided;
    made.identity =
        Identity().with({{"model", model_fingerprint(making.network)}}).with(data_inputs(making.data)).inputs();
    return made;
}

void write_made_run(const RunInMaking& making, const std::string& stage, const json& result) {
    create_run(making.files, {making.network, making.data, making.source, stage, making.made, making.arguments,
                              making.options, result});
}

void check_outputs(const Network& network, const SampleSource& samples, const std::string& data) {
    if (network.class_count() != static_cast<int64_t>(samples.classes().size()))
        throw InputError(fmt::format("the network ends in {}, but {} has {}", counted(network.class_count(), "output"),
                                     data, counted(std::ssize(samples.classes()), "class")));
}

void replace_last_layer(Network& network, int64_t outputs, uint64_t seed) {
    Layer& last = network.layers.back();
    if (!last.weighted() || !last.values.empty() || last.recurrence.kind != RecurrenceKind::none || last.groups != 1)
        throw InputError(
            fmt::format("the last layer, {}, cannot be replaced: it is no plain layer of weights", last.name));
    last.out_channels = static_cast<int>(outputs);
    last.weight = FloatArray(last.weight_shape());
    if (last.has_bias) last.bias = FloatArray(last.bias_shape());
    network.classes.clear();
    Network drawn;  // all other layers are empty: nothing is drawn for them
    drawn.layers.resize(network.layers.size());
    drawn.layers.back() = std::move(last);
    initialise_weights(drawn, seed);
    last = std::move(drawn.layers.back());
}

int64_t samples_meant(int64_t asked, int64_t available, const StageNotes& notes, std::string_view part) {
    if (asked > available)
        notes.say(fmt::format("the {} set has {} samples, fewer than {}: all are used", part, grouped(available),
                              grouped(asked)));
    return asked > 0 ? std::min(asked, available) : available;
}

void say_damaged(const RunData& data, const StageNotes& notes) {
    for (const std::string& sentence : data.damaged) notes.say("left out: " + printable(sentence));
}

std::shared_ptr<const RunLock> locked(const LockRun& lock, const std::filesystem::path& root) {
    return lock ? lock(root) : std::make_shared<const RunLock>(root);
}

}  // namespace spikelens
