#include "spikelens/attribute/probe.h"

#include <algorithm>
#include <cmath>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"
#include "spikelens/core/resize.h"

#include "methods.h"
#include "recorded_layers.h"

namespace spikelens {
namespace {

void check_probe(const Probe& probe, const Network& network) {
    std::vector<int> layers;
    bool fits = true;
    for (const Probe::Reading& reading : probe.readings) {
        layers.push_back(reading.layer);
        if (reading.layer < 0 || reading.layer >= static_cast<int>(network.layers.size())) continue;
        const Layer& layer = network.layers[reading.layer];
        const int64_t inputs = int64_t{layer.out_channels} * layer.pooled_height * layer.pooled_width;
        fits = fits && reading.weight.shape == Shape{network.class_count(), inputs};
    }
    if (fits && layers == filter_layers(network, "probe")) return;
    throw InputError("probe: the fitted probes are of another network; fit probes to this one");
}

/// Marks the channels of the network's input that a layer which reads it gives any weight.
void mark_seen(const Layer& layer, std::vector<bool>& seen) {
    const int64_t channels = layer.in_channels / layer.groups, per_channel = layer.weight.row_size() / channels;
    for (int64_t i = 0; i < layer.weight.size(); ++i) {
        const int64_t output = i / layer.weight.row_size(), group = output / (layer.out_channels / layer.groups);
        if (layer.weight.data[i] != 0) seen[group * channels + i % layer.weight.row_size() / per_channel] = true;
    }
}

/// Of each input channel whether a layer that reads it gives it any weight: the others are no evidence, whatever their
/// values.
std::vector<bool> seen_channels(const Network& network) {
    std::vector<bool> seen(network.channels);
    for (const Layer& layer : network.layers)
        if (layer.inputs[0] == kNetworkInput) mark_seen(layer, seen);
    return seen;
}

/// E_l(p) = Σ_f w[f, p]·(P(x) − P(b))[f, p], enlarged to the input. A constant map tells nothing apart and becomes
/// zero, before rounding can make it anything else.
FloatArray evidence_map(const Layer& layer, std::span<const float> weight, std::span<const uint16_t> counts,
                        std::span<const uint16_t> baseline, const Network& network) {
    FloatArray sums({1, layer.pooled_height, layer.pooled_width});
    for (size_t i = 0; i < weight.size(); ++i)
        sums.data[i % sums.data.size()] += weight[i] * static_cast<float>(int{counts[i]} - int{baseline[i]});
    const auto [least, most] = std::ranges::minmax_element(sums.data);
    if (*least == *most) std::ranges::fill(sums.data, 0.0F);
    return resize_bilinear(sums, network.height, network.width);
}

/// Divided by its standard deviation; zero stays zero.
void scale_to_unit_deviation(std::vector<float>& map) {
    const auto count = static_cast<double>(map.size());
    double mean = 0, variance = 0;
    for (float value : map) mean += value / count;
    for (float value : map) variance += (value - mean) * (value - mean) / count;
    const double scale = variance > 0 ? 1 / std::sqrt(variance) : 0;
    for (float& value : map) value = static_cast<float>(scale * value);
}

class ProbeMethod final : public AttributionMethod {
  public:
    explicit ProbeMethod(MethodOptions& options) : baseline_(options.baseline("what evidence is measured from")) {
        info_ = {.name = "probe",
                 .title = "Linear probes of the convolution layers",
                 .meaning =
                     "signed: what the spikes at the pixel say for the class to linear probes fitted to the network's "
                     "scores, times how much the pixel differs from the baseline; partly a surrogate: the probes stand "
                     "for all the layers after their own",
                 .cost = "2 forward, after fitting",
                 .source = "Spikelens, no paper: ridge regression from each layer's spikes to the score",
                 .signed_values = true,
                 .needs_probe = true};
    }

    /// |x − b| · Σ_l E_l / deviation(E_l)
    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const Network& network = context.engine->network();
        check_probe(*context.probe, network);
        const FloatArray& images = request.input.images;
        const FloatArray baseline = baseline_images(images, baseline_);
        const RecordRequest record{.layers = filter_layers(network, "probe"), .pooled_counts = true};
        const Recording shown = context.engine->run(images, record), absent = context.engine->run(baseline, record);
        const std::vector<bool> seen = seen_channels(network);
        const int64_t pixels = int64_t{network.height} * network.width;
        FloatArray result(images.shape);
        parallel_for(images.shape[0], context.engine->execution(), [&](int64_t n, int) {
            const std::vector<float> evidence =
                evidence_of(*context.probe, network, shown, absent, n, request.targets[n]);
            for (int64_t i = 0; i < images.row_size(); ++i) {
                if (!seen[i / pixels]) continue;
                result.row(n)[i] = std::abs(images.row(n)[i] - baseline.row(n)[i]) * evidence[i % pixels];
            }
        });
        return result;
    }

  private:
    static std::vector<float> evidence_of(const Probe& probe, const Network& network, const Recording& shown,
                                          const Recording& absent, int64_t n, int target) {
        std::vector<float> sum(int64_t{network.height} * network.width);
        for (const Probe::Reading& reading : probe.readings) {
            FloatArray map = evidence_map(network.layers[reading.layer], reading.weight.row(target),
                                          shown.layer(reading.layer).pooled_counts.row(n),
                                          absent.layer(reading.layer).pooled_counts.row(n), network);
            scale_to_unit_deviation(map.data);
            for (size_t i = 0; i < sum.size(); ++i) sum[i] += map.data[i];
        }
        return sum;
    }

    Baseline baseline_;
};

}  // namespace

MethodPointer make_probe(MethodOptions& options) { return std::make_unique<ProbeMethod>(options); }

}  // namespace spikelens
