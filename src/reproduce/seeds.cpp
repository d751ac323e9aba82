#include "seeds.h"

#include <algorithm>
#include <cassert>

#include <fmt/format.h>

namespace spikelens {
namespace {

PaperClaim of_numbers(PaperClaim claim, const std::vector<double>& values) {
    const Estimate mean = estimate_mean(values);
    const double half = (mean.high - mean.low) / 2;
    const bool known = Interval(mean).known();
    claim.measured = known ? fmt::format("{:.4f} ± {:.4f}, {} seeds", mean.mean, half, values.size())
                           : fmt::format("{:.4f}, {} seeds alike", mean.mean, values.size());
    claim.ci95.reset();
    claim.held.reset();
    if (claim.paper.is_number()) claim.held = holds(claim.paper.get<double>(), Interval(mean));
    return claim;
}

void join_changes(PaperClaim& claim, const std::vector<double>& changes) {
    const Estimate mean = estimate_mean(changes);
    claim.change = mean.mean;
    claim.change_ci95.reset();
    if (Interval(mean).known()) claim.change_ci95 = Interval(mean);
}

PaperClaim of_verdicts(PaperClaim claim, const std::vector<std::optional<bool>>& held) {
    const auto yes = std::ranges::count(held, std::optional(true)), no = std::ranges::count(held, std::optional(false));
    claim.measured = fmt::format("{} of {} seeds", yes, held.size());
    claim.held.reset();
    if (yes == std::ssize(held)) claim.held = true;
    if (no == std::ssize(held)) claim.held = false;
    return claim;
}

}  // namespace

ReproduceOptions of_seed(const ReproduceOptions& options, int index) {
    ReproduceOptions other = options;
    other.seed = options.seed + static_cast<uint64_t>(index);
    other.seeds = 1;
    other.out += fmt::format("-seed{}", other.seed);
    return other;
}

std::vector<PaperClaim> over_seeds(const std::vector<SeedClaims>& seeds) {
    std::vector<PaperClaim> claims;
    for (size_t i = 0; i < seeds.front().claims.size(); ++i) {
        const PaperClaim& first = seeds.front().claims[i];
        std::vector<double> numbers, changes;
        std::vector<std::optional<bool>> held;
        for (const SeedClaims& seed : seeds) {
            assert(seed.claims[i].claim == first.claim && seed.claims[i].choice == first.choice);
            if (seed.claims[i].measured.is_number()) numbers.push_back(seed.claims[i].measured);
            if (seed.claims[i].change) changes.push_back(*seed.claims[i].change);
            held.push_back(seed.claims[i].held);
        }
        claims.push_back(numbers.size() == seeds.size() ? of_numbers(first, numbers) : of_verdicts(first, held));
        if (changes.size() == seeds.size()) join_changes(claims.back(), changes);
    }
    return claims;
}

}  // namespace spikelens
