#include "explain_document.h"

#include <algorithm>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/pipeline/store.h"

namespace spikelens::app {
namespace {

using nlohmann::json;

bool same(const json& a, const json& b, std::initializer_list<const char*> fields) {
    return std::ranges::all_of(fields, [&](const char* field) { return a.value(field, json()) == b.value(field, json()); });
}

json* entry_like(json& list, const json& entry, std::initializer_list<const char*> fields) {
    const auto found = std::ranges::find_if(list, [&](const json& other) { return same(other, entry, fields); });
    return found == list.end() ? nullptr : &*found;
}

size_t map_count(const json& images) {
    size_t count = 0;
    for (const json& image : images) count += image.at("maps").size();
    return count;
}

std::string maps_text(size_t count) { return fmt::format("{} map{}", count, count == 1 ? "" : "s"); }

/// Takes maps of the old entry over that the new one lacks; gives how many were made with others of what the
/// run holds (relevant filters, probes, surrogate).
size_t take_maps(json& into, const json& old, const json& document) {
    size_t stale = 0;
    const auto is_other = [&](const json& map, const char* name) {
        return map.contains(name) && map[name] != document.value(name, json());
    };
    for (const json& map : old.at("maps")) {
        if (is_other(map, "relevant") || is_other(map, "probe") || is_other(map, "surrogate"))
            ++stale;
        else if (!entry_like(into.at("maps"), map, {"method"}))
            into["maps"].push_back(map);
    }
    return stale;
}

json merge(json document, const json& old, std::string& left_out) {
    json& images = document["images"];
    if (!same(document, old, {"fingerprint", "identity"})) {
        left_out = fmt::format("{} of another model or other data {} no longer listed", maps_text(map_count(old.at("images"))),
                               map_count(old.at("images")) == 1 ? "is" : "are");
        return document;
    }
    size_t stale = 0;
    json kept = json::array();
    for (const json& image : old.at("images")) {
        if (json* found = entry_like(images, image, {"file", "target"})) {
            stale += take_maps(*found, image, document);
            continue;
        }
        json other = image;
        other["maps"] = json::array();
        stale += take_maps(other, image, document);
        if (!other["maps"].empty()) kept.push_back(std::move(other));
    }
    images.insert(images.end(), kept.begin(), kept.end());
    if (stale > 0)
        left_out = fmt::format("{} made with other relevant filters, probes or surrogate {} no longer listed", maps_text(stale),
                               stale == 1 ? "is" : "are");
    return document;
}

}  // namespace

json merged_explanations(json document, const std::filesystem::path& path, std::string& left_out) {
    left_out.clear();
    if (!std::filesystem::exists(path)) return document;
    try {
        return merge(std::move(document), read_json(path), left_out);
    } catch (const json::exception&) {
        throw InputError(path.string() +
                         " is damaged: expected what spikelens explain writes; remove it, or choose another folder");
    }
}

}  // namespace spikelens::app
