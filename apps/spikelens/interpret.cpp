#include <algorithm>
#include <chrono>
#include <functional>

#include <fmt/format.h>

#include "spikelens/attribute/probe.h"
#include "spikelens/core/error.h"
#include "spikelens/core/naming.h"
#include "spikelens/core/nearest.h"
#include "spikelens/interpret/ablation.h"
#include "spikelens/interpret/average_visualisation.h"
#include "spikelens/pipeline/check_memory.h"
#include "spikelens/pipeline/documents.h"
#include "spikelens/pipeline/store.h"

#include "arguments.h"
#include "commands.h"
#include "interrupt.h"
#include "remarks.h"
#include "run_directory.h"
#include "text.h"

namespace spikelens::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr int kCrops = 9;  ///< kept of each filter, the strongest

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

ResponseKind parse_response(const std::string& text) {
    if (text == "energy") return ResponseKind::energy;
    if (text == "l2") return ResponseKind::l2;
    throw InputError("--response is energy or l2, not '" + text + "'" + suggestion(text, {"energy", "l2"}));
}

std::vector<double> budgets_of(const InterpretCommand& command) {
    if (command.mu_max < 1 || command.mu_max > 1000)
        throw InputError(fmt::format("--mu-max must be 1 to 1000, not {}", command.mu_max));
    if (!(command.mu > 0)) throw InputError(fmt::format("--mu must be above 0, not {}", command.mu));
    std::vector<double> budgets;
    for (int mu = 1; mu <= command.mu_max; ++mu) budgets.push_back(mu);
    if (std::ranges::find(budgets, command.mu) == budgets.end())
        budgets.insert(std::ranges::lower_bound(budgets, command.mu), command.mu);
    return budgets;
}

/// What each result of the stage depends on, and nothing that it does not depend on.
struct Identities {
    Identity responses, relevant, ablation, visualisations, probe;
};

Identities identities_of(const OpenRun& run, const InterpretCommand& command, const std::vector<double>& budgets,
                         int64_t samples, int64_t probe_samples, uint64_t seed) {
    const json sums = {{"response", command.response}, {"samples", samples}};
    const json path = {{"mu", budgets}, {"signed", command.is_signed}};
    return {run.identity_of("responses", 1).with(sums),
            run.identity_of("relevant filters", 1).with(sums).with(path).with({{"chosen_mu", command.mu}}),
            run.identity_of("ablation", 1).with(sums).with(path).with({{"draws", command.draws}, {"seed", seed}}),
            run.identity_of("visualisations", 1).with(sums).with({{"crops", kCrops}}),
            run.identity_of("probe", 1).with({{"samples", probe_samples}})};
}

/// Whether the file has the result of this identity. One of another identity stays until the new one takes its place.
bool holds(const fs::path& path, const Identity& identity, Console& console) {
    if (!fs::exists(path)) return false;
    const std::string difference = identity.difference(stored_identity(path));
    if (!difference.empty()) console.message(fmt::format("made anew: {} was made with {}", path.string(), difference));
    return difference.empty();
}

Responses find_responses(const OpenRun& run, const Identity& identity, const Simulator& simulator, const SampleSource& samples,
                         ResponseKind kind, Console& console) {
    Responses responses;
    if (holds(run.files.responses(), identity, console)) responses = load_responses(identity.inputs(), run.files.responses());
    auto saved = Clock::now();
    const auto keep = [&] {
        if (responses.samples > 0)
            console.keeps(
                fmt::format("the responses of {} of {} samples are kept", grouped(responses.samples), grouped(samples.size())));
    };
    const auto save = [&](const Responses& at) {
        save_responses(at, identity.inputs(), run.files.responses());
        saved = Clock::now();
        keep();
    };
    keep();
    ResponseOptions options;
    options.kind = kind;
    if (responses.samples >= samples.size()) return responses;
    try {
        accumulate_responses(
            simulator, samples, options, responses,
            [&](const Responses& at) {
                if (at.samples == samples.size() || since(saved) >= 2) save(at);
            },
            console.progress());
    } catch (const Cancelled&) {
        if (responses.samples > 0) save(responses);
        throw;
    }
    return responses;
}

