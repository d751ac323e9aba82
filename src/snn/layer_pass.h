#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "spikelens/core/aligned.h"
#include "spikelens/snn/simulate.h"

#include "changed_pixels.h"
#include "current_map.h"
#include "general_plan.h"
#include "kernels/dispatch.h"
#include "kernels/layer_plan.h"
#include "spike_maps.h"

namespace spikelens {

/// For each layer, which of its channels exist and are not ablated, as bits.
using ChannelMasks = std::vector<std::vector<uint64_t>>;
ChannelMasks channels_to_keep(const Network& network, std::span<const FilterIndex> ablated);

/// What a layer has before its pool, and what it sends.
struct LayerSignals {
    Signal fired, sent;
};
std::vector<LayerSignals> layer_signals(const Network& network);

/// What all samples of a simulation share.
struct RunSettings {
    const Network& network;
    const kernels::KernelSet& kernels;
    const std::vector<kernels::LayerPlan>& real_inputs;  ///< those that read the network's input, for images
    const std::vector<kernels::LayerPlan>& layers;       ///< all, for spikes
    const std::vector<GeneralPlan>& general;             ///< what the kernels do not have of a layer
    const std::vector<LayerSignals>& signals;            ///< of all layers
    const std::vector<int>& slots;                       ///< which of few maps each layer writes
    ChannelMasks keep;

    int slot_count() const;
};

/// Gives every layer a map that no later layer still reads.
std::vector<int> map_slots(const Network& network);

/// One sample's input, and where in the results it goes.
struct Sample {
    int64_t index = 0;
    std::span<const float> image;  ///< [C, H, W], direct coding, or [T, C, H, W] that changes in time; or
    const SpikeMap* spikes = nullptr;
    int steps = 0;
    bool in_time = false;  ///< an image for each step
};

/// What one layer has before and after its pool: numbers of spikes or currents. Where it has a neuron and no weights,
/// the currents are those that reach the neuron.
struct LayerMaps {
    SpikeMap spikes, pooled;
    CurrentMap currents, pooled_currents;
    // Where samples are reused, of small layers: the sums of the weights, [row][column][step][padded], if they are
    // those of the layer's input.
    AlignedVector<int32_t> sums;
    bool has_sums = false;
};

/// Bytes of a layer's sums of weights, where they are kept from one sample to the next; 0 where they are not.
int64_t kept_sum_bytes(const kernels::LayerPlan& plan, int steps, int planes);

/// Who takes samples through the network: its threads, and buffers kept from layer to layer and sample to sample.
struct Worker {
    const RunSettings& settings;
    const ChannelMasks* keep;  ///< the settings', but under ablations of its own
    int threads = 1;
    bool keeps_potentials = false;  ///< a layer that fires leaves them behind, [step][row][column][padded]
    AlignedVector<float> currents, potentials;
    std::vector<uint16_t> counts;
    std::vector<int64_t> sums;
    SpikeMap packed;                     ///< a sample's input, where it is spikes
    std::vector<SpikeMap> packed_group;  ///< those of samples taken together, after that of the sample before them
    int64_t packed_count = 0;            ///< so many of the last group

    Worker(const RunSettings& shared, int threads_each) : settings(shared), keep(&shared.keep), threads(threads_each) {}
};

/// One layer of one sample: fires, sends its currents, pools, or reads out.
class LayerPass {
  public:
    /// Of a weighted layer: `input` is null where the sample's image is the input; `maps` is what the layer writes.
    LayerPass(Worker& worker, const Sample& sample, int layer, const SpikeMap* input, LayerMaps& maps);
    /// Of another, whose inputs are joined: maps.currents are given where it has a neuron or reads them out.
    LayerPass(Worker& worker, const Sample& sample, int layer, LayerMaps& maps);

    /// Takes the neurons of a task through their steps.
    using Fire = std::function<void(const kernels::LayerTask&)>;

    /// The layer's spikes; what `record` asks for, which may be null. `fire` may take the place of the kernels.
    void fire(LayerRecording* record = nullptr, const Fire& fire = {});
    /// The spikes of one layer of several samples, each of which it reads as spikes: what they need of its weights is
    /// read once.
    static void fire_together(std::span<LayerPass> passes);
    /// Into maps.currents, of a weighted layer.
    void make_currents();
    /// What the layer has, numbers or currents, where it pools.
    void pool();
    /// The same where a change of the input, or of the spikes, reaches. Where the result is not what it was.
    Change fire_changed(const Change& change);
    Change pool_changed(Change change);
    /// What the next layer reads.
    const SpikeMap& output() const;

    /// Of a layer without neuron.
    void read_out(std::span<float> scores);

    /// Whether a change of the input would have more of the layer computed anew than is worth it.
    bool reaches_too_much(const PixelSet& changed) const;

  private:
    int64_t frame() const { return int64_t{plan_.out_height} * plan_.out_width * plan_.padded(); }
    void real_currents(kernels::LayerTask& task);
    void take_currents(kernels::LayerTask& task);
    kernels::LayerTask task() const;
    kernels::LayerTask whole_task(int samples = 1);
    void list_spikes(kernels::LayerTask& task, int samples = 1) const;
    const int32_t* changed_sums(const Change& change);
    void run_parts(const kernels::LayerTask& task) const;
    void keep_results(const kernels::LayerTask& task, LayerRecording& record) const;
    void integrate(std::span<float> scores);
    void average_currents(std::span<float> scores);
    void leak(std::span<float> scores);

    Worker& worker_;
    const Sample& sample_;
    int index_;
    const Layer& layer_;
    const kernels::LayerPlan& plan_;
    const SpikeMap* input_;
    const CurrentMap* given_ = nullptr;  ///< where currents are not made from an input
    LayerMaps& maps_;
};

/// The numbers that a layer sends, after its pool.
const SpikeMap& sent_numbers(const Layer& layer, const LayerMaps& maps);

/// The scores of a network whose last layer sends numbers of spikes.
void count_scores(const Sample& sample, const SpikeMap& output, const Signal& signal, std::span<float> scores);

}  // namespace spikelens
