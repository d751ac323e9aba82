#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spikelens/core/aligned.h"
#include "spikelens/kernels/dispatch.h"
#include "spikelens/kernels/layer_plan.h"
#include "spikelens/snn/simulate.h"

#include "changed_pixels.h"
#include "spike_maps.h"

namespace spikelens {

/// What all samples of a simulation share.
struct RunSettings {
    const Network& network;
    const kernels::KernelSet& kernels;
    const kernels::LayerPlan& real_input;           ///< the first layer, for images
    const std::vector<kernels::LayerPlan>& layers;  ///< all, for spikes
    std::span<const FilterIndex> ablated;
    /// Whether a sample may be simulated as what changed since the one before: for scores alone.
    bool reuse = false;
};

/// One sample's input, and where in the results it goes.
struct Sample {
    int64_t index = 0;
    std::span<const float> image;  ///< [C, H, W], direct coding; or
    const SpikeMap* spikes = nullptr;
    int steps = 0;
};

/// The spikes of one layer.
struct LayerMaps {
    SpikeMap spikes, pooled;
    // Where one ablation follows another, all spikes stay in the maps above: those of the channels that are not ablated,
    // pooled, and which channels these are. (A pool never mixes channels.)
    SpikeMap kept;
    std::vector<uint64_t> kept_channels;
    // Where samples are reused, of small layers: the sums of the weights, [row][column][step][padded], if they are those of
    // the layer's input.
    AlignedVector<int32_t> sums;
    bool has_sums = false;
};

/// Bytes of a layer's sums of weights, where they are kept from one sample to the next; 0 where they are not.
int64_t kept_sum_bytes(const kernels::LayerPlan& plan, int steps, int planes);

/// Buffers of one worker, kept from layer to layer and sample to sample.
struct Scratch {
    AlignedVector<float> currents, potentials;
    std::vector<uint16_t> counts;
    std::vector<int64_t> sums;
    std::vector<uint64_t> keep;
    std::vector<LayerMaps> maps;
    SpikeMap packed, packed_before;  ///< the input of this sample and the last, where it is spikes
    // Where samples may be reused: the last one, and its maps in `maps`.
    bool has_last = false;
    std::span<const float> last_image;
    std::vector<float> last_scores;
};

/// Runs one sample through the network.
class SampleRun {
  public:
    SampleRun(const RunSettings& settings, int threads, Scratch& scratch);

    void run(const Sample& sample, Recording& recording);

    /// The scores under each ablation. Each is simulated as what changes from one to the next, in an order that lets those that
    /// ablate the same in the first layers follow each other.
    void run_ablations(const Sample& sample, std::span<const std::vector<FilterIndex>> sets, FloatArray& scores);

  private:
    /// records[i] is of a layer of rising index.
    void run_all(const Sample& sample, std::span<float> scores, std::span<LayerRecording> records);
    /// Where the sample's input differs from that of the last.
    Change changed_since_last(const Sample& sample) const;
    bool worth_reusing(const PixelSet& changed, const Sample& sample) const;
    /// The scores, where only `change` of the input differs from the last sample's.
    void run_changed(const Sample& sample, Change change, std::span<float> scores);

    /// The scores where this set is ablated, from those under the ablation before.
    void run_ablated(const Sample& sample, std::span<const FilterIndex> set, std::span<float> scores);

    const kernels::LayerPlan& plan(int layer, const SpikeMap* input) const;
    LayerMaps& maps(int layer);
    std::vector<uint64_t> channels_to_keep(int layer, std::span<const FilterIndex> ablated) const;
    const float* real_currents(const Sample& sample, std::span<const kernels::PixelSpan> pixels);
    kernels::LayerTask layer_task(const Sample& sample, const SpikeMap* input, int layer);
    void list_spikes(const SpikeMap& input, kernels::LayerTask& task) const;

    void fire(const Sample& sample, const SpikeMap* input, int layer, LayerRecording* record);
    Change fire_changed(const Sample& sample, const SpikeMap* input, int layer, const Change& change);
    Change pool_changed(int layer, Change change);
    const int32_t* changed_sums(const SpikeMap& input, int layer, const Change& change);
    void run_parts(const kernels::LayerTask& task, int layer) const;
    void keep_results(const kernels::LayerTask& task, const Sample& sample, int layer, LayerRecording& record);
    void pool(int layer);
    /// What the next layer reads of this one's spikes.
    const SpikeMap& output(int layer);

    void read_out(const Sample& sample, const SpikeMap* input, int layer, std::span<float> scores);
    void integrate(const Sample& sample, const SpikeMap* input, int layer, std::span<float> scores);
    void leak(const Sample& sample, const SpikeMap* input, int layer, std::span<float> scores);

    const RunSettings& settings_;
    int threads_;
    Scratch& scratch_;
    bool keeps_all_;  ///< maps of every layer, not only of the last two
};

}  // namespace spikelens
