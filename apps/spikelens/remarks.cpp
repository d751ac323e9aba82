#include "remarks.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "text.h"

namespace spikelens::app {
namespace {

using nlohmann::json;

int64_t count_of(const json& document, const std::string& name) {
    return document.contains(name) ? document[name].get<int64_t>() : 0;
}

/// "ig2d: of 200 maps 12 are zero, 1 is rounding noise"
std::string map_remark(const json& method, int64_t maps) {
    constexpr std::array<std::pair<const char*, const char*>, 3> kinds = {
        {{"zero_maps", "zero"}, {"noise_maps", "rounding noise"}, {"constant_maps", "the same everywhere"}}};
    std::string text;
    for (const auto& [name, words] : kinds)
        if (const int64_t count = count_of(method, name); count > 0)
            text += fmt::format("{}{} {} {}", text.empty() ? "" : ", ", count, count == 1 ? "is" : "are", words);
    return text.empty() ? "" : paragraph(fmt::format("{}: of {} maps {}", method["method"].get<std::string>(), maps, text));
}

std::string baselines_text(const json& methods) {
    std::string text;
    for (const json& method : methods)
        if (method.contains("completeness_baseline"))
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", method["method"].get<std::string>(),
                                method["completeness_baseline"].get<std::string>());
    if (text.empty()) return paragraph("completeness: none of these methods aims at it");
    return paragraph("completeness is measured from each method's own baseline: " + text + "; the others do not aim at it");
}

}  // namespace

std::string accuracy_remarks(const AccuracySummary& accuracy, const std::string& set) {
    std::string text;
    if (accuracy.undecided > 0)
        text += paragraph(fmt::format("{} of {} {} samples {} undecided (all class scores are equal), counted as wrong",
                                      accuracy.undecided, accuracy.samples, set, accuracy.undecided == 1 ? "is" : "are"));
    if (accuracy.silent > 0)
        text += paragraph(
            fmt::format("{} of {} {} samples {} nothing (no spike, or black): a class predicted there comes from biases alone",
                        accuracy.silent, accuracy.samples, set, accuracy.silent == 1 ? "holds" : "hold"));
    return text;
}

std::string accuracy_remarks(const MadeRun& made) {
    return accuracy_remarks(made.test, "test") + accuracy_remarks(made.train, "training");
}

std::string interpretation_remarks(const InterpretResult& result) {
    if (result.undecided == 0) return "";
    return paragraph(fmt::format("{} of {} training samples {} undecided (all class scores are equal) and speak{} for no class",
                                 result.undecided, result.samples, result.undecided == 1 ? "is" : "are",
                                 result.undecided == 1 ? "s" : ""));
}

std::string evaluation_remarks(const json& document) {
    std::string text;
    const int64_t samples = document["samples"], undecided = count_of(document, "undecided");
    if (undecided > 0)
        text += paragraph(
            fmt::format("{} of {} samples {} undecided (all class scores are equal) and left out: no class could be followed",
                        undecided, samples, undecided == 1 ? "is" : "are"));
    for (const json& metric : document["metrics"])
        if (metric == "completeness") text += baselines_text(document["methods"]);
    for (const json& method : document["methods"])
        if (!method["sanity_baseline"].get<bool>()) text += map_remark(method, samples - undecided);
    return text;
}

}  // namespace spikelens::app
