#include <fmt/format.h>

#include "spikelens/core/printable.h"
#include "spikelens/core/text.h"
#include "spikelens/pipeline/text.h"
#include "spikelens/reproduce/reproduce.h"

namespace spikelens {
namespace {

std::string cell(const nlohmann::json& value) {
    if (value.is_null()) return "-";
    return value.is_string() ? value.get<std::string>() : fmt::format("{:.4f}", value.get<double>());
}

}  // namespace

std::string text_of(const std::vector<PaperClaim>& claims) {
    constexpr auto right = TextTable::Align::right;
    TextTable table({{"claim"}, {"paper", right}, {"measured", right}, {"held"}});
    for (const PaperClaim& row : claims)
        table.add({row.claim, cell(row.paper), cell(row.measured), !row.held ? "-" : *row.held ? "yes" : "no"});
    return table.text();
}

std::string text_of(const SvebiMnistResult& result) {
    return text_of(result.evaluate) + "\n" + text_of(result.claims) + printable(result.report) + "\n";
}

std::string text_of(const SvebiAwa2Result& result) {
    return text_of(result.insertion) + "\n" + text_of(result.deletion) + "\n" + text_of(result.claims) +
           printable(result.report) + "\n";
}

std::string text_of(const BitarNmnistResult& result) {
    return text_of(result.evaluate) + "\n" + text_of(result.claims) + printable(result.report) + "\n";
}

std::string text_of(const CodingFashionResult& result) { return text_of(result.study) + "\n" + text_of(result.claims); }

}  // namespace spikelens
