#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/pipeline/run.h"

#include "claims.h"
#include "experiment.h"
#include "seeds.h"

namespace spikelens {
namespace {

const std::vector<std::string> kMethods = {"svebi",
                                           "svebi:layer=conv1",
                                           "svebi:layer=conv2",
                                           "grad2d",
                                           "grad2d:view=absolute",
                                           "ig2d",
                                           "ig2d:view=absolute",
                                           "gate",
                                           "share",
                                           "sam",
                                           "input",
                                           "sobel",
                                           "random"};
constexpr int kPaperEpochs = 5, kCodeEpochs = 20;
constexpr int64_t kLoaderBatch = 16;  ///< images of one class that the code's loaders take at a time

void add_ablation_claims(const AblationSummary& ablation, std::vector<PaperClaim>& claims) {
    for (const double mu : {1.0, 2.0, 5.0, 50.0})
        claims.push_back(ablation_claim(*std::ranges::find(ablation.curve, mu, &AblationSummary::Point::mu)));
}

void add_table_claims(const EvaluateResult& evaluate, std::vector<PaperClaim>& claims) {
    for (const PaperValue& paper : evaluate.paper)
        if (const MetricScore* own = evaluate.score(paper.method, paper.metric))
            claims.push_back(number_claim(fmt::format("{} of {}, Table 1", paper.metric, paper.method), paper.value,
                                          own->mean, own->ci95));
}

void add_order_claims(const EvaluateResult& evaluate, std::vector<PaperClaim>& claims) {
    claims.push_back(order_claim(evaluate, "svebi", "grad2d", "insertion"));
    claims.push_back(order_claim(evaluate, "svebi", "ig2d", "insertion"));
    claims.push_back(order_claim(evaluate, "ig2d", "svebi", "deletion"));
}

/// How the network is made and what it is shown.
struct Choice {
    int epochs = 5;
    KeptEpoch keep_epoch = KeptEpoch::last;
    int64_t whole_batches = 0;
};

Choice choice_of(const PaperChoices& choices) {
    return {choices.epochs.value_or(5), choices.keep_epoch.value_or(choices.exact ? KeptEpoch::best : KeptEpoch::last),
            choices.exact ? kLoaderBatch : 0};
}

/// The stages of one run, all but its report.
SvebiMnistResult measure(Experiment& experiment, const ReproduceOptions& options, const Choice& choice,
                         const std::vector<std::string>& methods) {
    TrainRunOptions training;
    training.data = "mnist";
    training.training.epochs = choice.epochs;
    training.keep_epoch = choice.keep_epoch;
    EvaluateOptions evaluation;
    evaluation.samples = options.samples.value_or(0);
    evaluation.whole_batches = choice.whole_batches;
    evaluation.methods = methods;
    const TrainResult train = experiment.train(training);
    const InterpretResult interpret = experiment.interpret({});

    SvebiMnistResult result;
    result.run = options.out.string();
    result.test_accuracy = train.made.test.accuracy;
    result.train_accuracy = train.made.train.accuracy;
    result.kkt_residual = interpret.kkt_residual;
    result.duality_gap = interpret.duality_gap;
    result.ablation = interpret.ablation;
    result.evaluate = experiment.evaluate(evaluation);
    result.claims = {number_claim("test accuracy", 0.9879, train.made.test.accuracy, train.made.test.ci95),
                     number_claim("training accuracy", 0.9896, train.made.train.accuracy, train.made.train.ci95)};
    add_table_claims(result.evaluate, result.claims);
    return result;
}

/// One choice made otherwise.
struct Variant {
    std::string folder, words;
    Choice choice;
};

std::vector<Variant> variants_of(const Choice& choice) {
    Choice epochs = choice, kept = choice, images = choice;
    epochs.epochs = choice.epochs == kCodeEpochs ? kPaperEpochs : kCodeEpochs;
    const bool best = choice.keep_epoch == KeptEpoch::best;
    kept.keep_epoch = best ? KeptEpoch::last : KeptEpoch::best;
    images.whole_batches = 0;
    return {{fmt::format("epochs{}", epochs.epochs), fmt::format("{} epochs", epochs.epochs), epochs},
            {best ? "last" : "best", best ? "the last epoch" : "the epoch best on the test set", kept},
            {"all-images", "all test images", images}};
}

/// Training that begins as another did need not be computed again.
void begin_as(const std::filesystem::path& other, const Choice& of_other, const std::filesystem::path& out,
              const Choice& choice) {
    const bool goes_on = choice.epochs >= of_other.epochs &&
                         (choice.keep_epoch == of_other.keep_epoch || choice.keep_epoch == KeptEpoch::last);
    const RunDirectory from{other}, to{out};
    if (!goes_on || std::filesystem::exists(out) || !std::filesystem::exists(from.checkpoint())) return;
    try {
        std::filesystem::create_directories(to.epoch(1).parent_path());
        for (int epoch = 1; epoch <= of_other.epochs && of_other.keep_epoch == KeptEpoch::best; ++epoch)
            std::filesystem::copy_file(from.epoch(epoch), to.epoch(epoch));
        std::filesystem::copy_file(from.checkpoint(), to.checkpoint());
    } catch (const std::filesystem::filesystem_error& error) {
        throw RunError(
            fmt::format("cannot copy {} to {}: {}", from.root.string(), to.root.string(), error.code().message()));
    }
}

std::optional<double> change_of(const nlohmann::json& after, const nlohmann::json& before) {
    if (!after.is_number() || !before.is_number()) return std::nullopt;
    return after.get<double>() - before.get<double>();
}

/// What the paper's numbers become with one choice made otherwise, and by how much they change.
void add_variant(const ReproduceOptions& options, const Choice& choice, const Variant& variant,
                 const std::vector<PaperClaim>& numbers, std::vector<PaperClaim>& claims, const Execution& execution,
                 const StageNotes& notes) {
    ReproduceOptions other = options;
    other.out += "-" + variant.folder;
    begin_as(options.out, choice, other.out, variant.choice);
    Experiment experiment(other, execution, notes);
    const SvebiMnistResult result = measure(experiment, other, variant.choice, {"svebi", "grad2d", "ig2d"});
    for (size_t i = 0; i < result.claims.size(); ++i) {
        PaperClaim claim = result.claims[i];
        claim.choice = variant.words;
        claim.change = change_of(claim.measured, numbers[i].measured);
        claims.push_back(claim);
    }
}

SvebiMnistResult one_seed(Experiment& experiment, const ReproduceOptions& options, const PaperChoices& choices,
                          const Execution& execution, const StageNotes& notes) {
    const Choice choice = choice_of(choices);
    SvebiMnistResult result = measure(experiment, options, choice, kMethods);
    const std::vector<PaperClaim> numbers = result.claims;
    add_ablation_claims(result.ablation, result.claims);
    add_order_claims(result.evaluate, result.claims);
    if (choices.exact)
        for (const Variant& variant : variants_of(choice))
            add_variant(options, choice, variant, numbers, result.claims, execution, notes);
    return result;
}

}  // namespace

SvebiMnistResult reproduce_svebi_mnist(const ReproduceOptions& options, const PaperChoices& choices,
                                       const Execution& execution, const StageNotes& notes) {
    return with_seeds<SvebiMnistResult>(options, execution, notes, {},
                                        [&](Experiment& experiment, const ReproduceOptions& one) {
                                            return one_seed(experiment, one, choices, execution, notes);
                                        });
}

}  // namespace spikelens
