#include <algorithm>

#include "bytes.h"
#include "colours.h"
#include "maps.h"
#include "page.h"
#include "png.h"

namespace spikelens::report {
namespace {

using Json = nlohmann::json;

constexpr int64_t icon_side = 40;

std::string packed(const std::string& bytes) { return base64(deflate(bytes)); }

/// [[mu, is_breakpoint, [[name, weight], …]], …], μ ascending.
Json path_of(const ClassPath& path) {
    Json steps = Json::array();
    const auto add = [&](const std::vector<PathPoint>& points, int kind) {
        for (const PathPoint& point : points) {
            Json filters = Json::array();
            for (const WeightedFilter& filter : point.filters) filters.push_back({filter.name, filter.weight});
            steps.push_back({point.mu, kind, filters});
        }
    };
    if (path.worst_residual() > optimality_tolerance) return steps;
    add(path.points, 0);
    add(path.breakpoints, 1);
    std::stable_sort(steps.begin(), steps.end(), [](const Json& a, const Json& b) { return a[0] < b[0]; });
    return steps;
}

Json paths_of(const Page& page) {
    Json paths = Json::array();
    if (page.results.interpret)
        for (const ClassPath& path : page.results.interpret->per_class)
            paths.push_back({{"steps", path_of(path)}, {"predicted", path.predicted}});
    return paths;
}

Json filters_of(const Page& page) {
    Json filters = Json::array();
    for (const ReportFilter& filter : page.data.filters)
        filters.push_back(
            {{"name", filter.name}, {"icon", filter.average.empty() ? "" : data_uri(png(shrink(filter.average, icon_side)))}});
    return filters;
}

Json methods_of(const Page& page) {
    Json methods = Json::array();
    for (const ReportMethod& method : page.data.methods)
        methods.push_back({{"name", method.name},
                           {"title", method.title},
                           {"meaning", method.meaning},
                           {"signed", method.signed_values},
                           {"baseline", method.baseline}});
    return methods;
}

Json map_of(const FloatArray& map, std::string& bytes) {
    static constexpr const char* states[] = {"values", "zero", "constant", "invalid"};
    const QuantisedMap quantised = quantise(map);
    Json entry = {{"state", states[static_cast<int>(quantised.state)]}, {"low", quantised.low}, {"high", quantised.high}};
    const size_t axes = map.shape.size();
    entry["height"] = axes >= 2 ? map.shape[axes - 2] : 0;
    entry["width"] = axes >= 1 ? map.shape[axes - 1] : 0;
    entry["offset"] = bytes.size();
    bytes.append(quantised.steps.begin(), quantised.steps.end());
    return entry;
}

Json images_of(const Page& page, std::string& bytes) {
    Json images = Json::array();
    for (const ReportImage& image : page.data.images) {
        Json maps = Json::array();
        for (size_t m = 0; m < std::min(image.maps.size(), page.data.methods.size()); ++m)
            maps.push_back(map_of(image.maps[m], bytes));
        images.push_back({{"name", image_name(image)},
                          {"label", image.label},
                          {"predicted", image.predicted},
                          {"probabilities", image.probabilities},
                          {"maps", maps},
                          {"events", !image.cloud.empty()}});
    }
    return images;
}

Json names_of(const Page& page) {
    const size_t paths = page.results.interpret ? page.results.interpret->per_class.size() : 0;
    Json names = Json::array();
    for (size_t i = 0; i < std::max(paths, page.results.classes.size()); ++i)
        names.push_back(page.results.class_name(static_cast<int64_t>(i)));
    return names;
}

}  // namespace

Bundle bundle(const Page& page) {
    std::string maps;
    Json values = {{"run", page.data.run},        {"classes", names_of(page)},   {"paths", paths_of(page)},
                   {"filters", filters_of(page)}, {"methods", methods_of(page)}, {"figures", page.figures}};
    values["noun"] = page.noun();
    values["images"] = images_of(page, maps);
    values["mu"] = page.chosen_mu();
    values["budgets"] = page.results.interpret ? Json(page.results.interpret->budgets) : Json::array();
    values["palettes"] = {{"sequential", base64(palette_bytes(spikelens::sequential_palette()))},
                          {"diverging", base64(palette_bytes(spikelens::diverging_palette()))}};
    values["documents"] = {{"manifest", page.data.manifest},
                           {"train", page.data.train},
                           {"interpret", page.data.interpret},
                           {"evaluate", page.data.evaluate}};
    return {packed(values.dump(-1, ' ', false, Json::error_handler_t::replace)), packed(maps)};
}

}  // namespace spikelens::report
