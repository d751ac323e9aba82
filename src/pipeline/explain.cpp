#include "spikelens/pipeline/explain.h"

#include <algorithm>

#include <fmt/format.h>

#include "spikelens/attribute/completeness.h"
#include "spikelens/core/counted.h"
#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/core/option_error.h"
#include "spikelens/evaluate/decision_time.h"
#include "spikelens/pipeline/content.h"
#include "spikelens/pipeline/explainer.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/output.h"
#include "spikelens/pipeline/store.h"
#include "spikelens/snn/decision.h"

#include "explain_files.h"
#include "explain_merge.h"
#include "explain_samples.h"
#include "forecast.h"

namespace spikelens {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// A sample with what the network says of it, and the files of its maps, one for each method.
struct Case {
    SampleToExplain sample;
    ExplainedImage image;
    std::vector<MapFiles> files;
};

int parse_target(const std::string& text, const Network& network) {
    for (size_t c = 0; c < network.classes.size(); ++c)
        if (network.classes[c] == text) return static_cast<int>(c);
    if (text.size() < 7 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; }))
        if (const int index = std::stoi(text); index < network.class_count()) return index;
    throw OptionError("target", fmt::format("the target '{}' is neither a class index below {} nor a class name{}",
                                            text, network.class_count(), suggestion(text, network.classes)));
}

std::optional<std::string> text_in(const json& value) {
    return value.is_string() ? std::optional(value.get<std::string>()) : std::nullopt;
}

/// The stage at work. What can be wrong is said by the constructor, before anything is written.
class Explanation {
  public:
    Explanation(const Run& run, const ExplainOptions& options, const Execution& execution, const StageNotes& notes);
    ExplainResult result();

  private:
    Case case_of(SampleToExplain sample) const;
    std::optional<Decided> when_decided(const Case& one) const;
    std::optional<MapSum> sum_of(const MethodSpec& method, const Case& one, const FloatArray& attribution) const;
    void explain(const Case& one);
    ExplainResult keep();

    const Run& run_;
    const ExplainOptions& options_;
    const StageNotes& notes_;
    Explainer explainer_;
    std::optional<DecisionWatch> watch_;  ///< of networks whose readout can be watched
    fs::path folder_, document_;
    std::vector<Case> cases_;
    ExplainResult result_;  ///< of the cases explained so far
    std::string left_out_;
};

Explainer explainer_of(const Run& run, const ExplainOptions& options, const Execution& execution,
                       const StageNotes& notes) {
    if (!options.out.empty()) check_explanations_folder(options.out, run.files.root);
    if (options.windows < 1)
        throw OptionError("windows", fmt::format("the number of windows must be 1 or more, not {}", options.windows));
    const bool spiking = !run.binning().empty() || !run.coding().empty();
    return {run, options.methods.empty() ? shown_methods(run, spiking, notes) : options.methods, spiking, options.seed,
            execution};
}

Explanation::Explanation(const Run& run, const ExplainOptions& options, const Execution& execution,
                         const StageNotes& notes)
    : run_(run),
      options_(options),
      notes_(notes),
      explainer_(explainer_of(run, options, execution, notes)),
      folder_(options.out.empty() ? run.files.explanations() : options.out),
      document_(folder_ / "explain.json") {
    if (can_watch(*run.network)) watch_.emplace(*run.network, execution);
    if (!options.target.empty()) parse_target(options.target, *run.network);
    for (SampleToExplain& sample : gather_samples(run, options, execution, notes))
        cases_.push_back(case_of(std::move(sample)));
    check_output(document_, OutputKind::explanations);
    result_.run = run.files.root.string();
    result_.fingerprint = run.fingerprint;
    result_.identity = run.identity_of("explain", 1).inputs();
    result_.relevant = text_in(digest_in(run.files.relevant()));
    result_.probe = text_in(digest_in(run.files.probe()));
    result_.surrogate = run.surrogate();
    result_.folder = folder_.string();
    merged_explanations(result_, document_, left_out_);  // a damaged one is refused
}

/// What the network says of the sample, and whether its files may be written.
Case Explanation::case_of(SampleToExplain sample) const {
    const Network& network = *run_.network;
    Case one;
    ExplainedImage& image = one.image;
    const FloatArray scores = explainer_.engine().run(sample.input).scores;
    image.image = sample.source;
    image.sample = sample.label < 0 ? json(address_text(sample.address)) : json(sample.address);
    image.file = sample.name + ".png";
    image.changes = sample.changes;
    image.scores = scores.data;
    image.probabilities = softmax_probabilities(scores.data);
    image.undecided = undecided(scores.data);
    image.predicted = predictions(scores)[0];
    image.target = options_.target.empty() ? image.predicted : parse_target(options_.target, network);
    image.predicted_name = class_name(network, image.predicted);
    image.target_name = class_name(network, image.target);
    if (sample.label >= 0) image.label = sample.label;
    const std::string stem =
        sample.name + (image.target == image.predicted ? "" : fmt::format("-class{}", image.target));
    for (const MethodSpec& method : explainer_.methods())
        one.files.push_back(map_files(stem, method, sample.input.spiking()));
    check_outputs(folder_, sample, one.files, options_.files);
    one.sample = std::move(sample);
    return one;
}

