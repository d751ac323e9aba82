#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "spikelens/snn/network.h"

namespace spikelens {

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
///  exact     forward Euler of NIR's equations: β = 1 − dt/τ, gain = r·dt/τ, reset by NIR's text (to v_reset, default 0)
///  snntorch, spikingjelly, norse, sinabs, rockpool    that library's own (docs/formats/nir.md has the table)
struct NirOptions {
    std::string dialect = "auto";
    std::optional<double> dt;    ///< seconds per step
    std::optional<Reset> reset;  ///< overrides the dialect's
    int steps = 0;               ///< T of the network for images; 0: 100, which is said among the assumptions
    std::optional<Shape> input;  ///< [C, H, W], for graphs whose input node does not say
};

/// Reads a feed-forward NIR graph (Neuromorphic Intermediate Representation, Pedersen et al. 2024; HDF5). Throws InputError
/// that names the file and the node for recurrent graphs, branches, unknown or unsupported nodes, parameters that differ
/// between neurons where a layer has one, shapes that do not fit, values that are not finite, and files that are not NIR. A
/// damaged file never crashes or hangs the program.
ImportedNetwork import_nir(const std::filesystem::path& path, const NirOptions& options = {});

/// Writes what NIR can say of a network: import_nir of the file gives the same network, to the bit. Throws InputError that
/// names the layer and what NIR has no word for (max-pooling, delayed resets, ≥, an input scale…).
void export_nir(const Network& network, const std::filesystem::path& path);

enum class MatchWeights { automatic, by_name, by_order };

/// Fills a network that parse_network gave (its weights are zero) from a state dict (.pth, .pt: zip+pickle or the older form;
/// read by an allow-list, nothing in the file is executed) or from safetensors. by_name: "<layer>.weight", the names of the
/// network's own layers, torchvision's VGG names ("features.0.weight", "classifier.6.bias") in a network of that shape;
/// by_order: weights of fitting shapes in the order of the file; automatic: by name if every name is known, else by order.
/// Buffers that are no weights (num_batches_tracked, …) and neuron parameters are listed and left out. float16, bfloat16 and
/// float64 become float32. Throws InputError that names the tensor and the layer when one is missing, left over or of another
/// shape.
ImportedNetwork import_weights(const std::filesystem::path& path, Network network,
                               MatchWeights match = MatchWeights::automatic);

}  // namespace spikelens
