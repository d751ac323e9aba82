#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "spikelens/draw/colour.h"

#include "maps.h"
#include "numbers.h"
#include "page.h"
#include "png.h"
#include "provenance.h"

namespace spikelens::report {
namespace {

constexpr int64_t kCloudSide = 1600;  // pixels; larger clouds are shrunk
constexpr int64_t kFrameSide = 128;

int64_t spikes_of(const ReportImage& image) {
    return std::accumulate(image.spikes_per_window.begin(), image.spikes_per_window.end(), int64_t{0});
}

/// "steps 31–61", the window's.
std::string steps_of(const Page& page, size_t window, size_t windows) {
    const auto first = page.data.steps * static_cast<int64_t>(window) / static_cast<int64_t>(windows),
               end = page.data.steps * static_cast<int64_t>(window + 1) / static_cast<int64_t>(windows);
    return page.data.steps > 0 ? fmt::format("steps {}–{}", first, end - 1) : fmt::format("window {}", window + 1);
}

std::string first_step(const Page& page, size_t window, size_t windows) {
    const auto first = page.data.steps * static_cast<int64_t>(window) / static_cast<int64_t>(windows);
    return page.data.steps > 0 ? std::to_string(first) : std::to_string(window + 1);
}

Html cloud_picture(const FloatArray& cloud, const std::string& words) {
    return scrolled(words,
                    tag("img.cloud", {{"src", data_uri(drawing_png(shrink(cloud, kCloudSide)))}, {"alt", words}}));
}

/// How many spikes a window has, as a bar above it.
Html spike_bar(const ReportImage& image, size_t window) {
    if (window >= image.spikes_per_window.size()) return {};
    const int64_t spikes = image.spikes_per_window[window];
    const int64_t most = std::max<int64_t>(1, std::ranges::max(image.spikes_per_window));
    const double height = 24.0 * static_cast<double>(spikes) / static_cast<double>(most);
    return tag(
        "svg.spikes", {{"viewBox", "0 0 10 24"}, {"preserveAspectRatio", "none"}, {"aria-hidden", "true"}},
        tag("rect",
            {{"y", fmt::format("{:.1f}", 24 - height)}, {"width", 10}, {"height", fmt::format("{:.1f}", height)}}));
}

/// All windows in one range of colours that holds 0, window below window, and a row of 0 at the end: red for, blue
/// against; or the darker, the higher. Square roots, as in the clouds.
FloatArray coloured(const std::vector<FloatArray>& frames, bool signed_values) {
    FloatArray stacked({0, frames[0].shape.back()});
    float low = 0;
    for (const FloatArray& frame : frames) low = std::min(low, *std::min_element(frame.data.begin(), frame.data.end()));
    for (const FloatArray& frame : frames)
        for (float value : frame.data)
            stacked.data.push_back(signed_values ? std::copysign(std::sqrt(std::abs(value)), value)
                                                 : std::sqrt(value - low));
    stacked.data.resize(stacked.data.size() + static_cast<size_t>(stacked.extent(1)), 0.0F);
    stacked.shape[0] = stacked.size() / stacked.extent(1);
    return colour_map(stacked, signed_values ? Colours::diverging : Colours::heat);
}

std::vector<FloatArray> frames_of(const FloatArray& maps) {
    std::vector<FloatArray> frames;
    for (int64_t i = 0; i < maps.extent(0); ++i) frames.push_back(shrink(item(maps, i), kFrameSide));
    return frames;
}

/// Frame `index` of `coloured`, as [3, H, W].
FloatArray frame_at(const FloatArray& stacked, const FloatArray& frame, size_t index) {
    const auto size = frame.data.size(), plane = stacked.data.size() / 3;
    FloatArray picture({3, static_cast<int64_t>(size) / frame.shape.back(), frame.shape.back()});
    for (size_t c = 0; c < 3; ++c)
        std::copy_n(stacked.data.begin() + static_cast<std::ptrdiff_t>(c * plane + index * size), size,
                    picture.data.begin() + static_cast<std::ptrdiff_t>(c * size));
    return picture;
}

/// A frame whose every row runs through the colours of the others, from the lowest value to the highest.
FloatArray ramp_like(const std::vector<FloatArray>& frames, bool signed_values, Interval& ends) {
    ends = {0, 0};
    for (const FloatArray& frame : frames)
        for (const float value : frame.data) {
            ends.low = std::min<double>(ends.low, value);
            ends.high = std::max<double>(ends.high, value);
        }
    if (signed_values) ends.high = std::max(-ends.low, ends.high), ends.low = -ends.high;
    FloatArray ramp(frames[0].shape);
    const int64_t width = ramp.shape.back();
    for (int64_t i = 0; i < ramp.size(); ++i) {
        const double share = width > 1 ? static_cast<double>(i % width) / static_cast<double>(width - 1) : 1;
        ramp.data[static_cast<size_t>(i)] = static_cast<float>(ends.low + share * (ends.high - ends.low));
    }
    return ramp;
}

Html strip_of(const Page& page, const ReportImage& image, const ReportMethod& method, const FloatArray& maps) {
    std::vector<FloatArray> frames = frames_of(maps);
    const size_t windows = frames.size();
    Interval range;
    frames.push_back(ramp_like(frames, method.signed_values, range));
    const FloatArray stacked = coloured(frames, method.signed_values);
    const auto picture = [&](size_t i) { return data_uri(drawing_png(frame_at(stacked, frames[i], i))); };
    Html items;
    for (size_t i = 0; i < windows; ++i) {
        const auto [low, high] = std::minmax_element(frames[i].data.begin(), frames[i].data.end());
        const std::string words = fmt::format("{}, {}: from {} to {}", method.name, steps_of(page, i, windows),
                                              compact(*low), compact(*high));
        items += tag("li", spike_bar(image, i), tag("img", {{"src", picture(i)}, {"alt", words}, {"title", words}}),
                     tag("small", first_step(page, i, windows)));
    }
    return tag("div.strip", tag("ol.windows", items),
               tag("div.strip-bar", tag("img.colourbar", {{"src", picture(windows)}, {"alt", ""}}),
                   ends(range.low, range.high, method.signed_values)));
}

Html windows_of(const Page& page, const ReportImage& image, size_t m) {
    const ReportMethod& method = page.data.methods[m];
    if (m >= image.windows.size() || image.windows[m].shape.size() != 3 || image.windows[m].empty()) return {};
    const QuantisedMap quantised = quantise(image.windows[m]);
    if (quantised.state == QuantisedMap::State::invalid)
        return tag("p.banner", plural(quantised.invalid, "value"), " of the windows not finite: they are not drawn.");
    if (quantised.state == QuantisedMap::State::zero)
        return tag("p.map.zero.wide", tag("span", "no attribution (0) in any window"));
    return strip_of(page, image, method, image.windows[m]);
}

Html recording_figure(const Page& page, const ReportImage& image) {
    Html bars;
    const size_t windows = image.spikes_per_window.size();
    for (size_t i = 0; i < windows; ++i)
        bars += tag("li", {{"title", steps_of(page, i, windows)}}, spike_bar(image, i),
                    tag("small", count(image.spikes_per_window[i])));
    return tag("figure.recording",
               tag("figcaption", tag("b", "The recording"),
                   "Every spike is a point in the colour of its polarity. Bars: spikes in each window."),
               cloud_picture(image.cloud, "Point cloud of " + image_name(image) + " over x, y and time"),
               tag("ol.windows.counts", bars));
}

Html method_figure(const Page& page, const ReportImage& image, size_t m) {
    const ReportMethod& method = page.data.methods[m];
    if (m >= image.clouds.size() || image.clouds[m].empty()) return {};
    const std::string words = "Point cloud of " + image_name(image) + ", coloured by " + method.name;
    return tag("figure.recording",
               tag("figcaption", tag("b", method.name), method.title, ". ", method.meaning,
                   method.signed_values ? ". Red above 0, blue below." : ". The darker, the higher."),
               cloud_picture(image.clouds[m], words), windows_of(page, image, m));
}

Html recording(const Page& page, size_t index, bool open) {
    const ReportImage& image = page.data.images[index];
    const std::string name = image_name(image);
    Html figures = recording_figure(page, image);
    for (size_t m = 0; m < page.data.methods.size(); ++m) figures += method_figure(page, image, m);
    return tag("details.events", {{"id", "event-" + name}, {"data-image", index}, {"open", open}},
               tag("summary", tag("span.reading", verdict(page, image),
                                  tag("small", name, ", ", plural(spikes_of(image), "spike")))),
               tag("div.clouds", figures));
}

Html how_to_read(const Page& page) {
    const std::string steps = page.data.steps > 0 ? " (" + plural(page.data.steps, "step") + ")" : "";
    const std::string windows =
        page.data.window_steps > 0
            ? fmt::format(
                  " The strip under a cloud sums its scores pixel by pixel over windows of {}, in one range of "
                  "colours; below each window its first step, above it how many spikes it has.",
                  plural(page.data.window_steps, "step"))
            : "";
    return tag(
        "p.note", "Left, x and y with time", steps,
        " running to the back; right, the same summed over time, over y and over x. Colours follow the square root of "
        "the score, so that small ones are seen beside large ones; grey points are near 0. Nothing is clipped.",
        windows);
}

}  // namespace

Html events_section(Page& page) {
    if (!page.has_clouds()) return {};
    const bool explained = std::any_of(page.data.images.begin(), page.data.images.end(), [](const ReportImage& image) {
        return std::any_of(image.clouds.begin(), image.clouds.end(),
                           [](const FloatArray& cloud) { return !cloud.empty(); });
    });
    Html content = how_to_read(page), recordings;
    if (!explained) content += tag("p.empty", "No method of this report tells time apart: gate3d, ig3d and others do.");
    for (size_t i = 0; i < page.data.images.size(); ++i)
        if (!page.data.images[i].cloud.empty()) recordings += recording(page, i, recordings.empty());
    return section("events", "Events", "Which events decided, and when: every spike in space and time.",
                   content + recordings + made_by(page, {"report"}));
}

}  // namespace spikelens::report
