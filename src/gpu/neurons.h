#pragma once

#include "device_code.h"
#include "kernels/neuron_step.h"

namespace spikelens::gpu {

/// The neurons of a layer on the GPU, and what they leave behind. Pointers may be null where it is not wanted.
struct Neurons {
    kernels::NeuronConstants<float> constants{};
    const uint8_t* keep = nullptr;  ///< [padded] 1 where an output may spike: a real channel that is not ablated
    int outputs = 0, padded = 0;    ///< real ones; filled up to kGranule
    int64_t pixels = 0;             ///< of one sample
    int steps = 0;                  ///< taken at once, from first_step on; of all_steps
    int first_step = 0, all_steps = 0;

    uint8_t* spikes = nullptr;    ///< a Map of `steps`
    uint16_t* counts = nullptr;   ///< [sample][output][pixel], added to
    float* potentials = nullptr;  ///< [sample][step of all][output][pixel]

    bool resumed = false;       ///< the state is that after first_step; else it is silence
    float* membrane = nullptr;  ///< [sample][pixel][padded], left behind; of a readout that leaks: its last potential
    float* synapse = nullptr;
    uint8_t* spiked = nullptr;
};

/// The membrane of one neuron between two steps, and its spikes so far.
struct NeuronState {
    float membrane = 0, synapse = 0;
    bool spiked = false;
    int count = 0;
};

SPIKELENS_DEVICE inline void resume(const Neurons& neurons, int64_t index, NeuronState& state) {
    if (!neurons.resumed) return;
    state.membrane = neurons.membrane[index];
    if (neurons.synapse) state.synapse = neurons.synapse[index];
    if (neurons.spiked) state.spiked = neurons.spiked[index] != 0;
}

SPIKELENS_DEVICE inline void leave_behind(const Neurons& neurons, int64_t index, const NeuronState& state) {
    if (neurons.membrane) neurons.membrane[index] = state.membrane;
    if (neurons.synapse) neurons.synapse[index] = state.synapse;
    if (neurons.spiked) neurons.spiked[index] = state.spiked ? 1 : 0;
}

/// Takes one neuron through its steps: the same operations as the scalar kernel's. current(step) is its current; `place` counts
/// the pixels of all samples.
template <class Current>
SPIKELENS_DEVICE void take_steps(const Neurons& neurons, int64_t place, int output, const Current& current) {
    const kernels::NeuronStep<kernels::ResetForm::any, float> neuron{neurons.constants};
    const bool real = output < neurons.outputs, keep = real && neurons.keep[output] != 0;
    const int64_t sample = place / neurons.pixels, pixel = place % neurons.pixels;
    NeuronState state;
    resume(neurons, place * neurons.padded + output, state);
    for (int step = 0; step < neurons.steps; ++step) {
        state.synapse = neuron.charge(state.synapse, current(step));
        const float potential = neuron.potential(state.membrane, state.spiked, state.synapse);
        state.spiked = neuron.fires(potential);
        state.membrane = neuron.after(potential, state.spiked);
        const bool sent = state.spiked && keep;
        state.count += sent ? 1 : 0;
        if (neurons.spikes) neurons.spikes[(place * neurons.steps + step) * neurons.padded + output] = sent ? 1 : 0;
        if (neurons.potentials && real)
            neurons.potentials[((sample * neurons.all_steps + neurons.first_step + step) * neurons.outputs + output) *
                                   neurons.pixels +
                               pixel] = potential;
    }
    leave_behind(neurons, place * neurons.padded + output, state);
    if (neurons.counts && real) {
        uint16_t& count = neurons.counts[(sample * neurons.outputs + output) * neurons.pixels + pixel];
        count = static_cast<uint16_t>(count + state.count);
    }
}

}  // namespace spikelens::gpu
