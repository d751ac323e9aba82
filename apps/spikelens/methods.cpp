#include <fmt/format.h>
#include <fmt/ranges.h>

#include "spikelens/core/text.h"
#include "spikelens/pipeline/catalogue.h"
#include "spikelens/pipeline/fields.h"

#include "commands.h"

namespace spikelens::app {
namespace {

constexpr int kIndent = 4;

std::string needs_of(const MethodInfo& info) {
    std::string needs;
    const auto add = [&](bool needed, const char* what) {
        needs += needed ? (needs.empty() ? "" : ", ") + std::string(what) : "";
    };
    add(info.needs_engine, "simulation");
    add(info.needs_gradient, "gradients");
    add(info.needs_relevant, "relevant filters (spikelens interpret)");
    add(info.needs_probe, "probes (spikelens interpret --probe-samples)");
    return needs.empty() ? "nothing but the input" : needs;
}

std::string explains(const MethodInfo& info) {
    const std::string timed = info.timed ? ", step by step" : "";
    if (!info.on_spikes) return "images" + timed;
    return (info.on_images ? "images and spikes" : "spikes") + timed;
}

std::string text_of(const MethodEntry& method) {
    const MethodInfo& info = method.info;
    return info.name + (info.baseline ? " (sanity baseline)\n" : "\n") + paragraph(info.title, kIndent) +
           paragraph(info.meaning, kIndent) +
           paragraph(fmt::format("explains {}; needs {}; cost: {}", explains(info), needs_of(info), info.cost), kIndent) +
           paragraph("source: " + info.source, kIndent) +
           (method.sentence.empty() ? "" : paragraph("options: " + method.sentence, kIndent));
}

std::string measured_on(MetricInput input) {
    if (input == MetricInput::any) return "images and spikes";
    return input == MetricInput::pixels ? "images" : "spikes";
}

std::string text_of(const MetricInfo& info) {
    const std::string better = info.direction == "none" ? "" : info.direction + " is better; ";
    return info.name + "\n" + paragraph(info.title, kIndent) +
           paragraph(fmt::format("{}{}; on {}; cost: {}", better, info.range, measured_on(info.input), info.cost), kIndent) +
           paragraph("source: " + info.source, kIndent);
}

Outcome print_methods() {
    const MethodsResult result = list_methods();
    std::string text;
    for (const MethodEntry& method : result.methods) text += text_of(method);
    text += paragraph(
        "Every method takes view=natural|absolute|positive|negative, for example ig2d:view=absolute. spikelens methods NAME "
        "says more about one.");
    text += "\nMetrics, by which spikelens evaluate measures them:\n\n";
    for (const MetricEntry& metric : *result.metrics) text += text_of(metric.info);
    text += "\n" + paragraph(fmt::format("Engines, which compute networks, the first for every command: {}",
                                         fmt::join(*result.engines, ", ")));
    return {document_of(result), text};
}

/// One metric; or one method, with every option, what it is unless given, and what may be given.
Outcome print_method(const std::string& name) {
    const MethodsResult result = describe_method(name);
    if (result.metrics) return {document_of(result), text_of(result.metrics->front().info)};
    const MethodInfo& info = result.methods.front().info;
    constexpr int column = 10;
    std::string text = info.name + ": " + info.title + "\n\n" + paragraph(info.meaning, column, "meaning") +
                       paragraph(explains(info), column, "explains") + paragraph(needs_of(info), column, "needs") +
                       paragraph(info.cost, column, "cost") + paragraph(info.source, column, "source") +
                       paragraph(fmt::format("{}, {}", info.signed_values ? "signed" : "without a sign",
                                             info.class_specific ? "of one class" : "the same for every class"),
                                 column, "values");
    if (info.baseline) text += paragraph("a sanity baseline: what a method must beat", column, "role");
    TextTable options({{"option"}, {"default"}, {"expected"}});
    for (const OptionEntry& option : result.methods.front().options)
        options.add({option.option, option.standard.value_or("chosen"), option.expected});
    text += "\n" + options.text();
    text += "\n";
    for (const OptionEntry& option : result.methods.front().options) text += paragraph(option.meaning, column, option.option);
    return {document_of(result), text + "\n" + paragraph(fmt::format("for example --method {}:view=absolute", info.name))};
}

struct MethodsCommand {
    std::string method;
};

void declare(OptionTable& table, MethodsCommand& command) {
    table.add("method", command.method, "The method, with its options, or the metric to describe; by default all are listed");
}

}  // namespace

Command methods_command() {
    return command_of<MethodsCommand>(
        "methods", "List the explanation methods and the metrics, or describe one of them: meaning, needs, cost",
        [](const MethodsCommand& command, const Call&) {
            return command.method.empty() ? print_methods() : print_method(command.method);
        });
}

}  // namespace spikelens::app
