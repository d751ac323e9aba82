#include <algorithm>

#include "results.h"

namespace spikelens::report {
namespace {

using Json = nlohmann::json;

const Json& member(const Json& object, const char* key) {
    static const Json nothing;
    if (!object.is_object()) return nothing;
    const auto found = object.find(key);
    return found == object.end() ? nothing : *found;
}

double as_number(const Json& value) { return value.is_number() ? value.get<double>() : unknown; }
double number(const Json& object, const char* key) { return as_number(member(object, key)); }
std::string as_text(const Json& value) { return value.is_string() ? value.get<std::string>() : std::string(); }
std::string text(const Json& object, const char* key) { return as_text(member(object, key)); }

int64_t whole(const Json& object, const char* key) {
    const double value = number(object, key);
    return std::isfinite(value) ? static_cast<int64_t>(value) : 0;
}

bool flag(const Json& object, const char* key) {
    const Json& value = member(object, key);
    return value.is_boolean() && value.get<bool>();
}

/// Every element of an array through `read`; nothing for anything else.
template <class Read>
auto list(const Json& array, Read read) {
    std::vector<decltype(read(array))> values;
    if (array.is_array())
        for (const Json& element : array) values.push_back(read(element));
    return values;
}

std::vector<double> numbers(const Json& array) { return list(array, as_number); }
std::vector<std::string> texts(const Json& array) { return list(array, as_text); }

Range range(const Json& pair) {
    const std::vector<double> ends = numbers(pair);
    return ends.size() == 2 ? Range{ends[0], ends[1]} : Range{};
}

std::string filter_name(const Json& filter) { return text(filter, "layer") + "." + std::to_string(whole(filter, "filter")); }

/// A loss that was written as no number, or that no network can have that still says anything: guessing costs ln(classes).
bool left_all_numbers(const Json& epochs) {
    constexpr double absurd = 1e6;
    return epochs.is_array() && std::any_of(epochs.begin(), epochs.end(), [&](const Json& epoch) {
               const Json& loss = member(epoch, "loss");
               return loss.is_number() ? !(std::abs(loss.get<double>()) < absurd) : loss.is_null() && epoch.contains("loss");
           });
}

Training read_training(const Json& document) {
    Training train;
    train.data = text(document, "data");
    train.network = text(member(document, "network"), "text");
    train.classes = texts(member(document, "classes"));
    train.losses = list(member(document, "epochs"), [](const Json& epoch) { return number(epoch, "loss"); });
    train.epoch_accuracy = list(member(document, "epochs"), [](const Json& epoch) { return number(epoch, "accuracy"); });
    train.accuracy = number(document, "test_accuracy");
    train.train_accuracy = number(document, "train_accuracy");
    train.accuracy_ci = range(member(document, "test_accuracy_ci95"));
    train.samples = whole(document, "test_samples");
    train.undecided = whole(document, "test_undecided");
    train.parameters = whole(member(document, "network"), "parameters");
    train.diverged = flag(document, "diverged") || left_all_numbers(member(document, "epochs"));
    train.confusion = list(member(document, "confusion"), numbers);
    train.confusion_undecided = numbers(member(document, "confusion_undecided"));
    return train;
}

PathPoint read_point(const Json& point) {
    PathPoint read{number(point, "mu"), number(point, "kkt_residual"), number(point, "duality_gap"), {}};
    read.filters = list(member(point, "filters"), [](const Json& filter) {
        return WeightedFilter{filter_name(filter), number(filter, "weight")};
    });
    std::stable_sort(read.filters.begin(), read.filters.end(),
                     [](const auto& a, const auto& b) { return a.weight > b.weight; });
    return read;
}

ClassPath read_class(const Json& entry) {
    return {text(entry, "name"), whole(entry, "predicted_samples"), list(member(entry, "path"), read_point),
            list(member(entry, "breakpoints"), read_point)};
}

FilterFacts read_filter(const Json& entry) {
    return {filter_name(entry),  text(entry, "layer"),           number(entry, "mean_response"), number(entry, "active_share"),
            flag(entry, "dead"), whole(entry, "receptive_field")};
}

AblationStep read_step(const Json& entry) {
    AblationStep step;
    step.mu = number(entry, "mu");
    step.filters = number(entry, "mean_filters");
    step.relevant = number(entry, "relevant_accuracy");
    step.relevant_ci = number(entry, "relevant_ci95");
    step.random = number(entry, "random_accuracy");
    step.random_ci = number(entry, "random_ci95");
    step.draws = numbers(member(entry, "random_draws"));
    step.class_relevant = numbers(member(entry, "class_relevant"));
    step.class_random = numbers(member(entry, "class_random"));
    return step;
}

AblationCurve read_ablation(const Json& document) {
    return {number(document, "full_accuracy"), whole(document, "samples"), whole(document, "draws"),
            list(member(document, "curve"), read_step)};
}

Interpretation read_interpretation(const Json& document) {
    Interpretation read;
    read.data = text(document, "data");
    read.response = text(document, "response");
    read.classes = texts(member(document, "classes"));
    read.layers = texts(member(document, "layers"));
    read.budgets = numbers(member(document, "mu"));
    read.chosen_mu = number(document, "chosen_mu");
    read.kkt = number(document, "kkt_residual");
    read.gap = number(document, "duality_gap");
    read.samples = whole(document, "samples");
    read.filters = list(member(document, "filters"), read_filter);
    read.per_class = list(member(document, "per_class"), read_class);
    read.layer_counts = list(member(document, "layer_distribution"), [&](const Json& entry) {
        std::vector<double> counts;
        for (const std::string& layer : read.layers) counts.push_back(number(entry, layer.c_str()));
        return counts;
    });
    read.ablation = read_ablation(member(document, "ablation"));
    return read;
}

Metric read_metric(const Json& entry) {
    return {text(entry, "metric"),
            text(entry, "better") != "lower",
            number(entry, "mean"),
            range(member(entry, "ci95")),
            whole(entry, "samples"),
            numbers(member(entry, "curve")),
            numbers(member(entry, "curve_ci95"))};
}

EvaluatedMethod read_method(const Json& entry) {
    return {text(entry, "method"),
            text(entry, "title"),
            flag(entry, "sanity_baseline"),
            number(entry, "seconds_per_explanation"),
            list(member(entry, "metrics"), read_metric),
            whole(entry, "zero_maps"),
            whole(entry, "noise_maps"),
            whole(entry, "constant_maps")};
}

Difference read_difference(const Json& entry) {
    return {text(entry, "metric"),        text(entry, "a"),      text(entry, "b"), number(entry, "difference"),
            range(member(entry, "ci95")), flag(entry, "decided")};
}

PaperValue read_paper(const Json& entry) {
    return {text(entry, "method"), text(entry, "metric"), text(entry, "source"), number(entry, "value")};
}

Evaluation read_evaluation(const Json& document) {
    Evaluation read;
    read.data = text(document, "data");
    read.baseline = text(document, "baseline");
    read.samples = whole(document, "samples");
    read.undecided = whole(document, "undecided");
    read.seed = whole(document, "seed");
    read.pixels_per_step = whole(document, "pixels_per_step");
    read.steps = whole(document, "steps");
    read.spike_steps = whole(document, "spike_steps");
    read.methods = list(member(document, "methods"), read_method);
    read.differences = list(member(document, "differences"), read_difference);
    read.paper = list(member(document, "paper"), read_paper);
    return read;
}

}  // namespace

Results read_results(const ReportData& data) {
    Results results;
    if (data.train.is_object()) results.train = read_training(data.train);
    if (data.interpret.is_object()) results.interpret = read_interpretation(data.interpret);
    if (data.evaluate.is_object()) results.evaluate = read_evaluation(data.evaluate);
    if (results.train) results.classes = results.train->classes;
    if (results.classes.empty() && results.interpret) results.classes = results.interpret->classes;
    return results;
}

}  // namespace spikelens::report
