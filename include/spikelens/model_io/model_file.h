#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "spikelens/snn/network.h"
#include "spikelens/train/train.h"

namespace spikelens {

/// A model file is safetensors with tensors "<layer>.weight" and "<layer>.bias" and, in its metadata, the key
/// "spikelens": one JSON document that describes the network completely (docs/formats/model.md). Throws InputError for
/// files that are not such a model, for NaN or infinite weights, and for shapes that do not match the description.
Network load_model(const std::filesystem::path& path);
void save_model(const Network& network, const std::filesystem::path& path);

/// A network's parameters by the names that model files give them: "conv1.weight", "conv1.bias",
/// "conv1.recurrent.weight", "conv1.neuron.beta".
std::map<std::string, FloatArray> network_tensors(const Network& network);

/// Puts these in place of all of a network's parameters. Throws InputError, which begins with `where`, for a tensor
/// that is missing, belongs to no layer, has another shape than the layer's, or holds a value that cannot be.
void set_tensors(Network& network, std::map<std::string, FloatArray> tensors, const std::string& where);

/// A training checkpoint: the model with momentum and history. The options it belongs to are kept as text; resuming
/// under other options is an InputError that names the first difference with both values. Loading replaces `network`
/// and `state`, or neither when it throws; a `network` that has layers must be of the checkpoint's description (an
/// empty list of classes fits all).
void save_checkpoint(const Network& network, const TrainState& state, const std::map<std::string, std::string>& options,
                     const std::filesystem::path& path);
void load_checkpoint(Network& network, TrainState& state, const std::map<std::string, std::string>& options,
                     const std::filesystem::path& path);

/// A 64-hex-digit identity of a network: SHA-256 over its description and weights. Result files carry it, so that a
/// result of another model is noticed.
std::string model_fingerprint(const Network& network);

}  // namespace spikelens
