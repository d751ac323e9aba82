#include "spikelens/pipeline/suite.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/pipeline/explainer.h"

namespace spikelens {
namespace {

using Names = std::vector<std::string>;

const Names kSuites = {"quick", "standard", "full"};

Names standard_methods(bool spiking) {
    if (spiking)
        return {"svebi", "grad3d",  "ig3d",  "gate3d", "share3d", "share3d:passes=2",
                "sam",   "gradcam", "input", "random"};
    return {"svebi", "grad2d", "ig2d", "gate", "share", "share_path", "sam", "gradcam", "input", "random"};
}

/// Those that simulate a thousand versions of a sample show fewer.
Names full_methods(bool spiking) {
    Names methods;
    for (const MethodInfo& info : all_methods()) {
        if (!(spiking ? info.on_spikes : info.on_images)) continue;
        const bool masks = info.name == "rise", segments = info.name == "lime";
        methods.push_back(info.name + (masks ? ":masks=200" : segments ? ":samples=200" : ""));
    }
    return methods;
}

Names quick_metrics(bool spiking, bool pixels) {
    Names metrics;
    if (pixels) metrics = {"insertion", "deletion"};
    if (spiking) metrics.insert(metrics.end(), {"spike_insertion", "spike_deletion"});
    metrics.emplace_back("sparseness");
    return metrics;
}

Names standard_metrics(bool spiking, bool pixels) {
    Names metrics = quick_metrics(spiking, pixels);
    if (pixels) metrics.insert(metrics.end(), {"road", "irof"});
    if (spiking) metrics.emplace_back("spike_retiming");
    metrics.insert(metrics.end(), {"faithfulness_correlation", "infidelity", "randomisation", "random_logit",
                                   "completeness", "complexity"});
    return metrics;
}

Names full_metrics(bool spiking, bool pixels) {
    Names metrics;
    for (const MetricPointer& metric : all_metrics()) {
        const MetricInput input = metric->info().input;
        if (input == MetricInput::any || (input == MetricInput::spikes ? spiking : pixels))
            metrics.push_back(metric->info().name);
    }
    return metrics;
}

/// What the run and its network do not allow goes.
void keep_possible(Names& methods, const Run& run, const StageNotes& notes) {
    const bool interpreted = has_result(run, run.files.relevant(), notes),
               probed = has_result(run, run.files.probe(), notes);
    std::erase_if(methods, [&](const std::string& text) {
        const MethodSpec spec = parse_method(text);
        const MethodInfo& info = spec.method->info();
        return (info.needs_relevant && !interpreted) || (info.needs_probe && !probed) ||
               !can_explain(info.name, *run.network);
    });
}

bool has_one_class(const SampleSource& samples) {
    for (int64_t i = 1; i < samples.size(); ++i)
        if (samples.label(i) != samples.label(0)) return false;
    return true;
}

std::string duration_text(double seconds) {
    if (seconds < 90) return counted(std::max<int64_t>(1, std::lround(seconds)), "second");
    if (seconds < 5400) return fmt::format("{:.0f} minutes", seconds / 60);
    return fmt::format("{:.0f} hours", seconds / 3600);
}

}  // namespace

Suite suite_of(std::string_view name, const Run& run, const SampleSource& test, bool spiking, bool pixels, bool masks,
               const StageNotes& notes) {
    if (std::ranges::find(kSuites, name) == kSuites.end())
        throw InputError(fmt::format("there is no suite '{}'{}", name, suggestion(name, kSuites)));
    Suite suite;
    if (name == "quick") suite = {usual_methods(*run.network, spiking), quick_metrics(spiking, pixels)};
    if (name == "standard") suite = {standard_methods(spiking), standard_metrics(spiking, pixels)};
    if (name == "full") suite = {full_methods(spiking), full_metrics(spiking, pixels)};
    keep_possible(suite.methods, run, notes);
    const bool mosaics = !has_one_class(test), another_class = run.network->class_count() > 1;
    std::erase_if(suite.metrics, [&](const std::string& of) {
        return (!masks && find_metric(of)->info().needs_masks) || (!mosaics && of == "focus") ||
               (!mosaics && !masks && of == "pointing_game") || (!another_class && of == "random_logit");
    });
    return suite;
}

std::string expected_time(const Evaluator& evaluator, const std::vector<MethodSpec>& methods,
                          const Execution& execution) {
    using Clock = std::chrono::steady_clock;
    double of_one = 0;
    int64_t done = 0;
    for (const MethodSpec& method : methods) {
        execution.report("estimating how long it takes", done++, static_cast<int64_t>(methods.size()));
        MethodScores scores;
        const auto started = Clock::now();
        while (scores.done == scores.undecided && scores.done < evaluator.samples())
            evaluator.advance(method, scores, 1, execution);
        of_one += std::chrono::duration<double>(Clock::now() - started).count();
    }
    execution.report("estimating how long it takes", done, done);
    return "about " + duration_text(of_one * static_cast<double>(evaluator.samples()));
}

}  // namespace spikelens
