#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "charts.h"
#include "numbers.h"
#include "svg.h"

namespace spikelens::report {
namespace {

using svg::Anchor;

double row_sum(const std::vector<int64_t>& values) {
    return static_cast<double>(std::accumulate(values.begin(), values.end(), int64_t{0}));
}

/// Layers from the input (light) to the output (dark): an ordered quantity has ordered colours.
std::string part_colour(size_t part, size_t parts) {
    const double share = parts > 1 ? static_cast<double>(part) / static_cast<double>(parts - 1) : 0;
    return hex(sequential_palette()[static_cast<size_t>(60 + 150 * share)]);
}

Html stack_legend(const StackChart& chart, double top) {
    Html out;
    double x = 8, y = top;
    for (size_t part = 0; part < chart.parts.size(); ++part) {
        const double width = 30 + 6.4 * static_cast<double>(chart.parts[part].size());
        if (x + width > chart.width) x = 8, y += 17;
        out += svg::rect(x, y - 5, 10, 10, {{"fill", part_colour(part, chart.parts.size())}}) +
               svg::text(x + 15, y + 4, chart.parts[part], Anchor::start);
        x += width;
    }
    return out;
}

Html stack_column(const StackChart& chart, size_t column, double left, double width, const Scale& y) {
    Html out;
    double below = 0;
    for (size_t part = 0; part < chart.counts[column].size(); ++part) {
        const double value = static_cast<double>(chart.counts[column][part]);
        if (value > 0)
            out += svg::rect(left, y(below + value), width, y(below) - y(below + value),
                             {{"fill", part_colour(part, chart.parts.size())}});
        below += value;
    }
    return out;
}

Html stack_columns(const StackChart& chart, double left, double right, double bottom, const Scale& y) {
    Html out;
    const double step = (right - left) / static_cast<double>(std::max<size_t>(1, chart.counts.size()));
    double labelled = -1e9;
    for (size_t column = 0; column < chart.counts.size(); ++column) {
        const double start = left + step * static_cast<double>(column), centre = start + step / 2;
        out += stack_column(chart, column, start + step * 0.1, step * 0.8, y);
        if (centre - labelled < 26 || column >= chart.columns.size()) continue;
        out += svg::text(centre, bottom + 17, chart.columns[column], Anchor::middle, "tick");
        labelled = centre;
    }
    return out;
}

Html matrix_cell(const MatrixChart& chart, size_t row, size_t column, double left, double top, double side) {
    const double total = row_sum(chart.counts[row]), value = static_cast<double>(chart.counts[row][column]);
    const double share = total > 0 ? value / total : 0, shade = std::sqrt(share);
    Html out = svg::rect(left, top, side - 1, side - 1,
                         {{"class", "cell"},
                          {"fill", line_style(0).colour},
                          {"fill-opacity", fmt::format("{:.3f}", 0.04 + 0.9 * shade)}});
    if (value > 0 && side >= 24)
        out += svg::text(left + side / 2, top + side / 2 + 4, fmt::format("{:.0f}", value), Anchor::middle,
                         shade > 0.55 ? "inverse" : "count");
    return out;
}

}  // namespace

Html draw(const StackChart& chart) {
    double largest = 1;
    for (const auto& column : chart.counts) largest = std::max(largest, row_sum(column));
    const Axis axis{chart.y_label, 0, largest};
    const double left = 46, right = chart.width - 12, top = 24, bottom = chart.height - 42;
    const Scale y(axis, bottom, top);
    const double rows = std::ceil(static_cast<double>(chart.parts.size()) * 70 / chart.width);
    Html out;
    for (double tick : axis.ticks())
        out += svg::line(left, y(tick), right, y(tick), "grid") +
               svg::text(left - 7, y(tick) + 4, compact(tick), Anchor::end, "tick");
    out += stack_columns(chart, left, right, bottom, y) + svg::line(left, bottom, right, bottom, "axis");
    out += svg::text((left + right) / 2, bottom + 34, chart.x_label, Anchor::middle) +
           svg::text(4, 12, chart.y_label, Anchor::start);
    out += stack_legend(chart, chart.height + 6);
    return svg::drawing(chart.width, chart.height + 17 * rows + 6, chart.title, "plot stack", out);
}

Html draw(const MatrixChart& chart) {
    const size_t classes = chart.counts.size();
    const double left = 96, top = 26,
                 side = (chart.width - left - 4) / static_cast<double>(std::max<size_t>(1, classes));
    Html out = svg::text(left, 14, "predicted →", Anchor::start) + svg::text(left - 8, 14, "true ↓", Anchor::end);
    for (size_t row = 0; row < classes; ++row) {
        const double y = top + side * static_cast<double>(row), centre = left + side * (static_cast<double>(row) + 0.5);
        const std::string name = row < chart.names.size() ? chart.names[row] : std::to_string(row);
        if (side >= 11) out += svg::text(left - 8, y + side / 2 + 4, shorten(name, 13), Anchor::end);
        if (side >= 20)
            out += svg::text(centre, top + side * static_cast<double>(classes) + 16,
                             shorten(name, static_cast<size_t>(side / 6.4)), Anchor::middle, "tick");
        for (size_t column = 0; column < std::min(classes, chart.counts[row].size()); ++column)
            out += matrix_cell(chart, row, column, left + side * static_cast<double>(column), y, side);
    }
    return svg::drawing(chart.width, top + side * static_cast<double>(classes) + 24, chart.title, "plot matrix", out);
}

}  // namespace spikelens::report
