#include <fmt/format.h>

#include "html.h"
#include "page.h"

namespace spikelens::report {
namespace {

std::string protocol(const Evaluation& evaluation) {
    return fmt::format("{}; baseline {}, {} pixels a step, {} steps, seed {}.", plural(evaluation.samples, "test image"),
                       evaluation.baseline.empty() ? "not recorded" : evaluation.baseline, evaluation.pixels_per_step,
                       evaluation.steps, evaluation.seed);
}

std::string explanations(Page& page) {
    if (!page.results.evaluate)
        return missing_stage("The explanations have not been measured.", "spikelens evaluate " + page.data.run);
    const Evaluation& evaluation = *page.results.evaluate;
    if (evaluation.methods.empty()) return "<p class=\"empty\">The evaluation names no method.</p>\n";
    return "<h3>Can the explanations be trusted?</h3>\n<p class=\"note\">" + escape(protocol(evaluation)) + "</p>\n" +
           curves(page, evaluation) + scores_table(evaluation) + differences(page, evaluation);
}

std::string filters_matter(Page& page) {
    if (!page.results.interpret) return missing_stage("No filter has been silenced.", "spikelens interpret " + page.data.run);
    return ablation(page, *page.results.interpret);
}

std::string network(Page& page) {
    if (!page.results.train)
        return missing_stage("The network has not been measured on a test set.", "spikelens train --out " + page.data.run);
    return network_accuracy(page, *page.results.train);
}

}  // namespace

std::string evidence_section(Page& page) {
    return section("evidence", "Evidence",
                   "Every estimate with its interval and its number of samples. Undecided is written ~.",
                   explanations(page) + filters_matter(page) + network(page));
}

}  // namespace spikelens::report
