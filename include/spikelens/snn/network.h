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
inline constexpr std::array<std::string_view, 4> kPoolWords = {"none", "max", "average", "sum"};

/// Windows begin `padding` before the first row and column, and a stride further each; of what lies under them, the
/// map's part counts. Windows that end beyond the padding behind the map are dropped; with `ceil` those that begin
/// within the map or the padding before it count. The average is the sum divided by the whole window's size (PyTorch's
/// count_include_pad).
struct Pool {
    PoolKind kind = PoolKind::none;
    int size = 1;
    int stride = 1;
    int width = 0,
        stride_width = 0;  ///< size and stride along a row where they differ from those along a column; else 0
    int padding = 0, padding_width = -1;  ///< at most half the size; along a row where it differs, else −1
    bool ceil = false;                    ///< not of averages

    int columns() const { return width > 0 ? width : size; }
    int stride_columns() const { return stride_width > 0 ? stride_width : stride; }
    int padding_columns() const { return padding_width >= 0 ? padding_width : padding; }
    int area() const { return size * columns(); }
    /// Whether windows may reach beyond the map.
    bool pads() const { return padding > 0 || padding_columns() > 0 || ceil; }
    /// Square, within the map.
    bool plain() const { return width == 0 && stride_width == 0 && !pads(); }
    bool operator==(const Pool&) const = default;
};

/// A window's sum of spikes becomes this much input: 1/area under an average, else 1.
inline double pooled_unit(const Pool& pool) { return pool.kind == PoolKind::average ? 1.0 / pool.area() : 1.0; }

/// Among a layer's inputs: the network's own.
inline constexpr int kNetworkInput = -1;

/// What a layer makes of its inputs:
///  conv, full  weighted sums of one input
///  add         the sum of two inputs or more, of one shape
///  both        ("and") 1 where all inputs spike
///  except      ("iand") the first input's spikes where the second is silent, x·(1 − y)
///  concat      ("cat") the channels of its inputs, one after the other
///  pass        its input
///  norm        its input times a factor, plus a term, of each channel at each step: what batch normalisation with
///              values of its own for every step (BNTT, TEBN) comes to
enum class LayerKind { conv, full, add, both, except, concat, pass, norm };
inline constexpr std::array<std::string_view, 8> kLayerWords = {"conv", "full", "add",  "and",
                                                                "iand", "cat",  "pass", "norm"};

/// A layer's own spikes (before its pool), one step later, are more inputs of its weighted sums:
///  all   every neuron of every other and itself: weight [n, n], n = channels · height · width, [to, from]
///  one   every neuron of itself: weight [channels]
///  conv  a convolution with stride 1 that keeps the size: weight [channels, channels, k, k], k odd
enum class RecurrenceKind { none, all, one, conv };
inline constexpr std::array<std::string_view, 4> kRecurrenceWords = {"none", "all", "one", "conv"};

struct Recurrence {
    RecurrenceKind kind = RecurrenceKind::none;
    int kernel = 1;  ///< of `conv`
    FloatArray weight;
};

