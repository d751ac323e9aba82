#include "state_dict.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "spikelens/core/error.h"
#include "spikelens/io/files.h"

#include "neuron_fields.h"
#include "pickle_file.h"
#include "pickle_globals.h"
#include "pickle_number.h"
#include "safetensors_file.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

/// Where training scripts keep the weights in a checkpoint; the first that is there counts.
constexpr std::array<std::string_view, 9> kNestedKeys = {
    "state_dict", "model_state_dict", "model_state", "model", "net", "network", "module", "weights", "params"};
constexpr int kDeepestNesting = 3;
constexpr size_t kKeysInMessage = 10;
constexpr size_t kMostTensors = 65536;
constexpr int64_t kMostNumbers = int64_t{1} << 20;
/// Of DataParallel and torch.compile.
constexpr std::array<std::string_view, 2> kWrapperPrefixes = {"module.", "_orig_mod."};
constexpr std::streamsize kTarMagicPlace = 257;

struct FoundDict {
    const PickleValue* dict;
    std::string keys;  ///< "checkpoint", "checkpoint → model"
};

bool holds_tensor(const Pickle& pickle, const PickleValue& dict) {
    for (size_t i = 1; i < dict.items.size(); i += 2)
        if (is_tensor(pickle[dict.items[i]])) return true;
    return false;
}

/// Inner dictionaries count before the one they are in: a checkpoint may keep single tensors beside its weights.
std::optional<FoundDict> find_dict(const Pickle& pickle, const PickleValue& value, const std::string& keys, int depth,
                                   std::set<const PickleValue*>& seen) {
    if (value.kind != PickleKind::dict || !seen.insert(&value).second) return std::nullopt;
    for (const std::string_view key : kNestedKeys) {
        const PickleValue* inner = depth > 0 ? pickle.find(value, key) : nullptr;
        if (!inner) continue;
        const std::string path = keys + (keys.empty() ? "" : " → ") + std::string(key);
        if (auto found = find_dict(pickle, *inner, path, depth - 1, seen)) return found;
    }
    if (holds_tensor(pickle, value)) return FoundDict{&value, keys};
    return std::nullopt;
}

std::string keys_text(const Pickle& pickle, const PickleValue& value) {
    if (value.kind != PickleKind::dict) return "it holds no dictionary";
    std::vector<std::string> keys;
    for (size_t i = 0; i < value.items.size() && keys.size() < kKeysInMessage; i += 2)
        if (const PickleValue& key = pickle[value.items[i]]; key.kind == PickleKind::text)
            keys.push_back(shown(key.text));
    return keys.empty() ? "it has no keys" : fmt::format("its keys are {}", fmt::join(keys, ", "));
}

FoundDict require_dict(const Pickle& pickle, const std::string& where) {
    const PickleValue& root = pickle[pickle.root];
    std::set<const PickleValue*> seen;
    if (const auto found = find_dict(pickle, root, "", kDeepestNesting, seen)) return *found;
    throw InputError(
        fmt::format("{} holds no state dict: expected a dictionary of tensors, itself or under one of the keys {}; {}",
                    where, fmt::join(kNestedKeys, ", "), keys_text(pickle, root)));
}

std::string entry_name(const PickleValue& key, const std::string& where) {
    if (key.kind != PickleKind::text) throw InputError(where + ": a key of its state dict is no text");
    if (!is_utf8(key.text))
        throw InputError(where + ": the name " + shown(key.text) + " in its state dict is not UTF-8");
    return key.text;
}

/// The places of a model's modules by their names: PyTorch keeps them in the order in which the model defines them.
std::map<std::string, size_t> module_places(const Pickle& pickle, const PickleValue& dict) {
    std::map<std::string, size_t> places;
    if (dict.attributes.empty()) return places;
    const PickleValue* metadata = pickle.find(pickle[dict.attributes[0]], "_metadata");
    if (!metadata || metadata->kind != PickleKind::dict) return places;
    for (size_t i = 0; i + 1 < metadata->items.size(); i += 2)
        if (const PickleValue& key = pickle[metadata->items[i]]; key.kind == PickleKind::text)
            places.emplace(key.text, i / 2);
    return places;
}

std::optional<size_t> module_place(const std::map<std::string, size_t>& places, const std::string& tensor) {
    const size_t dot = tensor.rfind('.');
    const auto found = places.find(dot == std::string::npos ? "" : tensor.substr(0, dot));
    return found == places.end() ? std::nullopt : std::optional(found->second);
}

TensorView stored_tensor(const PickleFile& file, const PickleValue& value, const std::string& where) {
    PickledTensor tensor = pickled_tensor(file.pickle, value, where);
    return {file.storage(tensor.storage), tensor.storage.type, tensor.offset, std::move(tensor.shape),
            std::move(tensor.strides)};
}

