#pragma once

#include "device_code.h"
#include "kernels/neuron_step.h"

namespace spikelens::gpu {

/// The neurons of a layer on the GPU, and what they leave behind. Pointers may be null where it is not wanted.
struct Neurons {
    kernels::NeuronConstants<float> constants{};
    const uint8_t* keep = nullptr;  ///< [padded] not 0 where an output may spike: a real channel that is not ablated
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

/// One neuron on its way through its steps: the same operations as the scalar kernel's. `place` counts the pixels of
/// all samples.
class NeuronRun {
  public:
    SPIKELENS_DEVICE NeuronRun(const Neurons& neurons, int64_t place, int output)
        : neurons_(neurons), index_(place * neurons.padded + output), output_(output) {
        keep_ = neurons.keep[output] != 0;
        if (!neurons.resumed) return;
        membrane_ = neurons.membrane[index_];
        if (neurons.synapse) synapse_ = neurons.synapse[index_];
        if (neurons.spiked) spiked_ = neurons.spiked[index_] != 0;
    }

    /// Whether it sends a spike.
    SPIKELENS_DEVICE bool step(int step, float current) {
        const kernels::NeuronStep<kernels::ResetForm::any, float> neuron{neurons_.constants};
        synapse_ = neuron.charge(synapse_, current);
        const float potential = neuron.potential(membrane_, spiked_, synapse_);
        spiked_ = neuron.fires(potential);
        membrane_ = neuron.after(potential, spiked_);
        if (neurons_.potentials) record(step, potential);
        const bool sent = spiked_ && keep_;
        count_ += sent ? 1 : 0;
        return sent;
    }

    SPIKELENS_DEVICE void finish() const {
        if (neurons_.membrane) neurons_.membrane[index_] = membrane_;
        if (neurons_.synapse) neurons_.synapse[index_] = synapse_;
        if (neurons_.spiked) neurons_.spiked[index_] = spiked_ ? 1 : 0;
        if (!neurons_.counts || output_ >= neurons_.outputs) return;
        const int64_t place = index_ / neurons_.padded, sample = place / neurons_.pixels,
                      pixel = place % neurons_.pixels;
        uint16_t& count = neurons_.counts[(sample * neurons_.outputs + output_) * neurons_.pixels + pixel];
        count = static_cast<uint16_t>(count + count_);
    }

  private:
    SPIKELENS_DEVICE void record(int step, float potential) const {
        if (output_ >= neurons_.outputs) return;
        const int64_t place = index_ / neurons_.padded, sample = place / neurons_.pixels,
                      pixel = place % neurons_.pixels;
        const int64_t frame = sample * neurons_.all_steps + neurons_.first_step + step;
        neurons_.potentials[(frame * neurons_.outputs + output_) * neurons_.pixels + pixel] = potential;
    }

    const Neurons& neurons_;
    int64_t index_;
    int output_;
    bool keep_ = false, spiked_ = false;
    float membrane_ = 0, synapse_ = 0;
    int count_ = 0;
};

}  // namespace spikelens::gpu
