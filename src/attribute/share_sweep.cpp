#include "share_sweep.h"

#include <algorithm>
#include <cmath>
#include <numbers>

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

ShareSweep::ShareSweep(const Network& network, bool soft) : network_(network), soft_(soft) {
    require_chain(network, "shares");
    for (const Layer& layer : network.layers) maps_.emplace_back(layer);
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

std::vector<float> ShareSweep::unpool(const Layer& layer, std::span<const float> pooled, std::span<const uint8_t> spikes) {
    const Pool& pool = layer.pool;
    if (pool.kind == PoolKind::none) return {pooled.begin(), pooled.end()};
    std::vector<float> share(spikes.size());
    const auto unit = static_cast<float>(pooled_unit(pool));
    const int64_t windows = int64_t{layer.pooled_height} * layer.pooled_width;
    for (int64_t w = 0; w < static_cast<int64_t>(pooled.size()); ++w) {
        const int64_t plane = w / windows * layer.out_height;  // of step t and channel c
        const int64_t row = w % windows / layer.pooled_width * pool.stride, column = w % layer.pooled_width * pool.stride;
        const auto for_each = [&](const auto& visit) {
            for (int64_t y = plane + row; y < plane + row + pool.size; ++y)
                for (int64_t x = column; x < column + pool.size; ++x) visit(y * layer.out_width + x);
        };
        if (pool.kind != PoolKind::max) {
            for_each([&](int64_t i) { share[i] += unit * pooled[w]; });
            continue;
        }
        int spiking = 0;
        for_each([&](int64_t i) { spiking += spikes[i]; });
        for_each([&](int64_t i) {
            if (spikes[i] != 0) share[i] += pooled[w] / static_cast<float>(spiking);
        });
    }
    return share;
}

/// In: the adjoint of a layer's spikes [T·C·H·W]. Out: of its currents, before the gain of weights and biases.
void ShareSweep::to_currents(const Layer& layer, std::span<float> share, const LayerRecording& recorded, int64_t n,
                             int64_t steps, double& bias) const {
    const Neuron& neuron = *layer.neuron;
    const auto spikes = recorded.spikes.row(n);
    const auto potentials = recorded.potentials.row(n);
    const auto count = static_cast<int64_t>(share.size()) / steps;
    const auto scale = input_scale<float>(neuron);
    for (int64_t i = 0; i < count; ++i) {
        float later = 0, synapse = 0;
        for (int64_t at = (steps - 1) * count + i; at >= 0; at -= count) {
            const float potential = potentials[at];
            if (spikes[at] != 0) {
                if (neuron.reset == Reset::zero) bias += double{neuron.beta} * neuron.v_reset * later;
                later = share[at] / potential + kept_by_spike(neuron, potential) * later;
            } else if (soft_) {
                const float p = softness(neuron, potential);
                later = p * share[at] / neuron.threshold + neuron.beta * (1 - p) * later;
            } else {
                later *= neuron.beta;
            }
            synapse = later + neuron.alpha * synapse;
            share[at] = scale * synapse;
        }
    }
}

double ShareSweep::bias_share(const Layer& layer, std::span<const float> currents) {
    if (!layer.has_bias) return 0;
    const int64_t pixels = int64_t{layer.out_height} * layer.out_width;
    double sum = 0;
    for (size_t i = 0; i < currents.size(); ++i)
        sum += double{currents[i]} * layer.bias.data[i / pixels % static_cast<size_t>(layer.out_channels)];
    return sum;
}

ShareSweep::Result ShareSweep::sweep(const Recording& recording, int64_t n, int64_t steps, bool constant,
                                     std::span<const float> start, const Visit& visit) const {
    Result result;
    std::vector<float> share = of_readout(steps, start);
    for (size_t index = network_.layers.size(); index-- > 0;) {
        const Layer& layer = network_.layers[index];
        if (layer.neuron) {
            const LayerRecording& recorded = recording.layer(static_cast<int>(index));
            share = unpool(layer, share, recorded.spikes.row(n));
            if (visit) visit(static_cast<int>(index), share);
            to_currents(layer, share, recorded, n, steps, result.bias);
        }
        result.bias += bias_share(layer, share);
        if (index == 0 && constant) {
            result.share = maps_[0].apply_transposed(summed_over_steps(share, steps));
            return result;
        }
        const int64_t outputs = maps_[index].outputs();
        std::vector<float> before;
        for (int64_t t = 0; t < steps; ++t) {
            const std::vector<float> step = maps_[index].apply_transposed(std::span(share).subspan(t * outputs, outputs));
            before.insert(before.end(), step.begin(), step.end());
        }
        share = std::move(before);
    }
    result.share = std::move(share);
    return result;
}

}  // namespace spikelens
