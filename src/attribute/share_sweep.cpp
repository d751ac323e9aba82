#include "share_sweep.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "snn/pool_windows.h"

namespace spikelens {
namespace {

/// What of the membrane after a spike came from before it, per unit of the potential that spiked.
float kept_by_spike(const Neuron& neuron, float potential) {
    switch (neuron.reset) {
        case Reset::subtract:
            return neuron.delay ? neuron.beta - neuron.threshold / potential : neuron.beta * (1 - neuron.threshold / potential);
        case Reset::zero:
            return 0;
        case Reset::none:
            return neuron.beta;
    }
    return 0;
}

float softness(const Neuron& neuron, float potential) {
    const float distance = std::numbers::pi_v<float> * (potential / neuron.threshold - 1);
    return 0.3F / (1 + distance * distance);
}

std::vector<float> summed_over_steps(std::span<const float> values, int64_t steps) {
    const size_t count = values.size() / static_cast<size_t>(steps);
    std::vector<float> sums(count);
    for (size_t i = 0; i < values.size(); ++i) sums[i % count] += values[i];
    return sums;
}

}  // namespace

ShareSweep::ShareSweep(const Network& network, bool soft)
    : network_(network), soft_(soft), maps_(network), numbers_(layers_with_numbers(network)) {
    require_fixed_thresholds(network, "shares");
}

RecordRequest ShareSweep::request() const {
    RecordRequest request{.layers = {}, .spikes = true, .potentials = true};
    for (size_t i = 0; i < network_.layers.size(); ++i)
        if (network_.layers[i].neuron) request.layers.push_back(static_cast<int>(i));
    return request;
}

/// The adjoint of what the last layer gives at each step [T·classes]: its currents, or its spikes.
std::vector<float> ShareSweep::of_readout(int64_t steps, std::span<const float> start) const {
    const double beta = network_.layers.back().readout_beta;
    std::vector<float> share(steps * start.size());
    for (int64_t t = 0; t < steps; ++t) {
        const double kept = std::pow(beta, static_cast<double>(steps - 1 - t)) / static_cast<double>(steps);
        for (size_t c = 0; c < start.size(); ++c) share[t * start.size() + c] = static_cast<float>(kept * start[c]);
    }
    return share;
}

std::vector<float> ShareSweep::unpool(const Layer& layer, std::span<const float> pooled, const std::vector<float>& values,
                                      bool numbers) {
    std::vector<float> share(values.size());
    const auto unit = static_cast<float>(pooled_unit(layer.pool));
    const int64_t windows = element_count(layer.pooled_shape()), size = element_count(layer.output_shape());
    for (int64_t w = 0; w < static_cast<int64_t>(pooled.size()); ++w) {
        const int64_t window = w % windows;
        float* const to = &share[w / windows * size];
        const float* const from = &values[w / windows * size];
        if (layer.pool.kind != PoolKind::max) {
            for_each_in_window(layer, window, [&](int64_t i) { to[i] += unit * pooled[w]; });
            continue;
        }
        const float most = from[first_maximum(layer, window, from)];
        if (numbers && most == 0) continue;
        int equal = 0;
        for_each_in_window(layer, window, [&](int64_t i) { equal += from[i] == most ? 1 : 0; });
        for_each_in_window(layer, window, [&](int64_t i) {
            if (from[i] == most) to[i] += pooled[w] / static_cast<float>(equal);
        });
    }
    return share;
}

/// In: the adjoint of a layer's spikes [T·C·H·W]. Out: of its currents, before the gain of weights and biases.
void ShareSweep::to_currents(int layer, std::span<float> share, const LayerRecording& recorded, int64_t n, int64_t steps,
                             double& bias) const {
    const LayerNeurons neurons(network_.layers[layer]);
    const LinearMap* const recurrence = maps_.recurrence(layer);
    const auto spikes = recorded.spikes.row(n);
    const auto potentials = recorded.potentials.row(n);
    const auto count = static_cast<int64_t>(share.size()) / steps;
    std::vector<float> later(count), synapse(count);
    for (int64_t step = steps; step-- > 0;) {
        const auto now = share.subspan(step * count, count);
        if (recurrence && step + 1 < steps) {
            const std::vector<float> more = recurrence->apply_transposed(share.subspan((step + 1) * count, count));
            for (int64_t i = 0; i < count; ++i) now[i] += more[i];
        }
        for (int64_t i = 0; i < count; ++i) {
            const Neuron& neuron = neurons[i];
            const float potential = potentials[step * count + i];
            if (spikes[step * count + i] != 0) {
                if (neuron.reset == Reset::zero) bias += double{neuron.beta} * neuron.v_reset * later[i];
                later[i] = now[i] / potential + kept_by_spike(neuron, potential) * later[i];
            } else if (soft_) {
                const float p = softness(neuron, potential);
                later[i] = p * now[i] / neuron.threshold + neuron.beta * (1 - p) * later[i];
            } else {
                later[i] *= neuron.beta;
            }
            synapse[i] = later[i] + neuron.alpha * synapse[i];
            now[i] = input_scale<float>(neuron) * synapse[i];
        }
    }
}

double ShareSweep::bias_share(const Layer& layer, std::span<const float> currents) {
    if (layer.bias.empty()) return 0;
    const int64_t pixels = int64_t{layer.out_height} * layer.out_width;
    double sum = 0;
    for (size_t i = 0; i < currents.size(); ++i)
        sum += double{currents[i]} * layer.bias.data[i / pixels % static_cast<size_t>(layer.out_channels)];
    return sum;
}

void ShareSweep::through_weights(int layer, std::span<const float> currents, int64_t steps, bool constant,
                                 Backflow& back) const {
    const LinearMap& map = maps_.weights(layer);
    const int from = network_.layers[layer].inputs[0];
    if (constant && from == kNetworkInput) return back.add(from, map.apply_transposed(summed_over_steps(currents, steps)));
    std::vector<float> before;
    for (int64_t t = 0; t < steps; ++t) {
        const std::vector<float> step = map.apply_transposed(currents.subspan(t * map.outputs(), map.outputs()));
        before.insert(before.end(), step.begin(), step.end());
    }
    back.add(from, std::move(before));
}

ShareSweep::Result ShareSweep::sweep(const Recording& recording, const Input& input, int64_t n, std::span<const float> start,
                                     const Visit& visit) const {
    const int64_t steps = input.spiking() ? input.steps() : network_.steps;
    LayerValues values(network_, maps_, recording, input, n, 0, steps);
    Result result;
    Backflow back(network_);
    back.add(static_cast<int>(network_.layers.size()) - 1, of_readout(steps, start));
    for (int l = static_cast<int>(network_.layers.size()); l-- > 0;) {
        const Layer& layer = network_.layers[l];
        std::vector<float> share = back.take(l);
        if (layer.pool.kind != PoolKind::none) share = unpool(layer, share, values.before_pool(l), numbers_[l]);
        if (layer.neuron) {
            if (visit) visit(l, share);
            to_currents(l, share, recording.layer(l), n, steps, result.bias);
        }
        result.bias += bias_share(layer, share);
        if (layer.weighted())
            through_weights(l, share, steps, !input.spiking(), back);
        else
            hand_on(network_, l, share, part_at_each_step(network_, l, values), back);
    }
    result.share = back.take(kNetworkInput);
    return result;
}

}  // namespace spikelens
