#include <algorithm>
#include <cmath>

#include "spikelens/core/parallel.h"
#include "spikelens/snn/decision.h"

#include "backflow.h"
#include "methods.h"
#include "snn/pool_windows.h"

namespace spikelens {
namespace {

/// The transpose of the pool, which at one step is a linear map: a max-pool passes to its first maximum.
std::vector<float> unpool(const Layer& layer, const std::vector<float>& values, const std::vector<float>& gain) {
    std::vector<float> result(values.size());
    const auto share = static_cast<float>(pooled_unit(layer.pool));
    for (int64_t window = 0; window < static_cast<int64_t>(gain.size()); ++window)
        if (layer.pool.kind == PoolKind::max)
            result[first_maximum(layer, window, values.data())] += gain[window];
        else
            for_each_in_window(layer, window, [&](int64_t place) { result[place] += share * gain[window]; });
    return result;
}

/// How much each neuron's state counts, but for its decay β^(t_c − t).
enum class Absence { nothing, negative };

/// The largest β of a layer's neurons, or that of the last layer's readout.
double largest_beta(const Layer& layer) {
    if (!layer.neuron) return layer.readout_beta;
    double most = layer.values.empty() || layer.values[0].field != "beta" ? layer.neuron->beta : 0;
    if (!layer.values.empty() && layer.values[0].field == "beta")
        for (const float beta : layer.values[0].values.data) most = std::max(most, double{beta});
    return most;
}

/// The β with which spikes of the network's input decay that a layer reads: of its neuron, or of the one it first leads
/// to.
double input_beta(const Network& network, int layer) {
    const int count = static_cast<int>(network.layers.size());
    for (int next = layer + 1; !network.layers[layer].neuron && next < count; ++next)
        if (std::ranges::count(network.layers[next].inputs, layer) > 0) layer = next;
    return largest_beta(network.layers[layer]);
}

/// What comes back from one reader or more, but for the decay of the layers on the way: the `ago`-th power of beta.
struct Decaying {
    std::vector<float> values;
    double beta = 1;
};

void add(Decaying more, int64_t ago, Decaying& sum) {
    if (sum.values.empty()) {
        sum = std::move(more);
        return;
    }
    if (more.beta > sum.beta) std::swap(more, sum);
    const auto ratio = more.beta == sum.beta ? 1.0F : static_cast<float>(std::pow(more.beta / sum.beta, ago));
    for (size_t i = 0; i < sum.values.size(); ++i) sum.values[i] += ratio * more.values[i];
}

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

    /// At step t, decided at t_c = T − 1: N_0(t) ⊙ W_1ᵀ N_1(t) … W_Lᵀ e_c, times the softmax probability of c (the
    /// paper's confidence). N_l is β^(t_c−t) for neurons of layer l that spiked at t, else 0 or −β^(t_c−t)/n_l with n_l
    /// all neurons of the layer; of the input the pixel, or its spikes in the same way with the β of the neurons they
    /// go to. Max-pools pass to the first maximum at t. Branches add up; `and` passes an equal part to each input where
    /// all spike, `iand` to the first where the second is silent.
    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const Network& network = context.engine->network();
        require_no_recurrence(network, info_.name, "a step's spikes alone do not say what it brought; shares do");
        RecordRequest wanted{.layers = {}, .spikes = true};
        for (size_t l = 0; l < network.layers.size(); ++l)
            if (network.layers[l].neuron) wanted.layers.push_back(static_cast<int>(l));
        const LinearMaps maps(network);
        const Input& input = request.input;
        const Recording recording = context.engine->run(input, wanted);
        const int64_t samples = input.samples(), steps = input.spiking() ? input.steps() : network.steps;
        FloatArray result({samples, steps, network.channels, network.height, network.width});
        const int64_t size = element_count(network.input_shape());
        parallel_for(samples * steps, context.engine->execution(), [&](int64_t index, int) {
            const int64_t n = index / steps, t = index % steps, ago = steps - 1 - t;
            LayerValues values(network, maps, recording, input, n, t, 1);
            const Decaying gain = sweep(network, maps, values, request.targets[n], ago, input.spiking());
            const double factor = softmax_probability(recording.scores.row(n), request.targets[n]) *
                                  std::pow(gain.beta, static_cast<double>(ago));
            const std::span to = result.row(n).subspan(t * size, size);
            for (int64_t i = 0; i < size; ++i) {
                const float brought =
                    input.spiking() ? score(input.spikes.row(n)[t * size + i], size) : input.images.row(n)[i];
                to[i] = static_cast<float>(factor * gain.values[i] * brought);
            }
        });
        return result;
    }

