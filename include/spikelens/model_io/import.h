#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spikelens/snn/network.h"

namespace spikelens {

/// What a file begins as: "nir" (HDF5), "pytorch" (a zip archive or a pickle) or "safetensors"; "" for anything else.
/// Its name does not count. Throws InputError where there is no such file.
std::string_view begins_as(const std::filesystem::path& path);

/// Where one tensor of the file went.
struct ImportedTensor {
    std::string from;  ///< name in the file
    std::string to;    ///< "conv1.weight", or "" when it was not used
    Shape shape;
    std::string note;  ///< why it was left out, or how it was changed; may be empty
};

struct ImportedNetwork {
    Network network;
    std::string format;                    ///< "nir", "pytorch", "safetensors"
    std::vector<std::string> assumptions;  ///< one sentence for everything the file does not say
    std::vector<ImportedTensor> tensors;
};

/// How the writer of a NIR file turned its continuous neurons into steps.
///  auto      told by the file: names, versions and parameters; what was concluded is among the assumptions
///  exact     forward Euler of NIR's equations: β = 1 − dt/τ, gain = r·dt/τ, reset by NIR's text (to v_reset, or to 0)
///  snntorch, spikingjelly, norse, sinabs, rockpool    that library's own (docs/formats/nir.md has the table)
struct NirOptions {
    std::string dialect = "auto";
    std::optional<double> dt;    ///< seconds per step
    std::optional<Reset> reset;  ///< overrides the dialect's
    int steps = 0;               ///< T of the network for images; 0: 100, which is said among the assumptions
    std::optional<Shape> input;  ///< [C, H, W], for graphs whose input node does not say
};

/// Throws InputError, with the nearest name, for a name that is no dialect.
void check_dialect(const std::string& name);

/// Reads a NIR graph (Neuromorphic Intermediate Representation, Pedersen et al. 2024; HDF5): branches that sum,
/// recurrence as cycles through a neuron, parameters that differ between neurons (docs/formats/nir.md says what becomes
/// of each node). Throws InputError that names the file and the node for other cycles, unknown or unsupported nodes,
/// what no layer has, shapes that do not fit, values that are not finite, and files that are not NIR. A damaged file
/// never crashes or hangs the program.
ImportedNetwork import_nir(const std::filesystem::path& path, const NirOptions& options = {});

/// Writes a network as a NIR graph; import_nir of the file gives the same network, to the bit. Throws InputError that
/// names the layer and what NIR cannot describe (max-pooling, joins other than sums, delayed resets, ≥, an input
/// scale…).
void export_nir(const Network& network, const std::filesystem::path& path);

/// How the tensors of a file find their layers.
///  automatic  by name if every name is known, else by shape; what has the same shape, by the numbers in the names (see
///             below). The order of the tensors in the file never counts.
///  by_name    "<layer>.weight", the names of the network's own layers, or torchvision's VGG names
///             ("features.0.weight", "classifier.6.bias") in a network of that shape
///  by_order   the k-th tensor of two or more axes is the k-th layer's weight
enum class MatchWeights { automatic, by_name, by_order };

/// Whose neurons count when a file of weights holds parameters of its neurons (β, thresholds, resets, …).
///  agree      both: they must say the same, up to the rounding of float32
///  file       the file's; what it does not hold is the network text's
///  text       the network text's; the file's are listed and left out
enum class NeuronSource { agree, file, text };

/// ε of a batch normalisation where nothing says it: PyTorch's default.
inline constexpr double kUsualBnEps = 1e-5;

/// (v − mean) / deviation of an input v, by one number or one for each channel.
struct InputNormalisation {
    std::vector<double> mean, deviation;
};

struct WeightOptions {
    MatchWeights match = MatchWeights::automatic;
    /// Layer → the module (or the weight) in the file that fills it: "full2" → "head.out". These do not look for a
    /// place. "full2.recurrent" → the module of the recurrent weights, or a number that all of them are. "conv1.norm" →
    /// the batch normalisation after the layer.
    std::map<std::string, std::string> layers;
    NeuronSource neurons = NeuronSource::agree;
    /// ε of batch normalisations, which a file of weights does not hold; absent: kUsualBnEps.
    std::optional<double> bn_eps = std::nullopt;
    /// What the network was trained on, where its inputs here are not normalised: folded into the layers that read the
    /// input.
    std::optional<InputNormalisation> input = std::nullopt;
};

/// Fills a network that parse_network gave (its weights are zero) from a state dict (.pth, .pt: zip+pickle or the older
/// form; read by an allow-list, nothing in the file is executed) or from safetensors; float16, bfloat16 and float64
/// become float32.
///
/// Names win over shapes' ambiguities: of tensors of one shape, a smaller number at the place where two names first
/// differ comes first (features.2 before features.10). Where names say nothing, the order in which the model defines
/// its modules counts if the file has it (PyTorch's _metadata). The layers of a graph are taken in the order of its
/// text. Where neither tells, or they contradict each other: an InputError that names both tensors. So entries in
/// another order give the same network or an error. Layers of one shape in different branches are told apart only where
/// the order of all other weights is that of the text.
///
/// Batch normalisations are folded into the layer they follow: in double precision scale = γ / √(running_var + ε),
/// weight = float(weight · scale), bias = float((bias − running_mean) · scale + β). Which layer that is, names and
/// order tell; what does not stand directly behind a weight is refused. A normalisation before all weights is folded
/// into the layer that reads the input, where that is exact. One that differs between steps (snnTorch's BatchNormTT,
/// SpikingJelly's BatchNormThroughTime and TemporalEffectiveBatchNorm) fills the BN4 that the network text has behind
/// that layer. Pruned weights and those of weight_norm are computed.
///
/// A normalisation of the input is folded likewise: exact but where a layer pads its input with zeros, which is an
/// InputError. Without one it is among the assumptions that inputs are as they were in training, pixels 0 to 1.
///
/// Recurrent weights of snnTorch, SpikingJelly, Norse and Sinabs fill recurrent layers. A recurrent bias is added to
/// the layer's, which is exact where the library adds it at every step; else it must be zero.
///
/// Parameters of neurons are compared with the network's or used (`NeuronSource`); with `file`, those that differ
/// between channels or neurons become the layer's values. What the text leaves to the file (beta=*) must be there.
/// Factors of graded spikes go into the weights that read them. What a layer cannot express (refractory times, bounds
/// of the membrane) is an InputError that names the layer.
///
/// States of neurons and counters are listed and left out. Everything else that no layer takes is an InputError by
/// name, with what to do: unknown parametrisations, spectral norm, quantised weights.
ImportedNetwork import_weights(const std::filesystem::path& path, Network network, const WeightOptions& options = {});

}  // namespace spikelens
