#include "maps.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "numbers.h"
#include "png.h"

namespace spikelens::report {
namespace {

constexpr double kEqualUpTo = 0x1p-21;  // of the largest magnitude: four roundings of float32 on either side

/// Signed maps are drawn around zero: the entry of `value` when ±`reach` spans the palette.
uint8_t diverging_entry(float value, float reach) {
    return static_cast<uint8_t>(127 + std::lround(127 * std::clamp(value / reach, -1.0F, 1.0F)));
}

std::string static_picture(const FloatArray& map, const QuantisedMap& quantised, bool is_signed) {
    const int64_t height = map.extent(map.shape.size() - 2), width = map.extent(map.shape.size() - 1);
    if (!is_signed) return data_uri(png(quantised.steps, height, width, sequential_palette()));
    const float reach = std::max(std::abs(quantised.low), std::abs(quantised.high));
    std::vector<uint8_t> entries;
    for (float value : map.data) entries.push_back(diverging_entry(value, reach));
    return data_uri(png(entries, height, width, diverging_palette()));
}

/// A symbol of 64 stripes. It is used by reference, since one picture for each map would weigh more than the maps.
Html ramp(const char* id, const Palette& palette, size_t last) {
    constexpr size_t stripes = 64;
    Html rects;
    for (size_t i = 0; i < stripes; ++i)
        rects +=
            tag("rect", {{"x", i}, {"width", 1.1}, {"height", 1}, {"fill", hex(palette[i * last / (stripes - 1)])}});
    return tag("symbol", {{"id", id}, {"viewBox", fmt::format("0 0 {} 1", stripes)}, {"preserveAspectRatio", "none"}},
               rects);
}

double probability(const ReportImage& image, int class_index) {
    if (class_index < 0 || class_index >= static_cast<int>(image.probabilities.size())) return kUnknown;
    return image.probabilities[static_cast<size_t>(class_index)];
}

}  // namespace

QuantisedMap quantise(const FloatArray& map, double rounding) {
    QuantisedMap result;
    result.invalid = std::count_if(map.data.begin(), map.data.end(), [](float value) { return !std::isfinite(value); });
    if (result.invalid > 0 || map.empty()) return result.state = QuantisedMap::State::invalid, result;
    const auto [low, high] = std::minmax_element(map.data.begin(), map.data.end());
    result.low = *low;
    result.high = *high;
    const double span = static_cast<double>(*high) - *low, largest = std::max(std::abs(*low), std::abs(*high));
    if (largest == 0)
        result.state = QuantisedMap::State::zero;
    else if (largest <= rounding)
        result.state = QuantisedMap::State::noise;
    else if (span <= kEqualUpTo * largest)
        result.state = QuantisedMap::State::constant;
    for (float value : map.data)
        result.steps.push_back(
            span > 0 ? static_cast<uint8_t>(std::lround(255 * (static_cast<double>(value) - *low) / span)) : 0);
    return result;
}

QuantisedMap quantise(const ReportImage& image, size_t method) {
    return quantise(image.maps[method], method < image.rounding.size() ? image.rounding[method] : 0.0);
}

Html colour_ramps() {
    return tag("svg.visually-hidden", {{"aria-hidden", "true"}, {"width", 0}, {"height", 0}},
               ramp("ramp-sequential", sequential_palette(), 255), ramp("ramp-diverging", diverging_palette(), 254));
}

Html ends(double low, double high, bool signed_values) {
    return tag("span.ends", tag("span", brief(low)), signed_values ? tag("span", "0") : Html(),
               tag("span", brief(high)));
}

Html colour_bar(const ReportData& data, size_t image, size_t method) {
    if (method >= data.images[image].maps.size()) return {};
    const QuantisedMap map = quantise(data.images[image], method);
    if (map.state != QuantisedMap::State::values) return {};
    const bool is_signed = data.methods[method].signed_values;
    const double reach = std::max(std::abs(map.low), std::abs(map.high));
    return tag("svg.colourbar", {{"aria-hidden", "true"}},
               tag("use", {{"href", is_signed ? "#ramp-diverging" : "#ramp-sequential"}})) +
           ends(is_signed ? -reach : map.low, is_signed ? reach : map.high, is_signed);
}

std::string image_name(const ReportImage& image) { return fmt::format("test:{}", image.sample); }

Html verdict(const Page& page, const ReportImage& image) {
    const std::string truth = page.results.class_name(image.label);
    if (!image.undecided.empty())
        return tag("b", "undecided") + tag("span.wrong", "✗ ", image.undecided, "; is ", truth);
    const std::string certainty = percent(probability(image, image.predicted), 0);
    return tag("b", page.results.class_name(image.predicted)) +
           (image.is_right() ? tag("span.right", "✓ ", certainty) : tag("span.wrong", "✗ is ", truth, ", ", certainty));
}

Html input_picture(const ReportImage& image, const std::string& description) {
    return tag("img.input", {{"src", data_uri(png(image.image))}, {"alt", description}});
}

/// What stands in place of a map that cannot be painted.
Html unpainted(const QuantisedMap& map) {
    if (map.state == QuantisedMap::State::invalid)
        return tag("span.map.broken", plural(map.invalid, "value"), " not finite");
    std::string words = "no attribution (0)";
    if (map.state == QuantisedMap::State::noise)
        words = fmt::format("only rounding (|v| ≤ {})", scientific(std::max(std::abs(map.low), std::abs(map.high))));
    if (map.state == QuantisedMap::State::constant) words = fmt::format("the same everywhere ({})", compact(map.high));
    return tag("span.map.zero", tag("span", words));
}

Html map_picture(const ReportData& data, size_t image, size_t method) {
    if (method >= data.images[image].maps.size()) return tag("span.map.none", "not explained");
    const FloatArray& map = data.images[image].maps[method];
    const QuantisedMap quantised = quantise(data.images[image], method);
    if (quantised.state != QuantisedMap::State::values) return unpainted(quantised);
    const std::string words =
        fmt::format("Map of {} for {}, from {} to {}", data.methods[method].name, image_name(data.images[image]),
                    compact(quantised.low), compact(quantised.high));
    const std::string picture = static_picture(map, quantised, data.methods[method].signed_values);
    return tag("span.map", {{"data-image", image}, {"data-method", method}, {"data-words", words}},
               tag("noscript", tag("img", {{"src", picture}, {"alt", words}})));
}

}  // namespace spikelens::report
