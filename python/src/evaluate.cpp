#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "spikelens/core/error.h"
#include "spikelens/evaluate/evaluator.h"
#include "spikelens/evaluate/robustness.h"
#include "spikelens/evaluate/statistics.h"

#include "array_source.h"
#include "attribute.h"
#include "methods_of_python.h"

namespace spikelens::python {
namespace {

constexpr int64_t kImagesAtOnce = 100, kSpikesAtOnce = 10;

struct Measured {
    MethodScores scores;
    std::vector<std::string> left_out;  ///< metrics that need explanations which are not given
};

/// All but networks other than the model. Refers to what it is given.
MetricContext metric_context(const AttributionContext& model, const ArraySource& source, bool labelled,
                             const std::optional<ByteValues>& masks) {
    MetricContext context;
    context.model = model;
    context.images = [&source](std::span<const int64_t> samples) { return source.images(samples); };
    if (labelled) context.data = &source;
    if (masks)
        context.masks = [all = view_of<uint8_t>(*masks)](std::span<const int64_t> samples) {
            Array<uint8_t> some({0, all.shape.at(1), all.shape.at(2)});
            for (const int64_t sample : samples) some.append(all.rows(sample, 1).copy());
            return some;
        };
    return context;
}

MethodScores measure_all(const Evaluator& evaluator, const MethodSpec& method, const Execution& execution,
                         int64_t at_once) {
    MethodScores scores;
    while (evaluator.reached(scores) < evaluator.samples()) {
        execution.report("evaluating " + method.text, evaluator.reached(scores), evaluator.samples());
        evaluator.advance(method, scores, at_once, execution);
    }
    return scores;
}

/// An evaluation of several methods on the same samples.
class Evaluation {
  public:
    Evaluation(const ArraySource& source, std::vector<MetricPointer> metrics, MetricContext context,
               MetricOptions options, std::vector<int> targets)
        : source_(source),
          metrics_(std::move(metrics)),
          context_(std::move(context)),
          options_(options),
          targets_(std::move(targets)) {}

    /// Each metric by itself, since one may ask for what is not given; else all at once, since explaining takes time.
    Measured measure(const MethodSpec& method, bool given, const Execution& execution) const {
        Measured measured;
        if (!given) {
            measured.scores = scores_of(method, metrics_, execution);
            return measured;
        }
        for (const MetricPointer& metric : metrics_) {
            try {
                MethodScores scores = scores_of(method, {metric}, execution);
                scores.metrics.merge(measured.scores.metrics);
                measured.scores = std::move(scores);
            } catch (const NotGiven&) {
                measured.left_out.push_back(metric->info().name);
            }
        }
        return measured;
    }

  private:
    MethodScores scores_of(const MethodSpec& method, const std::vector<MetricPointer>& metrics,
                           const Execution& execution) const {
        std::vector<int64_t> samples(source_.size());
        std::iota(samples.begin(), samples.end(), int64_t{0});
        const Evaluator evaluator(source_, samples, metrics, context_, options_, targets_);
        return measure_all(evaluator, method, execution, source_.steps() > 0 ? kSpikesAtOnce : kImagesAtOnce);
    }

