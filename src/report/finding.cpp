#include <fmt/format.h>

#include "html.h"
#include "page.h"

namespace spikelens::report {
namespace {

std::string accuracy_part(const Training& train) {
    const std::string network = train.network.empty() ? "The network" : train.network;
    const std::string data = train.data.empty() ? "its test set" : train.data;
    if (!std::isfinite(train.accuracy)) return network + " was trained on " + data;
    return fmt::format("{} reads {} with {} accuracy", network, data, percent(train.accuracy));
}

std::string ablation_part(const Interpretation& interpretation) {
    const AblationStep* step = interpretation.ablation.at(interpretation.chosen_mu);
    if (!step || !std::isfinite(interpretation.ablation.full)) return {};
    const double full = interpretation.ablation.full;
    return fmt::format("; silencing them costs {}, silencing as many random ones {}", points(full - step->relevant),
                       decimal(100 * (full - step->random), 1));
}

std::string filters_part(const Interpretation& interpretation) {
    const double selected = interpretation.mean_selected(interpretation.chosen_mu);
    if (!std::isfinite(selected)) return "no filter drives any class at the chosen μ";
    return fmt::format("at μ = {}, on average {} of its {} filters drive a class{}", compact(interpretation.chosen_mu),
                       decimal(selected, 1), interpretation.filters.size(), ablation_part(interpretation));
}

std::string against_baseline(const Evaluation& evaluation, const Metric& lead, const EvaluatedMethod& leader,
                             const EvaluatedMethod& baseline) {
    const auto difference = evaluation.difference(lead.name, leader.name, baseline.name);
    const std::string rival =
        fmt::format("the sanity baseline {} ({})", baseline.name, lead.text(baseline.metric(lead.name)->mean));
    if (!difference || !difference->decided) return "which is not told apart from " + rival;
    const bool wins = lead.higher_is_better ? difference->value > 0 : difference->value < 0;
    return wins ? "ahead of " + rival : "but " + rival + " does better";
}

std::string explanation_part(const Evaluation& evaluation) {
    const std::string metric = evaluation.leading_metric();
    const EvaluatedMethod* leader = evaluation.best(metric, false);
    if (!leader) return {};
    const Metric& lead = *leader->metric(metric);
    const EvaluatedMethod* baseline = evaluation.best(metric, true);
    return fmt::format("Measured by {}, {} explains best ({}){}.", lead.name, leader->name, lead.text(lead.mean),
                       baseline ? ", " + against_baseline(evaluation, lead, *leader, *baseline) : "");
}

}  // namespace

std::string finding(const Page& page) {
    const Results& results = page.results;
    if (!results.train && !results.interpret) return "What this network has learned has not been measured yet.";
    std::string text = results.train ? accuracy_part(*results.train) : "Of this network's accuracy nothing is known";
    if (results.interpret) text += "; " + filters_part(*results.interpret);
    return text + ".";
}

std::string trust(const Page& page) { return page.results.evaluate ? explanation_part(*page.results.evaluate) : std::string(); }

}  // namespace spikelens::report
