#include <algorithm>
#include <cmath>

#include "spikelens/core/parallel.h"
#include "spikelens/core/resize.h"

#include "methods.h"
#include "recorded_layers.h"

namespace spikelens {
namespace {

/// Pairs of spikes of the same neuron by the steps between them, each spike with itself among them, summed over
/// channels: pairs[pixel·T + d]. M summed over time is Σ_d exp(−γd)·pairs[d], so pixels with equal pairs have exactly
/// equal values.
std::vector<int64_t> spike_pairs(const ArrayView<uint8_t>& spikes) {
    const int64_t steps = spikes.extent(0), neurons = spikes.row_size(), pixels = spikes.extent(2) * spikes.extent(3);
    std::vector<int64_t> pairs(pixels * steps), times;
    for (int64_t neuron = 0; neuron < neurons; ++neuron) {
        times.clear();
        int64_t* lags = pairs.data() + neuron % pixels * steps;
        for (int64_t t = 0; t < steps; ++t) {
            if (!spikes.data[t * neurons + neuron]) continue;
            times.push_back(t);
            for (int64_t spike : times) ++lags[t - spike];
        }
    }
    return pairs;
}

class Sam final : public AttributionMethod {
  public:
    explicit Sam(MethodOptions& options)
        : gamma_(options.number("gamma", 0.5, 0, 1e6, "how fast a spike is forgotten, per step")),
          shortest_(
              options.choice<int64_t>("past", {{"inclusive", 0}, {"strict", 1}},
                                      "strict: a spike counts through earlier ones alone, so a neuron that spikes once "
                                      "counts nothing")),
          layer_(options.layer({"last"}, "whose spikes are shown")) {
        info_ = {
            .name = "sam",
            .title = "SAM: spike activation map, summed over time",
            .meaning = "0 and above: where neurons spiked, and more so often in short intervals, whatever the class",
            .cost = "1 forward",
            .source = "Kim, Panda, Sci. Rep. 11:19037, 2021",
            .class_specific = false,
            .on_spikes = true};
    }

    /// Σ_t Σ_k N·S, N[t] = Σ exp(−γ(t − t')) over the neuron's spikes t' ≤ t (past=strict: t' < t); a silent step adds
    /// nothing.
    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const Network& network = context.engine->network();
        const int index =
            layer_ == "last" ? filter_layers(network, "sam").back() : named_layer(network, "sam", layer_, {"last"});
        const Layer& layer = network.layers[index];
        const Recording recording = context.engine->run(request.input, {.layers = {index}, .spikes = true});
        FloatArray maps({request.input.samples(), 1, layer.out_height, layer.out_width});
        parallel_for(maps.shape[0], context.engine->execution(), [&](int64_t n, int) {
            const ArrayView<uint8_t> spikes = recording.layer(index).spikes.sub(n);
            weigh_by_interval(spike_pairs(spikes), spikes.extent(0), maps.row(n));
        });
        return resize_bilinear(maps, network.height, network.width);
    }

  private:
    void weigh_by_interval(const std::vector<int64_t>& pairs, int64_t steps, std::span<float> map) const {
        for (size_t pixel = 0; pixel < map.size(); ++pixel) {
            double sum = 0;
            for (int64_t d = shortest_; d < steps; ++d) {
                sum += std::exp(-gamma_ * static_cast<double>(d)) * static_cast<double>(pairs[pixel * steps + d]);
            }
            map[pixel] = static_cast<float>(sum);
        }
    }

    double gamma_;
    int64_t shortest_;  ///< distance in steps at which a spike counts for a spike
    std::string layer_;
};

}  // namespace

MethodPointer make_sam(MethodOptions& options) { return std::make_unique<Sam>(options); }

}  // namespace spikelens
