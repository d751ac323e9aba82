#pragma once

#include <cmath>
#include <limits>

#include "spikelens/snn/network.h"

#include "kernels/layer_plan.h"

namespace spikelens {

/// A neuron in the numbers of one step. With `zero` there is one recursion for both delays: its reset acts before the next
/// comparison either way.
template <class Real>
kernels::NeuronConstants<Real> lower_neuron(const Neuron& neuron) {
    const Real threshold = neuron.threshold;
    kernels::NeuronConstants<Real> step;
    step.beta = neuron.beta;
    step.alpha = neuron.alpha;
    step.fire_above = neuron.at_threshold ? std::nextafter(threshold, -std::numeric_limits<Real>::infinity()) : threshold;
    if (neuron.reset == Reset::subtract) (neuron.delay ? step.reset_delayed : step.reset_now) = threshold;
    step.to_value = neuron.reset == Reset::zero;
    step.v_reset = neuron.v_reset;
    return step;
}

/// A layer for spiking input: weights quantised. `input_scale` multiplies the input's whole numbers (1/size²
/// after an average pool).
kernels::LayerPlan lower_for_spikes(const Layer& layer, double input_scale);

/// A first layer for real-valued input.
kernels::LayerPlan lower_for_real_input(const Layer& layer);

}  // namespace spikelens
