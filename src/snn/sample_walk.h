#pragma once

#include <span>
#include <vector>

#include "layer_pass.h"

namespace spikelens {

/// Takes one sample through the layers of any graph. Layer l writes maps[l], where there are as many, else
/// maps[slots[l]].
class SampleWalk {
  public:
    /// Refers to all of them.
    SampleWalk(Worker& worker, const Sample& sample, std::vector<LayerMaps>& maps);

    /// All layers; records[i] is of a layer of rising index.
    void run(std::span<float> scores, std::span<LayerRecording> records);
    /// One, whose inputs are there. The last gives the scores. `wanted` may be null.
    void layer(int l, std::span<float> scores, LayerRecording* wanted);

    /// Whether a layer reads spikes that the kernels take to its own, so that samples may be taken through it together.
    bool fires_from_spikes(int l) const;
    /// Of such a layer: its pass, and what follows once it has fired.
    LayerPass pass(int l);
    void after_firing(int l, std::span<float> scores);

  private:
    LayerMaps& maps_of(int layer);
    const SpikeMap* input_of(int layer);
    const SpikeMap& numbers_of(int layer);
    void weighted(int l, std::span<float> scores, LayerRecording* wanted);
    template <class Pass>
    void fire_or_read(Pass pass, int l, std::span<float> scores, LayerRecording* wanted);
    void joined(int l, std::span<float> scores, LayerRecording* wanted);
    bool last(int l) const { return l + 1 == static_cast<int>(network_.layers.size()); }

    Worker& worker_;
    const Sample& sample_;
    std::vector<LayerMaps>& maps_;
    const Network& network_;
};

}  // namespace spikelens
