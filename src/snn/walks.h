#pragma once

#include <optional>
#include <span>
#include <vector>

#include "layer_pass.h"

namespace spikelens {

/// Takes samples through all layers, each from nothing.
class FullWalk {
  public:
    /// Refers to the worker, which must outlive it; so do the others.
    explicit FullWalk(Worker& worker) : worker_(worker) {}

    /// Samples that are taken through each layer together. recording.layers[i] is of a layer of rising index.
    void run(std::span<const Sample> samples, Recording& recording);

  private:
    Worker& worker_;
    std::vector<std::vector<LayerMaps>> maps_;  // by sample
};

/// Takes samples one after the other, for their scores alone: where one differs little from the last, only what the
/// change leads to is computed, of layers with weights and a neuron their spikes, of others all or nothing.
class ChangedWalk {
  public:
    explicit ChangedWalk(Worker& worker) : worker_(worker) {}

    /// Those that differ much from the one before are taken through each layer together.
    void run(std::span<const Sample> samples, Recording& recording);

  private:
    std::optional<Change> change_worth(const Sample* last, const Sample& sample);
    bool renews(int layer) const;
    void run_changed(const Sample& sample, const Change& change, std::span<const float> last_scores,
                     std::span<float> scores);
    Change renew(const Sample& sample, int layer, const Change& change, std::span<float> scores);
    Change compute(const Sample& sample, int layer, std::span<float> scores);

    Worker& worker_;
    std::vector<std::vector<LayerMaps>> maps_;  // by sample; the first are of the last sample
    std::span<const float> last_image_, last_scores_;
};

/// Ablations in an order that lets those that ablate the same in the first layers follow each other.
struct Ablations {
    std::vector<ChannelMasks> keep;  ///< by ablation
    std::vector<size_t> order;

    Ablations(const Network& network, std::span<const std::vector<FilterIndex>> sets);
};

/// Takes a sample through the network under one ablation after the other, each as what changes from the one before.
class AblationWalk {
  public:
    explicit AblationWalk(Worker& worker)
        : worker_(worker), maps_(worker.settings.network.layers.size()), kept_(maps_.size()) {}

    /// scores[ablation, sample.index, class]
    void run(const Sample& sample, const Ablations& ablations, FloatArray& scores);

  private:
    /// The spikes of the channels that are not ablated, pooled, and which channels these are. (A pool never mixes
    /// channels.) All spikes stay in the layer's maps.
    struct Kept {
        SpikeMap spikes;
        std::vector<uint64_t> channels;
    };
    /// The scores under an ablation, from those under the one before.
    void run_ablated(const Sample& sample, const ChannelMasks& keep, std::span<float> scores);

    Worker& worker_;
    std::vector<LayerMaps> maps_;
    std::vector<Kept> kept_;
};

/// The same of networks that are graphs: layers that an ablation leaves as they are, are not computed again.
class GraphAblationWalk {
  public:
    explicit GraphAblationWalk(Worker& worker) : worker_(worker), maps_(worker.settings.network.layers.size()) {}

    void run(const Sample& sample, const Ablations& ablations, FloatArray& scores);

  private:
    Worker& worker_;
    std::vector<LayerMaps> maps_;
};

/// All layers of some samples, from nothing: maps[i] are of sample i, and recording.layers of layers of rising index.
void walk_together(Worker& worker, std::span<const Sample> samples, std::span<std::vector<LayerMaps>> maps,
                   Recording& recording);

/// All layers of a sample, from nothing. Layer l writes maps[l], where there are as many, else maps[slots[l]].
void walk_layers(Worker& worker, const Sample& sample, std::vector<LayerMaps>& maps, std::span<float> scores,
                 std::span<LayerRecording> records = {});

}  // namespace spikelens
