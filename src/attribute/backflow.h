#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "layer_values.h"

namespace spikelens {

/// What a sweep brings back to each layer's output, and to the network's input, from all that read it.
class Backflow {
  public:
    explicit Backflow(const Network& network) : flows_(network.layers.size() + 1) {}

    /// `to` is a layer or kNetworkInput.
    void add(int to, std::vector<float> values);
    /// What has come together, empty where nothing has.
    std::vector<float> take(int from) { return std::exchange(flows_[from + 1], {}); }

  private:
    std::vector<std::vector<float>> flows_;  ///< of the network's input first
};

/// Hands what a layer without weights gets back, [T·C·H·W] of its operation's result, on to its inputs: a sum gives all
/// of it to each of them, a concatenation to each its channels; `and`, `iand` and `norm` give part(i, j) of the j-th to
/// the i-th.
using PartOfInput = std::function<float(size_t input, size_t index)>;
void hand_on(const Network& network, int layer, const std::vector<float>& values, const PartOfInput& part,
             Backflow& back);

/// At every step by itself: under `and` equal parts where all inputs spike; under `iand` all to the first where the
/// second is silent; under `norm` its factor.
PartOfInput part_at_each_step(const Network& network, int layer, LayerValues& values);

/// Which layers have numbers of spikes before their pools, not currents.
std::vector<bool> layers_with_numbers(const Network& network);

/// Throws InputError for a network with recurrent layers, which `who` cannot follow, since `why`.
void require_no_recurrence(const Network& network, const std::string& who, const std::string& why);

/// Throws InputError for a network with layers that normalise each step by itself, which `who` cannot follow, since
/// `why`.
void require_no_norms(const Network& network, const std::string& who, const std::string& why);

/// Throws InputError for a network whose thresholds adapt, which `who` does not have.
void require_fixed_thresholds(const Network& network, const std::string& who);

/// The neuron of each place [C·H·W] of a layer with one.
class LayerNeurons {
  public:
    explicit LayerNeurons(const Layer& layer);
    const Neuron& operator[](int64_t place) const { return neurons_.size() == 1 ? neurons_[0] : neurons_[place]; }
    /// How many differ, 1 where all are alike.
    int64_t count() const { return static_cast<int64_t>(neurons_.size()); }

  private:
    std::vector<Neuron> neurons_;  ///< one where they do not differ
};

}  // namespace spikelens
