#include <algorithm>
#include <memory>
#include <numeric>
#include <tuple>

#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/interpret/ablation.h"
#include "spikelens/interpret/average_visualisation.h"

#include "array_source.h"
#include "attribute.h"

namespace spikelens::python {
namespace {

/// What interpretation found on one set of samples.
struct Findings {
    std::shared_ptr<const Network> network;
    Responses responses;
    std::shared_ptr<const RelevantFilters> relevant;
};

ResponseKind response_of(const std::string& word) {
    if (word == "energy") return ResponseKind::energy;
    if (word == "l2") return ResponseKind::l2;
    throw InputError("there is no response '" + word + "'" + suggestion(word, {"energy", "l2"}));
}

/// What makes the filters of responses.
struct Budgets {
    std::vector<double> all;
    double chosen = 0;
    bool is_signed = false;
};

Findings found(const NetworkHandle& handle, Responses responses, const Budgets& budgets, const Execution& execution) {
    const LassoOptions lasso{!budgets.is_signed, LassoOptions{}.tolerance};
    auto relevant = std::make_shared<const RelevantFilters>(
        find_relevant_filters(*handle.network, responses, budgets.all, budgets.chosen, lasso, execution));
    return Findings{handle.network, std::move(responses), std::move(relevant)};
}

Findings interpret(NetworkHandle& handle, const nb::object& values, const Budgets& budgets, const std::string& response,
                   const Settings& settings) {
    if (response_filters(*handle.network).empty())
        throw InputError("the network has no convolution layer that spikes, so there are no filters to interpret");
    const Samples samples = samples_of(values);
    ResponseOptions options;
    options.kind = response_of(response);
    const ArraySource source(samples, {}, handle.network->classes);
    const NetworkHandle::Lease lease(handle, settings, "");
    return call(lease.line(), settings, [&] {
        ResponseSums sums;
        accumulate_responses(lease.engine(), source, options, sums);
        return found(handle, finished(sums, lease.execution()), budgets, lease.execution());
    });
}

using Top = std::vector<std::vector<std::tuple<float, int64_t, int, int>>>;

/// Responses as Python pickles them, and back.
nb::tuple state_of(const Findings& findings) {
    const Responses& responses = findings.responses;
    Top top;
    for (const std::vector<TopImage>& of_filter : responses.top) {
        top.emplace_back();
        for (const auto& [response, sample, row, column] : of_filter)
            top.back().emplace_back(response, sample, row, column);
    }
    return nb::make_tuple(responses.samples, responses.correct, responses.predicted, responses.active, top,
                          nb::cast(numpy_array(responses.gram), nb::rv_policy::move),
                          nb::cast(numpy_array(responses.correlation), nb::rv_policy::move),
                          nb::cast(numpy_array(responses.response_sum), nb::rv_policy::move));
}

using DoubleValues = nb::ndarray<const double, nb::c_contig, nb::device::cpu>;
using State = std::tuple<int64_t, int64_t, std::vector<int64_t>, std::vector<int64_t>, Top, DoubleValues, DoubleValues,
                         DoubleValues>;

Findings restored(const NetworkHandle& handle, const State& state, const Budgets& budgets) {
    const auto& [samples, correct, predicted, active, top, gram, correlation, sum] = state;
    Responses responses;
    responses.samples = samples;
    responses.correct = correct;
    responses.predicted = predicted;
    responses.active = active;
    for (const auto& of_filter : top) {
        responses.top.emplace_back();
        for (const auto& [response, sample, row, column] : of_filter)
            responses.top.back().push_back({response, sample, row, column});
    }
    responses.gram = view_of<double>(gram).copy();
    responses.correlation = view_of<double>(correlation).copy();
    responses.response_sum = view_of<double>(sum).copy();
    const auto filters = static_cast<int64_t>(response_filters(*handle.network).size());
    const int64_t classes = handle.network->class_count();
    if (responses.gram.shape != Shape{filters, filters} || responses.correlation.shape != Shape{filters, classes} ||
        responses.response_sum.shape != Shape{filters} || std::ssize(predicted) != classes ||
        std::ssize(active) != filters || std::ssize(top) != filters)
        throw InputError("the responses are not those of this network's filters");
    return found(handle, std::move(responses), budgets, {});
}

nb::list named_filters(const Network& network, const RelevantFilters& relevant, const LassoPoint& point) {
    std::vector<size_t> order(point.index.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, std::ranges::greater{}, [&](size_t i) { return point.weight[i]; });
    nb::list filters;
    for (const size_t i : order)
        filters.append(nb::make_tuple(filter_name(network, relevant.filters[point.index[i]]), point.weight[i]));
    return filters;
}

nb::list points_of(const Network& network, const RelevantFilters& relevant, const std::vector<LassoPoint>& points) {
    nb::list list;
    for (const LassoPoint& point : points) {
        nb::dict entry;
        entry["mu"] = point.mu;
        entry["l1"] = point.l1;
        entry["objective"] = point.objective;
        entry["kkt_residual"] = point.kkt_residual;
        entry["duality_gap"] = point.duality_gap;
        entry["filters"] = named_filters(network, relevant, point);
        list.append(entry);
    }
    return list;
}

const LassoPath& path_of(const Findings& findings, int class_index) {
    const auto& classes = findings.relevant->classes;
    if (class_index < 0 || class_index >= static_cast<int>(classes.size()))
        throw InputError("there is no class " + std::to_string(class_index) + ": the network has classes 0 to " +
                         std::to_string(classes.size() - 1));
    return classes[class_index];
}

nb::list filter_names(const Findings& findings) {
    nb::list names;
    for (const FilterIndex& filter : findings.relevant->filters) names.append(filter_name(*findings.network, filter));
    return names;
}

Ablation run_ablation(NetworkHandle& handle, const Findings& findings, const nb::object& values,
                      const std::vector<int>& labels, int draws, uint64_t seed, const Settings& settings) {
    const Samples samples = samples_of(values);
    check_targets(*handle.network, labels, samples.count());
    const ArraySource source(samples, labels, handle.network->classes);
    const NetworkHandle::Lease lease(handle, settings, "");
    return call(lease.line(), settings, [&] {
        return spikelens::ablate(lease.engine(), source, *findings.relevant, {draws, seed});
    });
}

nb::dict ablate(NetworkHandle& handle, const Findings& findings, const nb::object& values,
                const std::vector<int>& labels, int draws, uint64_t seed, const Settings& settings) {
    const Ablation ablation = run_ablation(handle, findings, values, labels, draws, seed, settings);
    nb::dict result;
    nb::list curve;
    for (const AblationPoint& point : ablation.curve) {
        nb::dict entry;
        entry["mu"] = point.mu;
        entry["mean_filters"] = point.mean_filters;
        entry["relevant_accuracy"] = point.relevant_accuracy;
        entry["relevant_ci95"] = point.relevant_ci95;
        entry["random_accuracy"] = point.random_accuracy;
        entry["random_ci95"] = point.random_ci95;
        curve.append(entry);
    }
    result["full_accuracy"] = ablation.full_accuracy;
    result["curve"] = curve;
    return result;
}

nb::list visualise(NetworkHandle& handle, const Findings& findings, const nb::object& values,
                   const std::vector<int>& filters, int crops, const Settings& settings) {
    const ArraySource source(samples_of(values), {}, handle.network->classes);
    const NetworkHandle::Lease lease(handle, settings, "");
    auto pictures = call(lease.line(), settings, [&] {
        return average_visualisations(*handle.network, source, findings.responses, filters, crops, lease.execution());
    });
    nb::list list;
    for (FilterVisualisation& picture : pictures) {
        nb::dict entry;
        entry["filter"] = filter_name(*handle.network, picture.filter);
        entry["average"] =
            picture.average.shape.empty() ? nb::none() : nb::cast(numpy_array(std::move(picture.average)));
        entry["crops"] = picture.crops.shape.empty() ? nb::none() : nb::cast(numpy_array(std::move(picture.crops)));
        entry["samples"] = nb::cast(picture.samples);
        entry["averaged"] = picture.averaged;
        entry["spread"] = picture.spread;
        list.append(entry);
    }
    return list;
}

template <class T>
auto vector_array(const std::vector<T>& values) {
    return numpy_array(Array<T>({static_cast<int64_t>(values.size())}, values));
}

}  // namespace

void bind_interpret(nb::module_& module) {
    nb::class_<Budgets>(module, "Budgets",
                        "The budgets mu, the one that is shown, and whether weights may be negative.")
        .def(
            "__init__",
            [](Budgets* self, std::vector<double> all, double chosen, bool is_signed) {
                new (self) Budgets{std::move(all), chosen, is_signed};
            },
            nb::arg("all"), nb::arg("chosen"), nb::arg("signed"));
    nb::class_<Findings>(module, "Findings", "Responses of all filters, and the filters that drive each class.")
        .def_prop_ro("filters", &filter_names)
        .def_prop_ro("samples", [](const Findings& self) { return self.responses.samples; })
        .def_prop_ro("undecided", [](const Findings& self) { return self.responses.undecided(); })
        .def_prop_ro(
            "predicted", [](const Findings& self) { return vector_array(self.responses.predicted); },
            nb::rv_policy::move)
        .def_prop_ro(
            "active", [](const Findings& self) { return vector_array(self.responses.active); }, nb::rv_policy::move)
        .def_prop_ro(
            "gram", [](const Findings& self) { return numpy_array(self.responses.gram); }, nb::rv_policy::move)
        .def_prop_ro(
            "correlation", [](const Findings& self) { return numpy_array(self.responses.correlation); },
            nb::rv_policy::move)
        .def_prop_ro(
            "response_sum", [](const Findings& self) { return numpy_array(self.responses.response_sum); },
            nb::rv_policy::move)
        .def("state", &state_of)
        .def_prop_ro("knowledge",
                     [](const Findings& self) {
                         return Knowledge{self.relevant, nullptr};
                     })
        .def(
            "path",
            [](const Findings& self, int class_index) {
                return points_of(*self.network, *self.relevant, path_of(self, class_index).points);
            },
            nb::arg("class_index"))
        .def(
            "breakpoints",
            [](const Findings& self, int class_index) {
                return points_of(*self.network, *self.relevant, path_of(self, class_index).breakpoints);
            },
            nb::arg("class_index"));
    module.def("interpret", &interpret, nb::arg("network"), nb::arg("samples"), nb::arg("budgets"), nb::arg("response"),
               nb::arg("settings"), "The filters that drive each class.");
    module.def("restored", &restored, nb::arg("network"), nb::arg("state"), nb::arg("budgets"),
               "What `Findings.state` was taken of: its filters are found again.");
    module.def("ablate", &ablate, nb::arg("network"), nb::arg("findings"), nb::arg("samples"), nb::arg("labels"),
               nb::arg("draws"), nb::arg("seed"), nb::arg("settings"),
               "Accuracy with relevant and with random filters silenced.");
    module.def("visualise", &visualise, nb::arg("network"), nb::arg("findings"), nb::arg("samples"), nb::arg("filters"),
               nb::arg("crops"), nb::arg("settings"), "What these filters (rows of the responses) see.");
}

}  // namespace spikelens::python
