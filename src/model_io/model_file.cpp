#include "spikelens/model_io/model_file.h"

#include <cassert>
#include <cmath>
#include <set>
#include <type_traits>

#include <fmt/format.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/error.h"
#include "spikelens/io/json_fields.h"
#include "spikelens/io/sha256.h"
#include "spikelens/model_io/safetensors.h"

#include "description.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr const char* kModelKey = "spikelens";
constexpr const char* kCheckpointKey = "spikelens.checkpoint";
constexpr int64_t kMostEpochs = 1'000'000'000;
constexpr int64_t kMostSamples = int64_t{1} << 53;
// The formats of a checkpoint. Who knows the first alone must not take the second for an epoch's end.
constexpr int kEpochEnd = 1, kWithinEpoch = 2;

/// Where one of a network's parameters is kept.
template <class Values>
struct Parameter {
    std::string name;
    Shape shape;
    Values* values;
};

/// Of each layer in order: weight and bias, which training fits.
template <class Layers>
auto fitted_parameters(Layers& layers) {
    std::vector<Parameter<std::remove_reference_t<decltype((layers[0].weight))>>> all;
    for (auto& layer : layers) {
        if (!layer.weight_shape().empty()) all.push_back({layer.name + ".weight", layer.weight_shape(), &layer.weight});
        if (layer.has_bias) all.push_back({layer.name + ".bias", layer.bias_shape(), &layer.bias});
    }
    return all;
}

/// These, recurrent weights, and values of neurons.
template <class Layers>
auto parameters(Layers& layers) {
    auto all = fitted_parameters(layers);
    for (auto& layer : layers) {
        if (layer.recurrence.kind != RecurrenceKind::none)
            all.push_back({layer.name + ".recurrent.weight", layer.recurrent_shape(), &layer.recurrence.weight});
        for (auto& value : layer.values)
            all.push_back({layer.name + ".neuron." + value.field, value.values.shape, &value.values});
    }
    return all;
}

using Tensors = std::map<std::string, FloatArray>;

/// Moves a tensor out of the file. Throws InputError, naming it, when it is missing, of another shape, or not finite.
FloatArray take_tensor(Tensors& tensors, const std::string& name, const Shape& shape, const std::string& where) {
    const auto node = tensors.extract(name);
    if (node.empty()) throw InputError(fmt::format("{}: the tensor {} is missing", where, name));
    FloatArray& tensor = node.mapped();
    if (tensor.shape != shape)
        throw InputError(fmt::format("{}: the tensor {} has shape {}, expected {}", where, name,
                                     shape_text(tensor.shape), shape_text(shape)));
    for (int64_t i = 0; i < tensor.size(); ++i)
        if (!std::isfinite(tensor.data[i]))
            throw InputError(
                fmt::format("{}: the tensor {} holds a value that is not finite, at element {}", where, name, i));
    return std::move(tensor);
}

void require_no_more(const Tensors& tensors, const std::string& where) {
    if (!tensors.empty())
        throw InputError(
            fmt::format("{}: the tensor {} does not belong to the network", where, tensors.begin()->first));
}

/// Takes out of `tensors` what the network has.
void fill(Network& network, Tensors& tensors, const std::string& where) {
    for (const auto& parameter : parameters(network.layers))
        *parameter.values = take_tensor(tensors, parameter.name, parameter.shape, where);
    check_network(network, where);
}

Network take_network(Safetensors& file, const std::string& where) {
    const auto found = file.metadata.find(kModelKey);
    if (found == file.metadata.end())
        throw InputError(
            where +
            " is a safetensors file but not a Spikelens model: its metadata lacks the key \"spikelens\", which "
            "describes the network");
    const std::string place = where + ", metadata key \"spikelens\"";
    const json document = parse_json(found->second, place);
    Network network = read_description(JsonField(document, place));
    fill(network, file.tensors, where);
    return network;
}

/// What a model file holds; never one that load_model would refuse.
Safetensors network_contents(const Network& network, const std::string& where) {
    check_network(network, where);
    const json description = describe_network(network);
    read_description(JsonField(description, where));
    Safetensors contents;
    contents.metadata[kModelKey] = json_text(description, where);
    contents.tensors = network_tensors(network);
    return contents;
}

void add_momentum(Safetensors& contents, const Network& network, const TrainState& state) {
    if (state.momentum.empty()) return;
    auto next = state.momentum.begin();
    for (const auto& parameter : fitted_parameters(network.layers))
        contents.tensors["momentum." + parameter.name] = *next++;
    assert(next == state.momentum.end());
}

json checkpoint_document(const TrainState& state, const std::map<std::string, std::string>& options) {
    json history = json::array();
    for (const EpochResult& epoch : state.history)
        history.push_back({{"epoch", epoch.epoch},
                           {"loss", json_of_double(epoch.loss)},
                           {"accuracy", json_of_double(epoch.accuracy)},
                           {"seconds", json_of_double(epoch.seconds)}});
    json document = {{"format", kEpochEnd},
                     {"epochs_done", state.epochs_done},
                     {"history", history},
                     {"options", options},
                     {"momentum", !state.momentum.empty()}};
    if (state.part.samples == 0) return document;
    document["format"] = kWithinEpoch;
    document["part"] = {{"samples", state.part.samples},
                        {"loss", json_of_double(state.part.loss)},
                        {"correct", state.part.correct},
                        {"seconds", json_of_double(state.part.seconds)}};
    return document;
}

