#include <cmath>

#include <fmt/format.h>

#include "numbers.h"
#include "page.h"

namespace spikelens::report {
namespace {

using Verdict = Claim::Verdict;

Verdict verdict_of(std::optional<bool> held) {
    return !held ? Verdict::undecided : *held ? Verdict::held : Verdict::contradicted;
}

/// A published order of two methods against our paired difference.
Claim order_claim(const EvaluateResult& evaluation, const PaperValue& a, const PaperValue& b) {
    const bool a_first = a.value >= b.value;
    const PaperValue &high = a_first ? a : b, &low = a_first ? b : a;
    Claim claim{fmt::format("{}: {} scores above {}", a.metric, high.method, low.method),
                decimal(high.value, 4) + " > " + decimal(low.value, 4), "no paired difference", a.source};
    const auto ours = evaluation.difference(a.metric, high.method, low.method);
    if (!ours) return claim;
    claim.ours = fmt::format("{}{} {}", ours->difference > 0 ? "+" : "", decimal(ours->difference),
                             interval(ours->ci95.low, ours->ci95.high));
    if (ours->decided) claim.verdict = ours->difference > 0 ? Verdict::held : Verdict::contradicted;
    return claim;
}

Claim value_claim(const PaperValue& paper, const MetricScore& ours) {
    Claim claim{fmt::format("{} of {}", paper.metric, paper.method), decimal(paper.value, 4),
                text_of(ours) + " " + text_of(ours, ours.ci95), paper.source};
    claim.verdict = verdict_of(holds(paper.value, ours.ci95));
    return claim;
}

void add_published(const EvaluateResult& evaluation, std::vector<Claim>& list) {
    for (size_t i = 0; i < evaluation.paper.size(); ++i)
        for (size_t j = i + 1; j < evaluation.paper.size(); ++j)
            if (evaluation.paper[i].metric == evaluation.paper[j].metric &&
                evaluation.paper[i].source == evaluation.paper[j].source)
                list.push_back(order_claim(evaluation, evaluation.paper[i], evaluation.paper[j]));
    for (const PaperValue& paper : evaluation.paper) {
        if (const MetricScore* ours = evaluation.score(paper.method, paper.metric))
            list.push_back(value_claim(paper, *ours));
    }
}

/// SVEBI's own claim; the two half-widths combine as those of independent means.
void add_ablation(const InterpretResult& interpretation, std::vector<Claim>& list) {
    const AblationSummary::Point* step = point_at(interpretation.ablation, interpretation.chosen_mu);
    if (!step || !std::isfinite(step->relevant_accuracy) || !std::isfinite(step->random_accuracy)) return;
    const double gap = step->random_accuracy - step->relevant_accuracy,
                 half = std::hypot(step->relevant_ci95, step->random_ci95);
    Claim claim{fmt::format("Silencing the relevant filters (μ = {}) costs more than silencing as many random ones",
                            compact(step->mu)),
                "costs more", points(gap), "De Laet et al. 2025, ablation"};
    if (std::isfinite(half)) {
        claim.ours += fmt::format(" {}", interval(100 * (gap - half), 100 * (gap + half), 1));
        if (std::abs(gap) > half) claim.verdict = gap > 0 ? Verdict::held : Verdict::contradicted;
    }
    list.push_back(claim);
}

std::vector<Claim> of_experiment(const ClaimsResult& made) {
    std::vector<Claim> list;
    for (const PaperClaim& claim : made.claims)
        if (!claim.choice)
            list.push_back({claim.claim, paper_text(claim), measured_text(claim), "", verdict_of(claim.held)});
    return list;
}

Html verdict_badge(Verdict verdict) {
    static constexpr const char* words[] = {"held", "undecided", "not held"};
    static constexpr const char* selectors[] = {"span.verdict.held", "span.verdict.undecided",
                                                "span.verdict.contradicted"};
    return tag(selectors[static_cast<size_t>(verdict)], words[static_cast<size_t>(verdict)]);
}

Html claim_row(const Claim& claim) {
    return tag("tr", tag("th", {{"scope", "row"}}, claim.statement), tag("td", {{"data-label", "Paper"}}, claim.paper),
               tag("td", {{"data-label", "Measured"}}, claim.ours),
               tag("td", {{"data-label", "Verdict"}}, verdict_badge(claim.verdict)));
}

/// How the verdicts came about.
std::string rules(const Page& page, const std::vector<Claim>& list) {
    if (page.data.results.claims && !page.data.results.claims->seeds.empty())
        return fmt::format(
            "The experiment {} ran with {}. A number is the mean over seeds, ± half its 95 % interval: it holds where "
            "the paper's lies within, and is undecided where it does so in an interval wider than a tenth of it on "
            "either side. Other claims hold where they do with every seed.",
            page.data.results.claims->experiment, plural(std::ssize(page.data.results.claims->seeds), "seed"));
    std::string sources;
    for (const Claim& claim : list)
        if (!claim.source.empty() && sources.find(claim.source) == std::string::npos)
            sources += (sources.empty() ? " Source: " : "; ") + claim.source;
    if (!sources.empty()) sources += ".";
    return fmt::format(
        "A value holds when it lies inside our interval, and is undecided where it does so in an interval wider than a "
        "tenth of it on either side; an order holds when the paired difference excludes zero. Intervals are over test "
        "{}s; they do not cover training again with another seed.{}",
        page.noun(), sources);
}

/// What each seed by itself says.
Html each_seed(const std::vector<SeedClaims>& seeds) {
    if (seeds.empty()) return {};
    Html heads = column("Claim"), rows;
    for (const SeedClaims& seed : seeds) heads += column(fmt::format("Seed {}", seed.seed));
    for (size_t i = 0; i < seeds.front().claims.size(); ++i) {
        if (seeds.front().claims[i].choice) continue;
        Html cells = tag("th", {{"scope", "row"}}, seeds.front().claims[i].claim);
        for (const SeedClaims& seed : seeds)
            cells += i < seed.claims.size()
                         ? tag("td", measured_text(seed.claims[i]), " ", verdict_badge(verdict_of(seed.claims[i].held)))
                         : tag("td");
        rows += tag("tr", cells);
    }
    return tag("details", tag("summary", "Each seed by itself"),
               table("Claims of each seed", "table.scores", heads, rows));
}

/// By how much the paper's numbers change with one choice made otherwise; empty without choices.
Html choices_table(const std::vector<PaperClaim>& claims) {
    const ChoiceChanges changes = choice_changes(claims);
    if (changes.choices.empty()) return {};
    Html heads = column("Change with"), rows;
    for (const std::string& choice : changes.choices) heads += column(choice);
    for (const std::vector<std::string>& row : changes.rows) {
        Html cells = tag("th", {{"scope", "row"}}, row.front());
        for (size_t i = 1; i < row.size(); ++i) cells += tag("td", row[i]);
        rows += tag("tr", cells);
    }
    return tag("h3", "What each choice changes") + table("Effects of choices", "table.scores", heads, rows) +
           tag("p.note", "Each column is a run in which that alone was made otherwise.");
}

}  // namespace

Html claims_table(const Page& page) {
    const std::vector<Claim> list = claims(page);
    if (list.empty()) return {};
    const auto& made = page.data.results.claims;
    const bool several = made && !made->seeds.empty();
    Html rows;
    for (const Claim& claim : list) rows += claim_row(claim);
    return tag("h2.minor",
               several ? "Published claims, tested on several seeds" : "Published claims, tested on this run") +
           tag("table.cards",
               tag("thead", tag("tr", columns({"Claim", "Paper", "Measured, 95 % interval", "Verdict"}))),
               tag("tbody", rows)) +
           tag("p.note", rules(page, list)) + (several ? each_seed(made->seeds) : Html()) +
           (made ? choices_table(made->claims) : Html());
}

std::vector<Claim> claims(const Page& page) {
    if (page.data.results.claims) return of_experiment(*page.data.results.claims);
    std::vector<Claim> list;
    if (page.results.interpret) add_ablation(*page.results.interpret, list);
    if (page.results.evaluate) add_published(*page.results.evaluate, list);
    return list;
}

}  // namespace spikelens::report
