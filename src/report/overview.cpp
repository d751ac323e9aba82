#include <algorithm>

#include <fmt/format.h>

#include "html.h"
#include "maps.h"
#include "page.h"
#include "png.h"

namespace spikelens::report {
namespace {

std::string tile(const std::string& label, const std::string& value, const std::string& detail) {
    return fmt::format("<div class=\"tile\"><dt>{}</dt><dd><strong>{}</strong><span>{}</span></dd></div>\n", escape(label),
                       escape(value), escape(detail));
}

std::string accuracy_tile(const Training& train, const std::string& noun) {
    std::string detail = train.samples ? plural(train.samples, "test " + noun) : "number of test " + noun + "s unknown";
    detail += train.accuracy_ci.known() ? ", 95 % interval " + percent_interval(train.accuracy_ci.low, train.accuracy_ci.high)
                                        : ", no interval";
    return tile("Accuracy", percent(train.accuracy), detail);
}

std::string filters_tile(const Interpretation& interpretation) {
    const auto dead = std::count_if(interpretation.filters.begin(), interpretation.filters.end(),
                                    [](const FilterFacts& f) { return f.dead; });
    return tile(fmt::format("Filters per class at μ = {}", compact(interpretation.chosen_mu)),
                decimal(interpretation.mean_selected(interpretation.chosen_mu), 1),
                fmt::format("of {}, {} dead", plural(static_cast<int64_t>(interpretation.filters.size()), "filter"), dead));
}

std::string ablation_tile(const Interpretation& interpretation, const std::string& noun) {
    const AblationStep* step = interpretation.ablation.at(interpretation.chosen_mu);
    if (!step) return {};
    const double full = interpretation.ablation.full;
    return tile("Cost of silencing them", points(full - step->relevant),
                fmt::format("± {} over {}s; as many random filters: {}", decimal(100 * step->relevant_ci, 1), noun,
                            points(full - step->random)));
}

std::string explanation_tile(const Evaluation& evaluation, const std::string& noun) {
    const std::string metric = evaluation.leading_metric();
    const EvaluatedMethod* leader = evaluation.best(metric, false);
    if (!leader) return {};
    const Metric& score = *leader->metric(metric);
    return tile("Best explanation by " + metric, leader->name,
                fmt::format("{} {}, {}", score.text(score.mean), score.text(score.ci), plural(score.samples, noun)));
}

std::string tiles(const Results& results, const std::string& noun) {
    std::string out;
    if (results.train) out += accuracy_tile(*results.train, noun);
    if (results.interpret) out += filters_tile(*results.interpret) + ablation_tile(*results.interpret, noun);
    if (results.evaluate) out += explanation_tile(*results.evaluate, noun);
    return out.empty() ? out : "<dl class=\"tiles\">\n" + out + "</dl>\n";
}

/// The hero's parts: an image read right, the strongest pictured filter of its class, a map with something on it.
struct Hero {
    size_t image = 0, method = 0;
    WeightedFilter filter;
};

std::optional<WeightedFilter> strongest_filter(const Page& page, int class_index) {
    if (!page.results.interpret || class_index < 0 || class_index >= static_cast<int>(page.results.interpret->per_class.size()))
        return {};
    const PathPoint* point = page.results.interpret->per_class[static_cast<size_t>(class_index)].at(page.chosen_mu());
    if (point)
        for (const WeightedFilter& filter : point->filters)
            if (page.is_pictured(filter.name)) return filter;
    return {};
}

std::optional<size_t> shown_method(const ReportData& data, const ReportImage& image) {
    std::optional<size_t> choice;
    for (size_t m = 0; m < std::min(image.maps.size(), data.methods.size()); ++m) {
        if (data.methods[m].baseline || quantise(image.maps[m]).state != QuantisedMap::State::values) continue;
        const bool is_svebi = data.methods[m].name.rfind("svebi", 0) == 0;
        if (is_svebi) return m;
        if (!choice) choice = m;
    }
    return choice;
}

std::optional<Hero> choose_hero(const Page& page) {
    for (size_t i = 0; i < page.data.images.size(); ++i) {
        const ReportImage& image = page.data.images[i];
        const auto filter = strongest_filter(page, image.predicted);
        const auto method = shown_method(page.data, image);
        if (image.label == image.predicted && filter && method) return Hero{i, *method, *filter};
    }
    return std::nullopt;
}

std::string hero(const Page& page) {
    const auto choice = choose_hero(page);
    if (!choice) return {};
    const ReportImage& image = page.data.images[choice->image];
    const std::string name = page.results.class_name(image.predicted), id = image_name(image);
    return fmt::format(
        "<div class=\"hero\">\n"
        "<figure>{0}<figcaption><b>{1}</b><a href=\"#image-{2}\">{3}</a></figcaption></figure>\n<span class=\"arrow\" "
        "aria-hidden=\"true\"></span>\n"
        "<figure><img class=\"input\" src=\"{4}\" alt=\"Average visualisation of filter {5}\"><figcaption><b>its strongest "
        "filter</b>"
        "<a href=\"#filter-{6}\">{5}</a>, weight {7}</figcaption></figure>\n<span class=\"arrow\" "
        "aria-hidden=\"true\"></span>\n"
        "<figure>{8}<figcaption><b>where it looked</b>{9}</figcaption></figure>\n</div>\n"
        "<p class=\"note\">The first {10} of the sample below that the network reads right; chosen by this rule, not by "
        "eye.</p>\n",
        input_picture(image, "Test " + page.noun() + " " + id), escape(name), id, id,
        data_uri(png(shrink(page.filter(choice->filter.name)->average, 160))), escape(choice->filter.name),
        identifier(choice->filter.name), decimal(choice->filter.weight), map_picture(page.data, choice->image, choice->method),
        escape(page.data.methods[choice->method].title), page.noun());
}

std::string claim_row(const Claim& claim) {
    static constexpr const char* words[] = {"held", "undecided", "not held"};
    static constexpr const char* classes[] = {"held", "undecided", "contradicted"};
    const auto verdict = static_cast<size_t>(claim.verdict);
    return fmt::format(
        "<tr><th scope=\"row\">{}</th><td data-label=\"Paper\">{}</td><td data-label=\"This run\">{}</td>"
        "<td data-label=\"Verdict\"><span class=\"verdict {}\">{}</span></td></tr>\n",
        escape(claim.statement), escape(claim.paper), escape(claim.ours), classes[verdict], words[verdict]);
}

std::string claims_table(const Page& page) {
    const std::vector<Claim> list = claims(page);
    if (list.empty()) return {};
    std::string rows, sources;
    for (const Claim& claim : list) {
        rows += claim_row(claim);
        if (!claim.source.empty() && sources.find(claim.source) == std::string::npos)
            sources += (sources.empty() ? "" : "; ") + claim.source;
    }
    return fmt::format(
        "<h3>Published claims, tested on this run</h3>\n<table class=\"cards\"><thead><tr><th scope=\"col\">Claim</th><th "
        "scope=\"col\">Paper</th>"
        "<th scope=\"col\">This run, 95 % interval</th><th scope=\"col\">Verdict</th></tr></thead><tbody>\n{}</tbody></table>\n"
        "<p class=\"note\">A value holds when it lies inside our interval, an order when the paired difference excludes zero. "
        "Intervals are over test {}s; they do not cover training again with another seed. Source: {}.</p>\n",
        rows, page.noun(), escape(sources));
}

std::string missing_stages(const Page& page) {
    std::string out;
    if (!page.results.train)
        out += missing_stage("The network's accuracy and its mistakes have not been measured here.",
                             "spikelens train --data DATA --network NETWORK --out " + page.data.run);
    return out;
}

}  // namespace

std::string overview_section(Page& page) {
    return fmt::format(
        "<section id=\"overview\" aria-labelledby=\"overview-title\">\n<h2 id=\"overview-title\" "
        "class=\"visually-hidden\">Overview</h2>\n"
        "<p class=\"finding\">{}</p>\n{}{}{}{}{}</section>\n",
        escape(finding(page)), trust(page).empty() ? "" : "<p class=\"lede\">" + escape(trust(page)) + "</p>\n", hero(page),
        tiles(page.results, page.noun()), claims_table(page), missing_stages(page));
}

}  // namespace spikelens::report
