#include <algorithm>
#include <bit>

#include "spikelens/pipeline/fields.h"

#include "bytes.h"
#include "colours.h"
#include "maps.h"
#include "page.h"
#include "png.h"

namespace spikelens::report {
namespace {

using Json = nlohmann::json;

constexpr int64_t kIconSide = 40;
static_assert(std::endian::native == std::endian::little, "browsers read the maps' values as little-endian");

Html packed(const char* id, const std::string& bytes) {
    return Html::embedded("script", {{"type", "application/octet-stream"}, {"id", id}}, base64(deflate(bytes)));
}

/// [[mu, is_breakpoint, [[name, weight], …]], …], μ ascending.
Json path_of(const ClassPath& path) {
    Json steps = Json::array();
    const auto add = [&](const std::vector<PathPoint>& points, int kind) {
        for (const PathPoint& point : points) {
            Json filters = Json::array();
            for (const WeightedFilter& filter : point.filters) filters.push_back({name_of(filter), filter.weight});
            steps.push_back({point.mu, kind, filters});
        }
    };
    if (worst_residual(path) > kOptimalityTolerance) return steps;
    add(path.path, 0);
    add(path.breakpoints, 1);
    std::stable_sort(steps.begin(), steps.end(), [](const Json& a, const Json& b) { return a[0] < b[0]; });
    return steps;
}

Json paths_of(const Page& page) {
    Json paths = Json::array();
    if (page.results.interpret)
        for (const ClassPath& path : page.results.interpret->per_class)
            paths.push_back({{"steps", path_of(path)}, {"predicted", path.predicted_samples}});
    return paths;
}

Json filters_of(const Page& page) {
    Json filters = Json::array();
    for (const ReportFilter& filter : page.data.filters)
        filters.push_back({{"name", filter.name},
                           {"icon", filter.average.empty() ? "" : data_uri(png(shrink(filter.average, kIconSide)))}});
    return filters;
}

Json methods_of(const Page& page) {
    Json methods = Json::array();
    for (const ReportMethod& method : page.data.methods)
        methods.push_back({{"name", method.name},
                           {"title", method.title},
                           {"meaning", method.meaning},
                           {"signed", method.signed_values},
                           {"baseline", method.sanity_baseline}});
    return methods;
}

/// Four bytes a value, or one.
void append_values(const FloatArray& map, const QuantisedMap& quantised, bool exact, std::string& bytes) {
    if (!exact)
        bytes.append(quantised.steps.begin(), quantised.steps.end());
    else if (quantised.state != QuantisedMap::State::invalid)
        bytes.append(reinterpret_cast<const char*>(map.data.data()), map.data.size() * sizeof(float));
}

Json map_of(const ReportImage& image, size_t method, bool exact, std::string& bytes) {
    static constexpr const char* states[] = {"values", "zero", "noise", "constant", "invalid"};
    const FloatArray& map = image.maps[method];
    const QuantisedMap quantised = quantise(image, method);
    Json entry = {
        {"state", states[static_cast<int>(quantised.state)]}, {"low", quantised.low}, {"high", quantised.high}};
    const size_t axes = map.shape.size();
    entry["height"] = axes >= 2 ? map.shape[axes - 2] : 0;
    entry["width"] = axes >= 1 ? map.shape[axes - 1] : 0;
    entry["offset"] = bytes.size();
    append_values(map, quantised, exact, bytes);
    return entry;
}

Json images_of(const Page& page, std::string& bytes) {
    const bool exact = ships_exact_values(page.data);
    Json images = Json::array();
    for (const ReportImage& image : page.data.images) {
        Json maps = Json::array();
        for (size_t m = 0; m < std::min(image.maps.size(), page.data.methods.size()); ++m)
            maps.push_back(map_of(image, m, exact, bytes));
        images.push_back({{"name", image_name(image)},
                          {"label", image.label},
                          {"predicted", image.predicted},
                          {"undecided", image.undecided},
                          {"right", image.is_right()},
                          {"probabilities", image.probabilities},
                          {"maps", maps},
                          {"events", !image.cloud.empty()}});
    }
    return images;
}

template <class Result>
Json document(const std::optional<Result>& result) {
    return result ? document_of(*result) : Json();
}

Json names_of(const Page& page) {
    const size_t paths = page.results.interpret ? page.results.interpret->per_class.size() : 0;
    Json names = Json::array();
    for (size_t i = 0; i < std::max(paths, page.results.classes.size()); ++i)
        names.push_back(page.results.class_name(static_cast<int64_t>(i)));
    return names;
}

}  // namespace

bool ships_exact_values(const ReportData& data) {
    constexpr size_t most = 4U << 20;  // bytes before they are packed; the whole report stays below 15 MB
    size_t bytes = 0;
    for (const ReportImage& image : data.images)
        for (const FloatArray& map : image.maps) bytes += map.data.size() * sizeof(float);
    return bytes <= most;
}

Html bundle(const Page& page) {
    std::string maps;
    Json values = {{"run", page.data.run},        {"classes", names_of(page)},   {"paths", paths_of(page)},
                   {"filters", filters_of(page)}, {"methods", methods_of(page)}, {"figures", page.figures}};
    values["noun"] = page.noun();
    values["exact"] = ships_exact_values(page.data);
    values["images"] = images_of(page, maps);
    values["mu"] = page.chosen_mu();
    values["budgets"] = page.results.interpret ? Json(page.results.interpret->mu) : Json::array();
    values["palettes"] = {{"sequential", base64(palette_bytes(spikelens::sequential_palette()))},
                          {"diverging", base64(palette_bytes(spikelens::diverging_palette()))}};
    const RunResults& results = page.data.results;
    values["documents"] = {{"manifest", page.data.manifest},
                           {"train", results.import ? document(results.import) : document(results.train)},
                           {"interpret", document(results.interpret)},
                           {"evaluate", document(results.evaluate)}};
    return packed("values", values.dump(-1, ' ', false, Json::error_handler_t::replace)) + packed("maps", maps);
}

}  // namespace spikelens::report
