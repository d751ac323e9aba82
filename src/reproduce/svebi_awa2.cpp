#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "spikelens/core/option_error.h"

#include "claims.h"
#include "experiment.h"

namespace spikelens {
namespace {

constexpr double kMu = 20;  // the paper's, of its large network
constexpr int64_t kImageNetClasses = 1000;
const std::vector<std::string> kMethods = {"svebi", "grad2d", "ig2d", "random"};

/// What the network is shown of a picture, told by the options alone.
Shape input_of(const PictureWords& words) {
    const Framing framing = parse_pictures(words).framing;
    const int64_t height = framing.crop_height > 0 ? framing.crop_height : framing.height;
    const int64_t width = framing.crop_width > 0 ? framing.crop_width : framing.width;
    if (height == 0)
        throw OptionError("resize",
                          "weights are of a network for pictures of one size: it must be chosen, such as 224x224");
    return {3, height, width};
}

/// Pretrained weights as a model beside the run, with the classes that they were trained on.
std::filesystem::path start_of(const PhotographOptions& photographs, Experiment& experiment,
                               const std::filesystem::path& out) {
    ImportOptions import;
    import.file = photographs.weights;
    import.network = photographs.network;
    import.classes = kImageNetClasses;
    import.input = input_of(photographs.pictures);
    import.steps = photographs.steps;
    std::filesystem::path path = out;
    path += "-start.safetensors";
    experiment.import_model(import, path);
    return path;
}

TrainRunOptions training_of(const PhotographOptions& photographs) {
    TrainRunOptions training;
    training.data = photographs.data;
    training.pictures = photographs.pictures;
    training.steps = photographs.steps;
    training.calibrate = photographs.calibrate;
    training.training.epochs = photographs.epochs;
    training.training.batch = photographs.batch;
    training.training.learning_rate = photographs.learning_rate;
    return training;
}

/// As RISE does: into a blurred picture, to a black one.
EvaluateResult evaluation(const Experiment& experiment, int64_t samples) {
    EvaluateOptions options;
    options.methods = kMethods;
    options.metrics = {"insertion", "deletion"};
    options.metric.insertion_baseline = Baseline::blur;
    options.samples = samples;
    return experiment.evaluate(options);
}

void add_ablation_claims(const AblationSummary& ablation, std::vector<PaperClaim>& claims) {
    for (const AblationSummary::Point& point : ablation.curve)
        if (point.mu == 1 || point.mu == 5 || point.mu == kMu || point.mu == 50)
            claims.push_back(ablation_claim(point));
}

/// Figure 3c: at the chosen μ most relevant filters are in the later half of the layers.
void add_layer_claim(const InterpretResult& interpret, std::vector<PaperClaim>& claims) {
    const auto at = std::ranges::find(interpret.layer_distribution, kMu, &LayerCounts::mu);
    if (at == interpret.layer_distribution.end()) return;
    int64_t all = 0, late = 0;
    std::vector<int64_t> counts;
    for (size_t l = 0; l < interpret.layers.size(); ++l) {
        const auto found = at->filters.find(interpret.layers[l]);
        const int64_t count = found == at->filters.end() ? 0 : found->second;
        counts.push_back(count);
        all += count;
        late += 2 * l >= interpret.layers.size() ? count : 0;
    }
    claims.push_back({"most relevant filters are in the later half of the layers, Fig. 3c", "yes",
                      fmt::format("{} of {}, by layer {}", late, all, fmt::join(counts, " ")), 2 * late > all,
                      std::nullopt});
}

void add_table_claims(const SvebiAwa2Result& result, std::vector<PaperClaim>& claims) {
    const std::map<std::string, std::pair<double, double>> paper = {
        {"grad2d", {0.2752, 0.2088}}, {"ig2d", {0.3590, 0.1281}}, {"svebi", {0.7582, 0.1969}}};
    for (const auto& [method, values] : paper)
        for (const auto& [metric, value] : {std::pair{"insertion", values.first}, {"deletion", values.second}}) {
            const MetricScore& own = *result.evaluate.score(method, metric);
            claims.push_back(number_claim(fmt::format("{} of {}, Table 1", metric, method), value, own.mean, own.ci95));
        }
    claims.push_back(order_claim(result.evaluate, "svebi", "grad2d", "insertion"));
    claims.push_back(order_claim(result.evaluate, "svebi", "ig2d", "insertion"));
    claims.push_back(order_claim(result.evaluate, "ig2d", "svebi", "deletion"));
}

}  // namespace

SvebiAwa2Result reproduce_svebi_awa2(const ReproduceOptions& options, const PhotographOptions& photographs,
                                     const Execution& execution, const StageNotes& notes) {
    if (photographs.data.empty()) throw OptionError("data", "the folder of photographs is missing");
    Experiment experiment(options, execution, notes);
    TrainRunOptions training = training_of(photographs);
    if (photographs.weights.empty()) {
        training.network = photographs.network;
    } else {
        training.from = start_of(photographs, experiment, options.out);
        training.replace_last = true;
    }
    InterpretOptions interpretation;
    interpretation.mu = kMu;
    const TrainResult train = experiment.train(training);
    const InterpretResult interpret = experiment.interpret(interpretation);

    SvebiAwa2Result result;
    result.run = options.out.string();
    result.test_accuracy = train.made.test.accuracy;
    result.train_accuracy = train.made.train.accuracy;
    result.ablation = interpret.ablation;
    result.layer_distribution = interpret.layer_distribution;
    result.evaluate = evaluation(experiment, options.samples.value_or(0));
    const AccuracySummary& test = train.made.test;
    result.claims = {number_claim("test accuracy", 0.8983, test.accuracy, test.ci95),
                     {"training accuracy", 0.9989, result.train_accuracy, std::nullopt, train.made.train.ci95}};
    add_ablation_claims(result.ablation, result.claims);
    add_layer_claim(interpret, result.claims);
    add_table_claims(result, result.claims);
    result.report = experiment.conclude(result.experiment, result.claims, {});
    return result;
}

}  // namespace spikelens
