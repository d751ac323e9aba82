#include "composed_lif.h"

#include <cassert>
#include <numbers>
#include <vector>

#include <ATen/ATen.h>

#include "snn/lower.h"

namespace spikelens {
namespace {

/// A layer's neurons over time: every step is one tensor [planes, height, width]. Each operation rounds once, as each
/// of NeuronStep's does.
class ComposedLif {
  public:
    explicit ComposedLif(const LifPlanes& layer)
        : layer_(layer), neuron_(lower_neuron<float>(layer.neuron)), scale_(input_scale<float>(layer.neuron)) {
        assert(!layer.smooth);
    }

    /// Step t of what is given for each step, or once.
    at::Tensor current_at(const at::Tensor& current, int64_t t) const {
        return current.view({layer_.constant ? 1 : layer_.steps, layer_.planes, layer_.height, layer_.width})
            .select(0, layer_.constant ? 0 : t);
    }

    /// The potential when compared with the threshold, after that of the step before; undefined: there was none.
    at::Tensor potential(const at::Tensor& before, const at::Tensor& input) const {
        const at::Tensor scaled = scale_ == 1 ? input : input * scale_;
        if (!before.defined()) return scaled.clone();
        const at::Tensor spiked = fires(before), after = reset(before, spiked) * neuron_.beta + scaled;
        return neuron_.reset_delayed != 0 ? at::where(spiked, after - neuron_.reset_delayed, after) : after;
    }

    /// J of a synapse that keeps its current; its adjoint is the same, back in time.
    at::Tensor charge(const at::Tensor& synapse, const at::Tensor& current) const {
        return neuron_.alpha != 0 && synapse.defined() ? synapse * neuron_.alpha + current : current;
    }

    at::Tensor fires(const at::Tensor& potential) const { return potential.gt(neuron_.fire_above); }

    at::Tensor pooled(const at::Tensor& spikes) const {
        const Pool& pool = layer_.pool;
        if (pool.kind == PoolKind::none) return spikes;
        if (pool.kind == PoolKind::max) return at::max_pool2d(spikes, pool.size, pool.stride);
        return at::avg_pool2d(spikes, pool.size, pool.stride, 0, false, true, divisor());
    }

    at::Tensor unpooled(const at::Tensor& spikes, const at::Tensor& gradient) const {
        const Pool& pool = layer_.pool;
        if (pool.kind == PoolKind::none) return gradient;
        if (pool.kind != PoolKind::max)
            return at::avg_pool2d_backward(gradient, spikes, pool.size, pool.stride, 0, false, true, divisor());
        const at::Tensor places = std::get<1>(at::max_pool2d_with_indices(spikes, pool.size, pool.stride));
        return at::max_pool2d_with_indices_backward(gradient, spikes, pool.size, pool.stride, 0, 1, false, places);
    }

    /// ∂U[t] from ∂S[t] and ∂U[t+1], which is undefined in the last step.
    at::Tensor back(const at::Tensor& potential, const at::Tensor& spikes, const at::Tensor& to_spikes,
                    const at::Tensor& later) const {
        const at::Tensor slope = surrogate(potential);
        if (!later.defined()) return slope * to_spikes;
        const at::Tensor kept = neuron_.to_value ? later * ((1 - spikes) * neuron_.beta) : later * neuron_.beta;
        if (!layer_.surrogate.through_reset) return kept + slope * to_spikes;
        const at::Tensor through = neuron_.to_value
                                       ? (neuron_.v_reset - potential) * neuron_.beta * later
                                       : later * -(neuron_.beta * neuron_.reset_now + neuron_.reset_delayed);
        return kept + slope * (to_spikes + through);
    }

    at::Tensor scaled(const at::Tensor& gradient) const { return scale_ == 1 ? gradient : gradient * scale_; }

  private:
    at::Tensor reset(const at::Tensor& potential, const at::Tensor& spiked) const {
        if (neuron_.to_value) return potential.masked_fill(spiked, neuron_.v_reset);
        return neuron_.reset_now != 0 ? at::where(spiked, potential - neuron_.reset_now, potential) : potential;
    }

    int64_t divisor() const { return layer_.pool.kind == PoolKind::sum ? 1 : layer_.pool.area(); }

    /// derivative(U/θ − 1)/θ
    at::Tensor surrogate(const at::Tensor& potential) const {
        const float inverse = 1 / layer_.neuron.threshold;
        return derivative(potential * inverse - 1) * inverse;
    }

    at::Tensor derivative(const at::Tensor& v) const {
        const float scale = layer_.surrogate.scale;
        switch (layer_.surrogate.kind) {
            case SurrogateKind::triangle:
                return (1 - v.abs()).clamp_min(0) * scale;
            case SurrogateKind::sigmoid: {
                const at::Tensor decay = (v.abs() * -scale).exp(), whole = decay + 1;
                return decay * scale / (whole * whole);
            }
            case SurrogateKind::fast_sigmoid: {
                const at::Tensor root = v.abs() * scale + 1;
                return (root * root).reciprocal();
            }
            case SurrogateKind::atan: {
                const at::Tensor slope = v * (std::numbers::pi_v<float> / 2 * scale);
                return (slope * slope + 1).reciprocal() * (scale / 2);
            }
        }
        return {};
    }

    const LifPlanes& layer_;
    kernels::NeuronConstants<float> neuron_;
    float scale_;
};

}  // namespace

at::Tensor composed_lif_forward(const LifPlanes& layer, const at::Tensor& current) {
    const ComposedLif lif(layer);
    const int64_t planes = layer.planes;
    at::Tensor spikes = at::empty({layer.steps * planes, layer.pooled_height, layer.pooled_width}, current.options());
    at::Tensor potential, synapse;
    for (int64_t t = 0; t < layer.steps; ++t) {
        synapse = lif.charge(synapse, lif.current_at(current, t));
        potential = lif.potential(potential, synapse);
        spikes.narrow(0, t * planes, planes).copy_(lif.pooled(lif.fires(potential).to(at::kFloat)));
    }
    return spikes;
}

at::Tensor composed_lif_backward(const LifPlanes& layer, const at::Tensor& current, const at::Tensor& spikes_gradient) {
    const ComposedLif lif(layer);
    std::vector<at::Tensor> potentials;
    at::Tensor synapse;
    for (int64_t t = 0; t < layer.steps; ++t) {
        synapse = lif.charge(synapse, lif.current_at(current, t));
        potentials.push_back(lif.potential(t > 0 ? potentials.back() : at::Tensor(), synapse));
    }
    const at::Tensor pooled =
        spikes_gradient.reshape({layer.steps, layer.planes, layer.pooled_height, layer.pooled_width});
    at::Tensor result = layer.constant ? at::zeros_like(current) : at::empty_like(current), gradient, charge;
    for (int64_t t = layer.steps; t-- > 0; potentials.pop_back()) {
        const at::Tensor spikes = lif.fires(potentials.back()).to(at::kFloat);
        gradient = lif.back(potentials.back(), spikes, lif.unpooled(spikes, pooled.select(0, t)), gradient);
        charge = lif.charge(charge, gradient);
        const at::Tensor own = lif.current_at(result, t);
        if (layer.constant)
            own.add_(charge);
        else
            own.copy_(lif.scaled(charge));
    }
    return layer.constant ? lif.scaled(result) : result;
}

}  // namespace spikelens
