#include <fmt/format.h>

#include "html.h"
#include "page.h"
#include "provenance.h"

namespace spikelens::report {
namespace {

std::string protocol(const Page& page, const Evaluation& evaluation) {
    std::string parts = plural(evaluation.samples, "test " + page.noun());
    if (evaluation.undecided > 0)
        parts +=
            fmt::format(" ({} undecided: they have no prediction to explain and are left out)", count(evaluation.undecided));
    const bool pixels = evaluation.measures("insertion") || evaluation.measures("deletion");
    const bool spikes = evaluation.measures("spike_insertion") || evaluation.measures("spike_deletion");
    if (pixels)
        parts += fmt::format("; baseline {}, {} pixels a step, {} steps",
                             evaluation.baseline.empty() ? "not recorded" : evaluation.baseline, evaluation.pixels_per_step,
                             evaluation.steps);
    if (spikes)
        parts += evaluation.spike_steps > 0 ? fmt::format("; spikes changed in {}", plural(evaluation.spike_steps, "step"))
                                            : "; steps of the spikes not recorded";
    return fmt::format("{}; seed {}.", parts, evaluation.seed);
}

std::string explanations(Page& page) {
    if (!page.results.evaluate) return missing_stage("The explanations have not been measured.", command_of(page, "evaluate"));
    const Evaluation& evaluation = *page.results.evaluate;
    if (evaluation.methods.empty()) return "<p class=\"empty\">The evaluation names no method.</p>\n";
    return "<h3>Can the explanations be trusted?</h3>\n<p class=\"note\">" + escape(protocol(page, evaluation)) + "</p>\n" +
           curves(page, evaluation) + scores_table(page, evaluation) + made_by(page, {"evaluate"}) +
           differences(page, evaluation);
}

std::string filters_matter(Page& page) {
    if (page.results.train && page.results.train->silent())
        return "<h3>Do the relevant filters matter?</h3>\n<p class=\"banner\">The network names no class for any test " +
               page.noun() + ": silencing filters cannot change what it decides, so no ablation is shown.</p>\n";
    if (!page.results.interpret) return missing_stage("No filter has been silenced.", command_of(page, "interpret"));
    return ablation(page, *page.results.interpret);
}

std::string network(Page& page) {
    if (page.results.train && page.results.train->diverged)
        return "<h3>How well does it read?</h3>\n<p class=\"banner\">Training diverged: accuracies are withheld.</p>\n";
    if (!page.results.train)
        return missing_stage("The network has not been measured on a test set.",
                             shell({"spikelens", "train", "--out", page.data.run}));
    return network_accuracy(page, *page.results.train);
}

}  // namespace

std::string evidence_section(Page& page) {
    return section("evidence", "Evidence",
                   "Every estimate with its interval and its number of samples. Undecided is written ~.",
                   explanations(page) + filters_matter(page) + network(page));
}

}  // namespace spikelens::report
