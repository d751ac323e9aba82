#include "class_plots.h"

#include <algorithm>
#include <map>

#include "numbers.h"

namespace spikelens::report {
namespace {

constexpr size_t kColouredLines = 7;

struct Coefficient {
    std::string name;
    double largest = 0;
    std::vector<double> weights;  ///< at the knots
};

std::vector<Coefficient> coefficients(const std::vector<const PathPoint*>& at) {
    std::map<std::string, Coefficient> by_name;
    for (size_t k = 0; k < at.size(); ++k)
        for (const WeightedFilter& filter : at[k]->filters) {
            Coefficient& line = by_name[name_of(filter)];
            line.name = name_of(filter);
            line.weights.resize(at.size(), 0.0);
            line.weights[k] = filter.weight;
            if (std::abs(filter.weight) > line.largest) line.largest = std::abs(filter.weight);
        }
    std::vector<Coefficient> lines;
    for (auto& [name, line] : by_name) lines.push_back(std::move(line));
    std::stable_sort(lines.begin(), lines.end(), [](const auto& a, const auto& b) { return a.largest > b.largest; });
    return lines;
}

/// Zeros next to nothing but zeros are not drawn.
std::vector<double> without_idle_zeros(const std::vector<double>& weights) {
    std::vector<double> drawn = weights;
    for (size_t k = 0; k < weights.size(); ++k) {
        const bool before = k > 0 && weights[k - 1] != 0, after = k + 1 < weights.size() && weights[k + 1] != 0;
        if (weights[k] == 0 && !before && !after) drawn[k] = kUnknown;
    }
    return drawn;
}

/// Three decades at most, so that a tiny first breakpoint does not squeeze the rest.
Axis budget_axis(const std::vector<const PathPoint*>& at) {
    Axis axis{"budget μ (logarithmic)", 0.5, 2, true};
    if (at.empty()) return axis;
    axis.high = at.back()->mu;
    axis.low = std::max(at.front()->mu, axis.high / 1000);
    if (!(axis.low < axis.high)) axis.low = axis.high / 2, axis.high *= 2;
    return axis;
}

}  // namespace

std::vector<const PathPoint*> knots(const ClassPath& path) {
    std::vector<const PathPoint*> all;
    for (const auto* points : {&path.path, &path.breakpoints})
        for (const PathPoint& point : *points)
            if (point.mu > 0 && std::isfinite(point.mu)) all.push_back(&point);
    std::stable_sort(all.begin(), all.end(), [](const PathPoint* a, const PathPoint* b) { return a->mu < b->mu; });
    all.erase(
        std::unique(all.begin(), all.end(), [](const PathPoint* a, const PathPoint* b) { return a->mu == b->mu; }),
        all.end());
    return all;
}

LinePlot coefficient_plot(const ClassPath& path, const std::string& title) {
    LinePlot plot;
    plot.title = title;
    const auto at = knots(path);
    std::vector<double> budgets;
    for (const PathPoint* point : at) budgets.push_back(point->mu);
    plot.x = budget_axis(at);
    plot.y.label = "weight";
    plot.cursor = true;
    for (const Coefficient& line : coefficients(at)) {
        const size_t rank = plot.series.size();
        const bool coloured = rank < kColouredLines;
        LineStyle style = coloured ? line_style(static_cast<int>(rank)) : LineStyle{hex(kQuietColours[0]), "", -1};
        plot.series.push_back({line.name, budgets, without_idle_zeros(line.weights), {}, style, coloured});
    }
    for (Series& series : plot.series)
        for (size_t k = 0; k < at.size(); ++k)
            if (budgets[k] < plot.x.low) series.y[k] = kUnknown;
    fit_y(plot, 0, kUnknown);
    return plot;
}

Table coefficient_table(const ClassPath& path) {
    Table table{{"mu", "filter", "weight"}, {}};
    for (const PathPoint* point : knots(path))
        for (const WeightedFilter& filter : point->filters)
            table.rows.push_back({point->mu, name_of(filter), filter.weight});
    return table;
}

}  // namespace spikelens::report
