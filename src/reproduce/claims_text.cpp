#include "spikelens/core/printable.h"
#include "spikelens/core/text.h"
#include "spikelens/pipeline/text.h"
#include "spikelens/reproduce/reproduce.h"

namespace spikelens {

namespace {

/// Of a claim; nothing where nothing is claimed.
std::string verdict_text(const PaperClaim& claim) {
    if (claim.paper.is_null()) return "";
    return !claim.held ? "undecided" : *claim.held ? "held" : "not held";
}

}  // namespace

std::string text_of(const std::vector<PaperClaim>& claims) {
    constexpr auto right = TextTable::Align::right;
    TextTable table({{"claim"}, {"paper", right}, {"measured, 95 % interval", right}, {"verdict"}});
    for (const PaperClaim& row : claims) table.add({row.claim, paper_text(row), measured_text(row), verdict_text(row)});
    return table.text();
}

std::string text_of(const SvebiMnistResult& result) {
    return text_of(result.evaluate) + "\n" + text_of(result.claims) + printable(result.report) + "\n";
}

std::string text_of(const SvebiAwa2Result& result) {
    return text_of(result.evaluate) + "\n" + text_of(result.claims) + printable(result.report) + "\n";
}

std::string text_of(const BitarNmnistResult& result) {
    return text_of(result.evaluate) + "\n" + text_of(result.claims) + printable(result.report) + "\n";
}

std::string text_of(const CodingFashionResult& result) { return text_of(result.study) + "\n" + text_of(result.claims); }

}  // namespace spikelens
