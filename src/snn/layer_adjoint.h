#pragma once

#include <cstdint>

#include "spikelens/core/aligned.h"
#include "spikelens/snn/network.h"
#include "spikelens/snn/surrogate.h"

#include "kernels/layer_plan.h"
#include "lif.h"

namespace spikelens {

/// A LayerPass or JoinPass backward: pool, neuron and operation of one layer of one sample, each by itself. Gradients
/// of what a layer takes and sends out are [step][row][column][channel]; of its currents and spikes
/// [step][row][column][padded], as the kernels leave the potentials.
class LayerAdjoint {
  public:
    /// The layer and its plan must outlive this. The weights are kept once more, ordered
    /// [output][row][column][channel].
    LayerAdjoint(const Layer& layer, const kernels::LayerPlan& plan, const kernels::KernelSet& kernels,
                 const Surrogate& surrogate);

    int64_t frame() const { return int64_t{plan_.out_height} * plan_.out_width * plan_.padded(); }
    int64_t input_size() const { return int64_t{layer_.in_channels} * layer_.in_height * layer_.in_width; }
    int64_t output_size() const { return int64_t{layer_.out_channels} * layer_.pooled_height * layer_.pooled_width; }

    /// Whether it has what these need: no recurrence, no neurons that differ or adapt, no `and` or `iand`.
    static bool can(const Layer& layer);

    /// From the gradient of the pool's output to that of the spikes. The potentials, compared with the threshold, say
    /// which; of a layer without neuron its currents or numbers in their place, of which a max-pool takes the first
    /// largest.
    void unpool(int64_t steps, const float* potentials, const float* output_gradient, float* spike_gradient) const;
    /// From the gradient of the output to that of the currents, which replaces the potentials: to what each step adds
    /// to it (lif.h). Of a current that is the same at every step the whole sum over the steps is written, as the
    /// first. `spare` may become the gradient of the spikes.
    void unfire(int64_t steps, bool constant, float* potentials, const float* output_gradient,
                AlignedVector<float>& spare) const;
    /// Whether unfire_again can stand for it where the current is the same at every step.
    bool can_fire_again() const;
    /// From the gradient of the output to the whole sum over the steps, which replaces the currents [row][column]
    /// [padded]. The potentials are computed once more: they need not be kept.
    void unfire_again(int64_t steps, float* currents, const float* output_gradient) const;
    bool pools() const { return layer_.pool.kind != PoolKind::none || frame() != output_size(); }
    /// From what each step adds to the gradient of the currents to the gradient of the input. Weights are linear: what
    /// the membrane and the synapse carry back over time is carried back behind them, where all that is added has
    /// become dense.
    void unweigh(int64_t steps, const float* added, float* input_gradient) const;
    /// The same of a layer that is not weighted, for an input of so many channels, the first of which is that one of
    /// the layer.
    void unjoin(int64_t steps, const float* added, int first_channel, int channels, float* input_gradient) const;

  private:
    template <bool kOverlap>
    void unpool_windows(int64_t steps, const float* potentials, const float* output_gradient,
                        float* spike_gradient) const;
    bool by_window() const;
    int window_size() const;
    template <SurrogateKind kind>
    void unfire_windows(int64_t steps, bool constant, float* potentials, const float* output_gradient) const;
    void unfire_by_window(int64_t steps, bool constant, float* potentials, const float* output_gradient) const;
    template <SurrogateKind kind, int kPlaces, bool kChooses, class Step>
    void unfire_windows_again(const Step& form, int64_t steps, float* currents, const float* output_gradient) const;
    void spread_in_groups(int64_t steps, const float* added, float* input_gradient) const;
    void carry_back_in_time(int64_t steps, int64_t size, float* values) const;

    const Layer& layer_;
    const kernels::LayerPlan& plan_;
    LifPlanes neurons_;
    kernels::SpreadTask spread_;
    AlignedVector<float> weights_;
    void (*run_spread_)(const kernels::SpreadTask&);
};

}  // namespace spikelens
