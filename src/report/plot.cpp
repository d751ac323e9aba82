#include "plot.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "svg.h"

namespace spikelens::report {
namespace {

using svg::Anchor;
using Points = std::vector<std::pair<double, double>>;

constexpr double kLegendRow = 17, kLabelWidth = 6.5;

struct Frame {
    double left, top, right, bottom;
};

double legend_entry_width(const std::string& name) { return 46 + kLabelWidth * static_cast<double>(name.size()); }

/// Where each legend entry goes: rows are filled from the left.
Points legend_places(const LinePlot& plot, const std::vector<std::string>& names) {
    Points places;
    double x = 0, row = 0;
    for (const std::string& name : names) {
        const double width = legend_entry_width(name);
        if (x > 0 && x + width > plot.width - 16) x = 0, row += 1;
        places.emplace_back(8 + x, row * kLegendRow);
        x += width;
    }
    return places;
}

std::vector<std::string> legend_names(const LinePlot& plot) {
    std::vector<std::string> names;
    if (!plot.legend) return names;
    for (const Series& series : plot.series)
        if (series.labelled) names.push_back(series.name);
    for (const Scatter& scatter : plot.scatters) names.push_back(scatter.name);
    return names;
}

Html line_sample(const LineStyle& style, double x, double y) {
    return svg::stroke(x, y, x + 24, y, style.colour, style.dash) + svg::marker(style.marker, x + 12, y, style.colour);
}

Html draw_legend(const LinePlot& plot, double top) {
    const std::vector<std::string> names = legend_names(plot);
    const Points places = legend_places(plot, names);
    Html out;
    size_t entry = 0;
    const auto label = [&](double x, double y) { return svg::text(x + 29, y + 4, names[entry++], Anchor::start); };
    for (const Series& series : plot.series) {
        if (!series.labelled || names.empty()) continue;
        const auto [x, y] = places[entry];
        out += line_sample(series.style, x, top + y) + label(x, top + y);
    }
    for (const Scatter& scatter : plot.scatters) {
        if (names.empty()) break;
        const auto [x, y] = places[entry];
        out += svg::marker(0, x + 12, top + y, scatter.colour) + label(x, top + y);
    }
    return out;
}

Html draw_axes(const LinePlot& plot, const Frame& frame, const Scale& x, const Scale& y) {
    Html out;
    for (double tick : plot.y.ticks())
        out += svg::line(frame.left, y(tick), frame.right, y(tick), "grid") +
               svg::text(frame.left - 7, y(tick) + 4, plot.y.tick_label(tick), Anchor::end, "tick");
    double last = -1e9;
    for (double tick : plot.x.ticks()) {
        out += svg::line(x(tick), frame.bottom, x(tick), frame.bottom + 4, "axis");
        if (x(tick) - last < 26) continue;
        out += svg::text(x(tick), frame.bottom + 17, plot.x.tick_label(tick), Anchor::middle, "tick");
        last = x(tick);
    }
    out += svg::line(frame.left, frame.bottom, frame.right, frame.bottom, "axis");
    out += svg::text((frame.left + frame.right) / 2, frame.bottom + 34, plot.x.label, Anchor::middle);
    return out + svg::text(4, 12, plot.y.label, Anchor::start);
}

Points mapped(const std::vector<double>& xs, const std::vector<double>& ys, const Scale& x, const Scale& y) {
    Points points;
    for (size_t i = 0; i < std::min(xs.size(), ys.size()); ++i) points.emplace_back(x(xs[i]), y(ys[i]));
    return points;
}

/// The band as one polygon over the points where mean and half-width are known.
Html draw_band(const Series& series, const Scale& x, const Scale& y) {
    Points upper, lower;
    for (size_t i = 0; i < std::min({series.x.size(), series.y.size(), series.half.size()}); ++i) {
        if (!std::isfinite(series.y[i]) || !std::isfinite(series.half[i])) continue;
        upper.emplace_back(x(series.x[i]), y(series.y[i] + series.half[i]));
        lower.emplace_back(x(series.x[i]), y(series.y[i] - series.half[i]));
    }
    if (upper.size() < 2) return {};
    upper.insert(upper.end(), lower.rbegin(), lower.rend());
    return tag("path.band", {{"fill", series.style.colour}, {"fill-opacity", 0.16}, {"d", svg::path(upper) + "Z"}});
}

Html draw_markers(const Series& series, const Points& points) {
    Html out;
    const size_t stride = std::max<size_t>(1, points.size() / 6);
    for (size_t i = stride / 2; i < points.size(); i += stride)
        if (std::isfinite(points[i].first) && std::isfinite(points[i].second))
            out += svg::marker(series.style.marker, points[i].first, points[i].second, series.style.colour);
    return out;
}

Html draw_series(const Series& series, const Scale& x, const Scale& y) {
    const Points points = mapped(series.x, series.y, x, y);
    return tag("g.series", {{"data-name", series.name}}, draw_band(series, x, y),
               tag("path.line", {{"fill", "none"},
                                 {"stroke", series.style.colour},
                                 {"stroke-width", 2},
                                 {"stroke-linejoin", "round"},
                                 {"stroke-dasharray", series.style.dash},
                                 {"d", svg::path(points)}}),
               draw_markers(series, points));
}

Html draw_scatter(const Scatter& scatter, const Scale& x, const Scale& y) {
    Html out;
    for (const auto& [px, py] : mapped(scatter.x, scatter.y, x, y))
        if (std::isfinite(px) && std::isfinite(py))
            out += tag("circle", {{"fill", scatter.colour},
                                  {"fill-opacity", 0.55},
                                  {"cx", svg::pixel(px)},
                                  {"cy", svg::pixel(py)},
                                  {"r", 2}});
    return out;
}

Html draw_levels(const LinePlot& plot, const Frame& frame, const Scale& y) {
    Html out;
    for (const Level& level : plot.levels)
        out += svg::line(frame.left, y(level.y), frame.right, y(level.y), "level") +
               svg::text(frame.right - 2, y(level.y) - 5, level.name, Anchor::end, "note");
    return out;
}

Attributes coordinates(const LinePlot& plot, const Frame& frame) {
    return {{"data-x0", svg::pixel(frame.left)},
            {"data-x1", svg::pixel(frame.right)},
            {"data-y0", svg::pixel(frame.top)},
            {"data-y1", svg::pixel(frame.bottom)},
            {"data-low", plot.x.low},
            {"data-high", plot.x.high},
            {"data-log", plot.x.log ? 1 : 0}};
}

Html draw_data(const LinePlot& plot, const Scale& x, const Scale& y) {
    Html out;
    for (const Scatter& scatter : plot.scatters) out += draw_scatter(scatter, x, y);
    for (const Series& series : plot.series) out += draw_series(series, x, y);
    return out;
}

}  // namespace

Html draw(const LinePlot& plot) {
    const auto places = legend_places(plot, legend_names(plot));
    const double legend_height = places.empty() ? 0 : places.back().second + kLegendRow + 8;
    const Frame frame{46, 24, plot.width - 20, plot.height - 42};
    const Scale x(plot.x, frame.left, frame.right), y(plot.y, frame.bottom, frame.top);
    Html out = draw_axes(plot, frame, x, y) + draw_levels(plot, frame, y) + draw_data(plot, x, y);
    if (plot.cursor) out += svg::line(frame.left, frame.top, frame.left, frame.bottom, "cursor");
    out += draw_legend(plot, plot.height + 6);
    return svg::drawing(plot.width, plot.height + legend_height, plot.title, "plot", out, coordinates(plot, frame));
}

Html draw_small(const LinePlot& plot) {
    const Frame frame{2, 4, plot.width - 2, plot.height - 4};
    const Scale x(plot.x, frame.left, frame.right), y(plot.y, frame.bottom, frame.top);
    Html out = svg::line(frame.left, frame.bottom, frame.right, frame.bottom, "axis") + draw_data(plot, x, y);
    if (plot.cursor) out += svg::line(frame.left, frame.top, frame.left, frame.bottom, "cursor");
    return svg::drawing(plot.width, plot.height, plot.title, "plot small", out, coordinates(plot, frame));
}

void fit_y(LinePlot& plot, double floor, double ceiling) {
    double low = std::isfinite(floor) ? floor : std::numeric_limits<double>::infinity();
    double high = std::isfinite(ceiling) ? ceiling : -std::numeric_limits<double>::infinity();
    const auto include = [&](double value) {
        if (std::isfinite(value)) low = std::min(low, value), high = std::max(high, value);
    };
    for (const Series& series : plot.series)
        for (size_t i = 0; i < series.y.size(); ++i) {
            const double half = i < series.half.size() && std::isfinite(series.half[i]) ? series.half[i] : 0;
            include(series.y[i] - half);
            include(series.y[i] + half);
        }
    for (const Scatter& scatter : plot.scatters) std::for_each(scatter.y.begin(), scatter.y.end(), include);
    for (const Level& level : plot.levels) include(level.y);
    if (!std::isfinite(low)) low = 0, high = 1;
    if (high <= low) high = low + (low == 0 ? 1 : std::abs(low));
    plot.y.low = low;
    plot.y.high = high;
}

void accuracy_over_budgets(LinePlot& plot, double lowest, double highest) {
    plot.x = {"budget μ (logarithmic)", lowest, highest, true};
    if (!(lowest > 0) || !(lowest < highest)) plot.x.low = 0.5 * highest, plot.x.high = 2 * highest;
    plot.y.label = "accuracy, mean over classes";
    plot.y.percent = true;
    constexpr double open = std::numeric_limits<double>::quiet_NaN();
    fit_y(plot, open, open);
}

}  // namespace spikelens::report
