#include <algorithm>

#include <fmt/format.h>

#include "spikelens/evaluate/statistics.h"

#include "charts.h"
#include "numbers.h"
#include "page.h"

namespace spikelens::report {
namespace {

const LineStyle kRelevantStyle{hex(kKindColours[1]), "", 1}, kRandomStyle{hex(kKindColours[0]), "6 3", 0};

Series ablation_series(const AblationSummary& curve, const std::string& name, double AblationSummary::Point::*mean,
                       double AblationSummary::Point::*half, const LineStyle& style) {
    Series series{name, {}, {}, {}, style};
    for (const AblationSummary::Point& step : curve.curve) {
        series.x.push_back(step.mu);
        series.y.push_back(step.*mean);
        series.half.push_back(step.*half);
    }
    return series;
}

Scatter draws_of(const AblationSummary& curve) {
    Scatter scatter{"each random draw", {}, {}, kRandomStyle.colour};
    for (const AblationSummary::Point& step : curve.curve)
        for (double draw : step.random_draws) {
            scatter.x.push_back(step.mu);
            scatter.y.push_back(draw);
        }
    return scatter;
}

LinePlot ablation_plot(const AblationSummary& curve) {
    LinePlot plot;
    plot.title = "Accuracy with relevant and with random filters silenced, over the budget";
    plot.series.push_back(ablation_series(curve, "relevant filters silenced",
                                          &AblationSummary::Point::relevant_accuracy,
                                          &AblationSummary::Point::relevant_ci95, kRelevantStyle));
    plot.series.push_back(ablation_series(curve, "as many random ones", &AblationSummary::Point::random_accuracy,
                                          &AblationSummary::Point::random_ci95, kRandomStyle));
    plot.scatters.push_back(draws_of(curve));
    if (std::isfinite(curve.full_accuracy)) plot.levels.push_back({"nothing silenced", curve.full_accuracy});
    accuracy_over_budgets(plot, curve.curve.front().mu, curve.curve.back().mu);
    return plot;
}

Table ablation_table(const AblationSummary& curve) {
    Table table{{"mu", "mean_filters", "relevant_accuracy", "relevant_ci95", "random_accuracy", "random_ci95"}, {}};
    for (const AblationSummary::Point& s : curve.curve)
        table.rows.push_back(
            {s.mu, s.mean_filters, s.relevant_accuracy, s.relevant_ci95, s.random_accuracy, s.random_ci95});
    return table;
}

RowChart class_ablation(const Page& page, const AblationSummary::Point& step) {
    RowChart chart;
    chart.title = "Accuracy of each class with its relevant and with random filters silenced";
    chart.x = {"accuracy on the class", 0, 1, false, true};
    chart.legend = {{0, {}, kRelevantStyle}, {0, {}, kRandomStyle}};
    chart.legend_names = {"relevant silenced", "random silenced"};
    for (size_t c = 0; c < step.class_relevant.size(); ++c) {
        const double random = c < step.class_random.size() ? step.class_random[c] : kUnknown;
        const bool known = std::isfinite(step.class_relevant[c]);
        chart.rows.push_back({page.results.class_name(static_cast<int64_t>(c)),
                              {{random, {}, kRandomStyle}, {step.class_relevant[c], {}, kRelevantStyle}},
                              known ? percent(step.class_relevant[c], 0) : "no samples"});
    }
    return chart;
}

Table class_ablation_table(const Page& page, const AblationSummary::Point& step) {
    Table table{{"class", "relevant_accuracy", "random_accuracy"}, {}};
    for (size_t c = 0; c < step.class_relevant.size(); ++c)
        table.rows.push_back({page.results.class_name(static_cast<int64_t>(c)), step.class_relevant[c],
                              c < step.class_random.size() ? step.class_random[c] : kUnknown});
    return table;
}

Html layer_figure(Page& page, const InterpretResult& interpretation) {
    if (interpretation.layer_distribution.empty() || interpretation.layers.empty()) return {};
    StackChart chart{"Relevant filters per layer at each budget",
                     "budget μ",
                     "relevant filters, summed over classes",
                     {},
                     interpretation.layers,
                     {}};
    Table table{{"mu"}, {}};
    table.columns.insert(table.columns.end(), chart.parts.begin(), chart.parts.end());
    for (const LayerCounts& at : interpretation.layer_distribution) {
        chart.columns.push_back(compact(at.mu));
        table.rows.push_back({at.mu});
        std::vector<int64_t>& counts = chart.counts.emplace_back();
        for (const std::string& layer : interpretation.layers) {
            const auto found = at.filters.find(layer);
            counts.push_back(found == at.filters.end() ? 0 : found->second);
            table.rows.back().push_back(counts.back());
        }
    }
    return figure(page, "layers", draw(chart), "In which " + tag("b", "layers") + " the relevant filters are.", table,
                  {"interpret"});
}

Estimate class_accuracy(const Training& train, size_t c) {
    const std::vector<int64_t>& row = train.made.confusion[c];
    return estimate_share(c < row.size() ? row[c] : 0, static_cast<int64_t>(train.samples_of(c)));
}

Html accuracy_figure(Page& page, const Training& train) {
    RowChart chart;
    chart.title = "Accuracy of each class with its 95 % interval";
    Table table{{"class", "accuracy", "ci95_low", "ci95_high", "samples"}, {}};
    double lowest = 1;
    for (size_t c = 0; c < train.made.confusion.size(); ++c) {
        const Estimate estimate = class_accuracy(train, c);
        const std::string name = page.results.class_name(static_cast<int64_t>(c));
        const bool any = estimate.samples > 0;
        const Interval range = any ? Interval{estimate.low, estimate.high} : Interval{};
        chart.rows.push_back({name,
                              {{any ? estimate.mean : kUnknown, range, line_style(0)}},
                              any ? percent(estimate.mean) : "no samples"});
        table.rows.push_back({name, estimate.mean, range.low, range.high, estimate.samples});
        if (any) lowest = std::min(lowest, range.low);
    }
    chart.x = {"accuracy (Wilson interval)", std::floor(lowest * 10) / 10, 1, false, true};
    if (chart.x.low >= 1) chart.x.low = 0.9;
    return figure(page, "class-accuracy", draw(chart), tag("b", "Accuracy per class") + " on the test set.", table,
                  {"train", "import"});
}

Html confusion_figure(Page& page, const Training& train) {
    Table table{{"true", "predicted", "samples"}, {}};
    for (size_t i = 0; i < train.made.confusion.size(); ++i)
        for (size_t j = 0; j < train.made.confusion[i].size(); ++j)
            table.rows.push_back({page.results.class_name(static_cast<int64_t>(i)),
                                  page.results.class_name(static_cast<int64_t>(j)), train.made.confusion[i][j]});
    return figure(
        page, "confusion",
        draw(MatrixChart{"Confusion matrix of the test set", page.results.classes, train.made.confusion}),
        tag("b", "What is mistaken for what") + ": counts, shaded by the share of the true class." +
            (train.made.test.undecided > 0 ? fmt::format(" {} for which the network named no class are not in it.",
                                                         plural(train.made.test.undecided, page.noun()))
                                           : std::string()),
        table, {"train", "import"});
}

}  // namespace

Html ablation(Page& page, const InterpretResult& interpretation) {
    const AblationSummary& curve = interpretation.ablation;
    const Html heading = tag("h3", "Do the relevant filters matter?");
    if (curve.curve.empty())
        return heading + tag("p.empty", "No ablation was measured.") + layer_figure(page, interpretation);
    Html out =
        figure(page, "ablation", draw(ablation_plot(curve)),
               tag("b", "Ablation") +
                   fmt::format(": the filters of a class are silenced on the {0}s of that class. {1}, {2}; bands are "
                               "95 % over {0}s.",
                               page.noun(), plural(curve.samples, page.noun()), plural(curve.draws, "random draw")),
               ablation_table(curve), {"interpret"});
    const AblationSummary::Point* step = point_at(curve, interpretation.chosen_mu);
    if (step && !step->class_relevant.empty())
        out += figure(page, "class-ablation", draw(class_ablation(page, *step)),
                      tag("b", "Class by class") + " at μ = " + compact(step->mu) + ".",
                      class_ablation_table(page, *step), {"interpret"});
    return heading + tag("div.pair", out, layer_figure(page, interpretation));
}

Html network_accuracy(Page& page, const Training& train) {
    const Html heading = tag("h3", "How well does it read?");
    if (train.made.confusion.empty()) return heading + tag("p.empty", "No confusion matrix was recorded.");
    return heading + tag("div.pair", accuracy_figure(page, train), confusion_figure(page, train));
}

}  // namespace spikelens::report
