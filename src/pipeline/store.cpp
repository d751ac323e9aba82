#include "spikelens/pipeline/store.h"

#include <algorithm>

#include "spikelens/io/files.h"
#include "spikelens/io/json_fields.h"

#include "result_file.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr uint64_t longest_document = uint64_t{1} << 30;
constexpr int64_t largest_index = 1 << 30;
constexpr int64_t most_samples = int64_t{1} << 50;

json point_document(const LassoPoint& point) {
    return {{"mu", json_of_double(point.mu)},
            {"index", point.index},
            {"weight", json_of_doubles(point.weight)},
            {"l1", json_of_double(point.l1)},
            {"objective", json_of_double(point.objective)},
            {"kkt_residual", json_of_double(point.kkt_residual)},
            {"duality_gap", json_of_double(point.duality_gap)}};
}

LassoPoint read_point(const JsonField& field, int64_t filters) {
    LassoPoint point;
    point.mu = field["mu"].number();
    for (int64_t index : field["index"].integers(0, filters - 1)) point.index.push_back(static_cast<int>(index));
    if (!std::ranges::is_sorted(point.index, std::ranges::less_equal{})) field["index"].fail("must ascend");
    point.weight = field["weight"].numbers();
    if (point.weight.size() != point.index.size()) field["weight"].fail("must have as many values as index");
    point.l1 = field["l1"].number();
    point.objective = field["objective"].number();
    point.kkt_residual = field["kkt_residual"].number();
    point.duality_gap = field["duality_gap"].number();
    return point;
}

json points_document(const std::vector<LassoPoint>& points) {
    json list = json::array();
    for (const LassoPoint& point : points) list.push_back(point_document(point));
    return list;
}

std::vector<LassoPoint> read_points(const JsonField& field, int64_t filters) {
    std::vector<LassoPoint> points;
    for (const JsonField& item : field.items()) points.push_back(read_point(item, filters));
    return points;
}

std::vector<FilterIndex> read_filters(const JsonField& field) {
    std::vector<FilterIndex> filters;
    for (const JsonField& item : field.items()) {
        const std::vector<int64_t> pair = item.integers(0, largest_index);
        if (pair.size() != 2) item.fail("must be [layer, filter]");
        filters.push_back({static_cast<int>(pair[0]), static_cast<int>(pair[1])});
    }
    return filters;
}

json ablation_point_document(const AblationPoint& point) {
    return {{"mu", json_of_double(point.mu)},
            {"mean_filters", json_of_double(point.mean_filters)},
            {"relevant_accuracy", json_of_double(point.relevant_accuracy)},
            {"relevant_ci95", json_of_double(point.relevant_ci95)},
            {"random_accuracy", json_of_double(point.random_accuracy)},
            {"random_ci95", json_of_double(point.random_ci95)},
            {"random_draws", json_of_doubles(point.random_draws)},
            {"class_relevant", json_of_doubles(point.class_relevant)},
            {"class_random", json_of_doubles(point.class_random)}};
}

AblationPoint read_ablation_point(const JsonField& field, size_t classes) {
    AblationPoint point;
    point.mu = field["mu"].number();
    point.mean_filters = field["mean_filters"].number();
    point.relevant_accuracy = field["relevant_accuracy"].number();
    point.relevant_ci95 = field["relevant_ci95"].number();
    point.random_accuracy = field["random_accuracy"].number();
    point.random_ci95 = field["random_ci95"].number();
    point.random_draws = field["random_draws"].numbers();
    point.class_relevant = field["class_relevant"].numbers();
    point.class_random = field["class_random"].numbers();
    if (point.class_relevant.size() != classes) field["class_relevant"].fail("must have one value per class");
    if (point.class_random.size() != classes) field["class_random"].fail("must have one value per class");
    return point;
}

}  // namespace

json read_json(const fs::path& path) { return parse_json(read_file(path, longest_document), path.string()); }

void write_json(const fs::path& path, const json& document) {
    write_file(path, json_text(document, "cannot write " + path.string(), 2) + "\n");
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
        document["classes"].push_back(
            {{"points", points_document(path_of_class.points)}, {"breakpoints", points_document(path_of_class.breakpoints)}});
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
    document["full_accuracy"] = json_of_double(ablation.full_accuracy);
    document["class_samples"] = ablation.class_samples;
    document["curve"] = json::array();
    for (const AblationPoint& point : ablation.curve) document["curve"].push_back(ablation_point_document(point));
    write_json(path, document);
}

Ablation load_ablation(const json& identity, const fs::path& path) {
    const json json_document = read_json(path);
    const JsonField document(json_document, path.string());
    check_result(json_document, ResultKind::ablation, identity, path);
    Ablation ablation;
    ablation.full_accuracy = document["full_accuracy"].number();
    ablation.class_samples = document["class_samples"].integers(0, most_samples);
    for (const JsonField& item : document["curve"].items())
        ablation.curve.push_back(read_ablation_point(item, ablation.class_samples.size()));
    return ablation;
}

}  // namespace spikelens
