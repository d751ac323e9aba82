#pragma once

#include <cstdint>
#include <vector>

#include "spikelens/snn/simulate.h"

#include "linear_map.h"

namespace spikelens {

/// What the layers of one sample had before their pools and sent after them: of layers with neurons from a recording,
/// of others computed from these in float32. Nothing is computed before it is asked for.
class LayerValues {
  public:
    /// Of `steps` steps of sample n, from `first` on. The recording has the spikes of all layers with neurons. Refers
    /// to all.
    LayerValues(const Network& network, const LinearMaps& maps, const Recording& recording, const Input& input,
                int64_t n, int64_t first, int64_t steps);

    int64_t first_step() const { return first_; }
    int64_t steps() const { return steps_; }
    /// What a layer's operation gives [T·C·H·W], before its neuron.
    std::vector<float> operated(int layer);
    const std::vector<float>& before_pool(int layer);
    const std::vector<float>& sent(int layer);

  private:
    std::vector<float> from_input() const;
    std::vector<float> weighted(int layer);
    std::vector<float> joined(int layer);
    void normalise(const Layer& layer, std::vector<float>& values) const;

    const Network& network_;
    const LinearMaps& maps_;
    const Recording& recording_;
    const Input& input_;
    int64_t n_, first_, steps_;
    std::vector<std::vector<float>> before_pool_, sent_;
};

/// Values [T·C·H·W] of a layer through its pool.
std::vector<float> pooled_values(const Layer& layer, const std::vector<float>& values);

}  // namespace spikelens
