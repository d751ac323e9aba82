#include <algorithm>

#include <fmt/format.h>

#include "charts.h"
#include "html.h"
#include "page.h"

namespace spikelens::report {
namespace {

std::vector<double> fractions(size_t points) {
    std::vector<double> x;
    for (size_t i = 0; i < points; ++i) x.push_back(points > 1 ? static_cast<double>(i) / static_cast<double>(points - 1) : 0);
    return x;
}

/// "spikes deleted": what changes along the curve.
std::string changed(const std::string& metric) {
    const bool spikes = metric.rfind("spike_", 0) == 0, deleted = metric.find("deletion") != std::string::npos;
    return std::string(spikes ? "spikes " : "pixels ") + (deleted ? "deleted" : "inserted");
}

LinePlot curve_plot(const Evaluation& evaluation, const std::string& metric) {
    LinePlot plot;
    plot.title = "Mean " + metric + " curve of every method with its 95 % band";
    plot.x = {changed(metric), 0, 1, false, true};
    plot.y.label = "probability of the prediction";
    int methods = 0, baselines = 0;
    for (const EvaluatedMethod& method : evaluation.methods) {
        const LineStyle style = method.baseline ? baseline_style(baselines++) : line_style(methods++);
        const Metric* score = method.metric(metric);
        if (score && !score->curve.empty())
            plot.series.push_back({method.name, fractions(score->curve.size()), score->curve, score->curve_ci, style});
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

std::string score_cell(const Metric* score) {
    if (!score || !std::isfinite(score->mean)) return "<td class=\"number\" data-value=\"\">—</td>";
    const std::string range = score->ci.known() ? score->text(score->ci) : "no interval: " + plural(score->samples, "sample");
    return fmt::format("<td class=\"number\" data-value=\"{}\">{} <small>{}</small></td>", score->mean,
                       score->text(score->mean), range);
}

std::string paper_cell(const Evaluation& evaluation, const EvaluatedMethod& method, const std::string& metric) {
    const auto paper = evaluation.paper_value(method.name, metric);
    return paper ? fmt::format("<td class=\"number paper\" data-value=\"{0}\">{1}</td>", paper->value, decimal(paper->value, 4))
                 : "<td class=\"number paper\" data-value=\"\"></td>";
}

/// How many of a method's maps said nothing, so that their scores are those of ties.
std::string silent_maps(const EvaluatedMethod& method) {
    std::string kinds;
    for (const auto& [number, kind] : {std::pair{method.zero_maps, "zero"},
                                       {method.noise_maps, "only rounding"},
                                       {method.constant_maps, "the same everywhere"}})
        if (number > 0 && !method.baseline) kinds += (kinds.empty() ? "" : ", ") + count(number) + " " + kind;
    return kinds.empty() ? kinds : " <span class=\"tag\">maps: " + kinds + "</span>";
}

std::string score_row(const Evaluation& evaluation, const EvaluatedMethod& method, const std::vector<std::string>& metrics) {
    std::string cells;
    int64_t samples = 0;
    for (const std::string& metric : metrics) {
        const Metric* score = method.metric(metric);
        if (score) samples = std::max(samples, score->samples);
        cells += score_cell(score);
        if (!evaluation.paper.empty()) cells += paper_cell(evaluation, method, metric);
    }
    return fmt::format(
        "<tr{}><th scope=\"row\"><span title=\"{}\">{}</span>{}</th>{}<td class=\"number\" data-value=\"{}\">{}</td><td "
        "class=\"number\" data-value=\"{}\">{}</td></tr>\n",
        method.baseline ? " class=\"baseline\"" : "", escape(method.title), escape(method.name),
        method.baseline ? " <span class=\"tag\">baseline</span>" : silent_maps(method), cells, samples, count(samples),
        std::isfinite(method.seconds) ? fmt::format("{}", method.seconds) : "", seconds(method.seconds));
}

bool lower_is_better(const Evaluation& evaluation, const std::string& metric) {
    return std::any_of(evaluation.methods.begin(), evaluation.methods.end(), [&](const EvaluatedMethod& method) {
        const Metric* score = method.metric(metric);
        return score && !score->higher_is_better;
    });
}

/// The leader against each other method: what a reader wants first. All pairs are in the table.
RowChart forest(const Evaluation& evaluation, const std::string& metric, const EvaluatedMethod& leader) {
    RowChart chart;
    chart.title = "Paired differences of " + metric + " from " + leader.name;
    chart.zero_line = true;
    double reach = 0;
    const Metric& unit = *leader.metric(metric);
    for (const EvaluatedMethod& other : evaluation.methods) {
        const auto difference = evaluation.difference(metric, leader.name, other.name);
        if (!difference || other.name == leader.name) continue;
        const LineStyle style{difference->decided ? "#0072b2" : "#8d8d8d", "", difference->decided ? 1 : 0};
        chart.rows.push_back({"− " + other.name,
                              {{difference->value, difference->ci, style}},
                              (difference->decided ? "" : "~ ") + unit.text(difference->value)});
        for (double end : {difference->value, difference->ci.low, difference->ci.high})
            if (std::isfinite(end)) reach = std::max(reach, std::abs(end));
    }
    chart.x = {metric + " of " + leader.name + " minus that of …", -reach * 1.05, reach * 1.05};
    if (reach == 0) chart.x.low = -1, chart.x.high = 1;
    return chart;
}

Table difference_table(const Evaluation& evaluation, const std::string& metric) {
    Table table{{"metric", "a", "b", "a_minus_b", "ci95_low", "ci95_high", "decided"}, {}};
    for (const Difference& d : evaluation.differences)
        if (d.metric == metric) table.rows.push_back({d.metric, d.a, d.b, d.value, d.ci.low, d.ci.high, d.decided});
    return table;
}

std::string all_pairs(const Evaluation& evaluation) {
    std::string rows;
    for (const Difference& d : evaluation.differences) {
        const EvaluatedMethod* method = evaluation.method(d.a);
        const Metric* measured = method ? method->metric(d.metric) : nullptr;
        const Metric unit = measured ? *measured : Metric{};
        rows += fmt::format(
            "<tr><td>{}</td><th scope=\"row\">{} − {}</th><td class=\"number\" data-value=\"{}\">{}</td><td "
            "class=\"number\">{}</td><td>{}</td></tr>\n",
            escape(d.metric), escape(d.a), escape(d.b), std::isfinite(d.value) ? fmt::format("{}", d.value) : "",
            unit.text(d.value), unit.text(d.ci), d.decided ? "decided" : "~");
    }
    return fmt::format(
        "<details><summary>All {} paired differences</summary><div class=\"scroll\" tabindex=\"0\" role=\"region\" "
        "aria-label=\"Differences\"><table class=\"sortable\"><thead><tr><th "
        "scope=\"col\">Metric</th>"
        "<th scope=\"col\">Methods</th><th scope=\"col\">Difference</th><th scope=\"col\">95 % interval</th><th "
        "scope=\"col\">Decision</th></tr></thead><tbody>\n"
        "{}</tbody></table></div></details>\n",
        evaluation.differences.size(), rows);
}

}  // namespace

std::string curves(Page& page, const Evaluation& evaluation) {
    std::string out;
    for (const std::string& metric : evaluation.metrics()) {
        const LinePlot plot = curve_plot(evaluation, metric);
        if (plot.series.empty()) continue;
        const std::string better = lower_is_better(evaluation, metric) ? "lower is better" : "higher is better";
        out += figure(page, "curve-" + identifier(metric), draw(plot),
                      fmt::format("<b>{}</b>: mean over {}s and 95 % band; {}. Grey lines never see the network.",
                                  escape(metric), page.noun(), better),
                      curve_table(plot), {"evaluate"});
    }
    return out.empty() ? out : "<div class=\"pair\">\n" + out + "</div>\n";
}

namespace {

/// What the columns hold that are no area under a curve.
std::string what_is_measured(const Page& page, const std::vector<std::string>& metrics, const Evaluation& evaluation) {
    static const std::pair<const char*, const char*> known[] = {
        {"sensitivity", "largest relative change of the map under small changes of the input"},
        {"randomisation", "rank correlation with the map of a network whose fully connected weights are shuffled"},
        {"completeness", "gap between what the map adds up to and what the score changed"}};
    std::string areas, others;
    for (const std::string& metric : metrics) {
        const auto has_curve = [&](const EvaluatedMethod& m) { return m.metric(metric) && !m.metric(metric)->curve.empty(); };
        if (std::any_of(evaluation.methods.begin(), evaluation.methods.end(), has_curve))
            areas += (areas.empty() ? "" : ", ") + metric;
        for (const auto& [name, meaning] : known)
            if (metric == name) others += fmt::format(" {}: {}.", name, meaning);
    }
    return fmt::format("{}{} In brackets, the 95 % interval of the mean over {}s.",
                       areas.empty() ? "" : escape(areas) + ": area under the curve.", others, page.noun());
}

}  // namespace

std::string scores_table(const Page& page, const Evaluation& evaluation) {
    const auto metrics = evaluation.metrics();
    std::string heads, rows;
    for (const std::string& metric : metrics) {
        heads += fmt::format("<th scope=\"col\">{} {}</th>", escape(metric), lower_is_better(evaluation, metric) ? "↓" : "↑");
        if (!evaluation.paper.empty()) heads += "<th scope=\"col\">paper</th>";
    }
    for (const EvaluatedMethod& method : evaluation.methods) rows += score_row(evaluation, method, metrics);
    return fmt::format(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Scores\"><table class=\"sortable "
        "scores\"><thead><tr><th scope=\"col\">Method</th>{}<th "
        "scope=\"col\">n</th><th scope=\"col\">time each</th></tr></thead>"
        "<tbody>\n{}</tbody></table></div>\n<p class=\"note\">{}</p>\n",
        heads, rows, what_is_measured(page, metrics, evaluation));
}

std::string differences(Page& page, const Evaluation& evaluation) {
    std::string out;
    for (const std::string& metric : evaluation.metrics()) {
        const EvaluatedMethod* leader = evaluation.best(metric, false);
        if (!leader) continue;
        const RowChart chart = forest(evaluation, metric, *leader);
        if (chart.rows.empty()) continue;
        out += figure(page, "difference-" + identifier(metric), draw(chart),
                      fmt::format("Paired differences of <b>{}</b>: the leading method against each other one, on the same "
                                  "{}s. ~ marks an interval that holds zero.",
                                  escape(metric), page.noun()),
                      difference_table(evaluation, metric), {"evaluate"});
    }
    if (out.empty()) return "<p class=\"empty\">No paired differences were measured: one method only.</p>\n";
    return fmt::format(
        "<h3>Which differences are real?</h3>\n<p class=\"note\">{} comparisons; the intervals are not corrected for their "
        "number.</p>\n"
        "<div class=\"pair\">\n{}</div>\n{}",
        evaluation.differences.size(), out, all_pairs(evaluation));
}

}  // namespace spikelens::report