void find_probe(const OpenRun& run, const Identity& identity, const Simulator& simulator, const SampleSource& samples,
                int64_t count, Console& console) {
    if (holds(run.files.probe(), identity, console)) return;
    save_probe(fit_probe(simulator, samples, count, console.progress()), identity.inputs(), run.files.probe());
}

template <class Result>
Result load_or_make(const fs::path& path, const Identity& identity, Result (*load)(const json&, const fs::path&),
                    const std::function<Result()>& make, void (*save)(const Result&, const json&, const fs::path&),
                    Console& console) {
    if (holds(path, identity, console)) return load(identity.inputs(), path);
    Result result = make();
    save(result, identity.inputs(), path);
    return result;
}

/// Everything that can be told before anything is computed.
void check_command(const InterpretCommand& command, const Network& network, const RunData& data) {
    if (command.draws < 1 || command.draws > 1000)
        throw InputError(fmt::format("--draws must be 1 to 1000, not {}", command.draws));
    if (command.samples < 0) throw InputError(fmt::format("--train-samples must be 0 (all) or more, not {}", command.samples));
    if (command.probe_samples < 0)
        throw InputError(fmt::format("--probe-samples must be 0 (none) or more, not {}", command.probe_samples));
    if (response_filters(network).empty())
        throw InputError("the network has no convolution layer that spikes, so there are no filters to interpret");
    if (command.probe_samples > 0) check_probe(network, *data.train, std::min(command.probe_samples, data.train->size()));
}

std::string filters_text(const json& filters) {
    std::string text;
    for (const json& filter : filters)
        text += fmt::format("{}{}.{} {:.2f}", text.empty() ? "" : ", ", filter["layer"].get<std::string>(),
                            filter["filter"].get<int>(), filter["weight"].get<double>());
    return text.empty() ? "none" : text;
}

std::string text_of(const json& document) {
    const double mu = document["chosen_mu"];
    std::string text = paragraph(
        fmt::format("relevant filters at μ = {:g}, of {} (worst KKT residual {:.1e}, duality gap {:.1e}):", mu,
                    document["filters"].size(), document["kkt_residual"].get<double>(), document["duality_gap"].get<double>()));
    TextTable classes({{""}, {""}});
    for (const json& of_class : document["per_class"])
        for (const json& point : of_class["path"])
            if (point["mu"] == mu) classes.add({of_class["name"], filters_text(point["filters"])});
    text += classes.text(2) + interpretation_remarks(document);
    text += paragraph(
        fmt::format("accuracy by class with them silenced, against as many random filters (nothing silenced: {:.3f}):",
                    document["ablation"]["full_accuracy"].get<double>()));
    constexpr auto right = TextTable::Align::right;
    TextTable curve({{"μ", right}, {"filters", right}, {"relevant", right}, {"random", right}});
    for (const json& point : document["ablation"]["curve"])
        if (const double at = point["mu"]; at == 1 || at == 2 || at == 5 || at == 10 || at == 20 || at == 50 || at == mu)
            curve.add({fmt::format("{:g}", at), fmt::format("{:.1f}", point["mean_filters"].get<double>()),
                       fmt::format("{:.3f}", point["relevant_accuracy"].get<double>()),
                       fmt::format("{:.3f}", point["random_accuracy"].get<double>())});
    return text + curve.text(2);
}

}  // namespace

