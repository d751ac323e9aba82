#include "nir_import.h"

#include <fmt/format.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/error.h"

#include "nir_dialect.h"
#include "nir_file.h"
#include "nir_graph.h"
#include "nir_layers.h"

namespace spikelens {
namespace {

constexpr int kUsualSteps = 100;
constexpr int kMostSteps = 65535;

int written_steps(const NirGraph& graph) {
    const auto steps = graph.metadata.find("steps");
    const bool usable = steps != graph.metadata.end() && steps->second.numbers.size() == 1 &&
                        steps->second.numbers[0] >= 1 && steps->second.numbers[0] <= kMostSteps;
    return usable ? static_cast<int>(steps->second.numbers[0]) : 0;
}

void set_steps(ImportedNetwork& imported, const NirGraph& graph, const NirRules& rules, const NirOptions& options,
               const std::string& where) {
    if (options.steps < 0 || options.steps > kMostSteps)
        throw InputError(
            fmt::format("{}: {} steps were asked for, expected 1 to {}", where, options.steps, kMostSteps));
    const int written = rules.own ? written_steps(graph) : 0;
    imported.network.steps = options.steps > 0 ? options.steps : written > 0 ? written : kUsualSteps;
    if (options.steps > 0 && written > 0 && options.steps != written)
        imported.assumptions.push_back(fmt::format(
            "The file says {}; {} asked for and count{}.", counted(written, "step"),
            options.steps == 1 ? "1 was" : fmt::format("{} were", options.steps), options.steps == 1 ? "s" : ""));
    if (options.steps == 0 && written == 0)
        imported.assumptions.push_back(fmt::format(
            "The file has no number of steps: T = {} for images; recordings bring their own.", kUsualSteps));
}

}  // namespace

ImportedNetwork import_nir_values(const NirValues& values, const NirOptions& options, const std::string& where) {
    const NirGraph graph = build_nir_graph(values, where);
    const std::vector<NirStep> steps = nir_order(graph, where);
    const NirRules rules = choose_rules(graph, steps, options, where);
    ImportedNetwork imported = nir_network(steps, rules, options, where);
    imported.assumptions.insert(imported.assumptions.begin(), rules.assumptions.begin(), rules.assumptions.end());
    imported.format = "nir";
    set_steps(imported, graph, rules, options, where);
    if (rules.own) imported.network.classes = own_texts(graph, "classes");
    check_network(imported.network, where);
    return imported;
}

ImportedNetwork import_nir(const std::filesystem::path& path, const NirOptions& options) {
    return import_nir_values(read_nir_values(path), options, path.string());
}

}  // namespace spikelens
