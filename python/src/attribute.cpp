#include "attribute.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include "spikelens/attribute/completeness.h"
#include "spikelens/attribute/map_state.h"
#include "spikelens/attribute/method_options.h"
#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/pipeline/catalogue.h"
#include "spikelens/pipeline/fields.h"

namespace spikelens::python {
namespace {

constexpr int64_t kAtOnce = 64;

struct Explained {
    FloatArray values, scores;
    std::vector<int> targets;
    std::vector<std::string> states;
    std::vector<double> delta;  ///< how far A is from adding up, of methods that aim at completeness, where asked for
};

/// What to explain of whom.
struct Request {
    MethodSpec method;
    std::optional<std::vector<int>> targets;
    std::vector<int64_t> addresses;
    bool delta = false;
};

void explain_batch(const AttributionContext& context, const Input& input, const Request& request, int64_t first,
                   Explained& all) {
    const int64_t count = input.samples();
    FloatArray scores, by_the_way;
    std::vector<int> targets;
    if (request.targets) {
        targets.assign(request.targets->begin() + first, request.targets->begin() + first + count);
    } else {
        scores = context.engine->run(input).scores;
        targets = predictions(scores);
    }
    const AttributionRequest wanted{input, targets, std::span(request.addresses).subspan(first, count), &by_the_way};
    const FloatArray values = explain(request.method, context, wanted);
    if (request.targets) scores = by_the_way.empty() ? context.engine->run(input).scores : std::move(by_the_way);
    const FloatArray maps = pixel_maps(values, request.method.view);
    for (int64_t n = 0; n < count; ++n)
        all.states.push_back(map_state_text(map_state(request.method.method->info(), maps.row(n), scores.row(n))));
    if (request.delta)
        for (const Completeness& sample : own_completeness(request.method, context, wanted, values, scores))
            all.delta.push_back(sample.attributed + sample.bias + sample.lost - sample.difference);
    all.values.append(values);
    all.scores.append(scores);
    all.targets.insert(all.targets.end(), targets.begin(), targets.end());
}

Explained explain_all(const AttributionContext& context, const Samples& samples, const Request& request) {
    Explained all;
    for (int64_t first = 0; first < samples.count(); first += kAtOnce) {
        context.engine->execution().report("explaining", first, samples.count(), request.method.text);
        explain_batch(context, samples.batch(first, std::min(kAtOnce, samples.count() - first)), request, first, all);
    }
    return all;
}

Request request_of(const Network& network, const Samples& samples, const std::string& method,
                   std::optional<std::vector<int>> targets, std::optional<std::vector<int64_t>> addresses, bool delta) {
    Request request{parse_method(method), std::move(targets), {}, delta};
    if (samples.count() == 0) throw InputError("there are no samples to explain");
    if (request.targets) check_targets(network, *request.targets, samples.count());
    if (!addresses) {
        addresses.emplace(samples.count());
        std::iota(addresses->begin(), addresses->end(), int64_t{0});
    }
    request.addresses = std::move(*addresses);
    if (static_cast<int64_t>(request.addresses.size()) != samples.count())
        throw InputError("explaining " + std::to_string(samples.count()) +
                         " samples needs as many sample numbers, not " + std::to_string(request.addresses.size()));
    if (delta && !completeness_baseline(request.method, samples.batch(0, 0)))
        throw InputError("the values of '" + method + "' need not add up to the score, so it has no convergence delta");
    return request;
}

nb::dict attribute(NetworkHandle& handle, const nb::object& values, const std::string& method,
                   std::optional<std::vector<int>> targets, std::optional<std::vector<int64_t>> addresses,
                   uint64_t seed, const Knowledge& knowledge, const std::string& surrogate, bool delta,
                   const Settings& settings) {
    const Samples samples = samples_of(values);
    const Request request =
        request_of(*handle.network, samples, method, std::move(targets), std::move(addresses), delta);
    const NetworkHandle::Lease lease(handle, settings, surrogate);
    Explained all = call(lease.line(), settings,
                         [&] { return explain_all(context_of(lease.engine(), knowledge, seed), samples, request); });
    const int64_t count = samples.count();
    nb::dict result;
    result["values"] = numpy_array(std::move(all.values));
    result["scores"] = numpy_array(std::move(all.scores));
    result["targets"] = numpy_array(Array<int64_t>({count}, {all.targets.begin(), all.targets.end()}));
    result["states"] = nb::cast(all.states);
    if (delta) result["delta"] = numpy_array(DoubleArray({count}, std::move(all.delta)));
    return result;
}

View view_of_word(const std::string& method) { return parse_method(method).view; }

auto maps_of(const FloatValues& values, const std::string& method) {
    return numpy_array(pixel_maps(float_array(values), view_of_word(method)));
}

}  // namespace

AttributionContext context_of(const Engine& engine, const Knowledge& knowledge, uint64_t seed) {
    return {&engine, knowledge.relevant.get(), seed, knowledge.probe.get()};
}

void check_targets(const Network& network, const std::vector<int>& targets, int64_t samples) {
    if (static_cast<int64_t>(targets.size()) != samples)
        throw InputError("explaining " + std::to_string(samples) + " samples needs as many targets, not " +
                         std::to_string(targets.size()));
    for (const int target : targets)
        if (target < 0 || target >= network.class_count())
            throw InputError("class " + std::to_string(target) + " cannot be explained: the network has classes 0 to " +
                             std::to_string(network.class_count() - 1));
}

void bind_attribute(nb::module_& module) {
    nb::class_<Knowledge>(module, "Knowledge", "Relevant filters and probes of a network; either may be absent.")
        .def(nb::init<>())
        .def_prop_ro("has_relevant", [](const Knowledge& self) { return self.relevant != nullptr; })
        .def_prop_ro("has_probe", [](const Knowledge& self) { return self.probe != nullptr; });
    module.def("attribute", &attribute, nb::arg("network"), nb::arg("samples"), nb::arg("method"),
               nb::arg("targets").none(), nb::arg("addresses").none(), nb::arg("seed"), nb::arg("knowledge"),
               nb::arg("surrogate"), nb::arg("delta"), nb::arg("settings"),
               "Attributions, scores, targets and states of maps: a dict.");
    module.def("pixel_maps", &maps_of, nb::arg("values"), nb::arg("method"),
               "Maps [N, H, W]: time and channels summed, then the method's view.");
    module.def(
        "catalogue", [] { return json_text(document_of(list_methods()), "the catalogue"); },
        "Every method and every metric as JSON, as `spikelens methods --json` prints them.");
    module.def(
        "describe_method",
        [](const std::string& method) { return json_text(document_of(describe_method(method)), "the method"); },
        nb::arg("method"), "One method with the options that it takes as given, as JSON.");
    module.def("suggestion", &suggestion, nb::arg("word"), nb::arg("names"),
               "The end of a sentence about an unknown word: the nearest name, or all.");
    module.def(
        "surrogate_text", [](const std::string& text) { return surrogate_text(parse_surrogate(text)); },
        nb::arg("text"), "The surrogate as it is written in full.");
}

}  // namespace spikelens::python
