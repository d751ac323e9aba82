#include "explain_merge.h"

#include <algorithm>

#include <fmt/format.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/error.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/store.h"

namespace spikelens {
namespace {

std::string no_longer_listed(int64_t maps, const std::string& of) {
    return fmt::format("{} {} {} no longer listed", counted(maps, "map"), of, maps == 1 ? "is" : "are");
}

/// Whether the map was made with others of what the run holds.
bool is_stale(const MapSummary& map, const ExplainResult& result) {
    const auto differs = [](const auto& made_with, const auto& has) { return made_with && made_with != has; };
    return differs(map.relevant, result.relevant) || differs(map.probe, result.probe) ||
           differs(map.surrogate, result.surrogate);
}

/// Takes maps of the old entry over that the new one lacks; gives how many are stale.
int64_t take_maps(ExplainedImage& into, const ExplainedImage& old, const ExplainResult& result) {
    int64_t stale = 0;
    for (const MapSummary& map : old.maps)
        if (is_stale(map, result))
            ++stale;
        else if (std::ranges::find(into.maps, map.method, &MapSummary::method) == into.maps.end())
            into.maps.push_back(map);
    return stale;
}

ExplainResult merge(ExplainResult result, const ExplainResult& old, std::string& left_out) {
    if (result.fingerprint != old.fingerprint || result.identity != old.identity) {
        left_out = no_longer_listed(old.map_count(), "of another model or other data");
        return result;
    }
    int64_t stale = 0;
    std::vector<ExplainedImage> kept;
    for (const ExplainedImage& image : old.images) {
        const auto found = std::ranges::find_if(result.images, [&](const ExplainedImage& other) {
            return other.file == image.file && other.target == image.target;
        });
        if (found != result.images.end()) {
            stale += take_maps(*found, image, result);
            continue;
        }
        ExplainedImage other = image;
        other.maps.clear();
        stale += take_maps(other, image, result);
        if (!other.maps.empty()) kept.push_back(std::move(other));
    }
    result.images.insert(result.images.end(), kept.begin(), kept.end());
    if (stale > 0) left_out = no_longer_listed(stale, "made with other relevant filters, probes or surrogate");
    return result;
}

ExplainResult read_explanations(const std::filesystem::path& path) {
    const nlohmann::json document = read_json(path);
    try {
        return read_fields<ExplainResult>(document, path.string());
    } catch (const InputError& error) {
        throw InputError(std::string(error.what()) +
                         ": it is not what spikelens explain writes; remove it, or choose another folder");
    }
}

}  // namespace

ExplainResult merged_explanations(ExplainResult result, const std::filesystem::path& path, std::string& left_out) {
    left_out.clear();
    if (!std::filesystem::exists(path)) return result;
    return merge(std::move(result), read_explanations(path), left_out);
}

}  // namespace spikelens