Outcome run_interpret(const InterpretCommand& command, const Globals& globals, Console& console) {
    const std::vector<double> budgets = budgets_of(command);
    const ResponseKind kind = parse_response(command.response);
    const WrittenRun written = open_to_write(command.run, globals, console);
    const OpenRun& run = written.run;
    const RunData data = run.load_data();
    check_command(command, *run.network, data);
    const FirstSamples samples(*data.train, command.samples > 0 ? command.samples : data.train->size());
    const int64_t probe_samples = std::min(command.probe_samples, data.train->size());
    const Identities identities = identities_of(run, command, budgets, samples.size(), probe_samples, globals.seed);
    const Simulator simulator(run.network, globals.simulation());
    check_memory(simulator, samples);
    json seconds;
    auto started = Clock::now();
    const auto lap = [&](const char* stage) {
        seconds[stage] = since(started);
        started = Clock::now();
    };

    const Responses responses = find_responses(run, identities.responses, simulator, samples, kind, console);
    lap("responses");
    console.keeps("the responses are kept");
    const LassoOptions lasso{!command.is_signed, LassoOptions{}.tolerance};
    const auto relevant = load_or_make<RelevantFilters>(
        run.files.relevant(), identities.relevant, load_relevant_filters,
        [&] { return find_relevant_filters(*run.network, responses, budgets, command.mu, lasso, console.progress()); },
        save_relevant_filters, console);
    naming(run.files.relevant(), [&] { check_relevant(*run.network, relevant); });
    lap("lasso");
    const auto ablation = load_or_make<Ablation>(
        run.files.ablation(), identities.ablation, load_ablation,
        [&] {
            return ablate(simulator, *data.test, relevant, {command.draws, globals.seed}, console.progress());
        },
        save_ablation, console);
    lap("ablation");
    console.keeps("all but the visualisations is kept");
    std::vector<int> rows(relevant.filters.size());
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<int>(i);
    load_or_make<std::vector<FilterVisualisation>>(
        run.files.visualisations(), identities.visualisations, load_visualisations,
        [&] { return average_visualisations(*run.network, samples, responses, rows, kCrops, console.progress()); },
        save_visualisations, console);
    lap("visualisations");
    console.keeps("all but the probes and the summary is kept");
    if (probe_samples > 0) find_probe(run, identities.probe, simulator, *data.train, probe_samples, console);

    json layers = json::array();
    for (const FilterIndex& filter : relevant.filters)
        if (const std::string& name = run.network->layers[filter.layer].name; layers.empty() || layers.back() != name)
            layers.push_back(name);
    json document = {{"command", "interpret"},
                     {"run", command.run.string()},
                     {"data", data.name},
                     {"fingerprint", run.fingerprint},
                     {"identity", identities.ablation.with({{"stage", "interpret"}, {"chosen_mu", command.mu}}).inputs()},
                     {"relevant", identities.relevant.digest()},
                     {"classes", run.network->classes},
                     {"samples", responses.samples},
                     {"undecided", responses.undecided()},
                     {"response", command.response},
                     {"non_negative", !command.is_signed},
                     {"chosen_mu", command.mu},
                     {"mu", budgets},
                     {"kkt_residual", relevant.worst_kkt_residual()},
                     {"duality_gap", relevant.worst_duality_gap()},
                     {"layers", layers},
                     {"filters", filters_document(*run.network, responses)},
                     {"per_class", paths_document(*run.network, relevant, responses)},
                     {"layer_distribution", distribution_document(*run.network, relevant)},
                     {"ablation", ablation_document(ablation, command.draws)},
                     {"seed", globals.seed},
                     {"seconds", seconds}};
    write_json(run.files.result("interpret"), document);
    record_stage(run.files, "interpret", {arguments_of(command, globals), globals.seed});
    return {document, text_of(document)};
}

void add_interpret(CLI::App& program, Run& run) {
    auto command = std::make_shared<InterpretCommand>();
    CLI::App* app = program.add_subcommand(
        "interpret", "Find the filters that drive each class (SVEBI), ablate them, and draw what they see");
    app->add_option("run", command->run, "The run directory")->required();
    app->add_option("--mu", command->mu, "The budget whose filters are shown and used for heatmaps")->capture_default_str();
    app->add_option("--mu-max", command->mu_max, "Budgets 1 … so many are swept")->capture_default_str();
    app->add_option("--response", command->response, "energy (reference code) or l2")->capture_default_str();
    app->add_flag("--signed", command->is_signed, "Let weights be negative");
    app->add_option("--draws", command->draws, "Random filter sets per class and size")->capture_default_str();
    app->add_option("--train-samples", command->samples, "Use the first so many training samples; 0: all")
        ->capture_default_str();
    app->add_option("--probe-samples", command->probe_samples,
                    "Fit the readings that the method probe needs to so many training images (20000 is plenty); 0: none")
        ->capture_default_str();
    app->callback([command, &run] {
        run = [command](const Globals& globals, Console& console) { return run_interpret(*command, globals, console); };
    });
}

}  // namespace spikelens::app
