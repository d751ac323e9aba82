#pragma once

#include <vector>

#include "device.h"
#include "kernels/layer_plan.h"
#include "snn/simulator_plan.h"

namespace spikelens::gpu {

/// A layer of a chain on a device.
struct ChainLayer {
    const Layer* layer = nullptr;
    const kernels::LayerPlan* plan = nullptr;  ///< for spikes
    const kernels::LayerPlan* real = nullptr;  ///< for images: of the first layer alone
    Window window;
    Depth depth;
    int tile_outputs = 0;
    int64_t keep_at = 0;  ///< where its channels begin in a mask of all layers
    Buffer slices, scale, bias, real_weights, real_bias;

    explicit ChainLayer(Device& device)
        : slices(device), scale(device), bias(device), real_weights(device), real_bias(device) {}

    int64_t pixels() const { return int64_t{layer->out_height} * layer->out_width; }
    bool pools() const { return layer->pool.kind != PoolKind::none; }
    /// What it sends before and after its pool.
    Map fired(int64_t samples, int steps) const;
    Map sent(int64_t samples, int steps) const;
};

/// The weights of a chain of layers, in fixed point and cut into slices, on a device.
class ChainWeights {
  public:
    /// Throws InputError for what is no chain, and for a layer whose slices' sums may not fit int32; the error names
    /// the engine. Refers to the plan.
    ChainWeights(const Simulator::Plan& plan, Device& device, std::string_view engine);

    /// Throws InputError where the first layer's sums of these spikes may not fit.
    void check_input(const RunInput& input) const;

    const Simulator::Plan& plan() const { return plan_; }
    Device& device() const { return device_; }
    const std::vector<ChainLayer>& layers() const { return layers_; }
    int64_t mask_bytes() const { return mask_bytes_; }
    /// 1 for each channel that exists and is not ablated, [layer][padded].
    std::vector<uint8_t> mask(std::span<const FilterIndex> ablated) const;

  private:
    void check_sums(size_t layer, int64_t most) const;
    void place(ChainLayer& layer) const;

    const Simulator::Plan& plan_;
    Device& device_;
    std::string engine_;
    std::vector<ChainLayer> layers_;
    int64_t mask_bytes_ = 0;
};

}  // namespace spikelens::gpu
