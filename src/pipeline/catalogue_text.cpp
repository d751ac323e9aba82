#include <fmt/format.h>
#include <fmt/ranges.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/printable.h"
#include "spikelens/core/text.h"
#include "spikelens/pipeline/catalogue.h"
#include "spikelens/pipeline/text.h"

namespace spikelens {
namespace {

constexpr int kIndent = 4;  // of what a list says about a name
constexpr int kDatasetIndent = 15;
constexpr int kColumn = 10;  // of what is said about one method

std::string needs_of(const MethodInfo& info) {
    std::vector<const char*> needs;
    if (info.needs_engine) needs.push_back("simulation");
    if (info.needs_gradient) needs.push_back("gradients");
    if (info.needs_relevant) needs.push_back("relevant filters (spikelens interpret)");
    if (info.needs_probe) needs.push_back("probes (spikelens interpret fits them where asked)");
    return needs.empty() ? "nothing but the input" : fmt::format("{}", fmt::join(needs, ", "));
}

std::string explains(const MethodInfo& info) {
    const std::string timed = info.timed ? ", step by step" : "";
    if (!info.on_spikes) return "images" + timed;
    return (info.on_images ? "images and spikes" : "spikes") + timed;
}

std::string measured_on(MetricInput input) {
    if (input == MetricInput::any) return "images and spikes";
    return input == MetricInput::pixels ? "images" : "spikes";
}

std::string listed(const MethodEntry& method) {
    const MethodInfo& info = method.info;
    return info.name + (info.sanity_baseline ? " (sanity baseline)\n" : "\n") + paragraph(info.title, kIndent) +
           paragraph(info.meaning, kIndent) +
           paragraph(fmt::format("explains {}; needs {}; cost: {}", explains(info), needs_of(info), info.cost),
                     kIndent) +
           paragraph("source: " + info.source, kIndent) +
           (method.sentence.empty() ? "" : paragraph("options: " + method.sentence, kIndent));
}

std::string listed(const MetricEntry& metric) {
    const MetricInfo& info = metric.info;
    const std::string better = info.direction == "none" ? "" : info.direction + " is better; ";
    return info.name + "\n" + paragraph(info.title, kIndent) +
           paragraph(fmt::format("{}{}; on {}; cost: {}", better, info.range, measured_on(info.input), info.cost),
                     kIndent) +
           paragraph("source: " + info.source, kIndent);
}

/// With every option, what it is unless given, and what may be given.
std::string described(const MethodEntry& method) {
    const MethodInfo& info = method.info;
    std::string text = info.name + ": " + info.title + "\n\n" + paragraph(info.meaning, kColumn, "meaning") +
                       paragraph(explains(info), kColumn, "explains") + paragraph(needs_of(info), kColumn, "needs") +
                       paragraph(info.cost, kColumn, "cost") + paragraph(info.source, kColumn, "source") +
                       paragraph(fmt::format("{}, {}", info.signed_values ? "signed" : "without a sign",
                                             info.class_specific ? "of one class" : "the same for every class"),
                                 kColumn, "values");
    if (info.sanity_baseline) text += paragraph("a sanity baseline: what a method must beat", kColumn, "role");
    TextTable options({{"option"}, {"default"}, {"expected"}});
    std::string meanings;
    for (const OptionEntry& option : method.options) {
        options.add({option.option, option.standard.value_or("chosen"), option.expected});
        meanings += paragraph(option.meaning, kColumn, option.option);
    }
    return text + "\n" + options.text() + "\n" + meanings + "\n" +
           paragraph(fmt::format("for example {}:view=absolute", info.name));
}

}  // namespace

std::string text_of(const MethodsResult& result) {
    if (!result.engines) return result.metrics ? listed(result.metrics->front()) : described(result.methods.front());
    std::string text;
    for (const MethodEntry& method : result.methods) text += listed(method);
    text += paragraph(
        "Every method takes view=natural|absolute|positive|negative, for example ig2d:view=absolute. spikelens methods "
        "NAME says more about one.");
    text += "\nMetrics, by which spikelens evaluate measures them:\n\n";
    for (const MetricEntry& metric : *result.metrics) text += listed(metric);
    return text + "\n" +
           paragraph(fmt::format("Engines, which compute networks, the first for every command: {}",
                                 fmt::join(*result.engines, ", ")));
}

std::string text_of(const DataListResult& result) {
    std::string text;
    for (const auto& [info] : result.datasets) {
        const std::string elsewhere = info.downloadable ? "not here; spikelens data download " + info.name : "not here";
        text += paragraph(fmt::format("{} ({})", info.title, info.licence), kDatasetIndent, info.name) +
                paragraph(printable(info.where.empty() ? elsewhere : info.where), kDatasetIndent);
    }
    return text;
}

std::string text_of(const DataCheckResult& result) {
    std::string text =
        paragraph(fmt::format("{}: {} training and {} {}, {}", printable(result.data), result.train_samples,
                              counted(result.test_samples, result.recordings ? "test recording" : "test image"),
                              shape_text(result.shape), counted(static_cast<int64_t>(result.classes.size()), "class")));
    for (const auto& [file, checksum] : result.sha256) text += fmt::format("  {}  {}\n", checksum, printable(file));
    for (const std::string& sentence : result.damaged) text += paragraph("left out: " + printable(sentence));
    return text;
}

std::string text_of(const DataDownloadResult& result) { return printable(result.folder) + "\n"; }

}  // namespace spikelens
