#include <fmt/format.h>

#include "class_plots.h"
#include "numbers.h"
#include "page.h"
#include "provenance.h"
#include "svg.h"

namespace spikelens::report {
namespace {

bool converged(const ClassPath& path) {
    const double worst = worst_residual(path);
    return !(worst > kOptimalityTolerance);
}

Html optimality_badge(const ClassPath& path) {
    const double worst = worst_residual(path);
    if (path.predicted_samples == 0) return tag("span.badge", "never predicted: there is nothing to solve");
    if (!std::isfinite(worst)) return tag("span.badge", "optimality not recorded");
    if (converged(path)) return tag("span.badge.good", "optimal: KKT and gap ≤ ", scientific(worst));
    return tag("span.badge.bad", "not converged: residual ", scientific(worst), " above ",
               scientific(kOptimalityTolerance));
}

Html selected_item(const WeightedFilter& filter, double largest) {
    const std::string name = name_of(filter);
    return tag("li", {{"data-filter", name}},
               tag("a", {{"href", "#filter-" + identifier(name)}}, tag("span.icon", {{"data-icon", name}}), name),
               svg::share_bar(largest > 0 ? std::abs(filter.weight) / largest : 0),
               tag("span.number", decimal(filter.weight)));
}

std::string empty_text(const ClassPath& path, double mu) {
    return path.predicted_samples == 0
               ? "The network never predicts this class, so no filter is selected for it at any μ."
               : fmt::format("No filter is selected at μ = {}.", compact(mu));
}

Html selected_list(const ClassPath& path, double mu) {
    const PathPoint* point = point_at(path, mu);
    Html items;
    if (point)
        for (const WeightedFilter& filter : point->filters)
            items += selected_item(filter, std::abs(point->filters[0].weight));
    return tag("div.selected", tag("h4", "Filters at μ = ", tag("output.mu", compact(point ? point->mu : mu))),
               tag("ol.filters", items), tag("p.empty", {{"hidden", !items.empty()}}, empty_text(path, mu)));
}

Html panel_body(Page& page, const ClassPath& path, size_t index, const std::string& name) {
    if (!converged(path))
        return tag("p.error",
                   "The solution of this class did not reach its optimality conditions; its weights are withheld.");
    const LinePlot plot = coefficient_plot(path, "Weights of the filters of " + name + " over the budget μ");
    if (plot.series.empty()) return tag("p", empty_text(path, page.chosen_mu()));
    const Html caption =
        "Weight of each filter for " + tag("b", name) + " as the budget grows; every breakpoint is exact.";
    return tag("div.two",
               figure(page, fmt::format("path-{}", index), draw(plot), caption, coefficient_table(path), {"interpret"}),
               selected_list(path, page.chosen_mu()));
}

Html panel(Page& page, const ClassPath& path, size_t index) {
    const std::string name = page.results.class_name(static_cast<int64_t>(index));
    return tag("article.class-panel", {{"id", fmt::format("class-{}", index)}, {"data-class", index}}, tag("h3", name),
               tag("p.facts", "predicted for ", plural(path.predicted_samples, "training " + page.noun()), " ",
                   optimality_badge(path)),
               panel_body(page, path, index, name));
}

Html small_multiple(const Page& page, const ClassPath& path, size_t index) {
    const std::string name = page.results.class_name(static_cast<int64_t>(index));
    LinePlot plot = coefficient_plot(path, "Weights of " + name + " over μ");
    plot.width = 150;
    plot.height = 74;
    for (Series& series : plot.series) series.style.marker = -1;
    const PathPoint* point = point_at(path, page.chosen_mu());
    const std::string filters = plural(point ? static_cast<int64_t>(point->filters.size()) : 0, "filter");
    return tag("li", tag("a", {{"href", fmt::format("#class-{}", index)}, {"data-class", index}}, tag("b", name),
                         converged(path) ? draw_small(plot) : tag("span.error", "not converged"),
                         tag("span", tag("span.count", filters, " at μ = ", compact(page.chosen_mu())), ", weights to ",
                             plot.series.empty() ? "0" : compact(plot.y.high))));
}

Html controls(const Page& page, size_t classes) {
    Html options;
    for (size_t i = 0; i < classes; ++i)
        options += tag("option", {{"value", i}}, page.results.class_name(static_cast<int64_t>(i)));
    const Html slider =
        tag("input", {{"type", "range"}, {"id", "mu-slider"}, {"min", 0}, {"max", 1}, {"step", 1}, {"value", 0}});
    const Html number = tag("input", {{"type", "number"}, {"id", "mu-number"}, {"step", "any"}, {"min", 0}});
    return tag("div.controls.js-only", tag("label", "Class ", tag("select", {{"id", "class-choice"}}, options)),
               tag("label.grow", "Budget μ ", slider),
               tag("label", tag("span.visually-hidden", "μ as a number"), number),
               tag("span.note", {{"id", "mu-kind"}, {"role", "status"}}));
}

}  // namespace

Html classes_section(Page& page) {
    const std::string title = "Classes and μ",
                      lede =
                          "Each class is written as a sparse sum of filter responses whose weights may add up to μ at "
                          "most. What stays at a small budget drives the class.";
    if (!page.results.interpret)
        return section(
            "classes", title, lede,
            missing_stage("Which filters drive which class has not been computed.", command_of(page, "interpret")));
    const auto& paths = page.results.interpret->per_class;
    if (paths.empty()) return section("classes", title, lede, tag("p.empty", "The interpretation names no classes."));
    Html panels, multiples;
    for (size_t i = 0; i < paths.size(); ++i) {
        panels += panel(page, paths[i], i);
        multiples += small_multiple(page, paths[i], i);
    }
    return section("classes", title, lede,
                   controls(page, paths.size()) + panels + tag("h3", "All classes") +
                       tag("p.note", "Each on its own scale.") + tag("ul.multiples", multiples) +
                       made_by(page, {"interpret"}));
}

}  // namespace spikelens::report
