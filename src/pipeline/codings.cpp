#include "spikelens/pipeline/codings.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <memory>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/option_error.h"
#include "spikelens/encode/coding.h"
#include "spikelens/evaluate/accuracy.h"
#include "spikelens/evaluate/overlap.h"
#include "spikelens/evaluate/statistics.h"
#include "spikelens/pipeline/explainer.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/output.h"
#include "spikelens/pipeline/store.h"
#include "spikelens/snn/decision.h"

#include "make_run.h"

namespace spikelens {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kSamplesAtOnce = 100;

/// Letters and digits of "latency(log)", for a folder's name.
std::string folder_of(const std::string& coding) {
    std::string name;
    for (const char c : coding) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '-';
    while (name.ends_with('-')) name.pop_back();
    return name;
}

/// Everything that can be told before a network is trained.
void check_options(const CodingsOptions& options) {
    if (!(options.share > 0 && options.share <= 1))
        throw OptionError("share",
                          fmt::format("the share of pixels must be above 0 and at most 1, not {:g}", options.share));
    if (options.codings.size() < 2) throw OptionError("codings", "two codings or more are compared; name them");
    if (options.samples < 0)
        throw OptionError("samples",
                          fmt::format("the number of samples must be 0 (all) or more, not {}", options.samples));
    if (options.train_samples < 0)
        throw OptionError("train_samples", fmt::format("the number of training samples must be 0 (all) or more, not {}",
                                                       options.train_samples));
    if (options.methods.empty()) throw OptionError("methods", "no method is named; spikelens methods lists them");
    for (const std::string& method : options.methods) {
        const MethodInfo info = parse_method(method).method->info();
        if (!info.on_images || !info.on_spikes)
            throw InputError("the method '" + method + "' explains " + (info.on_images ? "images" : "spikes") +
                             " alone; codings are compared by methods that explain both");
        if (info.needs_relevant || info.needs_probe)
            throw InputError("the method '" + method +
                             "' needs what spikelens interpret finds, and codings are compared without");
    }
}

/// The maps of one network: of each method that is compared (its canonical text), of the test samples that the network
/// decides.
using Maps = std::map<std::string, std::map<int64_t, std::vector<float>>>;

void take(Maps& maps, const ExplainedSamples& explained) {
    const auto of_method = maps.find(explained.method.canonical);
    if (of_method == maps.end()) return;
    const FloatArray pixels = pixel_maps(explained.attribution, explained.method.view);
    for (size_t i = 0; i < explained.samples.size(); ++i) {
        const auto map = pixels.row(static_cast<int64_t>(i));
        of_method->second[explained.samples[i]].assign(map.begin(), map.end());
    }
}

/// Explains those of the samples that the network decides.
void explain_decided(const Explainer& explainer, const MethodSpec& method, const SampleSource& data,
                     std::span<const int64_t> samples, Maps& maps) {
    const Input all = data.input(samples);
    const std::vector<int> classes = decisions(explainer.engine().run(all).scores);
    std::vector<int64_t> at, decided;
    std::vector<int> targets;
    for (size_t i = 0; i < samples.size(); ++i) {
        if (classes[i] == kUndecided) continue;
        at.push_back(static_cast<int64_t>(i));
        decided.push_back(samples[i]);
        targets.push_back(classes[i]);
    }
    if (decided.empty()) return;
    const Input input = all.select(at);
    const FloatArray attribution = explainer.attributions(method, input, targets, decided);
    take(maps, {method, decided, input, targets, {}, attribution});
}

/// The part of an evaluation that the study asked for: the run may hold more methods and metrics, in another order.
EvaluateResult of_study(EvaluateResult all, const std::vector<std::string>& methods,
                        const std::vector<std::string>& metrics) {
    const auto others = [](const std::vector<std::string>& names) {
        return [&names](const std::string& name) { return std::ranges::find(names, name) == names.end(); };
    };
    std::vector<EvaluatedMethod> asked;
    for (const std::string& name : methods) {
        const EvaluatedMethod* const found = all.method(name);
        if (!found) continue;
        EvaluatedMethod& method = asked.emplace_back(*found);
        method.metrics.clear();
        for (const std::string& metric : metrics)
            if (const MetricScore* const score = found->metric(metric)) method.metrics.push_back(*score);
    }
    std::erase_if(all.differences, [&](const MetricDifference& pair) {
        return others(metrics)(pair.metric) || others(methods)(pair.a) || others(methods)(pair.b);
    });
    all.methods = std::move(asked);
    all.metrics = metrics;
    return all;
}

/// The stage at work.
class Study {
  public:
    Study(const CodingsOptions& options, const Execution& execution, const StageNotes& notes);
    CodingsResult result();

