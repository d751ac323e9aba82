#include <algorithm>

#include <fmt/format.h>

#include "charts.h"
#include "numbers.h"
#include "page.h"

namespace spikelens::report {
namespace {

std::vector<double> fractions(size_t points) {
    std::vector<double> x;
    for (size_t i = 0; i < points; ++i)
        x.push_back(points > 1 ? static_cast<double>(i) / static_cast<double>(points - 1) : 0);
    return x;
}

/// "spikes deleted": what changes along the curve.
std::string changed(const std::string& metric) {
    const bool spikes = metric.rfind("spike_", 0) == 0, deleted = metric.find("deletion") != std::string::npos;
    return std::string(spikes ? "spikes " : "pixels ") + (deleted ? "deleted" : "inserted");
}

LinePlot curve_plot(const EvaluateResult& evaluation, const std::string& metric) {
    LinePlot plot;
    plot.title = "Mean " + metric + " curve of every method with its 95 % band";
    plot.x = {changed(metric), 0, 1, false, true};
    plot.y.label = "probability of the prediction";
    int methods = 0, baselines = 0;
    for (const EvaluatedMethod& method : evaluation.methods) {
        const LineStyle style = method.sanity_baseline ? baseline_style(baselines++) : line_style(methods++);
        const MetricScore* score = method.metric(metric);
        if (score && !score->curve.empty())
            plot.series.push_back(
                {method.method, fractions(score->curve.size()), score->curve, score->curve_ci95, style});
    }
    fit_y(plot, 0, 1);
    return plot;
}

Table curve_table(const LinePlot& plot) {
    Table table{{"fraction", "method", "mean", "ci95_half_width"}, {}};
    for (const Series& series : plot.series)
        for (size_t i = 0; i < series.y.size(); ++i)
            table.rows.push_back({series.x[i], series.name, series.y[i],
                                  i < series.half.size() ? nlohmann::json(series.half[i]) : nlohmann::json()});
    return table;
}

Html score_cell(const MetricScore* score) {
    if (!score || !std::isfinite(score->mean)) return number_cell(kUnknown, "—");
    const std::string range =
        score->ci95.known() ? text_of(*score, score->ci95) : "no interval: " + plural(score->samples, "sample");
    return number_cell(score->mean, text_of(*score) + " " + tag("small", range));
}

Html paper_cell(const EvaluateResult& evaluation, const EvaluatedMethod& method, const std::string& metric) {
    const PaperValue* paper = paper_value(evaluation, method.method, metric);
    return number_cell(paper ? paper->value : kUnknown, paper ? decimal(paper->value, 4) : "", "td.number.paper");
}

bool has_paper(const EvaluateResult& evaluation, const std::string& metric) {
    return std::ranges::find(evaluation.paper, metric, &PaperValue::metric) != evaluation.paper.end();
}

/// How many of a method's maps said nothing, so that their scores are those of ties.
Html silent_maps(const EvaluatedMethod& method) {
    std::string kinds;
    for (const auto& [number, kind] : {std::pair{method.zero_maps, "zero"},
                                       {method.noise_maps, "only rounding"},
                                       {method.constant_maps, "the same everywhere"}})
        if (number > 0 && !method.sanity_baseline) kinds += (kinds.empty() ? "" : ", ") + count(number) + " " + kind;
    return kinds.empty() ? Html() : " " + tag("span.tag", "maps: ", kinds);
}

Html score_row(const EvaluateResult& evaluation, const EvaluatedMethod& method,
               const std::vector<std::string>& metrics) {
    Html cells;
    int64_t samples = 0;
    for (const std::string& metric : metrics) {
        const MetricScore* score = method.metric(metric);
        if (score) samples = std::max(samples, score->samples);
        cells += score_cell(score);
        if (has_paper(evaluation, metric)) cells += paper_cell(evaluation, method, metric);
    }
    return tag(method.sanity_baseline ? "tr.baseline" : "tr",
               tag("th", {{"scope", "row"}}, tag("span", {{"title", method.title}}, method.method),
                   method.sanity_baseline ? " " + tag("span.tag", "baseline") : silent_maps(method)),
               cells, number_cell(static_cast<double>(samples), count(samples)),
               number_cell(method.seconds_per_explanation, seconds(method.seconds_per_explanation)));
}

bool lower_is_better(const EvaluateResult& evaluation, const std::string& metric) {
    return std::any_of(evaluation.methods.begin(), evaluation.methods.end(), [&](const EvaluatedMethod& method) {
        const MetricScore* score = method.metric(metric);
        return score && !higher_is_better(*score);
    });
}

/// The leader against each other method: what a reader wants first. All pairs are in the table.
RowChart forest(const EvaluateResult& evaluation, const std::string& metric, const EvaluatedMethod& leader) {
    RowChart chart;
    chart.title = "Paired differences of " + metric + " from " + leader.method;
    chart.zero_line = true;
    double reach = 0;
    const MetricScore& unit = *leader.metric(metric);
    for (const EvaluatedMethod& other : evaluation.methods) {
        const auto difference = evaluation.difference(metric, leader.method, other.method);
        if (!difference || other.method == leader.method) continue;
        const LineStyle style{hex(difference->decided ? kKindColours[0] : kQuietColours[0]), "",
                              difference->decided ? 1 : 0};
        chart.rows.push_back({"− " + other.method,
                              {{difference->difference, difference->ci95, style}},
                              (difference->decided ? "" : "~ ") + text_of(unit, difference->difference)});
        for (double end : {difference->difference, difference->ci95.low, difference->ci95.high})
            if (std::isfinite(end)) reach = std::max(reach, std::abs(end));
    }
    chart.x = {metric + " of " + leader.method + " minus that of …", -reach * 1.05, reach * 1.05};
    if (reach == 0) chart.x.low = -1, chart.x.high = 1;
    return chart;
}

Table difference_table(const EvaluateResult& evaluation, const std::string& metric) {
    Table table{{"metric", "a", "b", "a_minus_b", "ci95_low", "ci95_high", "decided"}, {}};
    for (const MetricDifference& d : evaluation.differences)
        if (d.metric == metric)
            table.rows.push_back({d.metric, d.a, d.b, d.difference, d.ci95.low, d.ci95.high, d.decided});
    return table;
}

Html all_pairs(const EvaluateResult& evaluation) {
    Html rows;
    for (const MetricDifference& d : evaluation.differences) {
        const MetricScore* measured = evaluation.score(d.a, d.metric);
        const MetricScore unit = measured ? *measured : MetricScore{};
        rows += tag("tr", tag("td", d.metric), tag("th", {{"scope", "row"}}, d.a, " − ", d.b),
                    number_cell(d.difference, text_of(unit, d.difference)), tag("td.number", text_of(unit, d.ci95)),
                    tag("td", d.decided ? "decided" : "~"));
    }
    return tag("details", tag("summary", fmt::format("All {} paired differences", evaluation.differences.size())),
               table("Differences", "table.sortable",
                     columns({"Metric", "Methods", "Difference", "95 % interval", "Decision"}), rows));
}

}  // namespace

Html curves(Page& page, const EvaluateResult& evaluation) {
    Html out;
    for (const std::string& metric : metrics_of(evaluation)) {
        const LinePlot plot = curve_plot(evaluation, metric);
        if (plot.series.empty()) continue;
        const std::string better = lower_is_better(evaluation, metric) ? "lower is better" : "higher is better";
        out += figure(page, "curve-" + identifier(metric), draw(plot),
                      tag("b", metric) + ": mean over " + page.noun() + "s and 95 % band; " + better +
                          ". Grey lines never see the network.",
                      curve_table(plot), {"evaluate"});
    }
    return out.empty() ? out : tag("div.pair", out);
}

namespace {

/// What the columns hold that are no area under a curve.
std::string what_is_measured(const Page& page, const std::vector<std::string>& metrics,
                             const EvaluateResult& evaluation) {
    static const std::pair<const char*, const char*> known[] = {
        {"sensitivity", "largest relative change of the map under small changes of the input"},
        {"randomisation", "rank correlation with the map of a network whose fully connected weights are shuffled"},
        {"completeness", "gap between what the map adds up to and what the score changed"}};
    std::string areas, others;
    for (const std::string& metric : metrics) {
        const auto has_curve = [&](const EvaluatedMethod& m) {
            return m.metric(metric) && !m.metric(metric)->curve.empty();
        };
        if (std::any_of(evaluation.methods.begin(), evaluation.methods.end(), has_curve))
            areas += (areas.empty() ? "" : ", ") + metric;
        for (const auto& [name, meaning] : known)
            if (metric == name) others += fmt::format(" {}: {}.", name, meaning);
    }
    return fmt::format("{}{} In brackets, the 95 % interval of the mean over {}s.",
                       areas.empty() ? "" : areas + ": area under the curve.", others, page.noun());
}

}  // namespace

Html scores_table(const Page& page, const EvaluateResult& evaluation) {
    const auto metrics = metrics_of(evaluation);
    Html heads = column("Method"), rows;
    for (const std::string& metric : metrics) {
        heads += column(metric + (lower_is_better(evaluation, metric) ? " ↓" : " ↑"));
        if (has_paper(evaluation, metric)) heads += column("paper");
    }
    heads += columns({"n", "time each"});
    for (const EvaluatedMethod& method : evaluation.methods) rows += score_row(evaluation, method, metrics);
    return table("Scores", "table.sortable.scores", heads, rows) +
           tag("p.note", what_is_measured(page, metrics, evaluation));
}

Html differences(Page& page, const EvaluateResult& evaluation) {
    Html out;
    for (const std::string& metric : metrics_of(evaluation)) {
        const EvaluatedMethod* leader = best(evaluation, metric, false);
        if (!leader) continue;
        const RowChart chart = forest(evaluation, metric, *leader);
        if (chart.rows.empty()) continue;
        out += figure(page, "difference-" + identifier(metric), draw(chart),
                      "Paired differences of " + tag("b", metric) +
                          ": the leading method against each other one, on the same " + page.noun() +
                          "s. ~ marks an interval that holds zero.",
                      difference_table(evaluation, metric), {"evaluate"});
    }
    if (out.empty()) return tag("p.empty", "No paired differences were measured: one method only.");
    return tag("h3", "Which differences are real?") +
           tag("p.note", fmt::format("{}; the intervals are not corrected for their number.",
                                     plural(static_cast<int64_t>(evaluation.differences.size()), "comparison"))) +
           tag("div.pair", out) + all_pairs(evaluation);
}

}  // namespace spikelens::report
