#pragma once

#include <cmath>
#include <limits>

#include "spikelens/snn/network.h"

#include "general_plan.h"
#include "kernels/layer_plan.h"

namespace spikelens {

/// A neuron in the numbers of one step. With `zero` there is one recursion for both delays: its reset acts before the
/// next comparison either way.
template <class Real>
kernels::NeuronConstants<Real> lower_neuron(const Neuron& neuron) {
    const Real threshold = neuron.threshold;
    kernels::NeuronConstants<Real> step;
    step.beta = neuron.beta;
    step.alpha = neuron.alpha;
    step.fire_above =
        neuron.at_threshold ? std::nextafter(threshold, -std::numeric_limits<Real>::infinity()) : threshold;
    if (neuron.reset == Reset::subtract) (neuron.delay ? step.reset_delayed : step.reset_now) = threshold;
    step.to_value = neuron.reset == Reset::zero;
    step.v_reset = neuron.v_reset;
    step.adapt = neuron.adapt;
    step.rho = neuron.rho;
    return step;
}

/// A layer for spiking input: weights quantised. `input_scale` multiplies the input's whole numbers (1/size²
/// after an average pool).
kernels::LayerPlan lower_for_spikes(const Layer& layer, double input_scale);

/// What the kernels do not have of a layer that reads numbers in this unit, 1/divisor, or images (divisor 1), and its
/// scales. The plan is of the layer's geometry; where it has sums of its own, they are scaled here, and are in the
/// order of weights.
GeneralPlan lower_general(const Layer& layer, int64_t divisor, kernels::LayerPlan& plan);

/// A layer for real-valued input.
kernels::LayerPlan lower_for_real_input(const Layer& layer);

/// A layer without weights: its neurons, whose currents are given.
kernels::LayerPlan lower_join(const Layer& layer);

/// Lets a layer leave its currents behind as potentials: of neurons that forget, and never fire.
void send_currents(kernels::LayerPlan& plan);

}  // namespace spikelens
