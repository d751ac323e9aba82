#include "spikelens/pipeline/claims.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/store.h"

namespace spikelens {
namespace {

std::string cell(const nlohmann::json& value) {
    if (value.is_null()) return "—";
    return value.is_string() ? value.get<std::string>() : fmt::format("{:.4f}", value.get<double>());
}

std::string change_text(const PaperClaim& claim) {
    const auto& over = claim.change_ci95;
    return (claim.change ? fmt::format("{:+.4f}", *claim.change) : "—") +
           (over ? fmt::format(" ± {:.4f}", (over->high - over->low) / 2) : "");
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

ChoiceChanges choice_changes(const std::vector<PaperClaim>& claims) {
    ChoiceChanges table;
    for (const PaperClaim& claim : claims) {
        if (!claim.choice) continue;
        if (std::ranges::find(table.choices, *claim.choice) == table.choices.end())
            table.choices.push_back(*claim.choice);
        const auto of_claim = [&](const std::vector<std::string>& row) { return row.front() == claim.claim; };
        auto row = std::ranges::find_if(table.rows, of_claim);
        if (row == table.rows.end()) row = table.rows.insert(row, {claim.claim});
        row->push_back(change_text(claim));
    }
    return table;
}

}  // namespace spikelens