/// A node of the network: an operation, a neuron on what it gives, a pool on what that gives. Each may be absent, but
/// not all.
///
/// A layer with a neuron sends spikes, and after its pool whole numbers of them (times 1/area after an average).
/// Without a neuron, `add`, `and`, `iand`, `cat` and `pass` of spikes send whole numbers too, of at most 65535. Every
/// other layer without a neuron sends currents, float32 at each step: the rounded weighted sum of `conv` and `full`; of
/// `add` the sum of its inputs in their order, rounded at every addition, where one of them is a current; a pool's
/// maximum, sum or mean in row-major order, rounded at every operation; of `norm` the product, rounded, plus the term,
/// rounded. Only `add`, `cat`, `pass`, `norm` and the readout read currents. A neuron of theirs, and `norm`, take
/// inputs of spikes as currents, one for a spike.
///
/// A convolution's input has rows and columns; one of height 1 with kernels of one row is the one-dimensional
/// convolution. A fully connected layer reads its input flattened in (channel, row, column) order and has out_height =
/// out_width = 1.
struct Layer {
    std::string name;  ///< "conv1", "full3", "add4": kind and position in the network, from 1
    LayerKind kind = LayerKind::conv;
    std::vector<int> inputs;  ///< indices of layers before it, or kNetworkInput, which only weighted layers read
    int in_channels = 0, in_height = 0, in_width = 0;     ///< of its inputs together
    int out_channels = 0, out_height = 0, out_width = 0;  ///< before pooling
    int kernel = 1, stride = 1, padding = 0, dilation = 1;
    /// The same along a row where they differ from those along a column; else 0, the padding −1.
    int kernel_width = 0, stride_width = 0, padding_width = -1, dilation_width = 0;
    int steps = 0;   ///< of `norm`, which works on inputs of so many steps alone; else 0
    int groups = 1;  ///< output channels in as many equal parts, each of which sees its own part of the input channels
    bool has_bias = true;
    std::optional<Neuron> neuron;
    NeuronValues values;    ///< of the neuron's parameters that are not the same everywhere
    Recurrence recurrence;  ///< of a weighted layer with a neuron
    /// Of the last layer's readout, U[t] = βU[t−1] + J[t] with a current that stays, J[t] = αJ[t−1] + I[t]: β in [0, 1]
    /// and 1 elsewhere, α in [0, 1) and 0 elsewhere.
    float readout_beta = 1.0F, readout_alpha = 0.0F;
    Pool pool;  ///< of spikes, whole numbers or currents, as the layer sends them
    int pooled_height = 0, pooled_width = 0;
    FloatArray
        weight;  ///< [out, in/groups, k, k] or [out, in·h·w]; of `norm` factors [steps, out]; empty where there is none
    FloatArray bias;  ///< [out], empty without bias; of `norm` terms [steps, out]

    bool weighted() const { return kind == LayerKind::conv || kind == LayerKind::full; }
    /// Whether it is a readout that forgets, or whose current stays.
    bool leaks() const { return readout_beta != 1 || readout_alpha != 0; }
    int kernel_columns() const { return kernel_width > 0 ? kernel_width : kernel; }
    int stride_columns() const { return stride_width > 0 ? stride_width : stride; }
    int padding_columns() const { return padding_width >= 0 ? padding_width : padding; }
    int dilation_columns() const { return dilation_width > 0 ? dilation_width : dilation; }
    /// Inputs of one output: in/groups·k·k, or in·h·w; 0 without weights.
    int64_t fan_in() const;
    Shape weight_shape() const;
    Shape bias_shape() const;
    Shape recurrent_shape() const;
    Shape input_shape() const { return {in_channels, in_height, in_width}; }
    Shape output_shape() const { return {out_channels, out_height, out_width}; }
    Shape pooled_shape() const { return {out_channels, pooled_height, pooled_width}; }
};

/// A spiking network: a graph whose layers stand in topological order, so that each reads layers before it. The last
/// layer is the readout. Without a neuron, the score of a class is the potential of its (integrating or leaking)
/// readout after the last step / T; else its spike count / T, and likewise the sum of the whole numbers that reach a
/// readout which is `pass`, `add` or `cat`. The prediction is the first maximum.
struct Network {
    int channels = 0, height = 0, width = 0;  ///< input
    int steps = 0;                            ///< T
    std::vector<Layer> layers;
    std::vector<std::string> classes;

    int64_t class_count() const { return layers.back().out_channels; }
    Shape input_shape() const { return {channels, height, width}; }
};

/// How much of a step's current is in a readout's potential after the last step, [steps]: Σ_k β^k α^(T−1−t−k), which is
/// β^(T−1−t) without a synapse.
std::vector<double> kept_by_readout(const Layer& readout, int64_t steps);

/// The shape of a layer's inputs together, or what is wrong with them ("adds [4, 8, 8] (conv1) and …"): their number,
/// what they read, their shapes.
struct JoinedInput {
    Shape shape;
    std::string fault;
};
JoinedInput joined_input(const Network& network, size_t index);

/// Sets the sizes of a layer's output, before and after its pool, from its input's: false where a window does not fit.
bool set_sizes(Layer& layer);

/// What a layer sends: currents, or whole numbers up to `most`, each of which counts 1/divisor.
struct Signal {
    bool currents = false;
    int64_t divisor = 1;
    int64_t most = 1;
    double unit() const { return 1.0 / static_cast<double>(divisor); }
};

/// Of every layer after its pool; the network must be valid.
std::vector<Signal> signals(const Network& network);

/// Whether every layer is weighted with square windows, reads the one before, and has one neuron for all its outputs,
/// which only the last may lack: what network texts without brackets say, and what everything can work on.
bool is_chain(const Network& network);

