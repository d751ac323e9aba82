#include "spikelens/pipeline/explainer.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/naming.h"
#include "spikelens/core/option_error.h"
#include "spikelens/core/random.h"
#include "spikelens/interpret/ablation.h"
#include "spikelens/pipeline/store.h"
#include "spikelens/snn/engine.h"

namespace spikelens {
namespace {

using nlohmann::json;

std::vector<MethodSpec> parse_methods(const std::vector<std::string>& texts, bool spiking) {
    std::vector<MethodSpec> methods;
    for (const std::string& text : texts) {
        methods.push_back(parse_method(text));
        const auto same = std::ranges::find(methods, methods.back().canonical, &MethodSpec::canonical);
        if (same + 1 != methods.end())
            throw InputError("the method '" + text + "' is asked for twice" +
                             (same->text == text ? "" : ": it is the same as '" + same->text + "'"));
        const MethodInfo& info = methods.back().method->info();
        if (!(spiking ? info.on_spikes : info.on_images))
            throw InputError("the method '" + text + "' explains " + (spiking ? "images" : "spikes") +
                             ", and this run's input is " + (spiking ? "spikes" : "images") +
                             "; spikelens methods says what each explains");
    }
    if (methods.empty()) throw InputError("no method is named; spikelens methods lists them");
    return methods;
}

/// The identity of a result that methods need. Throws InputError where it is missing, or not of the run as it is.
json needed_identity(const Run& run, const std::filesystem::path& path, const std::string& what,
                     const std::string& options) {
    const std::string root = run.files.root.string();
    if (!std::filesystem::exists(path))
        throw InputError(what + " of " + root + " are not known yet; run spikelens interpret " + root + options +
                         " first");
    if (const std::string reason = run.why_stale(path); !reason.empty())
        throw InputError(stale_sentence(run, path, reason, "interpret"));
    return stored_identity(path);
}

bool any_needs(const std::vector<MethodSpec>& methods, bool MethodInfo::*need) {
    return std::ranges::any_of(methods, [&](const MethodSpec& m) { return m.method->info().*need; });
}

}  // namespace

Explainer::Explainer(const Run& run, const std::vector<std::string>& methods, bool spiking, uint64_t seed,
                     const Execution& execution)
    : methods_(parse_methods(methods, spiking)) {
    if (!run.surrogate().empty()) surrogate_ = parse_surrogate(run.surrogate());
    if (any_needs(methods_, &MethodInfo::needs_relevant)) {
        const json identity = needed_identity(run, run.files.relevant(), "the relevant filters", "");
        relevant_ = std::make_shared<RelevantFilters>(load_relevant_filters(identity, run.files.relevant()));
        naming(run.files.relevant(), [&] { check_relevant(*run.network, *relevant_); });
    }
    if (any_needs(methods_, &MethodInfo::needs_probe)) {
        const json identity = needed_identity(run, run.files.probe(), "the probes", " with probe samples");
        probe_ = std::make_shared<Probe>(load_probe(identity, run.files.probe()));
    }
    prepare(run.network, seed, execution);
}

Explainer::Explainer(const Explainer& other, Network network, const Execution& execution)
    : methods_(other.methods_), surrogate_(other.surrogate_), relevant_(other.relevant_), probe_(other.probe_) {
    prepare(std::make_shared<const Network>(std::move(network)), other.context_.seed, execution);
}

void Explainer::prepare(std::shared_ptr<const Network> network, uint64_t seed, const Execution& execution) {
    engine_ = make_engine(execution.engine, std::move(network), execution, GradientOptions{.surrogate = surrogate_});
    context_ = {engine_.get(), relevant_.get(), seed, probe_.get()};
}

FloatArray Explainer::attributions(const MethodSpec& method, const Input& input, std::span<const int> targets,
                                   std::span<const int64_t> samples) const {
    return explain(method, context_, {input, targets, samples});
}

FloatArray Explainer::maps(const MethodSpec& method, const Input& input, std::span<const int> targets,
                           std::span<const int64_t> samples) const {
    return pixel_maps(attributions(method, input, targets, samples), method.view);
}

json digest_in(const std::filesystem::path& path) {
    return std::filesystem::exists(path) ? json(digest_of(stored_identity(path))) : json();
}

std::string stale_sentence(const Run& run, const std::filesystem::path& path, const std::string& reason,
                           const std::string& stage) {
    const std::string root = run.files.root.string();
    const std::string again = stage == "train" ? "make the run anew with spikelens train or spikelens import"
                                               : "run spikelens " + stage + " " + root + " again";
    return fmt::format("{} does not belong to the run as {} tells it ({}): {}", path.string(),
                       RunDirectory{root}.manifest().string(), reason, again);
}

json method_inputs(const Run& run, const MethodSpec& method) {
    const MethodInfo& info = method.method->info();
    json inputs = {{"method", method.text}};
    if (info.needs_gradient) inputs["surrogate"] = run.surrogate();
    if (info.needs_relevant) inputs["relevant"] = digest_in(run.files.relevant());
    if (info.needs_probe) inputs["probe"] = digest_in(run.files.probe());
    return inputs;
}

bool has_result(const Run& run, const std::filesystem::path& path, const StageNotes& notes) {
    if (!std::filesystem::exists(path)) return false;
    const std::string reason = run.why_stale(path);
    if (!reason.empty()) notes.say("left out: " + stale_sentence(run, path, reason, "interpret"));
    return reason.empty();
}

bool can_explain(std::string_view method, const Network& network) {
    const auto is_of = [&](const std::vector<std::string_view>& families) {
        return std::ranges::any_of(families, [&](std::string_view family) { return method.starts_with(family); });
    };
    const auto any_layer = [&](auto condition) { return std::ranges::any_of(network.layers, condition); };
    const bool recurs = any_layer([](const Layer& layer) { return layer.recurrence.kind != RecurrenceKind::none; });
    const bool adapts_any =
        any_layer([](const Layer& layer) { return layer.neuron && adapts(*layer.neuron, layer.values); });
    const bool by_step = any_layer([](const Layer& layer) { return layer.kind == LayerKind::norm; });
    const bool filters = any_layer([](const Layer& layer) { return layer.kind == LayerKind::conv; }) &&
                         !response_filters(network).empty();
    return (filters || !is_of({"svebi", "sam", "gradcam", "conductance"})) &&
           !(recurs && is_of({"gate", "tsa", "slrp", "sltrp"})) && !(by_step && is_of({"gate", "slrp", "sltrp"})) &&
           !(adapts_any && is_of({"share", "sltrp", "rescale"}));
}

std::vector<std::string> shown_methods(const Run& run, bool spiking, const StageNotes& notes) {
    std::vector<std::string> methods = {"share", "svebi", "grad2d", "ig2d"};
    if (spiking) methods = {"share3d", "svebi", "grad3d", "ig3d"};
    if (!can_explain(methods.front(), *run.network)) methods.front() = spiking ? "gate3d" : "gate";
    const bool interpreted = has_result(run, run.files.relevant(), notes);
    std::erase_if(methods, [&](const std::string& method) {
        return (method == "svebi" && !interpreted) || !can_explain(method, *run.network);
    });
    return methods;
}

std::string class_name(const Network& network, int index) {
    return index < static_cast<int>(network.classes.size()) ? network.classes[index] : std::to_string(index);
}

std::vector<std::string> usual_methods(const Network& network, bool spiking) {
    std::vector<std::string> methods = {"svebi", "grad2d", "ig2d", "gate", "share", "sam", "input", "sobel", "random"};
    if (spiking) methods = {"svebi", "grad3d", "ig3d", "gate3d", "share3d", "sam", "input", "random"};
    std::erase_if(methods, [&](const std::string& method) { return !can_explain(method, network); });
    return methods;
}

std::vector<int64_t> draw_samples(int64_t size, int64_t count, uint64_t seed) {
    std::vector<int64_t> order = random_permutation(size, seed, Stream::sampling, {});
    if (count > 0 && count < size) order.resize(count);
    std::ranges::sort(order);
    return order;
}

std::vector<int64_t> draw_samples(const SampleSource& samples, int64_t batch, int64_t count, uint64_t seed) {
    if (batch < 0)
        throw OptionError("whole_batches", fmt::format("batches of a class hold 1 sample or more, not {}", batch));
    if (batch == 0) return draw_samples(samples.size(), count, seed);
    std::map<int, std::vector<int64_t>> classes;
    for (int64_t i = 0; i < samples.size(); ++i) classes[samples.label(i)].push_back(i);
    std::vector<int64_t> all, drawn;
    for (const auto& [label, of_class] : classes)
        all.insert(all.end(), of_class.begin(), of_class.end() - std::ssize(of_class) % batch);
    if (all.empty()) throw OptionError("whole_batches", fmt::format("no class has the {} samples of one batch", batch));
    std::ranges::sort(all);
    for (const int64_t i : draw_samples(std::ssize(all), count, seed)) drawn.push_back(all[i]);
    return drawn;
}

}  // namespace spikelens