  private:
    /// A network under one coding.
    struct Measured {
        CodedRun run;
        Maps maps;
    };
    TrainResult train(const std::string& coding, const std::string& folder, uint64_t seed);
    Measured measure(const std::string& coding, const TrainResult& trained) const;
    void explain_others(const Run& run, const std::string& coding, int64_t decided, Maps& maps) const;
    CodingOverlap overlap(const MethodSpec& method, const Measured& a, const Measured& b) const;

    const CodingsOptions& options_;
    const Execution& execution_;
    const StageNotes& notes_;
    std::vector<std::string> codings_;     ///< canonical
    std::vector<MethodSpec> compared_;     ///< methods whose maps are compared
    std::shared_ptr<const RunLock> lock_;  ///< of the folder, once the first run is there
    CodingsResult result_;
};

Study::Study(const CodingsOptions& options, const Execution& execution, const StageNotes& notes)
    : options_(options), execution_(execution), notes_(notes) {
    for (const std::string& coding : options.codings) codings_.push_back(coding_text(parse_coding(coding)));
    check_options(options);
    check_output(options.out / "codings.json", OutputKind::codings);
    for (const std::string& method : options.methods)
        if (method != "random")
            compared_.push_back(parse_method(method));  // random maps are the same whatever the coding
    result_.data = options.data;
    result_.shared_classifier = options.shared;
    result_.share = options.share;
    result_.methods = options.methods;
}

TrainResult Study::train(const std::string& coding, const std::string& folder, uint64_t seed) {
    TrainRunOptions training;
    training.data = options_.data;
    training.network = options_.network;
    training.coding = coding;
    training.steps = options_.steps;
    training.training.epochs = options_.epochs;
    training.training.learning_rate = options_.learning_rate;
    training.training.seed = seed;
    training.samples = options_.train_samples;
    training.out = options_.out / folder;
    if (options_.train_again) training.again = options_.train_again(training);
    training.arguments = options_.arguments;
    training.lock = options_.lock;
    notes_.tell("training with " + coding + " coding");
    TrainResult trained = train_run(training, execution_, notes_);
    if (!lock_) lock_ = locked(options_.lock, options_.out);
    for (const std::string& warning : trained.warnings()) result_.warnings.push_back(warning);
    return trained;
}

/// Accuracy, insertion and deletion, and the maps of the same images under one coding.
Study::Measured Study::measure(const std::string& coding, const TrainResult& trained) const {
    const fs::path root = trained.made.run;
    const auto lock = locked(options_.lock, root);
    const Run run = Run::open(root);
    Measured one{{coding, root.string(), {}, trained.made.test}, {}};
    if (coding != run.coding_or_direct()) {
        const RunData data = run.load_data(execution_, coding);
        one.run.test = AccuracySummary(
            measure_accuracy(CpuEngine(run.network, execution_), *data.test, "test images, " + coding + " coding"));
    }
    for (const MethodSpec& method : compared_) one.maps[method.canonical];
    EvaluateOptions options;
    options.methods = options_.methods;
    options.metrics = {"insertion", "deletion"};
    options.samples = options_.samples;
    options.coding = coding;
    options.metric.seed = options_.seed;
    options.explained = [&](const ExplainedSamples& explained) { take(one.maps, explained); };
    if (options_.evaluate_again)
        options.again = [&](const auto& methods, const auto& metrics) {
            EvaluateOptions made = options;
            made.methods = methods;
            made.metrics = metrics;
            return options_.evaluate_again(root, made);
        };
    one.run.evaluate = of_study(evaluate(run, options, execution_, notes_), options.methods, options.metrics);
    explain_others(run, coding, one.run.evaluate.samples - one.run.evaluate.undecided, one.maps);
    return one;
}

/// Explains the samples that the evaluation did not explain again, since the run held their scores already.
void Study::explain_others(const Run& run, const std::string& coding, int64_t decided, Maps& maps) const {
    const auto whole = [&](const auto& of_method) { return std::ssize(of_method.second) == decided; };
    if (std::ranges::all_of(maps, whole)) return;
    const RunData data = run.load_data(execution_, coding);
    const Explainer explainer(run, options_.methods, data.test->steps() > 0, options_.seed, execution_);
    const std::vector<int64_t> samples = draw_samples(data.test->size(), options_.samples, options_.seed);
    for (const MethodSpec& method : compared_) {
        std::vector<int64_t> others;
        for (const int64_t sample : samples)
            if (!maps[method.canonical].contains(sample)) others.push_back(sample);
        const int64_t count = std::ssize(others);
        for (int64_t first = 0; first < count; first += kSamplesAtOnce) {
            execution_.report("explaining by " + method.text, first, count);
            const auto some = std::span(others).subspan(first, std::min(kSamplesAtOnce, count - first));
            explain_decided(explainer, method, *data.test, some, maps);
        }
        if (count > 0) execution_.report("explaining by " + method.text, count, count);
    }
}

/// Over the images that both networks decide.
CodingOverlap Study::overlap(const MethodSpec& method, const Measured& a, const Measured& b) const {
    std::vector<double> values;
    const auto& others = b.maps.at(method.canonical);
    for (const auto& [sample, map] : a.maps.at(method.canonical))
        if (const auto other = others.find(sample); other != others.end())
            values.push_back(top_overlap(map, other->second, options_.share, options_.seed, sample));
    CodingOverlap overlap;
    overlap.method = method.text;
    overlap.a = a.run.coding;
    overlap.b = b.run.coding;
    overlap.samples = std::ssize(values);
    if (values.empty()) return overlap;
    const Estimate share = estimate_mean(values);
    overlap.overlap = share.mean;
    overlap.ci95 = Interval(share);
    return overlap;
}

CodingsResult Study::result() {
    std::vector<Measured> all;
    std::optional<TrainResult> trained;
    for (const std::string& coding : codings_) {
        if (!trained || !options_.shared) trained = train(coding, folder_of(coding), options_.seed);
        all.push_back(measure(coding, *trained));
        result_.codings.push_back(all.back().run);
    }
    result_.samples = all.front().run.evaluate.samples;
    if (!options_.shared) {  // what two trainings alone do to the overlap
        const std::string& coding = codings_.front();
        all.push_back(measure(coding, train(coding, folder_of(coding) + "-control", options_.seed + 1)));
        all.back().run.coding = control_name(coding);
    }
    for (const MethodSpec& method : compared_)
        for (size_t a = 0; a < all.size(); ++a)
            for (size_t b = a + 1; b < all.size(); ++b) result_.overlaps.push_back(overlap(method, all[a], all[b]));
    write_json(options_.out / "codings.json", document_of(result_));
    return result_;
}

}  // namespace

std::string control_name(const std::string& coding) { return coding + ", other seed"; }

CodingsResult compare_codings(const CodingsOptions& options, const Execution& execution, const StageNotes& notes) {
    return Study(options, execution, notes).result();
}

}  // namespace spikelens
