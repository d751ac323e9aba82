#include "scores.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "spikelens/core/error.h"
#include "spikelens/io/array_file.h"
#include "spikelens/io/folders.h"

namespace spikelens {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const std::string kMeasured = "/measured";  // of each metric
constexpr std::array kMapStates = {MapState::values, MapState::zero, MapState::noise, MapState::constant};

/// The identity of a file of scores; null for any other file.
json scores_identity(const fs::path& path) {
    try {
        const auto attributes = read_array_attributes(path);
        const auto found = attributes.find("identity");
        const json identity = found == attributes.end() ? json() : json::parse(found->second, nullptr, false);
        return identity.is_object() && identity.value("stage", json()) == "evaluate" ? identity : json();
    } catch (const InputError&) {  // not a file of ours
        return nullptr;
    }
}

}  // namespace

void save_scores(const MethodScores& scores, const Identity& identity, const fs::path& path) {
    ArrayFile file;
    file.attributes["identity"] = identity.inputs().dump();
    file.arrays["seconds"] = DoubleArray({1}, scores.seconds);
    file.arrays["done"] = Array<int64_t>({1}, scores.done);
    for (const auto& [metric, samples] : scores.measured)
        file.arrays[metric + kMeasured] = Array<int64_t>({1}, samples);
    file.arrays["undecided"] = Array<int64_t>({1}, scores.undecided);
    for (const MapState state : kMapStates) {
        const auto found = scores.maps.find(state);
        file.arrays["maps/" + map_state_text(state)] =
            Array<int64_t>({1}, found == scores.maps.end() ? 0 : found->second);
    }
    for (const auto& [metric, result] : scores.metrics) {
        file.arrays[metric + "/values"] = DoubleArray({static_cast<int64_t>(result.values.size())}, result.values);
        if (!result.curves.empty()) file.arrays[metric + "/curves"] = result.curves;
    }
    write_arrays(path, file);
}

MethodScores load_scores(const Identity& identity, const fs::path& path) {
    MethodScores scores;
    if (!fs::exists(path)) return scores;
    const ArrayFile file = read_arrays(path);
    if (const auto found = file.attributes.find("identity");
        found == file.attributes.end() || found->second != identity.inputs().dump())
        return scores;
    scores.seconds = file.get<double>("seconds").data.at(0);
    scores.done = file.get<int64_t>("done").data.at(0);
    scores.undecided = file.get<int64_t>("undecided").data.at(0);
    for (const MapState state : kMapStates)
        scores.maps[state] = file.get<int64_t>("maps/" + map_state_text(state)).data.at(0);
    for (const auto& [name, array] : file.arrays) {
        if (!name.ends_with(kMeasured)) continue;
        const std::string metric = name.substr(0, name.size() - kMeasured.size());
        scores.measured[metric] = file.get<int64_t>(name).data.at(0);
        if (!file.arrays.contains(metric + "/values")) continue;
        scores.metrics[metric].values = file.get<double>(metric + "/values").data;
        if (file.arrays.contains(metric + "/curves"))
            scores.metrics[metric].curves = file.get<float>(metric + "/curves");
    }
    return scores;
}

std::vector<std::string> remove_other_scores(const Identity& protocol, const fs::path& folder) {
    std::vector<std::string> removed;
    if (!fs::is_directory(folder)) return removed;
    const auto holds_scores = [](const fs::directory_entry& entry) {
        return entry.is_regular_file() && entry.path().extension() == ".h5";
    };
    for (const fs::directory_entry& entry : entries_of(folder, holds_scores)) {
        const json identity = scores_identity(entry.path());
        if (!identity.is_null() && !protocol.difference(identity).empty())
            removed.push_back(entry.path().filename().string());
    }
    for (const std::string& name : removed) fs::remove(folder / name);
    std::ranges::sort(removed);
    return removed;
}

}  // namespace spikelens
