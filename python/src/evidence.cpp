#include "spikelens/attribute/evidence.h"

#include <algorithm>
#include <optional>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/evaluate/decision_time.h"
#include "spikelens/interpret/responses.h"
#include "spikelens/snn/decision.h"

#include "attribute.h"

namespace spikelens::python {
namespace {

constexpr int64_t kAtOnce = 64;

EvidenceRule rule_of(const std::string& name) {
    std::vector<std::string> names;
    for (const EvidenceRule rule : evidence_rules()) {
        names.push_back(evidence_name(rule));
        if (names.back() == name) return rule;
    }
    throw InputError("there is no rule of evidence '" + name + "'" + suggestion(name, names));
}

std::vector<int> targets_of(const Engine& engine, const Input& input, const std::optional<std::vector<int>>& targets,
                            int64_t first) {
    if (!targets) return predictions(engine.run(input).scores);
    return {targets->begin() + first, targets->begin() + first + input.samples()};
}

/// Samples that are there, and a class of the network for each, where classes are named.
void check(const Network& network, const Samples& samples, const std::optional<std::vector<int>>& targets) {
    if (samples.count() == 0) throw InputError("there are no samples to explain");
    if (targets) check_targets(network, *targets, samples.count());
}

struct Evidence {
    DoubleArray values, biases;
    std::vector<int> targets;
};

Evidence evidence_of(const Engine& engine, const Samples& samples, const std::optional<std::vector<int>>& targets,
                     EvidenceRule rule) {
    Evidence all;
    for (int64_t first = 0; first < samples.count(); first += kAtOnce) {
        engine.execution().report("evidence of filters", first, samples.count());
        const Input input = samples.batch(first, std::min(kAtOnce, samples.count() - first));
        const std::vector<int> classes = targets_of(engine, input, targets, first);
        if (rule == EvidenceRule::share) {
            const ShareEvidence both = share_evidence(engine, input, classes);
            all.values.append(both.filters);
            all.biases.append(both.biases);
        } else {
            all.values.append(filter_evidence(engine, input, classes, rule));
        }
        all.targets.insert(all.targets.end(), classes.begin(), classes.end());
    }
    return all;
}

nb::dict evidence(NetworkHandle& handle, const nb::object& values, const std::string& rule,
                  const std::optional<std::vector<int>>& targets, const std::string& surrogate,
                  const Settings& settings) {
    const Samples samples = samples_of(values);
    const EvidenceRule known = rule_of(rule);
    check(*handle.network, samples, targets);
    const NetworkHandle::Lease lease(handle, settings, surrogate);
    Evidence all = call(lease.line(), settings, [&] { return evidence_of(lease.engine(), samples, targets, known); });
    nb::list names, layers;
    for (const FilterIndex& filter : response_filters(*handle.network))
        names.append(handle.network->layers[filter.layer].name + "." + std::to_string(filter.filter));
    for (const Layer& layer : handle.network->layers) layers.append(layer.name);
    nb::dict result;
    result["values"] = numpy_array(std::move(all.values));
    result["targets"] = numpy_array(Array<int64_t>({samples.count()}, {all.targets.begin(), all.targets.end()}));
    result["names"] = names;
    result["layers"] = layers;
    if (known == EvidenceRule::share) result["biases"] = numpy_array(std::move(all.biases));
    return result;
}

struct Decisions {
    FloatArray scores;
    std::vector<int64_t> predicted, decided, edges;
    std::vector<int> targets;
    std::vector<double> shares;
};

void add_shares(const Engine& engine, const Input& input, int64_t windows, int64_t first, Decisions& all) {
    for (int64_t n = 0; n < input.samples(); ++n) {
        const std::vector<TimeShare> parts = time_shares(engine, input.spikes.sub(n), all.targets[first + n], windows);
        all.edges = {0};
        for (const TimeShare& part : parts) {
            all.shares.push_back(part.share);
            all.edges.push_back(part.end);
        }
    }
}

Decisions decisions_of(const Engine& engine, const Samples& samples, const std::optional<std::vector<int>>& targets,
                       int64_t windows) {
    const DecisionWatch watch(engine.network(), engine.execution());
    Decisions all;
    for (int64_t first = 0; first < samples.count(); first += kAtOnce) {
        engine.execution().report("decision times", first, samples.count());
        const Input input = samples.batch(first, std::min(kAtOnce, samples.count() - first));
        for (const DecisionTime& time : watch.watch(input)) {
            FloatArray scores = time.scores;
            scores.shape.insert(scores.shape.begin(), 1);
            all.scores.append(scores);
            all.predicted.insert(all.predicted.end(), time.predicted.begin(), time.predicted.end());
            all.decided.push_back(time.decided);
        }
        if (windows == 0) continue;
        const std::vector<int> classes = targets_of(engine, input, targets, first);
        all.targets.insert(all.targets.end(), classes.begin(), classes.end());
        add_shares(engine, input, windows, first, all);
    }
    return all;
}

nb::dict decisions(NetworkHandle& handle, const nb::object& values, const std::optional<std::vector<int>>& targets,
                   int64_t windows, const Settings& settings) {
    const Samples samples = samples_of(values);
    check(*handle.network, samples, targets);
    if (windows > 0 && !samples.spiking())
        throw InputError("windows of time are for spikes; images are the same current at every step");
    const NetworkHandle::Lease lease(handle, settings, "");
    Decisions all =
        call(lease.line(), settings, [&] { return decisions_of(lease.engine(), samples, targets, windows); });
    const int64_t count = samples.count(), steps = all.scores.extent(1);
    nb::dict result;
    result["scores"] = numpy_array(std::move(all.scores));
    result["predicted"] = numpy_array(Array<int64_t>({count, steps}, std::move(all.predicted)));
    result["decided"] = numpy_array(Array<int64_t>({count}, std::move(all.decided)));
    if (windows == 0) return result;
    result["shares"] = numpy_array(DoubleArray({count, windows}, std::move(all.shares)));
    result["edges"] = nb::cast(all.edges);
    result["targets"] = numpy_array(Array<int64_t>({count}, {all.targets.begin(), all.targets.end()}));
    return result;
}

}  // namespace

void bind_evidence(nb::module_& module) {
    module.def("evidence", &evidence, nb::arg("network"), nb::arg("samples"), nb::arg("rule"),
               nb::arg("targets").none(), nb::arg("surrogate"), nb::arg("settings"),
               "What each filter brought to the score: values, targets, names, layers and, by share, biases: a dict.");
    module.def("decisions", &decisions, nb::arg("network"), nb::arg("samples"), nb::arg("targets").none(),
               nb::arg("windows"), nb::arg("settings"),
               "Scores and predictions after each step, when each sample was decided, shares of windows: a dict.");
}

}  // namespace spikelens::python
