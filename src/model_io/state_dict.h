#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "spikelens/model_io/import.h"

#include "tensor_view.h"

namespace spikelens {

/// How a weight follows from what the file holds.
///  stored       it is there
///  pruned       torch.nn.utils.prune: the weight times a mask
///  weight_norm  torch.nn.utils.weight_norm: v · (g / ‖v‖), the norm over all axes on which g has the extent 1
enum class Composition { stored, pruned, weight_norm };

struct StatePart {
    std::string from;
    TensorView view;
};

struct StateTensor {
    std::string from;  ///< name in the file
    std::string name;  ///< the same without the prefix of a wrapper
    TensorView view;   ///< of a weight that is composed: the view of the part that has its shape
    /// The place of its module among those of the model, in the order in which the model defines them; only where the
    /// file says (PyTorch's _metadata).
    std::optional<size_t> module;
    Composition composition = Composition::stored;
    std::vector<StatePart> parts;  ///< weight and mask, or g and v; none of what is stored
};

/// The named tensors of a file, in its order, whatever its format.
struct StateDict {
    std::string format;  ///< "pytorch", "safetensors"
    std::vector<StateTensor> tensors;
    std::vector<ImportedTensor> left_out;  ///< entries that are neither tensors nor numbers that count
    std::string network;                   ///< the network text, when the file is a model of Spikelens
    std::vector<std::string> assumptions;  ///< where the tensors were found, which prefix was removed
};

/// Reads the state dict of a PyTorch file (either form) or a safetensors file; which it is, its first bytes tell. Of a
/// checkpoint the dictionary of tensors under the first of docs/formats/pytorch.md's keys is taken. "module." and
/// "_orig_mod." are removed when every name begins with them. Plain numbers, lists of them and NumPy's scalars are
/// tensors where they are a neuron's parameter by their name or their name has a dot. Throws InputError for all other
/// files, names that are not UTF-8 or appear twice, and tensors whose elements leave their storage. Values are not
/// converted yet: what a file claims takes no memory.
StateDict read_state_dict(const std::filesystem::path& path);

}  // namespace spikelens
