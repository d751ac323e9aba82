#pragma once

#include <vector>

#include "layer_pass.h"

namespace spikelens {

/// One layer without weights, of one sample: joins what its inputs send, before its neuron or its pool.
class JoinPass {
  public:
    /// sent[i] are the maps of the layer's i-th input.
    JoinPass(const RunSettings& settings, int steps, int layer, std::vector<const LayerMaps*> sent, LayerMaps& maps);

    /// Into maps.currents: what reaches a neuron or is read out, or is sent as currents.
    void join_currents();
    /// Into maps.spikes, where it has no neuron and sends numbers of spikes.
    void join_numbers();

  private:
    const SpikeMap* numbers(size_t input) const;
    const CurrentMap* currents(size_t input) const;
    void combine_words(const SpikeMap& first, const SpikeMap& second);
    void add_numbers_of(size_t input, int channel);

    const RunSettings& settings_;
    int steps_, index_;
    const Layer& layer_;
    std::vector<const LayerMaps*> sent_;
    LayerMaps& maps_;
};

}  // namespace spikelens
