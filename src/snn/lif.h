#pragma once

#include <cstdint>

#include "spikelens/snn/network.h"
#include "spikelens/snn/surrogate.h"

namespace spikelens {

/// Neurons of one layer and their pool over all steps, as plain numbers. A plane is one channel of one sample
/// (height × width neurons); a fully connected layer is one plane a sample, one neuron high.
///
/// Planes are worked one at a time, all steps of one before the next, so potentials never leave the cache and nothing
/// but the current is kept for the backward pass: it computes the potentials once more.
struct LifPlanes {
    Neuron neuron;
    Surrogate surrogate;
    bool smooth = false;  ///< spikes are surrogate_step(U/θ − 1) instead of [U > θ]
    Pool pool;
    int64_t steps = 1;
    int64_t planes = 0;
    int64_t height = 1, width = 1;
    int64_t pooled_height = 1, pooled_width = 1;
    bool constant = false;  ///< the current is the same at every step and given once

    int64_t size() const { return height * width; }
    int64_t pooled_size() const { return pooled_height * pooled_width; }
};

/// `current` is weights · input + bias, [steps, planes, height, width] (without steps when constant);
/// `spikes` becomes [steps, planes, pooled_height, pooled_width].
void lif_forward(const LifPlanes& layer, const float* current, float* spikes);
void lif_forward(const LifPlanes& layer, const double* current, double* spikes);

/// The adjoint of lif_forward with the surrogate in place of the step's derivative: from the gradient of the spikes to
/// that of the current (summed over the steps when constant). `current_gradient` may be `current` itself.
void lif_backward(const LifPlanes& layer, const float* current, const float* spikes_gradient, float* current_gradient);
void lif_backward(const LifPlanes& layer, const double* current, const double* spikes_gradient,
                  double* current_gradient);

/// The same from the potentials when compared with the threshold, [steps, planes, height, width] even when the current
/// is constant, as the exact simulation gives them. Unless constant, it gives what each step adds, which is zero where
/// the surrogate is: the current's gradient is G[t] = βG[t+1] + added[t], behind a synapse C[t] = αC[t+1] + G[t].
/// `added` may be `potentials` itself.
void lif_backward_from_potentials(const LifPlanes& layer, const float* potentials, const float* spikes_gradient,
                                  float* added);

}  // namespace spikelens
