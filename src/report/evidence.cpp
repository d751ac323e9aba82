#include <fmt/format.h>

#include "numbers.h"
#include "page.h"
#include "provenance.h"

namespace spikelens::report {
namespace {

std::string protocol(const Page& page, const EvaluateResult& evaluation) {
    std::string parts = plural(evaluation.samples, "test " + page.noun());
    if (evaluation.undecided > 0)
        parts += fmt::format(" ({} undecided: they have no prediction to explain and are left out)",
                             count(evaluation.undecided));
    const bool pixels = evaluation.measures("insertion") || evaluation.measures("deletion");
    const bool spikes = evaluation.measures("spike_insertion") || evaluation.measures("spike_deletion");
    if (pixels)
        parts += fmt::format("; baseline {}{}, {} pixels a step, {} steps", evaluation.baseline,
                             evaluation.insertion_baseline ? ", of insertion " + *evaluation.insertion_baseline : "",
                             evaluation.pixels_per_step, evaluation.steps);
    if (spikes) parts += fmt::format("; spikes changed in {}", plural(evaluation.spike_steps, "step"));
    return fmt::format("{}; seed {}.", parts, evaluation.seed);
}

/// Said where the evaluation showed the images in another coding than the run's own, which the rest of the page shows.
Html other_coding(const Page& page) {
    const std::string shown = page.results.evaluate->coding.value_or("direct");
    if (shown == page.data.coding) return {};
    return tag("p.banner",
               fmt::format("These scores are of images in {} coding. The network was trained on {} coding, in which "
                           "the rest of this page shows them.",
                           shown, page.data.coding));
}

Html explanations(Page& page) {
    const Html heading = tag("h3", "Can the explanations be trusted?");
    if (!page.results.evaluate)
        return heading + missing_stage("The explanations have not been measured.", command_of(page, "evaluate"));
    const EvaluateResult& evaluation = *page.results.evaluate;
    if (evaluation.methods.empty()) return heading + tag("p.empty", "The evaluation names no method.");
    return heading + other_coding(page) + tag("p.note", protocol(page, evaluation)) + curves(page, evaluation) +
           scores_table(page, evaluation) + made_by(page, {"evaluate"}) + differences(page, evaluation);
}

Html filters_matter(Page& page) {
    if (page.results.train && page.results.train->silent())
        return tag("h3", "Do the relevant filters matter?") +
               tag("p.banner", "The network names no class for any test ", page.noun(),
                   ": silencing filters cannot change what it decides, so no ablation is shown.");
    if (!page.results.interpret) return missing_stage("No filter has been silenced.", command_of(page, "interpret"));
    return ablation(page, *page.results.interpret);
}

Html network(Page& page) {
    if (page.results.train && page.results.train->diverged)
        return tag("h3", "How well does it read?") + tag("p.banner", "Training diverged: accuracies are withheld.");
    if (!page.results.train)
        return missing_stage("The network has not been measured on a test set.",
                             shell({"spikelens", "train", "--out", page.data.run}));
    return network_accuracy(page, *page.results.train);
}

}  // namespace

Html evidence_section(Page& page) {
    return section("evidence", "Evidence",
                   "Every estimate with its interval and its number of samples. Undecided is written ~.",
                   explanations(page) + filters_matter(page) +
                       (page.data.results.filters ? filter_choices(page, *page.data.results.filters) : Html()) +
                       network(page) + decision_times(page));
}

}  // namespace spikelens::report
