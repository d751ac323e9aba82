#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "charts.h"
#include "numbers.h"
#include "page.h"
#include "provenance.h"

namespace spikelens::report {
namespace {

constexpr size_t kShownOfClass = 5;

std::string with_half(double value, double half) {
    return decimal(value) + " ± " + decimal(half);  // an em dash for what is not known
}

const FilterSelection::Point* point_at(const FilterSelection& selection, double mu) {
    const auto found = std::ranges::find(selection.curve, mu, &FilterSelection::Point::mu);
    return found == selection.curve.end() ? nullptr : &*found;
}

/// What is drawn over the budgets: the μ-lasso, the choice with the largest area, and random live filters.
std::vector<const FilterSelection*> drawn(const FiltersResult& filters) {
    const auto best = std::ranges::max_element(
        filters.selections, {}, [](const FilterSelection& one) { return std::isnan(one.area) ? -2 : one.area; });
    std::vector<const FilterSelection*> list;
    for (const FilterSelection& one : filters.selections)
        if (one.name == "lasso" || one.name == best->name || one.name == "random, live") list.push_back(&one);
    return list;
}

LinePlot curves_plot(const FiltersResult& filters) {
    LinePlot plot;
    plot.title = "Accuracy with filters silenced, over the budget, for each choice";
    for (const FilterSelection* selection : drawn(filters)) {
        const auto index = static_cast<int>(plot.series.size());
        const bool random = selection->name == "random, live";
        Series series{selection->name, {}, {}, {}, random ? baseline_style(0) : line_style(index)};
        for (const FilterSelection::Point& point : selection->curve) {
            series.x.push_back(point.mu);
            series.y.push_back(point.accuracy);
            series.half.push_back(point.ci95);
        }
        plot.series.push_back(series);
    }
    if (std::isfinite(filters.full_accuracy)) plot.levels.push_back({"nothing silenced", filters.full_accuracy});
    const std::vector<double>& budgets = plot.series.front().x;
    accuracy_over_budgets(plot, budgets.front(), budgets.back());
    return plot;
}

Table curves_table(const FiltersResult& filters) {
    Table table{{"selection", "mu", "mean_filters", "accuracy", "ci95"}, {}};
    for (const FilterSelection& selection : filters.selections)
        for (const FilterSelection::Point& point : selection.curve)
            table.rows.push_back({selection.name, point.mu, point.mean_filters, json_of_double(point.accuracy),
                                  json_of_double(point.ci95)});
    return table;
}

RowChart areas_chart(const FiltersResult& filters) {
    RowChart chart;
    chart.title = "How much more accuracy falls than without random live filters, mean over the budgets";
    chart.zero_line = true;
    double low = 0, high = 0;
    for (const FilterSelection& selection : filters.selections) {
        const Interval ci{selection.area - selection.area_ci95, selection.area + selection.area_ci95};
        chart.rows.push_back({selection.name, {{selection.area, ci, line_style(0)}}, decimal(selection.area)});
        for (const double end : {selection.area, ci.low, ci.high})
            if (std::isfinite(end)) low = std::min(low, end), high = std::max(high, end);
    }
    const double margin = 0.05 * (high - low);
    chart.x = {"area between the curves", low - margin, high + margin};
    if (margin == 0) chart.x.low = -1, chart.x.high = 1;
    return chart;
}

Table areas_table(const FiltersResult& filters) {
    Table table{{"selection", "area", "area_ci95", "stability"}, {}};
    for (const FilterSelection& selection : filters.selections)
        table.rows.push_back({selection.name, json_of_double(selection.area), json_of_double(selection.area_ci95),
                              json_of_double(selection.stability)});
    return table;
}

Html selections_table(const FiltersResult& filters) {
    Html rows;
    for (const FilterSelection& selection : filters.selections) {
        const FilterSelection::Point* at = point_at(selection, filters.chosen_mu);
        rows += tag("tr", tag("th", {{"scope", "row"}}, selection.name),
                    at ? number_cell(at->accuracy, with_half(at->accuracy, at->ci95)) : tag("td.number", "—"),
                    number_cell(selection.area, with_half(selection.area, selection.area_ci95)),
                    number_cell(selection.stability, decimal(selection.stability, 2)));
    }
    return table("Choices of filters", "table.sortable",
                 columns({"Silenced", fmt::format("Accuracy at μ = {}", compact(filters.chosen_mu)),
                          "Area, 95 % interval", "Stability"}),
                 rows);
}

std::string list_of(const ClassFilters& of_class, const std::string& rule) {
    std::string text;
    for (size_t i = 0; i < std::min(kShownOfClass, of_class.filters.size()); ++i) {
        const FilterOfClass& one = of_class.filters[i];
        const auto value = one.evidence.find(rule);
        text += fmt::format("{}{}{} {}", i > 0 ? ", " : "", name_of(one), one.relevant ? "*" : "",
                            value == one.evidence.end() ? "—" : compact(value->second));
    }
    return text;
}

std::string relevant_of(const ClassFilters& of_class) {
    std::string text;
    for (const FilterOfClass& one : of_class.filters)
        if (one.relevant)
            text += (text.empty() ? "" : ", ") + name_of(one) +
                    (std::isfinite(one.chosen) ? fmt::format(" ({})", percent(one.chosen, 0)) : "");
    return text.empty() ? "none" : text;
}

Html classes_table(const FiltersResult& filters) {
    Html rows;
    for (const ClassFilters& of_class : filters.per_class)
        rows += tag("tr", tag("th", {{"scope", "row"}}, of_class.name), tag("td", list_of(of_class, "share")),
                    tag("td", relevant_of(of_class)));
    return tag("details", tag("summary", "Filters of each class"),
               table("Filters of each class", "table",
                     columns({"Class", "Most evidence by share (* relevant to the μ-lasso)",
                              "Relevant to the μ-lasso (in so many bootstraps)"}),
                     rows));
}

}  // namespace

Html filter_choices(Page& page, const FiltersResult& filters) {
    const Html heading = tag("h3", "Which choice of filters finds those that matter?");
    if (filters.selections.empty() || filters.selections.front().curve.empty())
        return heading + tag("p.empty", "No choice was measured.");
    const std::string note = fmt::format(
        "Of {}, those of a class are read with as many of its filters silenced as the μ-lasso chose. Area: how much "
        "more accuracy falls than without random live filters, mean over the budgets; larger is better. Stability: how "
        "much of the choice ({}) stays under {} of {}. {} of {} filters are live. An interval is — where a class has "
        "but one sample.",
        plural(filters.samples, "test " + page.noun()), "|A ∩ B| / |A ∪ B|", plural(filters.bootstraps, "bootstrap"),
        plural(filters.train_samples, "training " + page.noun()), filters.live,
        filters.per_class.empty() ? 0 : filters.per_class.front().filters.size());
    return heading + tag("p.note", note) +
           tag("div.pair",
               figure(page, "filter-curves", draw(curves_plot(filters)),
                      tag("b", "Choices silenced") +
                          ": the μ-lasso's, the one with the largest area, and random live filters.",
                      curves_table(filters), {"filters"}),
               figure(page, "filter-areas", draw(areas_chart(filters)),
                      tag("b", "Area between the curves") + " with its 95 % interval over samples.",
                      areas_table(filters), {"filters"})) +
           selections_table(filters) + classes_table(filters);
}

}  // namespace spikelens::report
