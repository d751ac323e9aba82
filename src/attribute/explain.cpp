#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

#include "spikelens/attribute/method.h"
#include "spikelens/core/error.h"

namespace spikelens {
namespace {

constexpr int64_t kLargestBatch = 64;

void check_context(const MethodInfo& info, const AttributionContext& context) {
    if (info.needs_engine && !context.engine) throw InputError(info.name + " needs a network, and none is given");
    if (info.needs_relevant && !context.relevant) {
        throw InputError(info.name + " needs relevant filters, and the network has none yet: interpret it first");
    }
    if (info.needs_probe && !context.probe) {
        throw InputError(info.name + " needs probes, and none are fitted to the network yet");
    }
}

void check_input(const MethodInfo& info, const Input& input, const AttributionContext& context) {
    const std::string what = input.spiking() ? "spikes" : "images";
    const size_t leading = input.spiking() ? 2 : 1;
    if (!(input.spiking() ? info.on_spikes : info.on_images))
        throw InputError(info.name + " does not explain " + what + ", only " + (input.spiking() ? "images" : "spikes"));
    const std::string axes = input.spiking() ? "[N, T, " : "[N, ";
    if (input.shape().size() != leading + 3)
        throw InputError(what + " to explain have shape " + shape_text(input.shape()) + ", expected " + axes +
                         "C, H, W]");
    if (context.engine) {
        const Shape expected = context.engine->network().input_shape();
        if (!std::equal(expected.begin(), expected.end(), input.shape().begin() + static_cast<ptrdiff_t>(leading)))
            throw InputError(what + " to explain have shape " + shape_text(input.shape()) + ", the network expects " +
                             axes + shape_text(expected).substr(1));
    }
    for (int64_t i = 0; i < input.images.size(); ++i) {
        if (std::isfinite(input.images.data[i])) continue;
        throw InputError("image " + std::to_string(i / input.images.row_size()) +
                         " of those to explain has a value that is not finite");
    }
}

void check_targets(const AttributionRequest& request, const AttributionContext& context) {
    const auto count = static_cast<size_t>(request.input.samples());
    if (request.targets.size() != count || request.samples.size() != count) {
        throw InputError("explaining " + std::to_string(count) +
                         " images needs as many targets and sample numbers, got " +
                         std::to_string(request.targets.size()) + " and " + std::to_string(request.samples.size()));
    }
    if (!context.engine) return;
    const int64_t classes = context.engine->network().class_count();
    for (int target : request.targets) {
        if (target >= 0 && target < classes) continue;
        throw InputError("class " + std::to_string(target) + " cannot be explained: the network has classes 0 to " +
                         std::to_string(classes - 1));
    }
}

/// Samples at once: what they leave behind fits the budget, whatever the network. Results do not depend on it.
int64_t batch_size(const AttributionContext& context, const Input& input) {
    int64_t neurons = input.spiking() ? element_count(std::span(input.shape()).subspan(2)) : 1;
    int64_t steps = input.spiking() ? input.steps() : 1;
    int64_t memory = Execution{}.memory;
    if (context.engine) {
        memory = context.engine->execution().memory;
        const Network& network = context.engine->network();
        if (!input.spiking()) steps = network.steps;
        for (const Layer& layer : network.layers)
            neurons = std::max(neurons, int64_t{layer.out_channels} * layer.out_height * layer.out_width);
    }
    return std::clamp<int64_t>(memory / 4 / std::max<int64_t>(1, neurons * steps * int64_t{sizeof(float)}), 1,
                               kLargestBatch);
}

}  // namespace

FloatArray explain(const MethodSpec& spec, const AttributionContext& context, const AttributionRequest& request) {
    const MethodInfo& info = spec.method->info();
    check_context(info, context);
    check_input(info, request.input, context);
    check_targets(request, context);
    const int64_t total = request.input.samples(), step = batch_size(context, request.input);
    if (total == 0) return FloatArray(request.input.shape());
    FloatArray result;
    for (int64_t begin = 0; begin < total; begin += step) {
        const int64_t count = std::min(step, total - begin);
        std::vector<int64_t> indices(count);
        std::iota(indices.begin(), indices.end(), begin);
        const Input input = request.input.select(indices);
        const FloatArray part = spec.method->attribute(
            context,
            {input, request.targets.subspan(begin, count), request.samples.subspan(begin, count), request.scores});
        assert(part.shape.size() == (info.timed ? 5 : 4) && part.extent(0) == count);
        result.append(part);
        result.data.reserve(total * part.row_size());
    }
    return result;
}

}  // namespace spikelens