  private:
    float score(float spikes, int64_t neurons) const {
        if (spikes > 0) return spikes;
        return absence_ == Absence::nothing ? 0.0F : -1.0F / static_cast<float>(neurons);
    }

    /// N_l, but for the decay of the layer's largest β.
    void weigh_by_state(const Layer& layer, std::span<const float> spikes, int64_t ago, Decaying& gain) const {
        const double most = largest_beta(layer);
        const auto count = static_cast<int64_t>(spikes.size());
        for (int64_t i = 0; i < count; ++i) gain.values[i] *= score(spikes[i], count);
        gain.beta *= most;
        if (layer.values.empty()) return;
        const LayerNeurons neurons(layer);
        for (int64_t i = 0; most > 0 && i < count; ++i)
            gain.values[i] *= static_cast<float>(std::pow(neurons[i].beta / most, ago));
    }

    /// Back to the input at the step of `values`.
    Decaying sweep(const Network& network, const LinearMaps& maps, LayerValues& values, int target, int64_t ago,
                   bool spiking) const {
        const int last = static_cast<int>(network.layers.size()) - 1;
        std::vector<Decaying> flows(last + 2);  // of the network's input first
        flows[last + 1].values.resize(network.class_count());
        flows[last + 1].values[target] = 1;
        for (int l = last; l >= 0; --l) {
            const Layer& layer = network.layers[l];
            Decaying gain = std::move(flows[l + 1]);
            if (layer.pool.kind != PoolKind::none) gain.values = unpool(layer, values.before_pool(l), gain.values);
            if (layer.neuron) {
                if (l != last) weigh_by_state(layer, values.before_pool(l), ago, gain);
                const LayerNeurons neurons(layer);
                for (size_t i = 0; i < gain.values.size(); ++i)  // weights as the membrane meets them
                    gain.values[i] *= input_scale<float>(neurons[static_cast<int64_t>(i)]);
            }
            Backflow back(network);
            if (layer.weighted())
                back.add(layer.inputs[0], maps.weights(l).apply_transposed(gain.values));
            else
                hand_on(network, l, gain.values, part_at_each_step(network, l, values), back);
            std::vector<int> inputs = layer.inputs;
            std::ranges::sort(inputs);
            inputs.erase(std::unique(inputs.begin(), inputs.end()), inputs.end());
            for (const int input : inputs) {
                const double more = spiking && input == kNetworkInput ? input_beta(network, l) : 1.0;
                add({back.take(input), gain.beta * more}, ago, flows[input + 1]);
            }
        }
        return std::move(flows[0]);
    }

    Absence absence_;
};

}  // namespace

MethodPointer make_tsa_s(MethodOptions&) {
    return std::make_unique<Tsa>("tsa_s", "TSA-S: temporal spike attribution",
                                 "signed: what the place at the step brought the class through neurons that spiked "
                                 "then, later steps counting more",
                                 Absence::nothing);
}

MethodPointer make_tsa_ns(MethodOptions&) {
    return std::make_unique<Tsa>(
        "tsa_ns", "TSA-NS: temporal spike attribution with absent spikes",
        "signed: as tsa_s, silent neurons counting against, each one over the size of its layer", Absence::negative);
}

}  // namespace spikelens
