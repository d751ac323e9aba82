#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "spikelens/snn/simulate.h"

#include "kernels/layer_plan.h"
#include "layer_pass.h"
#include "sample_memory.h"

namespace spikelens {

/// What is to be simulated, checked: images, or spikes over time.
struct RunInput {
    const FloatArray* images = nullptr;
    const Array<uint8_t>* spikes = nullptr;
    int64_t samples = 0;
    int steps = 0, planes = 0;  ///< binary digits of spikes in one place and step; 0 for images
};

RunInput checked(const Network& network, const Input& input);
void check_request(const Network& network, const RecordRequest& request, std::span<const FilterIndex> ablated);
/// An empty recording of what is asked for. Throws InputError where counts may not fit.
Recording make_result(const Network& network, const RecordRequest& request, const RunInput& input);

/// Who simulates samples, and how many each worker takes through a layer together.
struct Workers {
    int count, threads_each, together = 1;
};

/// A network lowered for its kernels: what all simulations and gradients of it share.
struct Simulator::Plan {
    std::shared_ptr<const Network> network;
    Execution execution;
    const kernels::KernelSet* kernels = nullptr;
    std::vector<kernels::LayerPlan> real_inputs;  // those that read the input, for direct coding; the others are empty
    std::vector<kernels::LayerPlan> layers;       // all layers for spiking input
    std::vector<GeneralPlan> general;
    std::vector<LayerSignals> signals;
    std::vector<int> slots;
    bool chain = false;

    /// Calls done(l) once layer l is lowered.
    Plan(const Network& source, Execution wanted, const std::function<void(int)>& done);

    RunSettings settings(std::span<const FilterIndex> ablated) const {
        return {*network, *kernels, real_inputs, layers, general, signals, slots, channels_to_keep(*network, ablated)};
    }
    /// As many workers as there are threads, where samples and memory suffice; else one, with all threads. Throws
    /// InputError where memory does not suffice for one.
    Workers workers(int64_t samples, int64_t bytes_each) const;
    /// Samples that are worth being taken together, where a worker's first takes `bytes`: they share what is read of
    /// weights.
    int together(const Workers& workers, int64_t bytes, int64_t shared_bytes) const;
    /// Whether the maps of all layers may be kept for the next sample.
    bool may_reuse(const Workers& workers, int64_t samples, const RecordRequest& request,
                   const SampleMemory& memory) const {
        return samples > 1 && request.layers.empty() && memory.all_maps * workers.count <= execution.memory;
    }
    Recording run(const RunInput& input, const RecordRequest& request, std::span<const FilterIndex> ablated) const;
};

}  // namespace spikelens
