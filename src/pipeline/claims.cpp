#include "spikelens/pipeline/claims.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/paper_number.h"
#include "spikelens/pipeline/store.h"

namespace spikelens {
namespace {

std::string cell(const nlohmann::json& value) {
    if (value.is_null()) return "—";
    return value.is_string() ? value.get<std::string>() : fmt::format("{:.4f}", value.get<double>());
}

}  // namespace

std::optional<bool> holds(double paper, const Interval& ours) {
    if (!ours.known()) return std::nullopt;
    const bool within = ours.holds(paper), narrow = (ours.high - ours.low) / 2 <= 0.1 * std::abs(paper);
    return !within || narrow ? std::optional(within) : std::nullopt;
}

void keep_claims(const Run& run, ClaimsResult claims) {
    claims.run = run.files.root.string();
    claims.fingerprint = run.fingerprint;
    claims.identity = run.identity_of("claims", 1).inputs();
    write_json(run.files.result("claims"), document_of(claims));
}

std::string measured_text(const PaperClaim& claim) {
    const bool known = claim.measured.is_number() && claim.ci95 && claim.ci95->known();
    return cell(claim.measured) + (known ? fmt::format(" [{:.4f}, {:.4f}]", claim.ci95->low, claim.ci95->high) : "");
}

std::string paper_text(const PaperClaim& claim) { return cell(claim.paper); }

std::vector<std::string> choices_of(const std::vector<PaperClaim>& claims) {
    std::vector<std::string> choices;
    for (const PaperClaim& claim : claims)
        if (claim.choice && std::ranges::find(choices, *claim.choice) == choices.end())
            choices.push_back(*claim.choice);
    return choices;
}

std::string change_text(const std::vector<PaperClaim>& claims, const std::string& claim, const std::string& choice) {
    for (const PaperClaim& one : claims) {
        if (one.claim != claim || one.choice != choice || !one.change) continue;
        const auto& over = one.change_ci95;
        return fmt::format("{:+.4f}{}", *one.change,
                           over ? fmt::format(" ± {:.4f}", (over->high - over->low) / 2) : std::string());
    }
    return {};
}

}  // namespace spikelens
