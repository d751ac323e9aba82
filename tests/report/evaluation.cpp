#include "evaluation.h"

#include <cmath>

namespace spikelens::report_test {
namespace {

using Json = nlohmann::json;

constexpr MethodTraits image_methods[] = {
    {"svebi", "SVEBI heatmap of the relevant filters", "Spikes of the filters that drive the class; never negative",
     false, false, 0.72, 0.41, 4e-4},
    {"grad2d", "Gradient, summed over time", "Change of the class score with a pixel; negative lowers it", true, false,
     0.66, 0.47, 9e-3},
    {"ig2d", "Integrated gradients, summed over time", "Share of the class score; negative speaks against the class",
     true, false, 0.81, 0.25, 0.12},
    {"sam", "Spike activation map", "Recent spikes of a layer, whatever the class", false, false, 0.69, 0.4, 1.1e-3},
    {"random", "Random map", "Nothing: a seeded random order", false, true, 0.57, 0.57, 1e-6},
    {"intensity", "Input intensity", "Brightness of the pixel", false, true, 0.806, 0.281, 1e-6}};
constexpr MethodTraits recording_methods[] = {
    {"svebi", "SVEBI heatmap of the relevant filters", "Spikes of the filters that drive the class; never negative",
     false, false, 0.62, 0.51, 4e-4},
    {"grad3d", "Gradient at each step", "Change of the class score with a spike; negative lowers it", true, false, 0.66,
     0.47, 9e-3},
    {"ig3d", "Integrated gradients over inserted spikes", "Share of the class score; negative speaks against the class",
     true, false, 0.81, 0.25, 0.12},
    {"sam", "Spike activation map", "Recent spikes of a layer, whatever the class", false, false, 0.69, 0.4, 1.1e-3},
    {"random", "Random map", "Nothing: a seeded random order", false, true, 0.57, 0.57, 1e-6},
    {"input", "Spikes of the pixel", "How many spikes a pixel has", false, true, 0.706, 0.381, 1e-6}};

Json metric(const char* name, double area, bool higher) {
    Json curve = Json::array(), half = Json::array();
    for (int i = 0; i <= 28; ++i) {
        const double t = i / 28.0, power = area >= 0.5 ? 0.9 / area - 0.6 : 2 - area;
        curve.push_back(higher ? 0.1 + 0.85 * std::pow(t, power * power) : 0.1 + 0.85 * std::pow(1 - t, 0.6 / area));
        half.push_back(0.02 * std::sqrt(t * (1 - t)) + 0.004);
    }
    return {{"metric", name},    {"better", higher ? "higher" : "lower"},
            {"mean", area},      {"ci95", {area - 0.017, area + 0.017}},
            {"samples", 1000},   {"curve", curve},
            {"curve_ci95", half}};
}

/// A metric without a curve; not finite for the first method of a broken report.
Json plain_metric(const char* name, double mean, bool finite) {
    return {{"metric", name},
            {"better", "lower"},
            {"mean", finite ? Json(mean) : Json()},
            {"ci95", finite ? Json{mean * 0.9, mean * 1.1} : Json()},
            {"samples", 100},
            {"curve", Json::array()},
            {"curve_ci95", Json::array()}};
}

Json metrics_of(const FixtureOptions& options, const MethodTraits& method, bool first) {
    if (!options.recordings)
        return {metric("insertion", method.insertion, true), metric("deletion", method.deletion, false)};
    return {metric("spike_insertion", method.insertion, true), metric("spike_deletion", method.deletion, false),
            plain_metric("sensitivity", 1.7 - method.insertion, !(first && options.broken)),
            plain_metric("completeness", 12345 * method.deletion, true)};
}

Json differences(const FixtureOptions& options) {
    const std::span<const MethodTraits> methods = methods_of(options);
    const std::string prefix = options.recordings ? "spike_" : "";
    Json list = Json::array();
    for (const std::string& name : {prefix + "insertion", prefix + "deletion"})
        for (size_t a = 0; a < std::size(methods); ++a)
            for (size_t b = a + 1; b < std::size(methods); ++b) {
                const bool insertion = name == prefix + "insertion";
                const double d =
                    insertion ? methods[a].insertion - methods[b].insertion : methods[a].deletion - methods[b].deletion;
                list.push_back({{"metric", name},
                                {"a", methods[a].name},
                                {"b", methods[b].name},
                                {"difference", d},
                                {"ci95", {d - 0.015, d + 0.015}},
                                {"decided", std::abs(d) > 0.015}});
            }
    if (options.recordings)
        list.push_back({{"metric", "completeness"},
                        {"a", "grad3d"},
                        {"b", "ig3d"},
                        {"difference", 2716.0},
                        {"ci95", {2000.0, 3400.0}},
                        {"decided", true}});
    return list;
}

}  // namespace

std::span<const MethodTraits> methods_of(const FixtureOptions& options) {
    return options.recordings ? std::span(recording_methods) : std::span(image_methods);
}

Json evaluation(const FixtureOptions& options) {
    Json list = Json::array();
    for (const MethodTraits& m : methods_of(options))
        list.push_back({{"method", m.name},
                        {"title", m.title},
                        {"sanity_baseline", m.baseline},
                        {"seconds_per_explanation", m.seconds},
                        {"zero_maps", 0},
                        {"noise_maps", 0},
                        {"constant_maps", 0},
                        {"metrics", metrics_of(options, m, list.empty())}});
    Json paper = Json::array();
    const auto add = [&](const char* method, double insertion, double deletion) {
        paper.push_back({{"method", method},
                         {"metric", "insertion"},
                         {"value", insertion},
                         {"source", "De Laet et al. 2025, Table 1"}});
        paper.push_back({{"method", method},
                         {"metric", "deletion"},
                         {"value", deletion},
                         {"source", "De Laet et al. 2025, Table 1"}});
    };
    if (!options.recordings) add("svebi", 0.8459, 0.3516), add("grad2d", 0.8199, 0.3285), add("ig2d", 0.7814, 0.1678);
    return {{"command", "evaluate"},
            {"run", "runs/synthetic"},
            {"data", "synthetic"},
            {"fingerprint", "synthetic"},
            {"identity", Json::object()},
            {"input", options.recordings ? "recordings" : "images"},
            {"coding", nullptr},
            {"samples", 1000},
            {"undecided", 0},
            {"metrics", Json::array()},
            {"seed", 1},
            {"baseline", "black"},
            {"pixels_per_step", 28},
            {"steps", 28},
            {"spike_steps", 28},
            {"methods", list},
            {"differences", differences(options)},
            {"paper", paper}};
}

}  // namespace spikelens::report_test