std::optional<Decided> Explanation::when_decided(const Case& one) const {
    if (!watch_) return std::nullopt;
    const DecisionTime time = watch_->watch(one.sample.input).front();
    Decided when{static_cast<int64_t>(time.predicted.size()), time.decided, time.predicted, {}, {}};
    for (int64_t t = 0; t < when.steps; ++t) when.scores.push_back(time.scores.row(t)[one.image.target]);
    if (!one.sample.input.spiking()) return when;
    const int64_t windows = std::clamp<int64_t>(options_.windows, 1, 8);
    for (const TimeShare& part :
         time_shares(explainer_.engine(), one.sample.input.spikes.sub(0), one.image.target, windows))
        when.windows.push_back({part.first, part.end, part.share});
    return when;
}

std::optional<MapSum> Explanation::sum_of(const MethodSpec& method, const Case& one,
                                          const FloatArray& attribution) const {
    const auto baseline = completeness_baseline(method, one.sample.input);
    if (!baseline) return std::nullopt;
    const std::vector<int> targets{one.image.target};
    const AttributionRequest request{one.sample.input, targets, {&one.sample.address, 1}};
    const FloatArray scores({1, static_cast<int64_t>(one.image.scores.size())}, one.image.scores);
    const Completeness sum = own_completeness(method, explainer_.context(), request, attribution, scores).front();
    return MapSum{sum.attributed, sum.difference, sum.bias, sum.lost, sum.gap, *baseline};
}

/// Writes the sample's files and puts it into the result.
void Explanation::explain(const Case& one) {
    ExplainedImage image = one.image;
    image.when = when_decided(one);
    for (size_t m = 0; m < one.files.size(); ++m) {
        const MethodSpec& method = explainer_.methods()[m];
        const FloatArray attribution =
            explainer_.attributions(method, one.sample.input, std::vector<int>{image.target}, {&one.sample.address, 1});
        MapSummary map = write_map(folder_, one.files[m], {method, attribution, image.scores}, one.sample,
                                   options_.windows, options_.overlay);
        const json inputs = method_inputs(run_, method);
        map.seed = options_.seed;
        map.sum = sum_of(method, one, attribution);
        map.relevant = text_in(inputs.value("relevant", json()));
        map.probe = text_in(inputs.value("probe", json()));
        map.surrogate = text_in(inputs.value("surrogate", json()));
        image.maps.push_back(std::move(map));
    }
    write_sample(folder_, one.sample);
    result_.images.push_back(std::move(image));
}

/// Writes explain.json with what earlier calls explained, and gives it.
ExplainResult Explanation::keep() {
    ExplainResult merged = merged_explanations(result_, document_, left_out_);
    write_json(document_, document_of(merged));
    return merged;
}

ExplainResult Explanation::result() {
    const Execution& execution = explainer_.engine().execution();
    const auto count = static_cast<int64_t>(cases_.size());
    try {
        for (const Case& one : cases_) {
            execution.report("explaining", static_cast<int64_t>(result_.images.size()), count);
            explain(one);
            notes_.keeps(fmt::format("the maps of {} of {} are in {}", result_.images.size(), counted(count, "sample"),
                                     folder_.string()));
        }
    } catch (const Cancelled&) {
        if (!result_.images.empty()) keep();
        throw;
    }
    execution.report("explaining", count, count);
    const ExplainResult merged = keep();
    if (!left_out_.empty()) notes_.say(document_.string() + ": " + left_out_);
    if (!options_.out.empty() || !options_.again) return result_;
    std::vector<std::string> methods;
    for (const MethodSpec& method : explainer_.methods()) methods.push_back(method.text);
    const bool others = merged.map_count() > result_.map_count();  // what this call makes alone needs no other calls
    record_call(run_.files, "explain", {options_.again(methods), options_.seed}, others);
    return result_;
}

}  // namespace

int64_t ExplainResult::map_count() const {
    int64_t count = 0;
    for (const ExplainedImage& image : images) count += static_cast<int64_t>(image.maps.size());
    return count;
}

ExplainResult explain_run(const Run& run, const ExplainOptions& options, const Execution& execution,
                          const StageNotes& notes) {
    return Explanation(run, options, with_forecast(execution, notes), notes).result();
}

}  // namespace spikelens
