#pragma once

#include <cstdint>
#include <vector>

#include "spikelens/snn/network.h"

#include "kernels/neuron_step.h"
#include "spike_maps.h"

namespace spikelens {

/// A convolution of any windows and groups in fixed point, computed in plain loops over the spikes under each window. A
/// fully connected layer is one whose window is the whole input.
struct SumPlan {
    struct Side {
        int in, kernel, stride, padding, dilation;
        /// The input's place under a tap of the window; outside of it where there is none.
        int place(int out, int tap) const { return out * stride - padding + tap * dilation; }
        bool inside(int place) const { return place >= 0 && place < in; }
    };
    Side rows{}, columns{};
    int in_channels = 0, out_channels = 0, groups = 1;
    std::vector<int32_t> weights;  ///< [tap][in_channel][output of its group]

    int64_t largest_total = 0;  ///< the largest Σ|w| of an output

    /// Sums of the weights of the spikes under the window at (row, column), [step][out_channel], of the steps first …
    /// end − 1.
    void sum(const SpikeMap& spikes, int row, int column, int first, int end, int64_t* sums) const;

  private:
    template <class Sum>
    void add(const SpikeMap& spikes, int row, int column, int first, int end, Sum* sums) const;
};

/// What a layer needs that the kernels do not have: its own sums, recurrence, neurons that differ.
struct GeneralPlan {
    bool own_sums = false;  ///< else the kernels make the currents
    SumPlan sums;
    std::vector<float> real_weights;  ///< as sums.weights, for an input of images; empty otherwise

    RecurrenceKind recurrence = RecurrenceKind::none;
    SumPlan recurrent;                   ///< `all`: one window over the whole layer, an output for each neuron
    std::vector<int32_t> one_to_one;     ///< [channel]
    std::vector<float> recurrent_scale;  ///< of sums of recurrent weights beside an image's currents

    /// Of layers with neurons that differ, [channel] or [channel][pixel]; else empty.
    std::vector<kernels::NeuronConstants<float>> neurons;
    std::vector<float> input_scale;  ///< likewise
    bool neurons_by_pixel = false;

    bool needed() const { return own_sums || recurrence != RecurrenceKind::none || !neurons.empty(); }
    /// Whether neurons take their steps here, not in the kernels.
    bool own_neurons() const { return recurrence != RecurrenceKind::none || !neurons.empty(); }
};

/// Whether the kernels cannot make a layer's sums.
bool needs_own_sums(const Layer& layer);

/// Whether a layer's neurons are alike, and have what the kernels have.
bool kernels_fire(const Layer& layer);

}  // namespace spikelens
