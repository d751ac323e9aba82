#include "plot.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "html.h"
#include "svg.h"

namespace spikelens::report {
namespace {

using svg::Anchor;
using Points = std::vector<std::pair<double, double>>;

constexpr double legend_row = 17, label_width = 6.5;

struct Frame {
    double left, top, right, bottom;
};

double legend_entry_width(const std::string& name) { return 46 + label_width * static_cast<double>(name.size()); }

/// Where each legend entry goes: rows are filled from the left.
Points legend_places(const LinePlot& plot, const std::vector<std::string>& names) {
    Points places;
    double x = 0, row = 0;
    for (const std::string& name : names) {
        const double width = legend_entry_width(name);
        if (x > 0 && x + width > plot.width - 16) x = 0, row += 1;
        places.emplace_back(8 + x, row * legend_row);
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

std::string line_sample(const LineStyle& style, double x, double y) {
    return fmt::format(
               "<line stroke=\"{}\" stroke-width=\"2\" stroke-dasharray=\"{}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>",
               style.colour, style.dash, svg::pixel(x), svg::pixel(y), svg::pixel(x + 24), svg::pixel(y)) +
           svg::marker(style.marker, x + 12, y, style.colour);
}

std::string draw_legend(const LinePlot& plot, double top) {
    const std::vector<std::string> names = legend_names(plot);
    const Points places = legend_places(plot, names);
    std::string out;
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

std::string draw_axes(const LinePlot& plot, const Frame& frame, const Scale& x, const Scale& y) {
    std::string out;
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
std::string draw_band(const Series& series, const Scale& x, const Scale& y) {
    Points upper, lower;
    for (size_t i = 0; i < std::min({series.x.size(), series.y.size(), series.half.size()}); ++i) {
        if (!std::isfinite(series.y[i]) || !std::isfinite(series.half[i])) continue;
        upper.emplace_back(x(series.x[i]), y(series.y[i] + series.half[i]));
        lower.emplace_back(x(series.x[i]), y(series.y[i] - series.half[i]));
    }
    if (upper.size() < 2) return {};
    upper.insert(upper.end(), lower.rbegin(), lower.rend());
    return fmt::format("<path class=\"band\" fill=\"{}\" fill-opacity=\"0.16\" d=\"{}Z\"/>", series.style.colour,
                       svg::path(upper));
}

std::string draw_markers(const Series& series, const Points& points) {
    std::string out;
    const size_t stride = std::max<size_t>(1, points.size() / 6);
    for (size_t i = stride / 2; i < points.size(); i += stride)
        if (std::isfinite(points[i].first) && std::isfinite(points[i].second))
            out += svg::marker(series.style.marker, points[i].first, points[i].second, series.style.colour);
    return out;
}

std::string draw_series(const Series& series, const Scale& x, const Scale& y) {
    const Points points = mapped(series.x, series.y, x, y);
    return fmt::format(
        "<g class=\"series\" data-name=\"{}\">{}<path class=\"line\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\" "
        "stroke-linejoin=\"round\" stroke-dasharray=\"{}\" d=\"{}\"/>{}</g>",
        escape(series.name), draw_band(series, x, y), series.style.colour, series.style.dash, svg::path(points),
        draw_markers(series, points));
}

std::string draw_scatter(const Scatter& scatter, const Scale& x, const Scale& y) {
    std::string out;
    for (const auto& [px, py] : mapped(scatter.x, scatter.y, x, y))
        if (std::isfinite(px) && std::isfinite(py))
            out += fmt::format("<circle fill=\"{}\" fill-opacity=\"0.55\" cx=\"{}\" cy=\"{}\" r=\"2\"/>", scatter.colour,
                               svg::pixel(px), svg::pixel(py));
    return out;
}

std::string draw_levels(const LinePlot& plot, const Frame& frame, const Scale& y) {
    std::string out;
    for (const Level& level : plot.levels)
        out += svg::line(frame.left, y(level.y), frame.right, y(level.y), "level") +
               svg::text(frame.right - 2, y(level.y) - 5, level.name, Anchor::end, "note");
    return out;
}

std::string coordinates(const LinePlot& plot, const Frame& frame) {
    return fmt::format(
        " data-x0=\"{}\" data-x1=\"{}\" data-y0=\"{}\" data-y1=\"{}\" data-low=\"{}\" data-high=\"{}\" data-log=\"{}\"",
        svg::pixel(frame.left), svg::pixel(frame.right), svg::pixel(frame.top), svg::pixel(frame.bottom), plot.x.low,
        plot.x.high, plot.x.log ? 1 : 0);
}

std::string draw_data(const LinePlot& plot, const Scale& x, const Scale& y) {
    std::string out;
    for (const Scatter& scatter : plot.scatters) out += draw_scatter(scatter, x, y);
    for (const Series& series : plot.series) out += draw_series(series, x, y);
    return out;
}

}  // namespace

std::string draw(const LinePlot& plot) {
    const auto places = legend_places(plot, legend_names(plot));
    const double legend_height = places.empty() ? 0 : places.back().second + legend_row + 8;
    const Frame frame{46, 24, plot.width - 20, plot.height - 42};
    const Scale x(plot.x, frame.left, frame.right), y(plot.y, frame.bottom, frame.top);
    std::string out = svg::open(plot.width, plot.height + legend_height, plot.title, "plot", coordinates(plot, frame));
    out += draw_axes(plot, frame, x, y) + draw_levels(plot, frame, y) + draw_data(plot, x, y);
    if (plot.cursor) out += svg::line(frame.left, frame.top, frame.left, frame.bottom, "cursor");
    return out + draw_legend(plot, plot.height + 6) + "</svg>";
}

std::string draw_small(const LinePlot& plot) {
    const Frame frame{2, 4, plot.width - 2, plot.height - 4};
    const Scale x(plot.x, frame.left, frame.right), y(plot.y, frame.bottom, frame.top);
    std::string out = svg::open(plot.width, plot.height, plot.title, "plot small", coordinates(plot, frame));
    out += svg::line(frame.left, frame.bottom, frame.right, frame.bottom, "axis") + draw_data(plot, x, y);
    if (plot.cursor) out += svg::line(frame.left, frame.top, frame.left, frame.bottom, "cursor");
    return out + "</svg>";
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

}  // namespace spikelens::report