/// For what works on chains alone: throws InputError that names the first layer that is not of a chain, and why.
void require_chain(const Network& network, const std::string& who);

/// Options of a network text that the text itself need not repeat.
struct NetworkDefaults {
    Neuron neuron;
    bool bias = true;
};

/// Reads a network's text form: stages joined by '-'.
///   16C3           convolution, 16 filters 3×3; padding (k−1)/2 unless said: 16C3p0; stride: 16C3s2; no bias: 16C3b0
///   16C3d2, 16C3g4 the same with dilation, padding d(k−1)/2 unless said; with groups
///   128F           fully connected, 128 outputs; 128Fb0
///   LIF, IF        the neuron of the layer before; `Neuron` says what its options mean:
///                  LIF(beta=0.9,threshold=1,reset=subtract|zero|none,delay,ge,decay_input,
///                  gain=1,v_reset=0,alpha=0,adapt=0,rho=0)
///   beta=*         in a neuron's options: one value for each channel, which the weights' file has
///   beta=**        the same for each neuron
///   R, R1, RC3     between a weighted stage and its neuron: recurrence of all neurons, one to one, by a convolution
///   BN4            batch normalisation with own values for each of 4 steps, which are the network's: 16C3-BN4-LIF
///   LI             after the last layer: a readout that leaks, LI(beta=0.9), or LI(beta=0.9,alpha=0.8) with a synapse
///   MP2, AP2, SP2  max, average or sum pooling, stride = size unless said: MP3s2; padding: MP3s2p1; windows beyond the
///                  last row and column count: MP3s2c; AP=7: to 7×7, of equal windows; GMP, GAP, GSP: of the whole map
/// The order of stages is that of operations: 4C3-MP2-LIF pools currents, 4C3-LIF-MP2 spikes, 4C3-LIF-MP2-AP4 pools
/// twice. Rows and columns may differ: 16C1x3p0x1s1x2, MP1x2.
/// Branches stand in brackets, all read what stands before the bracket, and meet in ]add, ]and, ]iand or ]cat, which a
/// neuron or a pool may follow. An empty branch is what stands before the bracket. A residual block:
///   16C3-LIF-[16C3-LIF-16C3-LIF|]add-MP2-…         of spikes;  [16C3-LIF-16C3|]add-LIF  of currents
///   @conv1         goes on from that layer's output: [16C3-LIF|@conv1]cat
/// Weights are zero, of the right shapes, and the factors of BN4 one. Throws InputError that names the stage or the
/// layer, and what was expected.
Network parse_network(std::string_view text, const Shape& input, int steps, const NetworkDefaults& defaults = {});

/// The canonical text of a network; parse_network of it gives the same network without its weights.
std::string network_text(const Network& network);

/// A preset's text with so many classes: "shallow", or torchvision's VGG with spiking neurons, "svgg11", 13, 16, 19.
/// Texts pass through unchanged. Throws InputError for a word that is neither, with the nearest preset's name.
std::string preset_text(std::string_view name_or_text, int64_t classes);

/// Weights uniform in ±1/√fan_in (Kaiming uniform with a = √5, PyTorch's default), biases too; each value from its
/// address (seed, layer, index).
void initialise_weights(Network& network, uint64_t seed);

/// Throws InputError, naming the layer, where one has values for another number of steps than an input has.
void check_steps(const Network& network, int64_t steps);

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

/// All filters of the layers that have a neuron and come from convolutions, without a fully connected layer between, in
/// order: row i of the SVEBI response matrix. If the network has no convolution layer: the neurons of its hidden
/// layers.
std::vector<FilterIndex> response_filters(const Network& network);

/// "conv2.17"
std::string filter_name(const Network& network, FilterIndex filter);

/// Extent of a neuron's receptive field along one side of the input: `size` pixels, moving by `stride` per neuron, the
/// first one starting at `start` (negative under padding). Where branches meet it is the smallest that holds theirs.
/// The whole side, {its length, 1, 0}, after a fully connected layer or a recurrence that reaches other places, and
/// where branches that meet move by different strides.
struct ReceptiveField {
    int64_t size = 1;
    int64_t stride = 1;
    int64_t start = 0;
};
ReceptiveField receptive_rows(const Network& network, int layer);
ReceptiveField receptive_columns(const Network& network, int layer);
/// The larger of the two.
ReceptiveField receptive_field(const Network& network, int layer);

int64_t parameter_count(const Network& network);

}  // namespace spikelens
