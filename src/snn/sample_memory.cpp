#include "sample_memory.h"

#include <algorithm>

namespace spikelens {
namespace {

using kernels::LayerPlan;

int64_t pooled_bytes(const Layer& layer, const LayerPlan& plan, int steps) {
    if (layer.pool.kind == PoolKind::none) return 0;
    return int64_t{8} * layer.pooled_height * layer.pooled_width * steps * pooled_planes(layer.pool) * plan.out_words;
}

}  // namespace

std::string size_text(int64_t bytes) {
    if (bytes >= 10 << 20) return std::to_string(bytes >> 20) + " MB";
    if (bytes >= 10 << 10) return std::to_string(bytes >> 10) + " KB";
    return std::to_string(bytes) + " bytes";
}

SampleMemory sample_memory(const RunSettings& settings, const RecordRequest& request, int steps, int input_planes) {
    const auto& layers = settings.network.layers;
    const LayerPlan& first = settings.real_input;
    int64_t maps[2] = {0, 0}, all = 0, kept = 0, values = 0, lists = 0;
    int planes = input_planes;
    for (size_t l = 0; l < layers.size(); ++l) {
        const LayerPlan& plan = settings.layers[l];
        const int64_t fired = 8 * plan.output_words(steps), pooled = pooled_bytes(layers[l], plan, steps),
                      bytes = fired + pooled;
        const int64_t outputs = int64_t{plan.out_height} * plan.out_width * plan.padded();
        maps[l % 2] = std::max(maps[l % 2], bytes);
        kept += pooled > 0 ? pooled : fired;
        all += bytes + kept_sum_bytes(plan, steps, std::max(1, planes));
        values = std::max(values, outputs * ((request.counts ? 2 : 0) + (request.potentials ? int64_t{4} * steps : 0)));
        if (planes > 0) lists = std::max(lists, kernels::sum_bytes(settings.kernels, plan, steps, planes));
        planes = pooled_planes(layers[l].pool);
    }
    const int64_t input = input_planes > 0
                              ? int64_t{16} * first.in_height * first.in_width * steps * input_planes * first.in_words
                              : int64_t{4} * first.out_height * first.out_width * first.padded();
    const int64_t always = input + values + lists;
    return {always + maps[0] + maps[1], always + all, always + all + kept};
}

}  // namespace spikelens
