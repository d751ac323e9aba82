#pragma once

#include <vector>

#include "layer_pass.h"

namespace spikelens {

/// One layer of one sample that needs more than the kernels have: its own sums, recurrence, or neurons that differ.
/// Plain loops, the same for all kernels.
class GeneralPass {
  public:
    /// `input` is null where the sample's image is the input, and for a layer without weights, whose maps.currents are
    /// given.
    GeneralPass(Worker& worker, const Sample& sample, int layer, const SpikeMap* input, LayerMaps& maps);

    /// The layer's spikes into maps.spikes.
    void fire(LayerRecording* record);
    /// What the input brings to a weighted layer, into maps.currents; of a recurrent layer that reads numbers, as sums.
    void make_currents();
    /// Of a weighted layer without neuron.
    void read_out(std::span<float> scores);

  private:
    void real_currents();
    void real_current(const float* image, int row, int column, float* to) const;
    void sum_pixels();
    void sum_recurrent(int step, std::vector<int64_t>& sums) const;
    void fire_all(const kernels::LayerTask& task) const;
    void fire_recurrent(const kernels::LayerTask& task) const;

    Worker& worker_;
    const Sample& sample_;
    int index_;
    const Layer& layer_;
    const GeneralPlan& general_;
    const kernels::LayerPlan& plan_;
    const SpikeMap* input_;
    LayerMaps& maps_;
    std::vector<int64_t> sums_;  ///< of the input's weights, [row][column][step][output]
};

}  // namespace spikelens
