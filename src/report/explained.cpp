#include "explained.h"

#include <algorithm>

#include "spikelens/attribute/map_state.h"
#include "spikelens/draw/colour.h"
#include "spikelens/draw/space_time.h"
#include "spikelens/evaluate/accuracy.h"
#include "spikelens/snn/decision.h"

namespace spikelens {
namespace {

constexpr int64_t kWindows = 8;
constexpr int kCloudWidth = 720, kCloudHeight = 480;

/// The recordings as point clouds, and their spikes per window.
void add_recordings(const Array<uint8_t>& spikes, std::vector<ReportImage>& result) {
    for (size_t i = 0; i < result.size(); ++i) {
        const ArrayView<uint8_t> one = spikes.sub(static_cast<int64_t>(i));
        result[i].cloud = space_time_picture(one, {}, false, kCloudWidth, kCloudHeight);
        const int64_t windows = std::min<int64_t>(kWindows, one.shape[0]);
        result[i].spikes_per_window.assign(windows, 0);
        for (int64_t w = 0; w < windows; ++w)
            for (int64_t t = w * one.shape[0] / windows; t < (w + 1) * one.shape[0] / windows; ++t)
                for (uint8_t count : one.row(t)) result[i].spikes_per_window[w] += count;
    }
}

/// What a timed method says of each recording: windows, and the point cloud coloured by it.
void add_in_time(const MethodSpec& method, const FloatArray& attribution, const Array<uint8_t>& spikes,
                 std::vector<ReportImage>& result) {
    const bool timed = method.method->info().timed;
    const bool is_signed = method.method->info().signed_values && method.view == View::natural;
    const FloatArray windows =
        timed ? window_maps(attribution, method.view, std::min<int64_t>(kWindows, spikes.shape[1])) : FloatArray();
    const FloatArray scores = timed ? spike_scores(attribution, method.view, spikes.shape) : FloatArray();
    for (size_t i = 0; i < result.size(); ++i) {
        const auto n = static_cast<int64_t>(i);
        result[i].windows.push_back(timed ? windows.sub(n).copy() : FloatArray());
        result[i].clouds.push_back(
            timed ? space_time_picture(spikes.sub(n), scores.sub(n), is_signed, kCloudWidth, kCloudHeight)
                  : FloatArray());
    }
}

/// Why a sample's scores name no class; empty when they do.
std::string why_undecided(std::span<const float> scores, bool counts_spikes) {
    if (!undecided(scores)) return {};
    if (scores[0] != 0) return "all class scores are equal";
    return counts_spikes ? "no output spike" : "all class scores are 0";
}

ReportMethod method_of(const MethodSpec& method) {
    const MethodInfo& info = method.method->info();
    return {method.text, info.title, info.meaning, info.signed_values && method.view == View::natural,
            info.sanity_baseline};
}

/// The samples as they are, and what the network reads in them.
std::vector<ReportImage> read_samples(const SampleSource& data, const std::vector<int64_t>& chosen,
                                      const FloatArray& scores, bool counts_spikes) {
    const FloatArray images = data.images(chosen);
    const std::vector<int> predicted = predictions(scores);
    std::vector<ReportImage> result(chosen.size());
    for (size_t i = 0; i < chosen.size(); ++i) {
        const auto n = static_cast<int64_t>(i);
        result[i].sample = chosen[i];
        result[i].label = data.label(chosen[i]);
        result[i].predicted = predicted[i];
        result[i].undecided = why_undecided(scores.row(n), counts_spikes);
        result[i].probabilities = softmax_probabilities(scores.row(n));
        result[i].image = drawable(images.sub(n).copy());
    }
    return result;
}

}  // namespace

void explain_samples(const Explainer& explainer, const SampleSource& data, const std::vector<int64_t>& chosen,
                     const Execution& execution, ReportData& report) {
    const bool recordings = report.input_kind == "recordings";
    const Input input = data.input(chosen);
    const FloatArray scores = explainer.engine().run(input).scores;
    report.images = read_samples(data, chosen, scores, report.counts_spikes);
    report.window_steps = (report.steps + kWindows - 1) / kWindows;
    if (recordings) add_recordings(input.spikes, report.images);
    const std::vector<int> predicted = predictions(scores);
    const auto methods = static_cast<int64_t>(explainer.methods().size());
    for (const MethodSpec& method : explainer.methods()) {
        execution.report("explaining images for the report", static_cast<int64_t>(report.methods.size()), methods,
                         method.text);
        report.methods.push_back(method_of(method));
        const FloatArray attribution = explainer.attributions(method, input, predicted, chosen);
        const FloatArray maps = pixel_maps(attribution, method.view);
        if (recordings) add_in_time(method, attribution, input.spikes, report.images);
        for (size_t i = 0; i < chosen.size(); ++i) {
            const auto n = static_cast<int64_t>(i);
            report.images[i].maps.push_back(maps.sub(n).copy());
            report.images[i].rounding.push_back(rounding(method.method->info(), scores.row(n)));
        }
    }
    execution.report("explaining images for the report", methods, methods);
}

}  // namespace spikelens
