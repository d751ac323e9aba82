#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "spikelens/core/execution.h"
#include "spikelens/snn/gradient.h"
#include "spikelens/snn/simulate.h"

namespace spikelens {

/// What computes a network: its exact simulation and its surrogate gradients. Interpretation, methods and metrics see
/// nothing below it. Every engine gives the bits of the scalar reference in what the simulation decides; the
/// conformance test (tests/snn/test_engine.cpp) holds each to that. Safe to share between threads.
class Engine {
  public:
    virtual ~Engine() = default;
    virtual const Network& network() const = 0;
    /// How it works, and how those that use it are to work beside it.
    virtual const Execution& execution() const = 0;

    /// Simulates every sample. Output spikes of the `ablated` filters are set to zero. Throws InputError when the shape
    /// is not the network's, a value is not finite, or execution.memory does not suffice for one sample; so do the
    /// others.
    virtual Recording run(const Input& input, const RecordRequest& request = {},
                          std::span<const FilterIndex> ablated = {}) const = 0;
    /// Scores [sets, N, classes] under each of several ablations: what run(input, {}, set) gives, to the bit.
    virtual FloatArray run_ablations(const Input& input, std::span<const std::vector<FilterIndex>> sets) const = 0;

    /// ∂ score[targets[n]] / ∂ input of each sample n, of the input's shape. Images: with respect to the image (= Σ_t
    /// ∂y/∂x[t]).
    virtual InputGradient gradient(const Input& input, std::span<const int> targets) const = 0;
    /// The same of input that changes in time, of any values.
    virtual InputGradient sequence_gradient(const FloatArray& sequence, std::span<const int> targets) const = 0;
    /// The gradient with respect to what a layer (an index into network().layers, of one with a neuron) sends out:
    /// through its pool and the layers after it, not through its own reset.
    virtual SpikeGradient spike_gradient(const Input& input, std::span<const int> targets, int layer) const = 0;

    /// What computes each layer, for people: "conv2: event-driven, exact integer sums, avx512".
    virtual std::vector<std::string> describe() const = 0;
};

/// This machine's cores: simulate.h and gradient.h, which share one set of fixed-point weights. Gradients are prepared
/// when the first is asked for.
class CpuEngine final : public Engine {
  public:
    /// Throws InputError when the network is not valid, or the kernel is unknown or not supported by this CPU.
    explicit CpuEngine(std::shared_ptr<const Network> network, Execution execution = {},
                       GradientOptions gradients = {});
    explicit CpuEngine(Network network, Execution execution = {}, GradientOptions gradients = {});
    ~CpuEngine() override;
    CpuEngine(CpuEngine&&) noexcept;
    CpuEngine& operator=(CpuEngine&&) noexcept;

    /// What simulates, and holds the weights in fixed point.
    const Simulator& simulator() const;

    const Network& network() const override;
    const Execution& execution() const override;
    Recording run(const Input& input, const RecordRequest& request = {},
                  std::span<const FilterIndex> ablated = {}) const override;
    FloatArray run_ablations(const Input& input, std::span<const std::vector<FilterIndex>> sets) const override;
    InputGradient gradient(const Input& input, std::span<const int> targets) const override;
    InputGradient sequence_gradient(const FloatArray& sequence, std::span<const int> targets) const override;
    SpikeGradient spike_gradient(const Input& input, std::span<const int> targets, int layer) const override;
    std::vector<std::string> describe() const override;

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

/// Makes the engine of this name. Throws InputError for an unknown one, naming the nearest.
///  cpu           CpuEngine
///  gpu           Simulates on a GPU by NVIDIA: all samples that its memory holds (in place of execution.memory), layer
///                by layer, all steps of a layer in one product of int8 slices of the fixed-point weights on tensor
///                cores, with exact sums. Takes chains of layers (require_chain) whose inputs send at most 255 spikes a
///                step; throws InputError for others, and RunError where the GPU library or a GPU is missing. Gradients
///                are the CpuEngine's. One call at a time has the GPU.
///  gpu_emulated  The GPU's work, part for part, on this machine's cores: for tests. A hundred times slower than cpu.
std::unique_ptr<const Engine> make_engine(std::string_view name, std::shared_ptr<const Network> network,
                                          Execution execution = {}, GradientOptions gradients = {});

/// The names of all engines, the usual one first.
std::vector<std::string> engine_names();

}  // namespace spikelens