std::vector<EpochResult> read_history(const JsonField& field) {
    std::vector<EpochResult> history;
    for (const JsonField& epoch : field.items())
        history.push_back({static_cast<int>(epoch["epoch"].integer(1, kMostEpochs)), epoch["loss"].number(),
                           epoch["accuracy"].number(), epoch["seconds"].number()});
    for (size_t i = 0; i < history.size(); ++i)
        if (history[i].epoch != static_cast<int>(i) + 1)
            field.items()[i]["epoch"].fail(fmt::format("must be {}: epochs follow each other", i + 1));
    return history;
}

double read_sum(const JsonField& field) {
    const double value = field.number();
    if (!std::isfinite(value) || value < 0) field.fail("must be a number of 0 or more");
    return value;
}

EpochPart read_part(const JsonField& field) {
    EpochPart part;
    part.samples = field["samples"].integer(1, kMostSamples);
    part.loss = read_sum(field["loss"]);
    part.correct = field["correct"].integer(0, part.samples);
    part.seconds = read_sum(field["seconds"]);
    return part;
}

/// All of the state but for the momentum. Throws InputError where two fields contradict each other.
TrainState read_state(const JsonField& document) {
    TrainState state;
    const int64_t format = document["format"].integer(kEpochEnd, kWithinEpoch);
    state.epochs_done = static_cast<int>(document["epochs_done"].integer(0, kMostEpochs));
    state.history = read_history(document["history"]);
    if (state.history.size() != static_cast<size_t>(state.epochs_done))
        document["history"].fail("must have " + counted(state.epochs_done, "epoch") + ", as many as are done");
    if (document.has("part") != (format == kWithinEpoch))
        document["format"].fail(
            fmt::format("must be {} where there is a part of an epoch, else {}", kWithinEpoch, kEpochEnd));
    if (format == kWithinEpoch) state.part = read_part(document["part"]);
    if (!document["momentum"].boolean() && (state.epochs_done > 0 || format == kWithinEpoch))
        document["momentum"].fail("must be true: training has begun");
    return state;
}

std::string option_text(const std::map<std::string, std::string>& options, const std::string& name) {
    const auto found = options.find(name);
    return found == options.end() ? name + " not set" : name + " = " + found->second;
}

void require_same_options(const JsonField& field, const std::map<std::string, std::string>& options,
                          const std::string& where) {
    std::map<std::string, std::string> written;
    for (const std::string& name : field.keys()) written[name] = field[name].text();
    std::set<std::string> names;
    for (const auto& [name, value] : written) names.insert(name);
    for (const auto& [name, value] : options) names.insert(name);
    for (const std::string& name : names)
        if (option_text(written, name) != option_text(options, name))
            throw InputError(fmt::format(
                "{} was written with {}, but now it is {}: resume with the same options or train into another folder",
                where, option_text(written, name), option_text(options, name)));
}

void require_same_network(const Network& written, const Network& now, const std::string& where) {
    if (now.layers.empty()) return;
    const json there = describe_network(written), here = describe_network(now);
    for (const auto& [key, value] : there.items()) {
        if (key == "layers" || value == here[key] || (key == "classes" && now.classes.empty())) continue;
        throw InputError(fmt::format("{} belongs to another network: its {} is {}, but now it is {}", where, key,
                                     value.dump(), here[key].dump()));
    }
}

}  // namespace

std::map<std::string, FloatArray> network_tensors(const Network& network) {
    Tensors tensors;
    for (const auto& parameter : parameters(network.layers)) tensors[parameter.name] = *parameter.values;
    return tensors;
}

void set_tensors(Network& network, std::map<std::string, FloatArray> tensors, const std::string& where) {
    fill(network, tensors, where);
    require_no_more(tensors, where);
}

Network load_model(const fs::path& path) {
    Safetensors file = read_safetensors(path);
    Network network = take_network(file, path.string());
    require_no_more(file.tensors, path.string());
    return network;
}

void save_model(const Network& network, const fs::path& path) {
    write_safetensors(path, network_contents(network, "cannot save " + path.string()));
}

void save_checkpoint(const Network& network, const TrainState& state, const std::map<std::string, std::string>& options,
                     const fs::path& path) {
    const std::string where = "cannot save " + path.string();
    Safetensors contents = network_contents(network, where);
    contents.metadata[kCheckpointKey] = json_text(checkpoint_document(state, options), where);
    add_momentum(contents, network, state);
    write_safetensors(path, contents);
}

void load_checkpoint(Network& network, TrainState& state, const std::map<std::string, std::string>& options,
                     const fs::path& path) {
    const std::string where = path.string();
    Safetensors file = read_safetensors(path);
    Network loaded = take_network(file, where);
    if (!file.metadata.contains(kCheckpointKey))
        throw InputError(where + " is a model but not a checkpoint: it cannot be resumed");
    const std::string place = where + ", metadata key \"spikelens.checkpoint\"";
    const json json_document = parse_json(file.metadata[kCheckpointKey], place);
    const JsonField document(json_document, place);
    document["format"].integer(kEpochEnd, kWithinEpoch);
    require_same_options(document["options"], options, where);
    require_same_network(loaded, network, where);
    TrainState resumed = read_state(document);
    if (document["momentum"].boolean())
        for (const auto& parameter : fitted_parameters(loaded.layers))
            resumed.momentum.push_back(take_tensor(file.tensors, "momentum." + parameter.name, parameter.shape, where));
    require_no_more(file.tensors, where);
    network = std::move(loaded);
    state = std::move(resumed);
}

std::string model_fingerprint(const Network& network) {
    Sha256 hash;
    const std::string description = json_text(describe_network(network), "model fingerprint");
    hash.add(description.data(), description.size());
    for (const auto& parameter : parameters(network.layers))
        hash.add(parameter.values->data.data(), parameter.values->data.size() * sizeof(float));
    return hash.hex();
}

}  // namespace spikelens
