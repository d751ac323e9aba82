#include <cmath>

#include "spikelens/core/parallel.h"
#include "spikelens/snn/decision.h"

#include "linear_map.h"
#include "methods.h"

namespace spikelens {
namespace {

/// Weights as the membrane meets them.
float current_scale(const Layer& layer) { return layer.neuron ? input_scale<float>(*layer.neuron) : 1; }

/// Passes a window's gain to its neurons, the first at `corner`: under a max-pool to the first spike in row-major order, to the
/// first neuron when none spiked.
void spread(const Layer& layer, std::span<const uint8_t> spikes, int64_t corner, float gain, std::vector<float>& result) {
    const bool most = layer.pool.kind == PoolKind::max;
    const float share = most ? gain : static_cast<float>(pooled_unit(layer.pool)) * gain;
    for (int64_t y = 0; y < layer.pool.size; ++y) {
        for (int64_t neuron = corner + y * layer.out_width; neuron < corner + y * layer.out_width + layer.pool.size; ++neuron) {
            if (most && !spikes[neuron]) continue;
            result[neuron] += share;
            if (most) return;
        }
    }
    if (most) result[corner] += gain;
}

/// The transpose of the pool, which at one step is a linear map.
std::vector<float> unpool(const Layer& layer, std::span<const uint8_t> spikes, const std::vector<float>& gain) {
    if (layer.pool.kind == PoolKind::none) return gain;
    std::vector<float> result(spikes.size());
    const float* window = gain.data();
    for (int64_t channel = 0; channel < layer.out_channels; ++channel) {
        for (int64_t row = 0; row < layer.pooled_height; ++row) {
            const int64_t first = (channel * layer.out_height + row * layer.pool.stride) * layer.out_width;
            for (int64_t column = 0; column < layer.pooled_width; ++column)
                spread(layer, spikes, first + column * layer.pool.stride, *window++, result);
        }
    }
    return result;
}

/// How much each neuron's state counts, but for the decay β^(t_c − t), which all neurons of a layer share.
enum class Absence { nothing, negative };

class Tsa final : public AttributionMethod {
  public:
    Tsa(std::string name, std::string title, std::string meaning, Absence absence) : absence_(absence) {
        info_ = {.name = std::move(name),
                 .title = std::move(title),
                 .meaning = std::move(meaning),
                 .cost = "1 forward and T sweeps of linear maps",
                 .source = "Nguyen, Nauta, Englebienne, Seifert, CogMI 2023; convolutions and pools added here",
                 .signed_values = true,
                 .on_spikes = true,
                 .timed = true};
    }

    /// At step t, decided at t_c = T − 1: N_0(t) ⊙ W_1ᵀ N_1(t) … W_Lᵀ e_c, times the softmax probability of c (the paper's
    /// confidence). N_l is β^(t_c−t) for neurons of layer l that spiked at t, else 0 or −β^(t_c−t)/n_l with n_l all neurons of
    /// the layer; of the input the pixel, or its spikes in the same way with the β of the layer they go to. Max-pools pass to
    /// the first maximum at t.
    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const Network& network = context.engine->network();
        require_chain(network, info_.name);
        RecordRequest wanted{.layers = {}, .spikes = true};
        std::vector<LinearMap> maps;
        for (size_t l = 0; l < network.layers.size(); ++l) {
            maps.emplace_back(network.layers[l]);
            if (l + 1 < network.layers.size()) wanted.layers.push_back(static_cast<int>(l));
        }
        const Recording recording = context.engine->run(request.input, wanted);
        const bool spiking = request.input.spiking();
        const int64_t samples = request.input.samples(), steps = spiking ? request.input.steps() : network.steps;
        FloatArray result({samples, steps, network.channels, network.height, network.width});
        const int64_t size = element_count(network.input_shape());
        parallel_for(samples * steps, 0, [&](int64_t index, int) {
            const int64_t n = index / steps, t = index % steps;
            const std::vector<float> gain = sweep(network, maps, recording, t, n, request.targets[n]);
            const double factor = softmax_probability(recording.scores.row(n), request.targets[n]) *
                                  std::pow(decay(network, spiking), static_cast<double>(steps - 1 - t));
            const std::span to = result.row(n).subspan(t * size, size);
            for (int64_t i = 0; i < size; ++i) {
                const float input =
                    spiking ? score(request.input.spikes.row(n)[t * size + i], size) : request.input.images.row(n)[i];
                to[i] = static_cast<float>(factor * gain[i] * input);
            }
        });
        return result;
    }

  private:
    float score(uint8_t spikes, int64_t neurons) const {
        if (spikes > 0) return static_cast<float>(spikes);
        return absence_ == Absence::nothing ? 0.0F : -1.0F / static_cast<float>(neurons);
    }

    /// Π β of all layers whose spikes are scored.
    static double decay(const Network& network, bool spiking) {
        double product = 1;
        const auto beta = [](const Layer& layer) { return layer.neuron ? layer.neuron->beta : layer.readout_beta; };
        if (spiking) product *= beta(network.layers.front());
        for (size_t l = 0; l + 1 < network.layers.size(); ++l) product *= beta(network.layers[l]);
        return product;
    }

    std::vector<float> sweep(const Network& network, const std::vector<LinearMap>& maps, const Recording& recording, int64_t t,
                             int64_t n, int target) const {
        std::vector<float> gain(network.class_count());
        gain[target] = 1;
        for (size_t l = network.layers.size(); l-- > 0;) {
            for (float& value : gain) value *= current_scale(network.layers[l]);
            gain = maps[l].apply_transposed(gain);
            if (l == 0) break;
            const int64_t neurons = maps[l - 1].outputs();
            const auto spikes = recording.layer(static_cast<int>(l) - 1).spikes.row(n).subspan(t * neurons, neurons);
            gain = unpool(network.layers[l - 1], spikes, gain);
            for (int64_t i = 0; i < neurons; ++i) gain[i] *= score(spikes[i], neurons);
        }
        return gain;
    }

    Absence absence_;
};

}  // namespace

MethodPointer make_tsa_s(MethodOptions&) {
    return std::make_unique<Tsa>(
        "tsa_s", "TSA-S: temporal spike attribution",
        "signed: what the place at the step brought the class through neurons that spiked then, later steps counting more",
        Absence::nothing);
}

MethodPointer make_tsa_ns(MethodOptions&) {
    return std::make_unique<Tsa>("tsa_ns", "TSA-NS: temporal spike attribution with absent spikes",
                                 "signed: as tsa_s, silent neurons counting against, each one over the size of its layer",
                                 Absence::negative);
}

}  // namespace spikelens
