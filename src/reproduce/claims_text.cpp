#include <fmt/format.h>

#include "spikelens/core/printable.h"
#include "spikelens/core/text.h"
#include "spikelens/pipeline/text.h"
#include "spikelens/reproduce/reproduce.h"

namespace spikelens {

namespace {

std::string verdict_text(const PaperClaim& claim) {
    return !claim.held ? "undecided" : *claim.held ? "held" : "not held";
}

/// By how much numbers change with one choice made otherwise; empty without choices.
std::string choices_text(const std::vector<PaperClaim>& claims) {
    const ChoiceChanges changes = choice_changes(claims);
    if (changes.choices.empty()) return {};
    std::vector<TextTable::Column> columns = {{"change with"}};
    for (const std::string& choice : changes.choices) columns.push_back({choice, TextTable::Align::right});
    TextTable table(columns);
    for (const std::vector<std::string>& row : changes.rows) table.add(row);
    return "\n" + table.text();
}

/// What the first seed measured, then the claims; says what is of one seed and what of all where there are several.
std::string with_claims(const std::string& measured, const std::vector<PaperClaim>& claims,
                        const std::vector<SeedClaims>& seeds) {
    if (seeds.empty()) return measured + "\n" + text_of(claims);
    return fmt::format("seed {} by itself:\n{}\nclaims over {} seeds:\n{}", seeds.front().seed, measured, seeds.size(),
                       text_of(claims));
}

}  // namespace

std::string text_of(const std::vector<PaperClaim>& claims) {
    constexpr auto right = TextTable::Align::right;
    TextTable table({{"claim"}, {"paper", right}, {"measured, 95 % interval", right}, {"verdict"}});
    for (const PaperClaim& row : claims)
        if (!row.choice) table.add({row.claim, paper_text(row), measured_text(row), verdict_text(row)});
    return table.text() + choices_text(claims);
}

std::string text_of(const SvebiMnistResult& result) {
    return with_claims(text_of(result.evaluate), result.claims, result.seeds) + printable(result.report) + "\n";
}

std::string text_of(const SvebiAwa2Result& result) {
    return text_of(result.evaluate) + "\n" + text_of(result.claims) + printable(result.report) + "\n";
}

std::string text_of(const BitarNmnistResult& result) {
    return with_claims(text_of(result.evaluate), result.claims, result.seeds) + printable(result.report) + "\n";
}

std::string text_of(const CodingFashionResult& result) {
    return with_claims(text_of(result.study), result.claims, result.seeds);
}

}  // namespace spikelens
