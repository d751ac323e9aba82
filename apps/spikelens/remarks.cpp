#include "remarks.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "text.h"

namespace spikelens::app {
namespace {

/// "ig2d: of 200 maps 12 are zero, 1 is rounding noise"
std::string map_remark(const EvaluatedMethod& method, int64_t maps) {
    std::string text;
    for (const auto& [count, words] : {std::pair{method.zero_maps, "zero"},
                                       {method.noise_maps, "rounding noise"},
                                       {method.constant_maps, "the same everywhere"}})
        if (count > 0) text += fmt::format("{}{} {} {}", text.empty() ? "" : ", ", count, count == 1 ? "is" : "are", words);
    return text.empty() ? "" : paragraph(fmt::format("{}: of {} maps {}", method.method, maps, text));
}

std::string baselines_text(const std::vector<EvaluatedMethod>& methods) {
    std::string text;
    for (const EvaluatedMethod& method : methods)
        if (method.completeness_baseline)
            text += fmt::format(
                "{}{} {}", text.empty() ? "" : ", ", method.method,
                *method.completeness_baseline == "biases" ? "0, with what biases brought" : *method.completeness_baseline);
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

std::string evaluation_remarks(const EvaluateResult& result) {
    std::string text;
    if (result.undecided > 0)
        text += paragraph(
            fmt::format("{} of {} samples {} undecided (all class scores are equal) and left out: no class could be followed",
                        result.undecided, result.samples, result.undecided == 1 ? "is" : "are"));
    if (std::ranges::find(result.metrics, "completeness") != result.metrics.end()) text += baselines_text(result.methods);
    for (const EvaluatedMethod& method : result.methods)
        if (!method.sanity_baseline) text += map_remark(method, result.samples - result.undecided);
    return text;
}

}  // namespace spikelens::app
