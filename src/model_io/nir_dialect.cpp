#include "nir_dialect.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"

namespace spikelens {
namespace {

constexpr double kUsualDt = 1e-4;  ///< of the NIR paper, and of snnTorch's and SpikingJelly's converters
constexpr double kNorseDt = 1e-3;
constexpr double kRounding = 1e-6;  ///< of time constants kept as float32
constexpr std::array kDialectNames = {"exact", "snntorch", "spikingjelly", "norse", "sinabs", "rockpool"};
constexpr std::array kLibraryNames = {"forward Euler", "snnTorch", "SpikingJelly", "Norse", "Sinabs", "Rockpool"};

bool near(double a, double b) { return std::abs(a - b) <= 1e-5 * std::abs(b); }

/// Whether its parameters tell how the writer steps.
bool is_telling(const NirNode& node) { return is_nir_neuron(node) && node.type != "Threshold" && node.type != "I"; }

/// Whether all numbers of a parameter satisfy a condition; false when it is not there.
template <class Condition>
bool all_of(const NirNode& node, const std::string& parameter, Condition condition) {
    const auto found = node.values.find(parameter);
    return found != node.values.end() && !found->second.numbers.empty() &&
           std::ranges::all_of(found->second.numbers, condition);
}

bool all_equal(const NirNode& node, const std::string& parameter, double value) {
    return all_of(node, parameter, [&](double number) { return near(number, value); });
}

double first(const NirNode& node, const std::string& parameter) {
    const auto found = node.values.find(parameter);
    return found == node.values.end() || found->second.numbers.empty() ? 0.0 : found->second.numbers[0];
}

/// A library, and what in the file gives it away.
struct Sign {
    NirDialect dialect;
    std::string reason;
};
using Signs = std::optional<Sign>;

Signs sign_of_names(const std::vector<NirStep>& steps) {
    for (const NirStep& step : steps)
        for (const char* name : {"LIFTorch", "LIFNeuronTorch", "LIFBitshiftTorch", "ExpSynTorch", "LinearTorch"})
            if (step.node->name.find(name) != std::string::npos)
                return Sign{NirDialect::rockpool,
                            fmt::format("'{}' is named after a module of Rockpool", step.node->name)};
    for (const NirStep& step : steps)
        if (step.node->type == "SumPool2d")
            return Sign{
                NirDialect::sinabs,
                fmt::format("of the libraries known here, Sinabs alone writes SumPool2d ('{}')", step.node->name)};
    for (const NirStep& step : steps)
        if (step.recurrent && step.recurrent->name.ends_with(".w_rec"))
            return Sign{NirDialect::snntorch,
                        fmt::format("snnTorch names recurrent weights so ('{}')", step.recurrent->name)};
    return std::nullopt;
}

Signs sign_of_if(const NirNode& node) {
    const bool reset_to_zero = !node.has("v_reset") || all_of(node, "v_reset", [](double v) { return v == 0; });
    if (all_equal(node, "r", 1) && reset_to_zero)
        return Sign{NirDialect::sinabs, "IF neurons with r = 1 add their current once per step, as Sinabs writes them"};
    if (all_equal(node, "r", 1))
        return Sign{NirDialect::norse,
                    "IF neurons with r = 1 and a v_reset add their current once per step, as Norse writes them"};
    if (all_equal(node, "r", 1 / kUsualDt))
        return Sign{NirDialect::spikingjelly,
                    "IF neurons with r = 1/dt for dt = 0.0001 s are what SpikingJelly writes"};
    return std::nullopt;
}

Signs sign_of_lif(const NirNode& node) {
    if (all_equal(node, "r", 1) && all_of(node, "tau", [](double tau) { return tau >= 1; }))
        return Sign{NirDialect::sinabs, "LIF neurons with r = 1 and tau ≥ 1 count tau in steps, as Sinabs writes them"};
    // SpikingJelly writes the same, but of all neurons alike.
    const bool own_form =
        node.has("tau") && (node.values.at("tau").shape.empty() || !all_equal(node, "tau", first(node, "tau")));
    if (own_form && near(first(node, "r"), first(node, "tau") / kUsualDt))
        return Sign{NirDialect::snntorch,
                    "tau that is one number, or differs, with r = tau/dt for dt = 0.0001 s is what snnTorch writes"};
    return std::nullopt;
}

Signs sign_of_neuron(const NirNode& node) {
    if (node.type == "IF") return sign_of_if(node);
    if (node.type == "LIF") return sign_of_lif(node);
    if (node.type == "CubaLIF" && near(first(node, "r"), first(node, "tau_mem") / kUsualDt) &&
        near(first(node, "w_in"), first(node, "tau_syn") / kUsualDt))
        return Sign{NirDialect::snntorch,
                    "r = tau_mem/dt and w_in = tau_syn/dt for dt = 0.0001 s are what snnTorch writes"};
    return std::nullopt;
}

/// What all neurons of the file agree on.
Signs sign_of_neurons(const std::vector<NirStep>& steps) {
    Signs agreed;
    for (const NirStep& step : steps) {
        if (!is_telling(*step.node)) continue;
        const Signs sign = sign_of_neuron(*step.node);
        if (!sign || (agreed && agreed->dialect != sign->dialect)) return std::nullopt;
        if (!agreed) agreed = sign;
    }
    return agreed;
}

std::set<std::string> names_in(const NirGraph& graph, const std::string& key) {
    const std::vector<std::string> texts = own_texts(graph, key);
    return {texts.begin(), texts.end()};
}

NirDialect choose_dialect(const NirGraph& graph, const std::vector<NirStep>& steps, NirRules& rules) {
    if (written_by_us(graph)) return NirDialect::exact;
    Signs sign = sign_of_names(steps);
    if (!sign) sign = sign_of_neurons(steps);
    if (!sign) {
        rules.assumptions.emplace_back(
            "The file does not show which library wrote it: its neurons became steps by forward Euler of NIR's "
            "equations (dialect exact).");
        return NirDialect::exact;
    }
    rules.assumptions.push_back(
        fmt::format("The file was taken to be {}'s: {}.", dialect_name(sign->dialect), sign->reason));
    return sign->dialect;
}

std::optional<NirDialect> find_dialect(const std::string& name) {
    for (size_t i = 0; i < kDialectNames.size(); ++i)
        if (name == kDialectNames[i]) return static_cast<NirDialect>(i);
    return std::nullopt;
}

/// Rockpool writes r = τ·exp(−dt/τ)/dt: x = dt/τ solves x·r = exp(−x), by Newton from below, where it converges
/// monotonically.
double rockpool_dt(const NirNode& node) {
    const double r = first(node, "r"), tau = first(node, node.has("tau") ? "tau" : "tau_mem");
    if (!(r > 0) || !(tau > 0)) return 0;
    double x = 0;
    for (int i = 0; i < 100; ++i) x -= (x * r - std::exp(-x)) / (r + std::exp(-x));
    return x * tau;
}

struct TimeStep {
    double dt;
    std::string reason;
};

TimeStep default_step(const NirRules& rules, const NirGraph& graph, const std::vector<NirStep>& steps) {
    const auto telling = std::ranges::find_if(steps, [](const NirStep& step) { return is_telling(*step.node); });
    const NirNode* const neuron = telling == steps.end() ? nullptr : telling->node;
    switch (rules.dialect) {
        case NirDialect::exact:
            if (const auto dt = graph.metadata.find("dt");
                rules.own && dt != graph.metadata.end() && dt->second.numbers.size() == 1)
                return {dt->second.numbers[0], "as the file's metadata say"};
            return {kUsualDt, "most libraries use it for NIR, and the file does not say"};
        case NirDialect::norse:
            return {kNorseDt, "Norse's default, as the file does not say"};
        case NirDialect::sinabs:
            return {1, "Sinabs counts time constants in steps"};
        case NirDialect::rockpool:
            if (neuron && rockpool_dt(*neuron) > 0)
                return {rockpool_dt(*neuron), fmt::format("from r = tau·exp(−dt/tau)/dt of '{}'", neuron->name)};
            return {kNorseDt, "Rockpool's default, as the file does not say"};
        case NirDialect::spikingjelly:
            if (neuron && neuron->type == "IF" && first(*neuron, "r") > 1)
                return {1 / first(*neuron, "r"), fmt::format("from r = 1/dt of '{}'", neuron->name)};
            [[fallthrough]];
        case NirDialect::snntorch:
            break;
    }
    return {kUsualDt, fmt::format("{} uses it for NIR, and the file does not say", dialect_name(rules.dialect))};
}

void set_time_step(NirRules& rules, const NirGraph& graph, const std::vector<NirStep>& steps, const NirOptions& options,
                   const std::string& where) {
    if (options.dt) {
        rules.dt = *options.dt;
    } else {
        const TimeStep step = default_step(rules, graph, steps);
        rules.dt = step.dt;
        const char* unit = rules.dialect == NirDialect::sinabs ? "" : " s";
        rules.assumptions.push_back(
            fmt::format("One step was taken to be dt = {:.7g}{}: {}.", rules.dt, unit, step.reason));
    }
    if (!(rules.dt > 0) || !std::isfinite(rules.dt))
        throw InputError(fmt::format("{}: dt is {}, expected a time above 0", where, rules.dt));
}

const char* reset_text(const NirRules& rules) {
    if (rules.reset == Reset::none) return "no reset";
    if (rules.reset == Reset::zero) return rules.delay ? "reset to v_reset one step later" : "reset to v_reset at once";
    return rules.delay ? "reset by subtraction one step later" : "reset by subtraction at once";
}

void set_spiking(NirRules& rules, const NirOptions& options) {
    const NirDialect dialect = rules.dialect;
    const bool subtracts =
        dialect == NirDialect::snntorch || dialect == NirDialect::sinabs || dialect == NirDialect::rockpool;
    rules.reset = options.reset.value_or(subtracts ? Reset::subtract : Reset::zero);
    rules.delay = dialect == NirDialect::snntorch && rules.reset != Reset::none;
    rules.at_threshold =
        dialect == NirDialect::spikingjelly || dialect == NirDialect::sinabs || dialect == NirDialect::rockpool;
    if (options.reset) rules.subtract.clear();
    if (rules.own) return;
    rules.assumptions.push_back(
        fmt::format("Neurons fire when U {} threshold, with {}; NIR does not say which reset was used.",
                    rules.at_threshold ? "≥" : ">", reset_text(rules)));
    if (dialect == NirDialect::sinabs || dialect == NirDialect::rockpool)
        rules.assumptions.emplace_back(
            "Neurons fire at most once per step here, as with Sinabs' spike_fn=SingleSpike; its default and Rockpool's "
            "neurons may fire several times, which the file does not say.");
    if (dialect == NirDialect::sinabs)
        rules.assumptions.emplace_back(
            "The membrane has no lower bound here; Sinabs' conversions usually bound it at minus the threshold.");
}

[[noreturn]] void refuse_neuron(const NirRules& rules, const NirNode& node, const std::string& where) {
    throw InputError(fmt::format("{}is no neuron that {} writes; try another dialect", node_place(where, node),
                                 dialect_name(rules.dialect)));
}

NirDynamics if_dynamics(const NirRules& rules, const NirNode& node, const std::string& where) {
    if (rules.dialect == NirDialect::rockpool) refuse_neuron(rules, node, where);
    const bool integrates_time = rules.dialect == NirDialect::exact || rules.dialect == NirDialect::spikingjelly;
    return {1, 0, integrates_time ? rules.dt : 1, false};
}

double decay(double x) { return std::clamp(1 - x, 0.0, 1.0); }

/// dt/τ. Norse 1.1 writes dt·τ, not τ: a time shorter than a step, which none else can be.
double share_of(const NirRules& rules, double tau) {
    const double x = rules.dt / tau;
    return rules.dialect == NirDialect::norse && x > 1 + kRounding ? x * rules.dt : x;
}

/// β of τ = dt/(1 − β) that snnTorch computed and kept in float32. Where several give this τ: the one with the shortest
/// text.
double snntorch_decay(double tau) {
    constexpr int steps_around = 64;
    const auto single = static_cast<float>(tau), dt = static_cast<float>(kUsualDt);
    const auto start = static_cast<float>(decay(kUsualDt / tau));
    float from = start, best = start;
    for (int i = 0; i < steps_around; ++i) from = std::nextafter(from, -1.0F);
    size_t shortest = std::string::npos;
    for (int i = 0; i <= 2 * steps_around; ++i, from = std::nextafter(from, 2.0F)) {
        if (from < 0 || from > 1 || dt / (1.0F - from) != single) continue;
        const size_t length = fmt::format("{}", from).size();
        if (length < shortest) best = from, shortest = length;
    }
    return best;
}

double euler_decay(const NirRules& rules, double tau, bool single) {
    if (rules.dialect == NirDialect::snntorch && single && rules.dt == kUsualDt) return snntorch_decay(tau);
    return decay(share_of(rules, tau));
}

NirDynamics leaky_dynamics(const NirRules& rules, const NirNode& node, const NirTimeConstants& constants) {
    const double x = share_of(rules, constants.tau_mem);
    if (rules.dialect == NirDialect::sinabs)
        return {std::exp(-x), 0, 1, node.type != "LI"};  // ExpLeak sums, LIF averages
    if (rules.dialect != NirDialect::rockpool)
        return {euler_decay(rules, constants.tau_mem, constants.single), 0, x, false};
    // ExpSynTorch decays its input once more than LIFTorch does.
    return {std::exp(-x), 0, node.type == "LI" ? x : x * std::exp(x), false};
}

NirDynamics synaptic_dynamics(const NirRules& rules, const NirNode& node, const NirTimeConstants& constants,
                              const std::string& where) {
    const double x = share_of(rules, constants.tau_mem), y = share_of(rules, constants.tau_syn);
    switch (rules.dialect) {
        case NirDialect::sinabs:
            refuse_neuron(rules, node, where);
        case NirDialect::rockpool:
            return {std::exp(-x), std::exp(-y), std::exp(-y) * x * std::exp(x), false};
        case NirDialect::norse:
            return {decay(x), decay(y), x, false};
        default:
            return {euler_decay(rules, constants.tau_mem, constants.single),
                    euler_decay(rules, constants.tau_syn, constants.single), x * y, false};
    }
}

void require_time(double tau, const char* name, const NirRules& rules, const NirNode& node, const std::string& where) {
    // snnTorch writes a β above 1 so, and runs it as 1.
    const bool clamped = rules.dialect == NirDialect::snntorch && tau < 0;
    if (!(tau > 0) && !clamped)
        throw InputError(fmt::format("{}has {} = {}, expected a time above 0", node_place(where, node), name, tau));
    const bool exponential = rules.dialect == NirDialect::sinabs || rules.dialect == NirDialect::rockpool;
    if (!exponential && share_of(rules, tau) > 1 + kRounding)
        throw InputError(fmt::format("{}has {} = {} s, shorter than one step of dt = {} s: give a smaller dt",
                                     node_place(where, node), name, tau, rules.dt));
}

/// Our own files say everything; what was asked for instead is said.
void say_overrides(NirRules& rules, const NirGraph& graph, const NirOptions& options) {
    const auto say = [&](const std::string& file, const std::string& asked) {
        rules.assumptions.push_back(fmt::format("The file says {}; {} was asked for and counts.", file, asked));
    };
    if (rules.dialect != NirDialect::exact)
        say("that Spikelens wrote it, which means the dialect exact", fmt::format("the dialect {}", options.dialect));
    const auto dt = graph.metadata.find("dt");
    const bool has_dt = dt != graph.metadata.end() && dt->second.numbers.size() == 1;
    if (options.dt && has_dt && !near(*options.dt, dt->second.numbers[0]))
        say(fmt::format("dt = {:.7g} s", dt->second.numbers[0]), fmt::format("dt = {:.7g} s", *options.dt));
    if (options.reset) say("which neurons reset by subtraction", std::string(reset_text(rules)) + " for all");
}

}  // namespace

void check_dialect(const std::string& name) {
    if (name == "auto" || find_dialect(name)) return;
    std::vector<std::string> known = {"auto"};
    known.insert(known.end(), kDialectNames.begin(), kDialectNames.end());
    throw InputError(fmt::format("there is no NIR dialect '{}'{}", name, suggestion(name, known)));
}

const char* dialect_name(NirDialect dialect) { return kLibraryNames[static_cast<size_t>(dialect)]; }

NirRules choose_rules(const NirGraph& graph, const std::vector<NirStep>& steps, const NirOptions& options,
                      const std::string& where) {
    NirRules rules;
    check_dialect(options.dialect);
    rules.dialect = options.dialect == "auto" ? choose_dialect(graph, steps, rules) : *find_dialect(options.dialect);
    rules.own = rules.dialect == NirDialect::exact && written_by_us(graph);
    if (rules.own) {
        rules.subtract = names_in(graph, "reset_by_subtraction");
        rules.varying = names_in(graph, "varying");
        rules.without_bias = names_in(graph, "without_bias");
    }
    set_time_step(rules, graph, steps, options, where);
    set_spiking(rules, options);
    if (written_by_us(graph)) say_overrides(rules, graph, options);
    return rules;
}

NirDynamics nir_dynamics(const NirRules& rules, const NirNode& node, const NirTimeConstants& constants,
                         const std::string& where) {
    if (node.type == "IF" || node.type == "I") return if_dynamics(rules, node, where);
    const bool synaptic = node.type == "CubaLIF" || node.type == "CubaLI";
    require_time(constants.tau_mem, synaptic ? "tau_mem" : "tau", rules, node, where);
    if (!synaptic) return leaky_dynamics(rules, node, constants);
    require_time(constants.tau_syn, "tau_syn", rules, node, where);
    return synaptic_dynamics(rules, node, constants, where);
}

}  // namespace spikelens
