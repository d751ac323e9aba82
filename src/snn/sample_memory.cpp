#include "sample_memory.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "graph.h"

namespace spikelens {
namespace {

using kernels::LayerPlan;

/// What a layer's maps hold before and after its pool.
struct MapBytes {
    int64_t fired = 0, pooled = 0;
};

MapBytes map_bytes(const RunSettings& settings, size_t l, int steps) {
    const Layer& layer = settings.network.layers[l];
    const LayerPlan& plan = settings.layers[l];
    const LayerSignals& signals = settings.signals[l];
    const int64_t pooled_pixels = int64_t{layer.pooled_height} * layer.pooled_width;
    const auto numbers = [&](int64_t pixels, const Signal& signal) {
        return int64_t{8} * pixels * steps * planes_of(signal) * plan.out_words;
    };
    const auto currents = [&](int64_t pixels) { return int64_t{4} * pixels * steps * plan.padded(); };
    const int64_t pixels = int64_t{plan.out_height} * plan.out_width;
    const bool pools = layer.pool.kind != PoolKind::none;
    MapBytes bytes{numbers(pixels, signals.fired), 0};
    if (pools) bytes.pooled = signals.sent.currents ? currents(pooled_pixels) : numbers(pooled_pixels, signals.sent);
    const bool reads_out = l + 1 == settings.network.layers.size() && layer.weighted();
    const bool given = layer.neuron && (!layer.weighted() || settings.general[l].needed());
    if ((signals.sent.currents && !reads_out) || given) bytes.fired += currents(pixels);
    return bytes;
}

}  // namespace

std::string size_text(int64_t bytes) {
    if (bytes >= 10 << 20) return std::to_string(bytes >> 20) + " MB";
    if (bytes >= 10 << 10) return std::to_string(bytes >> 10) + " KB";
    return std::to_string(bytes) + " bytes";
}

SampleMemory sample_memory(const RunSettings& settings, const RecordRequest& request, int steps, int input_planes) {
    const auto& layers = settings.network.layers;
    std::vector<int64_t> maps(settings.slot_count());
    int64_t all = 0, kept = 0, largest = 0, values = 0, lists = 0, input = 0;
    for (size_t l = 0; l < layers.size(); ++l) {
        const LayerPlan& plan = settings.layers[l];
        const auto [fired, pooled] = map_bytes(settings, l, steps);
        const int from = layers[l].inputs[0];
        const int planes = !layers[l].weighted()   ? 0
                           : from == kNetworkInput ? input_planes
                                                   : planes_of(settings.signals[from].sent);
        const int64_t outputs = int64_t{plan.out_height} * plan.out_width * plan.padded();
        maps[settings.slots[l]] = std::max(maps[settings.slots[l]], fired + pooled);
        kept += pooled > 0 ? pooled : fired;
        largest = std::max(largest, fired + pooled);
        all += fired + pooled + kept_sum_bytes(plan, steps, std::max(1, planes));
        values = std::max(values, outputs * ((request.counts ? 2 : 0) + (request.potentials ? int64_t{4} * steps : 0)));
        if (planes > 0) lists = std::max(lists, kernels::sum_bytes(settings.kernels, plan, steps, planes));
        if (from == kNetworkInput && input_planes == 0) input = std::max(input, 4 * outputs);
    }
    if (input_planes > 0)
        input = int64_t{16} * settings.network.height * settings.network.width * steps * input_planes *
                ((settings.network.channels + 63) / 64);
    if (!is_chain(settings.network)) all += largest;  // one layer before a change and after it
    const int64_t always = input + values + lists;
    const int64_t plain = std::accumulate(maps.begin(), maps.end(), int64_t{0});
    return {input_planes > 0 ? values + lists : always, always + plain, always + all, always + all + kept};
}

}  // namespace spikelens
