#include "spikelens/pipeline/store.h"

#include <algorithm>

#include "spikelens/core/error.h"
#include "spikelens/io/files.h"
#include "spikelens/io/json_fields.h"
#include "spikelens/io/sha256.h"
#include "spikelens/pipeline/fields.h"

#include "result_file.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr const char* kChecksumKey = "checksum";
constexpr uint64_t kLongestDocument = uint64_t{1} << 30;
constexpr int64_t kLargestIndex = 1 << 30;
constexpr int64_t kMostSamples = int64_t{1} << 50;

/// Points whose supports are of these filters.
std::vector<LassoPoint> read_points(const JsonField& field, int64_t filters) {
    std::vector<LassoPoint> points;
    for (const JsonField& item : field.items()) {
        LassoPoint& point = points.emplace_back();
        read_field(item, point);
        (void)item["index"].integers(0, filters - 1);
        if (!std::ranges::is_sorted(point.index, std::ranges::less_equal{})) item["index"].fail("must ascend");
        if (point.weight.size() != point.index.size()) item["weight"].fail("must have as many values as index");
    }
    return points;
}

std::vector<FilterIndex> read_filters(const JsonField& field) {
    std::vector<FilterIndex> filters;
    for (const JsonField& item : field.items()) {
        const std::vector<int64_t> pair = item.integers(0, kLargestIndex);
        if (pair.size() != 2) item.fail("must be [layer, filter]");
        filters.push_back({static_cast<int>(pair[0]), static_cast<int>(pair[1])});
    }
    return filters;
}

}  // namespace

json read_json(const fs::path& path) {
    json document = parse_json(read_file(path, kLongestDocument), path.string());
    if (!document.is_object() || !document.contains(kChecksumKey)) return document;
    const json written = document[kChecksumKey];
    document.erase(kChecksumKey);
    if (written != sha256_of_bytes(document.dump()))
        throw InputError(path.string() +
                         " is not what was written: its checksum is of another content. Remove it, and the command "
                         "that made it makes it anew; or, if the change is meant, remove its checksum");
    return document;
}

void write_json(const fs::path& path, const json& document) {
    const std::string where = "cannot write " + path.string();
    json whole = document;
    if (whole.is_object()) whole[kChecksumKey] = sha256_of_bytes(json_text(document, where, -1));
    write_file(path, json_text(whole, where, 2) + "\n");
}

json stored_identity(const fs::path& path) {
    if (path.extension() != ".json") return identity_in(read_array_attributes(path), path);
    const json document = read_json(path);
    return document.is_object() ? document.value("identity", json()) : json();
}

void save_relevant_filters(const RelevantFilters& relevant, const json& identity, const fs::path& path) {
    json document = result_document(ResultKind::relevant_filters, identity);
    document["filters"] = json::array();
    for (const FilterIndex& filter : relevant.filters) document["filters"].push_back({filter.layer, filter.filter});
    document["budgets"] = json_of_doubles(relevant.budgets);
    document["chosen_mu"] = json_of_double(relevant.chosen_mu);
    document["classes"] = json::array();
    for (const LassoPath& path_of_class : relevant.classes)
        document["classes"].push_back({{"points", field_document(path_of_class.points)},
                                       {"breakpoints", field_document(path_of_class.breakpoints)}});
    write_json(path, document);
}

RelevantFilters load_relevant_filters(const json& identity, const fs::path& path) {
    const json json_document = read_json(path);
    const JsonField document(json_document, path.string());
    check_result(json_document, ResultKind::relevant_filters, identity, path);
    RelevantFilters relevant;
    relevant.filters = read_filters(document["filters"]);
    relevant.budgets = document["budgets"].numbers();
    relevant.chosen_mu = document["chosen_mu"].number();
    if (std::ranges::find(relevant.budgets, relevant.chosen_mu) == relevant.budgets.end())
        document["chosen_mu"].fail("must be one of budgets");
    const auto filters = static_cast<int64_t>(relevant.filters.size());
    for (const JsonField& item : document["classes"].items()) {
        relevant.classes.push_back({read_points(item["points"], filters), read_points(item["breakpoints"], filters)});
        if (relevant.classes.back().points.size() != relevant.budgets.size())
            item["points"].fail("must have one point per budget");
    }
    return relevant;
}

void save_ablation(const Ablation& ablation, const json& identity, const fs::path& path) {
    json document = result_document(ResultKind::ablation, identity);
    document.update(document_of(ablation));
    write_json(path, document);
}

Ablation load_ablation(const json& identity, const fs::path& path) {
    const json json_document = read_json(path);
    const JsonField document(json_document, path.string());
    check_result(json_document, ResultKind::ablation, identity, path);
    Ablation ablation;
    read_field(document, ablation);
    (void)document["class_samples"].integers(0, kMostSamples);
    for (const JsonField& item : document["curve"].items())
        for (const char* of_classes : {"class_relevant", "class_random"})
            if (item[of_classes].items().size() != ablation.class_samples.size())
                item[of_classes].fail("must have one value per class");
    return ablation;
}

}  // namespace spikelens
