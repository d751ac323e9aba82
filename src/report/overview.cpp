#include <algorithm>

#include <fmt/format.h>

#include "leaders.h"
#include "maps.h"
#include "numbers.h"
#include "page.h"
#include "png.h"
#include "provenance.h"

namespace spikelens::report {
namespace {

Html tile(const std::string& label, const std::string& value, const std::string& detail) {
    return tag("div.tile", tag("dt", label), tag("dd", tag("strong", value), tag("span", detail)));
}

/// What always naming the commonest class would get right; NaN when it is not known.
double guessing(const Training& train) {
    double all = 0, commonest = 0;
    for (size_t c = 0; c < train.made.confusion.size(); ++c) {
        all += train.samples_of(c);
        commonest = std::max(commonest, train.samples_of(c));
    }
    return all > 0 ? commonest / all : kUnknown;
}

Html accuracy_tile(const Training& train, const std::string& noun) {
    const AccuracySummary& test = train.made.test;
    std::string detail = plural(test.samples, "test " + noun);
    detail +=
        test.ci95.known() ? ", 95 % interval " + percent_interval(test.ci95.low, test.ci95.high) : ", no interval";
    if (test.undecided > 0) detail += fmt::format("; {} undecided, counted as wrong", count(test.undecided));
    if (std::isfinite(guessing(train))) detail += "; the commonest class alone: " + percent(guessing(train));
    return tile("Accuracy", percent(test.accuracy), detail);
}

Html filters_tile(const InterpretResult& interpretation) {
    const auto dead = std::count_if(interpretation.filters.begin(), interpretation.filters.end(),
                                    [](const FilterSummary& f) { return f.dead; });
    return tile(
        fmt::format("Filters per class at the run's μ = {}", compact(interpretation.chosen_mu)),
        decimal(mean_selected(interpretation), 1),
        fmt::format("of {}, {} dead", plural(static_cast<int64_t>(interpretation.filters.size()), "filter"), dead));
}

Html ablation_tile(const InterpretResult& interpretation, const std::string& noun) {
    const AblationSummary::Point* step = point_at(interpretation.ablation, interpretation.chosen_mu);
    if (!step) return {};
    const double full = interpretation.ablation.full_accuracy;
    return tile("Cost of silencing them", points(full - step->relevant_accuracy),
                fmt::format("{}; as many random filters: {}",
                            std::isfinite(step->relevant_ci95)
                                ? fmt::format("± {} over {}s", decimal(100 * step->relevant_ci95, 1), noun)
                                : fmt::format("no interval: too few {}s", noun),
                            points(full - step->random_accuracy)));
}

Html explanation_tile(const EvaluateResult& evaluation, const std::string& noun) {
    const std::string metric = leading_metric(evaluation);
    const EvaluatedMethod* leader = best(evaluation, metric, false);
    if (!leader) return {};
    const MetricScore& score = *leader->metric(metric);
    const std::string interval = text_of(score, score.ci95);
    const std::string numbers =
        fmt::format("{}{}{}, {}", text_of(score), interval.empty() ? "" : " ", interval, plural(score.samples, noun));
    const std::vector<std::string> equals = equal_leaders(evaluation, metric);
    if (equals.size() > 1)
        return tile("No best explanation by " + metric, fmt::format("{} are equal", equals.size()),
                    fmt::format("{}: {}", fmt::join(equals, ", "), numbers));
    return tile("Best explanation by " + metric, leader->method,
                numbers + "; " + standing_words(evaluation, leader->method, noun));
}

Html tiles(const Results& results, const std::string& noun) {
    Html out;
    if (results.train) out += accuracy_tile(*results.train, noun);
    if (results.interpret) out += filters_tile(*results.interpret) + ablation_tile(*results.interpret, noun);
    if (results.evaluate) out += explanation_tile(*results.evaluate, noun);
    return out.empty() ? out : tag("dl.tiles", out);
}

/// The hero's parts: an image read right, a map of it with something on it, the strongest pictured filter of its class.
struct Hero {
    size_t image = 0, method = 0;
    std::optional<WeightedFilter> filter;
};

std::optional<WeightedFilter> strongest_filter(const Page& page, int class_index) {
    if (!page.results.interpret || class_index < 0 ||
        class_index >= static_cast<int>(page.results.interpret->per_class.size()))
        return {};
    const PathPoint* point =
        point_at(page.results.interpret->per_class[static_cast<size_t>(class_index)], page.chosen_mu());
    if (point)
        for (const WeightedFilter& filter : point->filters)
            if (page.is_pictured(name_of(filter))) return filter;
    return {};
}

/// Methods of the report that look into the network, the best measured first; those not measured after them in their
/// order.
std::vector<size_t> ranked_methods(const Page& page) {
    const std::string metric = page.results.evaluate ? leading_metric(*page.results.evaluate) : std::string();
    constexpr double unmeasured = std::numeric_limits<double>::max();
    std::vector<std::pair<double, size_t>> order;
    for (size_t m = 0; m < page.data.methods.size(); ++m) {
        if (page.data.methods[m].sanity_baseline) continue;
        const MetricScore* score =
            page.results.evaluate ? page.results.evaluate->score(page.data.methods[m].name, metric) : nullptr;
        const bool known = score && std::isfinite(score->mean);
        order.emplace_back(known ? (higher_is_better(*score) ? -score->mean : score->mean) : unmeasured, m);
    }
    std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<size_t> methods;
    for (const auto& [value, m] : order) methods.push_back(m);
    return methods;
}

bool is_drawn(const Page& page, size_t image, size_t method) {
    const ReportImage& shown = page.data.images[image];
    return method < shown.maps.size() && quantise(shown, method).state == QuantisedMap::State::values;
}

std::optional<Hero> choose_hero(const Page& page) {
    for (const size_t method : ranked_methods(page))
        for (const bool with_filter : {true, false})
            for (size_t i = 0; i < page.data.images.size(); ++i) {
                const ReportImage& image = page.data.images[i];
                const auto filter = strongest_filter(page, image.predicted);
                if (image.is_right() && is_drawn(page, i, method) && (filter || !with_filter))
                    return Hero{i, method, filter};
            }
    return std::nullopt;
}

Html arrow() { return tag("span.arrow", {{"aria-hidden", "true"}}); }

Html filter_figure(const Page& page, const WeightedFilter& filter) {
    return tag("figure",
               tag("img.input", {{"src", data_uri(png(shrink(page.filter(name_of(filter))->average, 160)))},
                                 {"alt", "Average visualisation of filter " + name_of(filter)}}),
               tag("figcaption", tag("b", "its strongest filter"), filter_link(name_of(filter)), ", weight ",
                   decimal(filter.weight))) +
           arrow();
}

/// "ahead of a random map …", as a badge that no one can pass over.
Html verdict_badge(const Page& page, const std::string& method) {
    static constexpr const char* selectors[] = {"span.standing.held", "span.standing.undecided",
                                                "span.standing.contradicted", "span.standing.undecided",
                                                "span.standing.undecided"};
    if (!page.results.evaluate || page.results.evaluate->methods.empty())
        return tag("span.standing.undecided", "not measured: whether it can be trusted is not known");
    const EvaluateResult& evaluation = *page.results.evaluate;
    return tag(selectors[static_cast<size_t>(standing(evaluation, method).verdict)],
               standing_words(evaluation, method, page.noun()));
}

/// What the leading metric measures, in words.
std::string meaning_of(const std::string& metric) {
    if (metric == "insertion")
        return " Insertion: the pixels that a map ranks highest are shown first; the sooner the network is sure, the "
               "higher.";
    if (metric == "deletion")
        return " Deletion: the pixels that a map ranks highest are hidden first; the sooner the network is unsure, the "
               "lower.";
    if (metric == "spike_insertion")
        return " Spike insertion: the spikes that a map ranks highest are shown first; the sooner the network is sure, "
               "the higher.";
    if (metric == "spike_deletion")
        return " Spike deletion: the spikes that a map ranks highest are taken away first; the sooner the network is "
               "unsure, the lower.";
    return {};
}

std::string choice_of_method(const Page& page, const std::string& method) {
    if (!page.results.evaluate || standing(*page.results.evaluate, method).verdict == Standing::Verdict::unmeasured)
        return "no method of the report has been measured";
    const std::string metric = leading_metric(*page.results.evaluate);
    if (const auto equals = equal_leaders(*page.results.evaluate, metric); equals.size() > 1)
        return fmt::format("{} explanations are equally good by {}: the method is the first with a map to show",
                           equals.size(), metric);
    return "the method is the best measured one of those with a map to show, by " + metric;
}

Html hero(const Page& page) {
    const auto choice = choose_hero(page);
    if (!choice) return {};
    const ReportImage& image = page.data.images[choice->image];
    const ReportMethod& method = page.data.methods[choice->method];
    const std::string id = image_name(image);
    const Html input = tag("figure", input_picture(image, "Test " + page.noun() + " " + id),
                           tag("figcaption", tag("b", page.results.class_name(image.predicted)),
                               tag("a", {{"href", "#image-" + id}}, id)));
    const Html map = tag("figure", map_picture(page.data, choice->image, choice->method),
                         colour_bar(page.data, choice->image, choice->method),
                         tag("figcaption", tag("b", "where it looked, says ", method.name), method.title, ". ",
                             verdict_badge(page, method.name)));
    return tag("div.hero", input, arrow(), choice->filter ? filter_figure(page, *choice->filter) : Html(), map) +
           tag("p.note", "The first ", page.noun(), " of the sample below that the network reads right; ",
               choice_of_method(page, method.name), ". Chosen by these rules, not by eye.",
               page.results.evaluate ? meaning_of(leading_metric(*page.results.evaluate)) : "");
}

Html paragraph(std::string_view selector, const std::string& words) {
    return words.find_first_not_of(' ') == std::string::npos ? Html() : tag(selector, words);
}

/// Whether every sample shown has the same scores, as those of a network whose neurons never spike: no map of it says
/// anything.
bool sees_nothing(const Page& page) {
    const std::vector<ReportImage>& images = page.data.images;
    return images.size() > 1 && images.front().probabilities.size() > 1 &&
           std::ranges::all_of(
               images, [&](const ReportImage& image) { return image.probabilities == images.front().probabilities; });
}

/// What makes everything below doubtful, said before anything else.
Html banner(const Page& page) {
    if (!page.results.train) return {};
    const Training& train = *page.results.train;
    if (train.diverged)
        return tag(
            "p.banner", {{"role", "alert"}}, tag("strong", "Training diverged."),
            " The loss left all sensible numbers, so the weights mean nothing. Accuracies are withheld; everything "
            "else on this page describes a broken network. Train again with a smaller learning rate.");
    if (train.silent())
        return tag("p.banner", {{"role", "alert"}},
                   tag("strong", "The network is undecided on every test ", page.noun(), "."),
                   " All class scores are equal, as when no output neuron spikes; each counts as wrong. Filters, maps "
                   "and ablations of such a network say nothing about classes.");
    if (sees_nothing(page))
        return tag(
            "p.banner", {{"role", "alert"}},
            tag("strong", "The network gives all ", plural(std::ssize(page.data.images), page.noun()),
                " below the same scores."),
            " It does so when no neuron spikes or when all inputs are alike, and no map tells what it looked at.");
    return {};
}

}  // namespace

Html overview_section(Page& page) {
    const bool broken = page.results.train && (page.results.train->diverged || page.results.train->silent());
    Html content = tag("h1.finding", {{"id", "overview-title"}}, headline(page)) + banner(page);
    if (!broken) content += paragraph("p.lede", finding(page) + " " + trust(page));
    content += paragraph("p.note.small-print", small_print(page));
    if (!broken && !sees_nothing(page)) content += hero(page);
    if (!broken) content += tiles(page.results, page.noun()) + claims_table(page);
    if (!page.results.train)
        content += missing_stage(
            "The network's accuracy and its mistakes have not been measured here.",
            shell({"spikelens", "train", "--data", "DATA", "--network", "NETWORK", "--out", page.data.run}));
    return tag("section", {{"id", "overview"}, {"aria-labelledby", "overview-title"}}, content);
}

}  // namespace spikelens::report
