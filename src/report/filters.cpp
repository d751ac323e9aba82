#include <algorithm>

#include <fmt/format.h>

#include "numbers.h"
#include "page.h"
#include "png.h"
#include "provenance.h"
#include "svg.h"

namespace spikelens::report {
namespace {

constexpr int64_t kPictureSide = 160, kCropSide = 64;

const FilterSummary* facts_of(const Page& page, const std::string& name) {
    if (!page.results.interpret) return nullptr;
    for (const FilterSummary& facts : page.results.interpret->filters)
        if (name_of(facts) == name) return &facts;
    return nullptr;
}

Html crops(const ReportFilter& filter) {
    if (filter.crops.shape.size() != 4) return {};
    Html out;
    for (int64_t i = 0; i < filter.crops.extent(0); ++i)
        out += tag("img", {{"src", data_uri(png(shrink(item(filter.crops, i), kCropSide)))}, {"alt", ""}});
    return tag(
        "figure.crops", tag("div", out),
        tag("figcaption", fmt::format("the strongest {} of {} crops", filter.crops.extent(0), count(filter.averaged))));
}

Html pictures(const ReportFilter& filter) {
    if (filter.average.empty())
        return tag("p.banner", "This filter never spiked on the training set. There is nothing to average.");
    const Html average = tag("img.average", {{"src", data_uri(png(shrink(filter.average, kPictureSide)))},
                                             {"alt", "Average visualisation of filter " + filter.name}});
    return tag("div.pictures",
               tag("figure", average, tag("figcaption", "average of ", plural(filter.averaged, "crop"))),
               crops(filter));
}

Html fact_list(const ReportFilter& filter, const FilterSummary* facts, const std::string& noun) {
    std::vector<std::pair<Html, Html>> list = {
        {"receptive field", fmt::format("{0} × {0} px", filter.receptive_field)}};
    if (!filter.average.empty()) list.emplace_back("spread over crops", decimal(filter.spread, 3));
    if (facts) {
        list.emplace_back("mean response", decimal(facts->mean_response, 4));
        list.emplace_back("active in", percent(facts->active_share) + " of " + noun + "s");
    }
    return meanings("dl.facts", list);
}

struct ClassWeight {
    size_t index;
    double weight;
};

std::vector<ClassWeight> class_weights(const Page& page, const std::string& name) {
    std::vector<ClassWeight> weights;
    const auto& paths = page.results.interpret->per_class;
    for (size_t i = 0; i < paths.size(); ++i) {
        const PathPoint* point = point_at(paths[i], page.chosen_mu());
        if (!point || worst_residual(paths[i]) > kOptimalityTolerance) continue;
        for (const WeightedFilter& filter : point->filters)
            if (name_of(filter) == name) weights.push_back({i, filter.weight});
    }
    return weights;
}

Html driven_classes(const Page& page, const std::string& name) {
    if (!page.results.interpret) return {};
    const auto weights = class_weights(page, name);
    double largest = 0;
    for (const ClassWeight& entry : weights) largest = std::max(largest, std::abs(entry.weight));
    Html items;
    for (const ClassWeight& entry : weights)
        items += tag("li",
                     tag("a", {{"href", fmt::format("#class-{}", entry.index)}},
                         page.results.class_name(static_cast<int64_t>(entry.index))),
                     svg::share_bar(largest > 0 ? std::abs(entry.weight) / largest : 0),
                     tag("span.number", decimal(entry.weight)));
    return tag("h4", "Weight per class at μ = ", tag("output.mu", compact(page.chosen_mu()))) +
           tag("ul.weights", items) + tag("p.empty", {{"hidden", !items.empty()}}, "Drives no class at this budget.");
}

Html card(const Page& page, const ReportFilter& filter) {
    return tag(filter.average.empty() ? "article.filter-card.card.dead" : "article.filter-card.card",
               {{"id", "filter-" + identifier(filter.name)}, {"data-filter", filter.name}}, tag("h3", filter.name),
               pictures(filter), fact_list(filter, facts_of(page, filter.name), page.noun()),
               tag("div.drives", driven_classes(page, filter.name)));
}

Html table_row(const Page& page, const FilterSummary& facts) {
    const std::string name = name_of(facts);
    std::string driven;
    for (const ClassWeight& entry : class_weights(page, name))
        driven += (driven.empty() ? "" : ", ") + page.results.class_name(static_cast<int64_t>(entry.index));
    return tag("tr", tag("th", {{"scope", "row"}}, page.filter(name) ? filter_link(name) : name),
               tag("td.number", decimal(facts.mean_response, 4)),
               number_cell(std::isfinite(facts.active_share) ? facts.active_share : -1, percent(facts.active_share)),
               tag("td", facts.dead ? "dead" : ""), tag("td", {{"data-drives", name}}, driven));
}

Html all_filters(const Page& page) {
    if (!page.results.interpret || page.results.interpret->filters.empty()) return {};
    const auto& filters = page.results.interpret->filters;
    Html rows;
    for (const FilterSummary& facts : filters) rows += table_row(page, facts);
    const Html heads = columns({"Filter", "Mean response", "Active in", "State"}) +
                       column("Drives at μ = " + tag("output.mu", compact(page.chosen_mu())));
    return tag("details", tag("summary", "All ", plural(static_cast<int64_t>(filters.size()), "filter"), " in numbers"),
               table("All filters", "table.sortable", heads, rows));
}

Html controls() {
    const Html shown = tag("option", {{"value", "all"}}, "every filter") +
                       tag("option", {{"value", "class"}}, "filters that drive the chosen class") +
                       tag("option", {{"value", "dead"}}, "dead filters");
    const Html search = tag(
        "input", {{"type", "search"}, {"id", "filter-search"}, {"placeholder", "conv2.17"}, {"autocomplete", "off"}});
    return tag("div.controls.js-only", tag("label", "Show ", tag("select", {{"id", "filter-show"}}, shown)),
               tag("label", "Find ", search)) +
           tag("ul.icons.js-only", {{"id", "filter-icons"}, {"aria-label", "Filters"}});
}

}  // namespace

Html filters_section(Page& page) {
    const std::string title = "Filters";
    std::string lede = "What a filter sees: the mean of the " + page.noun() +
                       " patches where it answered most, beside the patches themselves. A mean of unlike patches is "
                       "grey mush; the spread says so.";
    if (const auto& interpret = page.results.interpret;
        interpret && page.data.filters.size() < interpret->filters.size())
        lede += fmt::format(" Of the {} filters, those that drive a class at μ = {} are shown.",
                            interpret->filters.size(), compact(interpret->chosen_mu));
    if (page.data.filters.empty())
        return section("filters", title, lede,
                       missing_stage("No filter has been drawn.", command_of(page, "interpret")));
    Html cards;
    for (const ReportFilter& filter : page.data.filters) cards += card(page, filter);
    return section("filters", title, lede,
                   controls() + tag("div.filter-cards", cards) + all_filters(page) + made_by(page, {"interpret"}));
}

}  // namespace spikelens::report
