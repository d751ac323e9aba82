#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/snn/neuron.h"

namespace spikelens {

enum class PoolKind { none, max, average, sum };
inline constexpr std::array<std::string_view, 4> pool_words = {"none", "max", "average", "sum"};

/// Pooling of the spikes, without padding; windows that do not fit are dropped. The average is the sum divided by size².
struct Pool {
    PoolKind kind = PoolKind::none;
    int size = 1;
    int stride = 1;

    bool operator==(const Pool&) const = default;
};

enum class LayerKind { conv, full };
inline constexpr std::array<std::string_view, 2> layer_words = {"conv", "full"};

/// A window's sum of spikes becomes this much input: 1/size² under an average, else 1.
inline double pooled_unit(const Pool& pool) { return pool.kind == PoolKind::average ? 1.0 / (pool.size * pool.size) : 1.0; }

/// One weighted layer with what follows it: weights → neuron → pool. A fully connected layer reads its input flattened
/// in (channel, row, column) order and has out_height = out_width = 1.
struct Layer {
    std::string name;  ///< "conv1", "full3": kind and position in the network, from 1
    LayerKind kind = LayerKind::conv;
    int in_channels = 0, in_height = 0, in_width = 0;
    int out_channels = 0, out_height = 0, out_width = 0;  ///< before pooling
    int kernel = 1, stride = 1, padding = 0;
    bool has_bias = true;
    std::optional<Neuron> neuron;  ///< absent only in the last layer: the integrating readout
    float readout_beta = 1.0F;     ///< leak of the readout per step, in [0, 1]: U[t] = βU[t−1] + I[t]; 1 elsewhere
    Pool pool;
    int pooled_height = 0, pooled_width = 0;
    FloatArray weight;  ///< [out, in, k, k] or [out, in·h·w]
    FloatArray bias;    ///< [out], empty without bias

    /// Inputs of one output: in·k·k, or in·h·w.
    int64_t fan_in() const;
};

/// A feed-forward spiking network. The score of a class is the potential of the (integrating or leaking) readout after the last
/// step / T; when the last layer has a neuron, the score is its spike count / T. The prediction is the first maximum.
struct Network {
    int channels = 0, height = 0, width = 0;  ///< input
    int steps = 0;                            ///< T
    std::vector<Layer> layers;
    std::vector<std::string> classes;

    int64_t class_count() const { return layers.back().out_channels; }
    Shape input_shape() const { return {channels, height, width}; }
};

/// Options of a network text that the text itself need not repeat.
struct NetworkDefaults {
    Neuron neuron;
    bool bias = true;
};

/// Reads a network's text form: stages joined by '-'.
///   16C3           convolution, 16 filters of 3×3; padding (k−1)/2 unless said: 16C3p0; stride: 16C3s2; no bias: 16C3b0
///   128F           fully connected, 128 outputs; 128Fb0
///   LIF, IF        the neuron of the layer before; LIF(beta=0.9,threshold=1,reset=subtract|zero|none,delay,ge,decay_input,
///                  gain=1,v_reset=0,alpha=0)
///   LI             after the last layer: a readout that leaks, LI(beta=0.9)
///   MP2, AP2, SP2  max, average or sum pooling of spikes, stride = size unless said: MP3s2
/// The last layer has no neuron (integrating readout) or one (spike-count readout); every other must have one.
/// Weights are zero, of the right shapes. Throws InputError that names the stage and what was expected.
Network parse_network(std::string_view text, const Shape& input, int steps, const NetworkDefaults& defaults = {});

/// The canonical text of a network; parse_network of it gives the same network without its weights.
std::string network_text(const Network& network);

/// A preset's text: "shallow" or "svgg19" (class count filled in); texts pass through unchanged.
/// Throws InputError for a word that is neither, with the nearest preset's name.
std::string preset_text(std::string_view name_or_text, int64_t classes);

/// Weights uniform in ±1/√fan_in (Kaiming uniform with a = √5, PyTorch's default), biases too; each value from its address
/// (seed, layer, index).
void initialise_weights(Network& network, uint64_t seed);

/// Throws InputError unless shapes fit together, weights and biases are finite and have the shapes stated, and neurons
/// are in range. `where` opens the sentence, for example a file name.
void check_network(const Network& network, const std::string& where);

/// A filter of a network: `layer` counts network.layers, `filter` its output channels.
struct FilterIndex {
    int layer = 0;
    int filter = 0;
    bool operator==(const FilterIndex&) const = default;
    auto operator<=>(const FilterIndex&) const = default;
};

/// All filters of the convolution layers that have a neuron, in order: row i of the SVEBI response matrix. If the
/// network has no convolution layer: the neurons of its hidden fully connected layers.
std::vector<FilterIndex> response_filters(const Network& network);

/// "conv2.17"
std::string filter_name(const Network& network, FilterIndex filter);

/// Extent of a neuron's receptive field in the input: `size` pixels, moving by `stride` per neuron, the first one
/// starting at `start` (negative under padding). Vertical and horizontal are equal.
struct ReceptiveField {
    int64_t size = 1;
    int64_t stride = 1;
    int64_t start = 0;
};
ReceptiveField receptive_field(const Network& network, int layer);

int64_t parameter_count(const Network& network);

}  // namespace spikelens
