#include <algorithm>

#include <fmt/format.h>

#include "html.h"
#include "page.h"
#include "png.h"
#include "provenance.h"

namespace spikelens::report {
namespace {

constexpr int64_t picture_side = 160, crop_side = 64;

const FilterFacts* facts_of(const Page& page, const std::string& name) {
    if (!page.results.interpret) return nullptr;
    for (const FilterFacts& facts : page.results.interpret->filters)
        if (facts.name == name) return &facts;
    return nullptr;
}

std::string crops(const ReportFilter& filter) {
    if (filter.crops.shape.size() != 4) return {};
    std::string out;
    for (int64_t i = 0; i < filter.crops.extent(0); ++i)
        out += fmt::format("<img src=\"{}\" alt=\"\">", data_uri(png(shrink(item(filter.crops, i), crop_side))));
    return fmt::format("<figure class=\"crops\"><div>{}</div><figcaption>the strongest {} of {} crops</figcaption></figure>",
                       out, filter.crops.extent(0), count(filter.averaged));
}

std::string pictures(const ReportFilter& filter) {
    if (filter.average.empty())
        return "<p class=\"banner\">This filter never spiked on the training set. There is nothing to average.</p>";
    return fmt::format(
        "<div class=\"pictures\"><figure><img class=\"average\" src=\"{}\" alt=\"Average visualisation of filter "
        "{}\"><figcaption>average of {}</figcaption></figure>{}</div>",
        data_uri(png(shrink(filter.average, picture_side))), escape(filter.name), plural(filter.averaged, "crop"),
        crops(filter));
}

std::string fact(const std::string& term, const std::string& value) {
    return "<div><dt>" + term + "</dt><dd>" + value + "</dd></div>";
}

std::string fact_list(const ReportFilter& filter, const FilterFacts* facts, const std::string& noun) {
    std::string out = fact("receptive field", fmt::format("{0} × {0} px", filter.receptive_field));
    if (!filter.average.empty()) out += fact("spread over crops", decimal(filter.spread, 3));
    if (facts)
        out += fact("mean response", decimal(facts->mean_response, 4)) +
               fact("active in", percent(facts->active_share) + " of " + noun + "s");
    return "<dl class=\"facts\">" + out + "</dl>";
}

std::string weight_item(const std::string& name, size_t index, double weight, double largest) {
    return fmt::format(
        "<li><a href=\"#class-{}\">{}</a><svg class=\"bar\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" "
        "aria-hidden=\"true\">"
        "<rect width=\"{:.1f}\" height=\"8\"/></svg><span class=\"number\">{}</span></li>",
        index, escape(name), largest > 0 ? 100 * std::abs(weight) / largest : 0, decimal(weight));
}

struct ClassWeight {
    size_t index;
    double weight;
};

std::vector<ClassWeight> class_weights(const Page& page, const std::string& name) {
    std::vector<ClassWeight> weights;
    const auto& paths = page.results.interpret->per_class;
    for (size_t i = 0; i < paths.size(); ++i) {
        const PathPoint* point = paths[i].at(page.chosen_mu());
        if (!point || paths[i].worst_residual() > optimality_tolerance) continue;
        for (const WeightedFilter& filter : point->filters)
            if (filter.name == name) weights.push_back({i, filter.weight});
    }
    return weights;
}

std::string driven_classes(const Page& page, const std::string& name) {
    if (!page.results.interpret) return {};
    const auto weights = class_weights(page, name);
    double largest = 0;
    for (const ClassWeight& entry : weights) largest = std::max(largest, std::abs(entry.weight));
    std::string items;
    for (const ClassWeight& entry : weights)
        items += weight_item(page.results.class_name(static_cast<int64_t>(entry.index)), entry.index, entry.weight, largest);
    return fmt::format(
        "<h4>Weight per class at μ = <output class=\"mu\">{}</output></h4><ul class=\"weights\">{}</ul><p "
        "class=\"empty\"{}>Drives no class at this budget.</p>",
        compact(page.chosen_mu()), items, items.empty() ? "" : " hidden");
}

std::string card(const Page& page, const ReportFilter& filter) {
    return fmt::format(
        "<article class=\"filter-card card{}\" id=\"filter-{}\" data-filter=\"{}\"><h3>{}</h3>{}{}<div "
        "class=\"drives\">{}</div></article>\n",
        filter.average.empty() ? " dead" : "", identifier(filter.name), escape(filter.name), escape(filter.name),
        pictures(filter), fact_list(filter, facts_of(page, filter.name), page.noun()), driven_classes(page, filter.name));
}

std::string table_row(const Page& page, const FilterFacts& facts) {
    std::string driven;
    for (const ClassWeight& entry : class_weights(page, facts.name))
        driven += (driven.empty() ? "" : ", ") + page.results.class_name(static_cast<int64_t>(entry.index));
    const std::string name = page.filter(facts.name)
                                 ? fmt::format("<a href=\"#filter-{}\">{}</a>", identifier(facts.name), escape(facts.name))
                                 : escape(facts.name);
    return fmt::format(
        "<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td><td class=\"number\" "
        "data-value=\"{}\">{}</td><td>{}</td><td data-drives=\"{}\">{}</td></tr>\n",
        name, decimal(facts.mean_response, 4), std::isfinite(facts.active_share) ? facts.active_share : -1,
        percent(facts.active_share), facts.dead ? "dead" : "", escape(facts.name), escape(driven));
}

std::string all_filters(const Page& page) {
    if (!page.results.interpret || page.results.interpret->filters.empty()) return {};
    std::string rows;
    for (const FilterFacts& facts : page.results.interpret->filters) rows += table_row(page, facts);
    return fmt::format(
        "<details><summary>All {} in numbers</summary><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"All "
        "filters\"><table class=\"sortable\"><thead><tr><th "
        "scope=\"col\">Filter</th>"
        "<th scope=\"col\">Mean response</th><th scope=\"col\">Active in</th><th scope=\"col\">State</th><th "
        "scope=\"col\">Drives at μ = <output class=\"mu\">{}</output></th></tr></thead>"
        "<tbody>\n{}</tbody></table></div></details>\n",
        plural(static_cast<int64_t>(page.results.interpret->filters.size()), "filter"), compact(page.chosen_mu()), rows);
}

}  // namespace

std::string filters_section(Page& page) {
    const std::string title = "Filters", lede = "What a filter sees: the mean of the " + page.noun() +
                                                " patches where it answered most, beside the patches "
                                                "themselves. A mean of unlike patches is grey mush; the spread says so.";
    if (page.data.filters.empty())
        return section("filters", title, lede, missing_stage("No filter has been drawn.", command_of(page, "interpret")));
    std::string cards;
    for (const ReportFilter& filter : page.data.filters) cards += card(page, filter);
    return section(
        "filters", title, lede,
        "<div class=\"controls js-only\"><label>Show <select id=\"filter-show\"><option value=\"all\">every filter</option>"
        "<option value=\"class\">filters that drive the chosen class</option><option value=\"dead\">dead "
        "filters</option></select></label>"
        "<label>Find <input type=\"search\" id=\"filter-search\" placeholder=\"conv2.17\" autocomplete=\"off\"></label></div>\n"
        "<ul id=\"filter-icons\" class=\"icons js-only\" aria-label=\"Filters\"></ul>\n<div class=\"filter-cards\">\n" +
            cards + "</div>\n" + all_filters(page) + made_by(page, {"interpret"}));
}

}  // namespace spikelens::report
