#include "methods_of_python.h"

#include <algorithm>

#include <nanobind/stl/vector.h>

#include "spikelens/core/error.h"

#include "network.h"

namespace spikelens::python {
namespace {

MethodInfo info_of(const std::string& name, bool timed) {
    return {.name = name,
            .title = name,
            .meaning = "what it was given as",
            .cost = "its own",
            .source = "the caller",
            .signed_values = true,
            .on_images = true,
            .on_spikes = true,
            .timed = timed,
            .needs_engine = false};
}

/// [N, H, W] becomes [N, 1, H, W].
FloatArray with_channel(FloatArray maps, const std::string& name, const Shape& input) {
    if (maps.shape.size() == 3) maps.shape.insert(maps.shape.begin() + 1, 1);
    const size_t axes = maps.shape.size();
    const Shape end(input.end() - 3, input.end());
    const bool fits = (axes == 4 || (axes == 5 && input.size() == 5 && maps.extent(1) == input[1])) &&
                      maps.extent(0) == input[0] && (maps.extent(axes - 3) == end[0] || maps.extent(axes - 3) == 1) &&
                      maps.extent(axes - 2) == end[1] && maps.extent(axes - 1) == end[2];
    if (!fits)
        throw InputError("the maps of '" + name + "' have shape " + shape_text(maps.shape) + ", and the input has " +
                         shape_text(input) + ": expected that shape, one channel, or without time");
    return maps;
}

FloatArray called(const nb::object& function, const Network* changed, const Input& input,
                  std::span<const int> targets) {
    const nb::gil_scoped_acquire with_gil;
    const nb::object network = changed ? nb::cast(NetworkHandle(*changed)) : nb::none();
    const nb::object shown =
        input.spiking() ? nb::cast(numpy_array(input.spikes)) : nb::cast(numpy_array(input.images));
    const Array<int64_t> classes({static_cast<int64_t>(targets.size())}, {targets.begin(), targets.end()});
    const nb::object maps = function(network, shown, numpy_array(classes));
    return float_array(nb::cast<FloatValues>(maps));
}

}  // namespace

GivenMaps::GivenMaps(const std::string& name, FloatArray maps, Samples samples, std::vector<int> targets,
                     const Engine& given)
    : maps_(with_channel(std::move(maps), name, samples.shape())),
      samples_(std::move(samples)),
      targets_(std::move(targets)),
      given_(&given) {
    info_ = info_of(name, maps_.shape.size() == 5);
}

FloatArray GivenMaps::attribute(const AttributionContext& context, const AttributionRequest& request) const {
    if (context.engine != given_ || request.input != samples_.select(request.samples)) throw NotGiven();
    std::vector<int> meant = targets_.empty() ? predictions(given_->run(request.input).scores) : std::vector<int>();
    if (!targets_.empty())
        for (const int64_t sample : request.samples) meant.push_back(targets_[sample]);
    if (!std::ranges::equal(meant, request.targets)) throw NotGiven();
    return maps_.select(request.samples);
}

CalledMethod::CalledMethod(const std::string& name, nb::object function, bool timed, const Engine& given)
    : function_(std::move(function)), given_(&given) {
    info_ = info_of(name, timed);
}

FloatArray CalledMethod::attribute(const AttributionContext& context, const AttributionRequest& request) const {
    const Network* const changed = context.engine == given_ ? nullptr : &context.engine->network();
    FloatArray maps =
        with_channel(called(function_, changed, request.input, request.targets), info().name, request.input.shape());
    if ((maps.shape.size() == 5) != info().timed)
        throw InputError("'" + info().name + "' gave maps of another number of axes than for its first sample");
    return maps;
}

MethodSpec spec_of(const std::string& name, std::shared_ptr<const AttributionMethod> method) {
    return {name, std::move(method), View::natural, name};
}

}  // namespace spikelens::python
