#pragma once

#include <span>
#include <vector>

#include "layer_values.h"

namespace spikelens {

/// What the layers of one sample sent in total over all its steps: of layers with neurons as a recording counts it, of
/// others computed from these in float32. Nothing is computed before it is asked for.
class LayerTotals {
  public:
    /// `values` are those of the same sample, asked where a layer is not linear. Refers to all.
    LayerTotals(const Network& network, const LinearMaps& maps, const Recording& recording, const Input& input,
                int64_t n, LayerValues& values);

    /// What a layer's operation gave [C·H·W], before its neuron.
    const std::vector<float>& drive(int layer);
    /// Before its pool, and after it.
    std::vector<float> before_pool(int layer);
    const std::vector<float>& sent(int layer);

  private:
    std::vector<float> weighted(int layer);
    std::vector<float> joined(int layer);
    std::vector<float> over_steps(const std::vector<float>& values) const;

    const Network& network_;
    const LinearMaps& maps_;
    const Recording& recording_;
    const Input& input_;
    int64_t n_;
    LayerValues& values_;
    std::vector<std::vector<float>> drive_, sent_;
};

}  // namespace spikelens
