#include <algorithm>
#include <cassert>
#include <cmath>

#include "spikelens/attribute/method.h"
#include "spikelens/core/error.h"

namespace spikelens {
namespace {

constexpr int64_t largest_batch = 64;
constexpr int64_t memory_budget = int64_t{256} << 20;  ///< bytes of spikes and activations alive at once, roughly

void check_context(const MethodInfo& info, const AttributionContext& context) {
    if (info.needs_simulator && !context.simulator)
        throw InputError(info.name + " needs a network to simulate, and none is given");
    if (info.needs_gradient && !context.gradient) {
        throw InputError(info.name + " needs the gradient of the network, and none is given");
    }
    if (info.needs_relevant && !context.relevant) {
        throw InputError(info.name + " needs relevant filters: run spikelens interpret first");
    }
}

void check_images(const FloatArray& images, const AttributionContext& context) {
    const bool four_axes = images.shape.size() == 4;
    if (!four_axes) throw InputError("images to explain have shape " + shape_text(images.shape) + ", expected [N, C, H, W]");
    if (context.simulator) {
        const Shape expected = context.simulator->network().input_shape();
        if (!std::equal(expected.begin(), expected.end(), images.shape.begin() + 1)) {
            throw InputError("images to explain have shape " + shape_text(images.shape) + ", the network expects [N, " +
                             shape_text(expected).substr(1));
        }
    }
    for (int64_t i = 0; i < images.size(); ++i) {
        if (std::isfinite(images.data[i])) continue;
        throw InputError("image " + std::to_string(i / images.row_size()) +
                         " of those to explain has a value that is not finite");
    }
}

void check_targets(const AttributionRequest& request, const AttributionContext& context) {
    const auto count = static_cast<size_t>(request.images.shape[0]);
    if (request.targets.size() != count || request.samples.size() != count) {
        throw InputError("explaining " + std::to_string(count) + " images needs as many targets and sample numbers, got " +
                         std::to_string(request.targets.size()) + " and " + std::to_string(request.samples.size()));
    }
    if (!context.simulator) return;
    const int64_t classes = context.simulator->network().class_count();
    for (int target : request.targets) {
        if (target >= 0 && target < classes) continue;
        throw InputError("class " + std::to_string(target) + " cannot be explained: the network has classes 0 to " +
                         std::to_string(classes - 1));
    }
}

/// Samples at once: what they leave behind fits the budget, whatever the network. Results do not depend on it.
int64_t batch_size(const AttributionContext& context) {
    if (!context.simulator) return largest_batch;
    const Network& network = context.simulator->network();
    int64_t neurons = 0;
    for (const Layer& layer : network.layers) {
        neurons = std::max(neurons, int64_t{layer.out_channels} * layer.out_height * layer.out_width);
    }
    return std::clamp<int64_t>(memory_budget / (neurons * network.steps * int64_t{sizeof(float)}), 1, largest_batch);
}

FloatArray slice(const FloatArray& images, int64_t begin, int64_t count) {
    Shape shape = images.shape;
    shape[0] = count;
    const auto first = images.data.begin() + begin * images.row_size();
    return FloatArray(std::move(shape), std::vector<float>(first, first + count * images.row_size()));
}

}  // namespace

FloatArray explain(const MethodSpec& spec, const AttributionContext& context, const AttributionRequest& request) {
    check_context(spec.method->info(), context);
    check_images(request.images, context);
    check_targets(request, context);
    const int64_t total = request.images.shape[0], step = batch_size(context);
    FloatArray result(request.images.shape);
    result.data.clear();
    for (int64_t begin = 0; begin < total; begin += step) {
        const int64_t count = std::min(step, total - begin);
        const FloatArray images = slice(request.images, begin, count);
        const FloatArray part = spec.method->attribute(
            context, {images, request.targets.subspan(begin, count), request.samples.subspan(begin, count)});
        assert(part.shape.size() == 4 && part.shape[0] == count);
        result.shape[1] = part.shape[1];
        result.data.insert(result.data.end(), part.data.begin(), part.data.end());
    }
    return result;
}

}  // namespace spikelens
