#include <algorithm>

#include <fmt/format.h>

#include "spikelens/attribute/method.h"
#include "spikelens/attribute/method_options.h"
#include "spikelens/evaluate/metric.h"

#include "commands.h"
#include "text.h"

namespace spikelens::app {
namespace {

using nlohmann::json;

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

json options_document(const std::string& method) {
    json list = json::array();
    for (const MethodOption& option : method_options(method))
        list.push_back({{"option", option.name},
                        {"default", option.standard.empty() ? json(nullptr) : json(option.standard)},
                        {"expected", option.expected},
                        {"meaning", option.meaning}});
    return list;
}

json method_document(const MethodInfo& info, const std::string& text) {
    return {{"method", info.name},
            {"title", info.title},
            {"meaning", info.meaning},
            {"cost", info.cost},
            {"source", info.source},
            {"options", options_text(text)},
            {"option_list", options_document(text)},
            {"signed", info.signed_values},
            {"class_specific", info.class_specific},
            {"needs_gradient", info.needs_gradient},
            {"on_images", info.on_images},
            {"on_spikes", info.on_spikes},
            {"timed", info.timed},
            {"needs_relevant_filters", info.needs_relevant},
            {"needs_probes", info.needs_probe},
            {"sanity_baseline", info.baseline}};
}

std::string text_of(const MethodInfo& info) {
    const std::string options = options_text(info.name);
    return info.name + (info.baseline ? " (sanity baseline)\n" : "\n") + paragraph(info.title, kIndent) +
           paragraph(info.meaning, kIndent) +
           paragraph(fmt::format("explains {}; needs {}; cost: {}", explains(info), needs_of(info), info.cost), kIndent) +
           paragraph("source: " + info.source, kIndent) + (options.empty() ? "" : paragraph("options: " + options, kIndent));
}

std::string measured_on(MetricInput input) {
    if (input == MetricInput::any) return "images and spikes";
    return input == MetricInput::pixels ? "images" : "spikes";
}

json metric_document(const MetricInfo& info) {
    return {{"metric", info.name},
            {"title", info.title},
            {"better", info.direction},
            {"range", info.range},
            {"cost", info.cost},
            {"source", info.source},
            {"on_images", info.input != MetricInput::spikes},
            {"on_spikes", info.input != MetricInput::pixels},
            {"needs_shuffled_network", info.needs_shuffled}};
}

std::string text_of(const MetricInfo& info) {
    const std::string better = info.direction == "none" ? "" : info.direction + " is better; ";
    return info.name + "\n" + paragraph(info.title, kIndent) +
           paragraph(fmt::format("{}{}; on {}; cost: {}", better, info.range, measured_on(info.input), info.cost), kIndent) +
           paragraph("source: " + info.source, kIndent);
}

Outcome list_methods() {
    json list = json::array();
    std::string text;
    for (const MethodInfo& info : all_methods()) {
        list.push_back(method_document(info, info.name));
        text += text_of(info);
    }
    json metrics = json::array();
    std::string metrics_text = "\nMetrics, by which spikelens evaluate measures them:\n\n";
    for (const MetricPointer& metric : all_metrics()) {
        metrics.push_back(metric_document(metric->info()));
        metrics_text += text_of(metric->info());
    }
    return {{{"command", "methods"}, {"methods", list}, {"metrics", metrics}},
            text +
                paragraph("Every method takes view=natural|absolute|positive|negative, for example ig2d:view=absolute. "
                          "spikelens methods NAME says more about one.") +
                metrics_text};
}

/// One method, with every option, what it is unless given, and what may be given.
Outcome describe_method(const std::string& name) {
    const MethodSpec spec = parse_method(name);
    const MethodInfo& info = spec.method->info();
    constexpr int column = 10;
    std::string text = info.name + ": " + info.title + "\n\n" + paragraph(info.meaning, column, "meaning") +
                       paragraph(explains(info), column, "explains") + paragraph(needs_of(info), column, "needs") +
                       paragraph(info.cost, column, "cost") + paragraph(info.source, column, "source") +
                       paragraph(fmt::format("{}, {}", info.signed_values ? "signed" : "without a sign",
                                             info.class_specific ? "of one class" : "the same for every class"),
                                 column, "values");
    if (info.baseline) text += paragraph("a sanity baseline: what a method must beat", column, "role");
    TextTable options({{"option"}, {"default"}, {"expected"}});
    for (const MethodOption& option : method_options(name))
        options.add({option.name, option.standard.empty() ? "chosen" : option.standard, option.expected});
    text += "\n" + options.text();
    text += "\n";
    for (const MethodOption& option : method_options(name)) text += paragraph(option.meaning, column, option.name);
    return {{{"command", "methods"}, {"methods", json::array({method_document(info, name)})}},
            text + "\n" + paragraph(fmt::format("for example --method {}:view=absolute", info.name))};
}

}  // namespace

void add_methods(CLI::App& program, Run& run) {
    auto name = std::make_shared<std::string>();
    CLI::App* app = program.add_subcommand(
        "methods", "List the explanation methods and the metrics, or describe one method: meaning, needs, cost");
    app->add_option("method", *name, "The method to describe, with its options; by default all are listed");
    app->callback([name, &run] {
        run = [name](const Globals&, Console&) { return name->empty() ? list_methods() : describe_method(*name); };
    });
}

}  // namespace spikelens::app
