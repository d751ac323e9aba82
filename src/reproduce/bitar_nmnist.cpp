#include <cstdlib>

#include <fmt/format.h>

#include "spikelens/core/error.h"

#include "claims.h"
#include "experiment.h"
#include "seeds.h"

namespace spikelens {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kGradients = {"grad3d", "ig3d:steps=16"};
const std::vector<std::string> kAgnostic = {"rise", "lime", "spike_occlusion"};
constexpr int64_t kAgnosticSamples = 2;  // a minute each
constexpr int64_t kSamples = 30;

fs::path find_model(const ReproduceOptions& options) {
    if (!options.model.empty()) return options.model;
    const char* data = std::getenv("SPIKELENS_DATA");
    fs::path path = data ? fs::path(data) / "nir" / "cnn_sinabs.nir" : fs::path();
    if (data && fs::exists(path)) return path;
    throw InputError("the network cnn_sinabs.nir of the NIR paper was not found" +
                     (data ? " at " + path.string() : ": SPIKELENS_DATA is not set") +
                     "; name its file (github.com/neuromorphs/NIR, paper/nir)");
}

EvaluateOptions evaluation_of(const std::vector<std::string>& methods, int64_t samples) {
    EvaluateOptions options;
    options.methods = methods;
    options.metrics = {"spike_insertion", "spike_deletion"};
    options.samples = samples;
    return options;
}

/// Whether a method's spikes matter more than random ones, by paired differences.
void add_deletion_claims(const EvaluateResult& evaluate, std::vector<PaperClaim>& claims) {
    for (const std::string method : {"grad3d", "ig3d:steps=16", "gate3d", "svebi", "grad2d"}) {
        const MetricDifference difference = evaluate.difference("spike_deletion", method, "random").value();
        claims.push_back({method + ": deleting its spikes hurts more than random", "yes",
                          fmt::format("{:.3f} against {:.3f}", evaluate.score(method, "spike_deletion")->mean,
                                      evaluate.score("random", "spike_deletion")->mean),
                          difference.decided ? std::optional(difference.difference < 0) : std::nullopt, std::nullopt});
    }
}

void add_cost_claims(const EvaluateResult& evaluate, const EvaluateResult& agnostic, std::vector<PaperClaim>& claims) {
    for (const std::string& gradient : kGradients)
        for (const std::string& other : kAgnostic) {
            const double cheap = evaluate.method(gradient)->seconds_per_explanation,
                         dear = agnostic.method(other)->seconds_per_explanation;
            claims.push_back({fmt::format("{} costs less than {}", gradient, other), "yes",
                              fmt::format("{:.0f} ms, {:.0f} ms, 1:{:.1f}", 1000 * cheap, 1000 * dear, dear / cheap),
                              cheap < dear, std::nullopt});
        }
}

BitarNmnistResult one_seed(Experiment& experiment, const ReproduceOptions& options) {
    ImportOptions import;
    import.file = find_model(options);
    import.data = "nmnist";
    InterpretOptions interpretation;
    interpretation.mu_max = 20;
    const ImportResult imported = experiment.import(import);

    BitarNmnistResult result;
    const AccuracySummary& test = imported.made->test;
    result.run = options.out.string();
    result.test_accuracy = test.accuracy;
    result.test_samples = test.samples;
    result.assumptions = imported.assumptions;
    result.ablation = experiment.interpret(interpretation).ablation;
    result.model_agnostic = experiment.evaluate(evaluation_of(kAgnostic, kAgnosticSamples));
    result.evaluate = experiment.evaluate(
        evaluation_of({"grad2d", "grad3d", "ig3d:steps=16", "gate3d", "svebi", "sam", "input", "random"},
                      options.samples.value_or(kSamples)));
    result.claims = {
        number_claim("accuracy of the imported network (NIR paper, Sinabs)", 0.9847, test.accuracy, test.ci95)};
    add_deletion_claims(result.evaluate, result.claims);
    add_cost_claims(result.evaluate, result.model_agnostic, result.claims);
    return result;
}

}  // namespace

BitarNmnistResult reproduce_bitar_nmnist(const ReproduceOptions& options, const Execution& execution,
                                         const StageNotes& notes) {
    ReportOptions reporting;
    reporting.images = 8;
    return with_seeds<BitarNmnistResult>(options, execution, notes, reporting, one_seed);
}

}  // namespace spikelens