    const ArraySource& source_;
    std::vector<MetricPointer> metrics_;
    MetricContext context_;
    MetricOptions options_;
    std::vector<int> targets_;
};

nb::dict document_of_scores(const MethodScores& scores, const std::vector<std::string>& left_out) {
    nb::dict metrics;
    for (const auto& [name, result] : scores.metrics) {
        const Estimate estimate = estimate_mean(result.values);
        nb::dict entry;
        entry["better"] = find_metric(name)->info().direction;
        entry["mean"] = estimate.mean;
        entry["low"] = estimate.low;
        entry["high"] = estimate.high;
        entry["samples"] = estimate.samples;
        entry["values"] = numpy_array(DoubleArray({static_cast<int64_t>(result.values.size())}, result.values));
        entry["curves"] = numpy_array(result.curves);
        metrics[name.c_str()] = entry;
    }
    nb::dict document;
    document["metrics"] = metrics;
    document["left_out"] = nb::cast(left_out);
    document["undecided"] = scores.undecided;
    document["seconds"] = scores.seconds;
    return document;
}

/// A method of an evaluation as Python gives it: a name of ours (None), an array, or (function, timed).
MethodSpec spec_of_entry(const std::string& name, const nb::object& entry, const Samples& samples,
                         const std::vector<int>& targets, const Engine& engine) {
    if (entry.is_none()) return parse_method(name);
    FloatValues maps;
    if (nb::try_cast(entry, maps, false))
        return spec_of(name, std::make_shared<GivenMaps>(name, float_array(maps), samples, targets, engine));
    const auto pair = nb::cast<nb::tuple>(entry);
    return spec_of(name, std::make_shared<CalledMethod>(name, pair[0], nb::cast<bool>(pair[1]), engine));
}

MetricOptions metric_options(const std::string& baseline, int64_t pixels_per_step, int64_t spike_steps, uint64_t seed) {
    return {parse_baseline(baseline), pixels_per_step, spike_steps, seed};
}

nb::dict evaluate(NetworkHandle& handle, NetworkHandle* shuffled, const nb::object& values,
                  std::optional<std::vector<int>> targets, const std::optional<ByteValues>& masks,
                  const nb::dict& methods, const std::vector<std::string>& names, const Knowledge& knowledge,
                  const std::string& surrogate, const MetricOptions& options, const Settings& settings) {
    const Samples samples = samples_of(values);
    if (samples.count() == 0) throw InputError("there are no samples to evaluate on");
    const std::vector<int> classes = targets.value_or(std::vector<int>());
    if (targets) check_targets(*handle.network, classes, samples.count());
    const std::vector<MetricPointer> metrics = find_metrics(names, samples.spiking(), !samples.spiking());
    const NetworkHandle::Lease lease(handle, settings, surrogate);
    std::optional<NetworkHandle::Lease> other;
    const ArraySource source(samples, classes, handle.network->classes);
    MetricContext context =
        metric_context(context_of(lease.engine(), knowledge, options.seed), source, targets.has_value(), masks);
    if (shuffled)
        context.shuffled = context_of(other.emplace(*shuffled, settings, surrogate).engine(), knowledge, options.seed);
    context.engine_of = [&](Network network) -> std::shared_ptr<const Engine> {
        return make_engine(std::make_shared<const Network>(std::move(network)), lease.execution(), surrogate);
    };
    const Evaluation evaluation(source, metrics, std::move(context), options, classes);
    nb::dict result;
    for (const auto& [key, entry] : methods) {
        const auto name = nb::cast<std::string>(key);
        const nb::object given = nb::borrow(entry);
        const MethodSpec method = spec_of_entry(name, given, samples, classes, lease.engine());
        const bool maps = !given.is_none() && !nb::isinstance<nb::tuple>(given);
        const Measured measured =
            call(lease.line(), settings, [&] { return evaluation.measure(method, maps, lease.execution()); });
        result[key] = document_of_scores(measured.scores, measured.left_out);
    }
    return result;
}

}  // namespace

void bind_evaluate(nb::module_& module) {
    nb::class_<MetricOptions>(module, "MetricOptions",
                              "What metrics may be told: baseline, pixels and spikes per step, seed.")
        .def(
            "__init__",
            [](MetricOptions* self, const std::string& baseline, int64_t pixels_per_step, int64_t spike_steps,
               uint64_t seed) {
                new (self) MetricOptions(metric_options(baseline, pixels_per_step, spike_steps, seed));
            },
            nb::arg("baseline"), nb::arg("pixels_per_step"), nb::arg("spike_steps"), nb::arg("seed"));
    module.def(
        "shuffled_network",
        [](const NetworkHandle& network, uint64_t seed) {
            return NetworkHandle(randomise_full(*network.network, seed));
        },
        nb::arg("network"), nb::arg("seed"), "The network with shuffled weights in its fully connected layers.");
    module.def(
        "needs_shuffled", [](const std::string& metric) { return find_metric(metric)->info().needs_shuffled; },
        nb::arg("metric"), "Whether a metric compares with the network whose weights are shuffled.");
    module.def("evaluate", &evaluate, nb::arg("network"), nb::arg("shuffled").none(), nb::arg("samples"),
               nb::arg("targets").none(), nb::arg("masks").none(), nb::arg("methods"), nb::arg("metrics"),
               nb::arg("knowledge"), nb::arg("surrogate"), nb::arg("options"), nb::arg("settings"),
               "What each method scores by each metric: a dict of dicts.");
}

}  // namespace spikelens::python
