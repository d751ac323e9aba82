#include <fmt/format.h>

#include "spikelens/attribute/method.h"

#include "commands.h"

namespace spikelens::app {
namespace {

using nlohmann::json;

std::string needs_of(const MethodInfo& info) {
    std::string needs;
    const auto add = [&](bool needed, const char* what) {
        needs += needed ? (needs.empty() ? "" : ", ") + std::string(what) : "";
    };
    add(info.needs_simulator, "simulation");
    add(info.needs_gradient, "gradients");
    add(info.needs_relevant, "relevant filters");
    add(info.needs_probe, "probes");
    return needs.empty() ? "nothing but the input" : needs;
}

std::string explains(const MethodInfo& info) {
    const std::string timed = info.timed ? ", step by step" : "";
    if (!info.on_spikes) return "images" + timed;
    return (info.on_images ? "images and spikes" : "spikes") + timed;
}

Outcome run_methods() {
    json list = json::array();
    std::string text;
    for (const MethodInfo& info : all_methods()) {
        list.push_back({{"method", info.name},
                        {"title", info.title},
                        {"meaning", info.meaning},
                        {"cost", info.cost},
                        {"source", info.source},
                        {"options", info.options},
                        {"signed", info.signed_values},
                        {"class_specific", info.class_specific},
                        {"needs_gradient", info.needs_gradient},
                        {"on_images", info.on_images},
                        {"on_spikes", info.on_spikes},
                        {"timed", info.timed},
                        {"needs_relevant_filters", info.needs_relevant},
                        {"needs_probes", info.needs_probe},
                        {"sanity_baseline", info.baseline}});
        text += fmt::format("{}{}\n    {}\n    {}\n    explains {}; needs {}; cost: {}\n    source: {}\n", info.name,
                            info.baseline ? " (sanity baseline)" : "", info.title, info.meaning, explains(info), needs_of(info),
                            info.cost, info.source);
        if (!info.options.empty()) text += fmt::format("    options: {}\n", info.options);
    }
    return {{{"command", "methods"}, {"methods", list}},
            text + "Every method takes view=natural|absolute|positive|negative, for example ig2d:view=absolute.\n"};
}

}  // namespace

void add_methods(CLI::App& program, Run& run) {
    program.add_subcommand("methods", "List the explanation methods: meaning, needs, cost, source")->callback([&run] {
        run = [](const Globals&, Console&) { return run_methods(); };
    });
}

}  // namespace spikelens::app