/// Numbers that are no tensor count like one where they are of a module ("lif1.beta") or a neuron's parameter; a
/// learning rate or a score that a script keeps beside the weights is none.
std::optional<TensorView> numbers_beside_tensors(const Pickle& pickle, const PickleValue& value,
                                                 const std::string& name) {
    std::optional<TensorView> view = pickled_numbers(pickle, value);
    const bool counts = view && (name.find('.') != std::string::npos || is_neuron_parameter(name, view->shape));
    return counts ? view : std::nullopt;
}

StateDict read_pickle_file(const PickleFile& file, const std::string& where) {
    const FoundDict found = require_dict(file.pickle, where);
    StateDict state{.format = "pytorch", .tensors = {}, .left_out = {}, .network = {}, .assumptions = {}};
    if (!found.keys.empty())
        state.assumptions.push_back(fmt::format("The weights are those under the key {} of the file.", found.keys));
    const std::map<std::string, size_t> places = module_places(file.pickle, *found.dict);
    std::set<std::string> names;
    int64_t numbers = 0;
    for (size_t i = 0; i + 1 < found.dict->items.size(); i += 2) {
        std::string name = entry_name(file.pickle[found.dict->items[i]], where);
        if (!names.insert(name).second) throw InputError(where + ": the name " + shown(name) + " appears twice");
        const PickleValue& value = file.pickle[found.dict->items[i + 1]];
        std::optional<TensorView> view = is_tensor(value)
                                             ? stored_tensor(file, value, where + ": the tensor " + shown(name))
                                             : numbers_beside_tensors(file.pickle, value, name);
        if (!view) {
            state.left_out.push_back({std::move(name), "", {}, "not a tensor"});
            continue;
        }
        if (!is_tensor(value)) numbers += element_count(view->shape);
        if (numbers > kMostNumbers)  // one list may stand under many names
            throw InputError(
                fmt::format("{}: its state dict holds more than {} numbers beside tensors", where, kMostNumbers));
        if (state.tensors.size() == kMostTensors)
            throw InputError(fmt::format("{}: its state dict holds more than {} tensors", where, kMostTensors));
        state.tensors.push_back({name, name, std::move(*view), module_place(places, name), {}, {}});
    }
    return state;
}

/// The network text of a model file of ours (docs/formats/model.md), "" of others.
std::string own_text(const SafetensorsFile& file) {
    const auto description = file.header.metadata.find("spikelens");
    if (description == file.header.metadata.end()) return "";
    const nlohmann::json document = nlohmann::json::parse(description->second, nullptr, false);
    const bool told = document.is_object() && document.contains("network") && document["network"].is_string();
    return told ? document["network"].get<std::string>() : "";
}

StateDict read_safetensors_file(const fs::path& path) {
    const SafetensorsFile file = open_safetensors(path);
    std::vector<std::pair<std::string, TensorEntry>> entries(file.header.tensors.begin(), file.header.tensors.end());
    std::ranges::stable_sort(entries, {}, [](const auto& named) { return named.second.begin; });
    StateDict state{
        .format = "safetensors", .tensors = {}, .left_out = {}, .network = own_text(file), .assumptions = {}};
    for (const auto& [name, entry] : entries) state.tensors.push_back({name, name, file.view(entry), {}, {}, {}});
    return state;
}

StateDict read_any(const fs::path& path) {
    const std::string where = path.string();
    const std::string start = read_start(path, kTarMagicPlace + 5);
    if (begins_as(path) == "safetensors") return read_safetensors_file(path);
    if (start.starts_with("PK")) return read_pickle_file(open_pickle_zip(path), where);
    if (start.starts_with('\x80')) return read_pickle_file(open_pickle_stream(path), where);
    if (start.ends_with("ustar"))
        throw InputError(where +
                         " is a tar archive, as versions before 0.1.10 of PyTorch wrote: load and save it again with a "
                         "newer one");
    throw InputError(where + " is neither a file of PyTorch (zip archive or pickle) nor of safetensors");
}

/// Whether every name began with the prefix of a wrapper, which is then gone.
bool remove_wrapper(StateDict& state) {
    for (const std::string_view prefix : kWrapperPrefixes) {
        if (!std::ranges::all_of(state.tensors,
                                 [&](const StateTensor& tensor) { return tensor.name.starts_with(prefix); }))
            continue;
        for (StateTensor& tensor : state.tensors) tensor.name.erase(0, prefix.size());
        state.assumptions.push_back(fmt::format("The prefix \"{}\" of every name is {} and was removed.", prefix,
                                                prefix == "module." ? "DataParallel's" : "torch.compile's"));
        return true;
    }
    return false;
}

}  // namespace

StateDict read_state_dict(const fs::path& path) {
    StateDict state = read_any(path);
    while (!state.tensors.empty() && remove_wrapper(state)) {
    }
    return state;
}

}  // namespace spikelens
