#include "reproduce.h"

#include <cassert>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"

#include "run_directory.h"
#include "text.h"

namespace spikelens::app {
namespace {

using nlohmann::json;

std::string cell(const json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_null()) return "-";
    return fmt::format("{:.4f}", value.get<double>());
}

Outcome run_reproduce(const ReproduceCommand& command, const Globals& globals, Console& console) {
    if (command.samples.value_or(0) < 0)
        throw InputError(fmt::format("--samples must be 0 (all) or more, not {}", *command.samples));
    if (command.train_samples.value_or(0) < 0)
        throw InputError(fmt::format("--train-samples must be 0 (all) or more, not {}", *command.train_samples));
    if (command.experiment == "svebi-mnist") return reproduce_svebi_mnist(command, globals, console);
    if (command.experiment == "bitar-nmnist") return reproduce_bitar_nmnist(command, globals, console);
    if (command.experiment == "coding-fashion") return reproduce_coding_fashion(command, globals, console);
    throw InputError("unknown experiment '" + command.experiment + "'" +
                     suggestion(command.experiment, {"svebi-mnist", "bitar-nmnist", "coding-fashion"}));
}

}  // namespace

Globals holding(const std::filesystem::path& run, const Globals& globals, Console& console) {
    Globals held = globals;
    held.locks.push_back(lock_run(run, globals, console));
    return held;
}

json claim(const std::string& text, const json& paper, const json& measured, const json& held) {
    return {{"claim", text}, {"paper", paper}, {"measured", measured}, {"held", held}};
}

std::string claims_text(const json& claims) {
    constexpr auto right = TextTable::Align::right;
    TextTable table({{"claim"}, {"paper", right}, {"measured", right}, {"held"}});
    for (const json& row : claims)
        table.add({row["claim"], cell(row["paper"]), cell(row["measured"]),
                   row["held"].is_null()     ? "-"
                   : row["held"].get<bool>() ? "yes"
                                             : "no"});
    return table.text();
}

const json& method_of(const json& evaluate, const std::string& method) {
    for (const json& entry : evaluate["methods"])
        if (entry["method"] == method) return entry;
    assert(false);
    return evaluate;
}

const json* metric_of(const json& evaluate, const std::string& method, const std::string& metric) {
    for (const json& entry : evaluate["methods"])
        if (entry["method"] == method)
            for (const json& values : entry["metrics"])
                if (values["metric"] == metric) return &values;
    return nullptr;
}

json difference_of(const json& evaluate, const std::string& metric, const std::string& a, const std::string& b) {
    for (const json& entry : evaluate["differences"]) {
        if (entry["metric"] != metric) continue;
        if (entry["a"] == a && entry["b"] == b) return entry;
        if (entry["a"] != b || entry["b"] != a) continue;
        json turned = entry;
        turned["a"] = a;
        turned["b"] = b;
        turned["difference"] = -entry["difference"].get<double>();
        if (!entry["ci95"].is_null()) turned["ci95"] = {-entry["ci95"][1].get<double>(), -entry["ci95"][0].get<double>()};
        return turned;
    }
    return nullptr;
}

void add_reproduce(CLI::App& program, Run& run) {
    auto command = std::make_shared<ReproduceCommand>();
    CLI::App* app = program.add_subcommand("reproduce", "Run a paper's whole experiment and print its numbers beside ours");
    app->add_option("experiment", command->experiment, "svebi-mnist, bitar-nmnist or coding-fashion")->required();
    app->add_option("--out", command->out, "The run directory; by default runs/EXPERIMENT");
    app->add_option("--model", command->model, "bitar-nmnist: the NIR network; by default SPIKELENS_DATA/nir/cnn_sinabs.nir");
    app->add_option("--samples", command->samples,
                    "How many test samples to evaluate; 0: all; by default the experiment's choice");
    app->add_option("--train-samples", command->train_samples,
                    "How many training samples to use; 0: all; by default the experiment's choice");
    app->callback([command, &run] {
        run = [command](const Globals& globals, Console& console) { return run_reproduce(*command, globals, console); };
    });
}

}  // namespace spikelens::app
