#include <fmt/format.h>

#include "class_plots.h"
#include "html.h"
#include "page.h"
#include "provenance.h"

namespace spikelens::report {
namespace {

bool converged(const ClassPath& path) {
    const double worst = path.worst_residual();
    return !(worst > optimality_tolerance);
}

std::string optimality_badge(const ClassPath& path) {
    const double worst = path.worst_residual();
    if (!std::isfinite(worst)) return "<span class=\"badge\">optimality not recorded</span>";
    if (!converged(path))
        return fmt::format("<span class=\"badge bad\">not converged: residual {} above {}</span>", scientific(worst),
                           scientific(optimality_tolerance));
    return fmt::format("<span class=\"badge good\">optimal: KKT and gap ≤ {}</span>", scientific(worst));
}

std::string selected_item(const WeightedFilter& filter, double largest) {
    return fmt::format(
        "<li data-filter=\"{0}\"><a href=\"#filter-{1}\"><span class=\"icon\" data-icon=\"{0}\"></span>{0}</a>"
        "<svg class=\"bar\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect width=\"{2:.1f}\" "
        "height=\"8\"/></svg>"
        "<span class=\"number\">{3}</span></li>\n",
        escape(filter.name), identifier(filter.name), largest > 0 ? 100 * std::abs(filter.weight) / largest : 0,
        decimal(filter.weight));
}

std::string empty_text(const ClassPath& path, double mu) {
    return path.predicted == 0 ? "The network never predicts this class, so no filter is selected for it at any μ."
                               : fmt::format("No filter is selected at μ = {}.", compact(mu));
}

std::string selected_list(const ClassPath& path, double mu) {
    const PathPoint* point = path.at(mu);
    std::string items;
    if (point)
        for (const WeightedFilter& filter : point->filters) items += selected_item(filter, std::abs(point->filters[0].weight));
    return fmt::format(
        "<div class=\"selected\"><h4>Filters at μ = <output class=\"mu\">{}</output></h4>\n<ol class=\"filters\">{}</ol>"
        "<p class=\"empty\"{}>{}</p></div>\n",
        compact(point ? point->mu : mu), items, items.empty() ? "" : " hidden", empty_text(path, mu));
}

std::string panel_body(Page& page, const ClassPath& path, size_t index, const std::string& name) {
    if (!converged(path))
        return "<p class=\"error\">The solution of this class did not reach its optimality conditions; its weights are "
               "withheld.</p>\n";
    const LinePlot plot = coefficient_plot(path, "Weights of the filters of " + name + " over the budget μ");
    if (plot.series.empty()) return "<p>" + empty_text(path, page.chosen_mu()) + "</p>\n";
    const std::string caption =
        fmt::format("Weight of each filter for <b>{}</b> as the budget grows; every breakpoint is exact.", escape(name));
    return "<div class=\"two\">" +
           figure(page, fmt::format("path-{}", index), draw(plot), caption, coefficient_table(path), {"interpret"}) +
           selected_list(path, page.chosen_mu()) + "</div>\n";
}

std::string panel(Page& page, const ClassPath& path, size_t index) {
    const std::string name = page.results.class_name(static_cast<int64_t>(index));
    return fmt::format(
        "<article class=\"class-panel\" id=\"class-{0}\" data-class=\"{0}\"><h3>{1}</h3><p class=\"facts\">predicted for {2} "
        "{3}</p>\n{4}</article>\n",
        index, escape(name), plural(path.predicted, "training " + page.noun()), optimality_badge(path),
        panel_body(page, path, index, name));
}

std::string small_multiple(const Page& page, const ClassPath& path, size_t index) {
    const std::string name = page.results.class_name(static_cast<int64_t>(index));
    LinePlot plot = coefficient_plot(path, "Weights of " + name + " over μ");
    plot.width = 150;
    plot.height = 74;
    for (Series& series : plot.series) series.style.marker = -1;
    const PathPoint* point = path.at(page.chosen_mu());
    const std::string drawing = converged(path) ? draw_small(plot) : "<span class=\"error\">not converged</span>";
    return fmt::format(
        "<li><a href=\"#class-{0}\" data-class=\"{0}\"><b>{1}</b>{2}<span><span class=\"count\">{3} at μ = {4}</span>, weights "
        "to "
        "{5}</span></a></li>\n",
        index, escape(name), drawing, plural(point ? static_cast<int64_t>(point->filters.size()) : 0, "filter"),
        compact(page.chosen_mu()), plot.series.empty() ? "0" : compact(plot.y.high));
}

std::string options(const Page& page, size_t classes) {
    std::string out;
    for (size_t i = 0; i < classes; ++i)
        out += fmt::format("<option value=\"{}\">{}</option>", i, escape(page.results.class_name(static_cast<int64_t>(i))));
    return out;
}

std::string controls(const Page& page, size_t classes) {
    return fmt::format(
        "<div class=\"controls js-only\"><label>Class <select id=\"class-choice\">{}</select></label>"
        "<label class=\"grow\">Budget μ <input type=\"range\" id=\"mu-slider\" min=\"0\" max=\"1\" step=\"1\" "
        "value=\"0\"></label>"
        "<label><span class=\"visually-hidden\">μ as a number</span><input type=\"number\" id=\"mu-number\" step=\"any\" "
        "min=\"0\"></label>"
        "<span id=\"mu-kind\" class=\"note\" role=\"status\"></span></div>\n",
        options(page, classes));
}

}  // namespace

std::string classes_section(Page& page) {
    const std::string title = "Classes and μ",
                      lede =
                          "Each class is written as a sparse sum of filter responses whose weights may add up to "
                          "μ at most. What stays at a small budget drives the class.";
    if (!page.results.interpret)
        return section("classes", title, lede,
                       missing_stage("Which filters drive which class has not been computed.", command_of(page, "interpret")));
    const auto& paths = page.results.interpret->per_class;
    if (paths.empty()) return section("classes", title, lede, "<p class=\"empty\">The interpretation names no classes.</p>\n");
    std::string panels, multiples;
    for (size_t i = 0; i < paths.size(); ++i) {
        panels += panel(page, paths[i], i);
        multiples += small_multiple(page, paths[i], i);
    }
    return section("classes", title, lede,
                   controls(page, paths.size()) + panels +
                       "<h3>All classes</h3>\n<p class=\"note\">Each on its own scale.</p>\n<ul class=\"multiples\">\n" +
                       multiples + "</ul>\n" + made_by(page, {"interpret"}));
}

}  // namespace spikelens::report
