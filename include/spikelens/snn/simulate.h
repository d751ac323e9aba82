#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/core/execution.h"
#include "spikelens/core/samples.h"
#include "spikelens/snn/network.h"

namespace spikelens {

/// What to keep of a simulation, for which layers (indices into network.layers; only layers with a neuron).
struct RecordRequest {
    std::vector<int> layers;
    bool counts = false;  ///< spikes per neuron over all steps, before pooling
    /// The same after the layer's pool (max: steps in which the window spiked; sum and average: spikes in the window).
    bool pooled_counts = false;
    bool spikes = false;      ///< every spike, before pooling
    bool potentials = false;  ///< membrane when compared with the threshold
};

struct LayerRecording {
    int layer = 0;
    Array<uint16_t> counts;         ///< [N, C, H, W]
    Array<uint16_t> pooled_counts;  ///< [N, C, H', W']
    Array<uint8_t> spikes;          ///< [N, T, C, H, W], 0 or 1
    FloatArray potentials;          ///< [N, T, C, H, W]
};

struct Recording {
    FloatArray scores;  ///< [N, classes]
    std::vector<LayerRecording> layers;

    /// The recording of this layer; it must have been requested.
    const LayerRecording& layer(int index) const;
};

/// First maximum of each row of [N, classes].
std::vector<int> predictions(const FloatArray& scores);

/// Exact simulation of a network: the one way all inference goes.
///
/// Weights are quantised once per output channel to fixed point, currents of spiking input are integer sums, so the
/// order of summation cannot matter; the membrane update is float32 in one fixed order. The result is the same to the
/// bit for any batch, thread count, kernel and machine. Immutable after construction, safe to share between threads.
class Simulator {
  public:
    /// Throws InputError when the network is not valid or the kernel is unknown or not supported by this CPU. The
    /// weights are kept once more, in fixed point: as many bytes as in float. Where execution.memory does not suffice
    /// for one sample a thread, one is simulated at a time, by all threads.
    explicit Simulator(std::shared_ptr<const Network> network, Execution execution = {});
    explicit Simulator(Network network, Execution execution = {});
    /// For large networks that are only simulated: each layer's weights are given up as soon as they are in fixed
    /// point. network() then has layers without weights and biases.
    static Simulator without_weights(Network network, Execution execution = {});
    ~Simulator();
    Simulator(Simulator&&) noexcept;
    Simulator& operator=(Simulator&&) noexcept;

    const Network& network() const;
    const Execution& execution() const;
    std::shared_ptr<const Network> shared_network() const;

    /// Direct coding: the image [N, C, H, W] is the input current at every step. Output spikes of the `ablated` filters
    /// are set to zero. Throws InputError when the shape is not the network's, a value is not finite, or
    /// execution.memory does not suffice for one sample; so do the others. Where only scores are asked for, of a sample
    /// that differs from the one before in few pixels only what these lead to is computed anew.
    Recording run(const FloatArray& images, const RecordRequest& request = {},
                  std::span<const FilterIndex> ablated = {}) const;

    /// Spiking input [N, T, C, H, W]: whole numbers of spikes per step, 0..255. T is the input's, not the network's.
    Recording run_spikes(const Array<uint8_t>& spikes, const RecordRequest& request = {},
                         std::span<const FilterIndex> ablated = {}) const;

    /// Either of the two.
    Recording run(const Input& input, const RecordRequest& request = {},
                  std::span<const FilterIndex> ablated = {}) const;

    /// Scores [sets, N, classes] under each of several ablations: what run(input, {}, set) gives, to the bit. Only
    /// what one ablation changes of another is simulated again.
    FloatArray run_ablations(const Input& input, std::span<const std::vector<FilterIndex>> sets) const;

    /// What computes each layer, for `inspect`: "conv2: events, avx512".
    std::vector<std::string> describe_kernels() const;

    struct Plan;  ///< private to this folder
    const Plan& plan() const { return *plan_; }

  private:
    explicit Simulator(std::unique_ptr<const Plan> plan);
    std::unique_ptr<const Plan> plan_;
};

}  // namespace spikelens
