// Bitar, Rosales, Paulitsch 2023: gradient attributions find the spikes that matter, and cost far less than methods that do not
// see inside. Here on the pretrained convolutional network of the NIR paper (Pedersen et al. 2024) and recordings of N-MNIST.
#include <cstdlib>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/import.h"
#include "spikelens/pipeline/interpret.h"

#include "reproduce.h"

namespace spikelens::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const std::vector<std::string> kGradients = {"grad3d", "ig3d:steps=16"};
const std::vector<std::string> kAgnostic = {"rise", "lime", "spike_occlusion"};
constexpr int64_t kAgnosticSamples = 2;  // a minute each
constexpr int64_t kSamples = 30;

fs::path find_model(const ReproduceCommand& command) {
    if (!command.model.empty()) return command.model;
    const char* data = std::getenv("SPIKELENS_DATA");
    fs::path path = data ? fs::path(data) / "nir" / "cnn_sinabs.nir" : fs::path();
    if (data && fs::exists(path)) return path;
    throw InputError("the network cnn_sinabs.nir of the NIR paper was not found" +
                     (data ? " at " + path.string() : ": SPIKELENS_DATA is not set") +
                     "; name it with --model (github.com/neuromorphs/NIR, paper/nir)");
}

json evaluate_methods(const fs::path& out, std::vector<std::string> methods, int64_t samples, const Globals& globals,
                      Console& console) {
    EvaluateCommand evaluation;
    evaluation.run = out;
    evaluation.methods = std::move(methods);
    evaluation.metrics = {"spike_insertion", "spike_deletion"};
    evaluation.samples = samples;
    return run_evaluate(evaluation, globals, console).document;
}

/// Whether a method's spikes matter more than random ones, by paired differences.
void add_deletion_claims(const json& evaluate, json& claims) {
    for (const std::string& method : {std::string("grad3d"), std::string("ig3d:steps=16"), std::string("gate3d"),
                                      std::string("svebi"), std::string("grad2d")}) {
        const json difference = difference_of(evaluate, "spike_deletion", method, "random");
        const double own = (*metric_of(evaluate, method, "spike_deletion"))["mean"],
                     random = (*metric_of(evaluate, "random", "spike_deletion"))["mean"];
        const json held = difference["decided"].get<bool>() ? json(difference["difference"] < 0) : json(nullptr);
        claims.push_back(claim(method + ": deleting its spikes hurts more than random", "yes",
                               fmt::format("{:.3f} against {:.3f}", own, random), held));
    }
}

void add_cost_claims(const json& evaluate, const json& agnostic, json& claims) {
    for (const std::string& gradient : kGradients)
        for (const std::string& other : kAgnostic) {
            const double cheap = method_of(evaluate, gradient)["seconds_per_explanation"],
                         dear = method_of(agnostic, other)["seconds_per_explanation"];
            claims.push_back(claim(fmt::format("{} costs less than {}", gradient, other), "yes",
                                   fmt::format("{:.0f} ms, {:.0f} ms, 1:{:.1f}", 1000 * cheap, 1000 * dear, dear / cheap),
                                   cheap < dear));
        }
}

}  // namespace

Outcome reproduce_bitar_nmnist(const ReproduceCommand& command, const Globals& globals, Console& console) {
    const fs::path out = command.out.empty() ? "runs/bitar-nmnist" : command.out;
    ImportOptions import;
    import.file = find_model(command);
    import.data = "nmnist";
    import.out = out;
    InterpretCommand interpretation;
    interpretation.run = out;
    interpretation.mu_max = 20;
    interpretation.samples = command.train_samples.value_or(0);
    ReportCommand reporting;
    reporting.run = out;
    reporting.images = 8;

    const ImportResult imported = call_import(import, globals, console);
    const Globals held = holding(out, globals, console);
    const InterpretResult interpret = call_interpret(interpretation, held, console);
    const json agnostic = evaluate_methods(out, kAgnostic, kAgnosticSamples, held, console);
    EvaluateCommand evaluation;
    evaluation.run = out;
    evaluation.methods = {"grad2d", "grad3d", "ig3d:steps=16", "gate3d", "svebi", "sam", "input", "random"};
    evaluation.metrics = {"spike_insertion", "spike_deletion"};
    evaluation.samples = command.samples.value_or(kSamples);
    const Outcome evaluate = run_evaluate(evaluation, held, console);
    const Outcome report = run_report(reporting, held, console);

    json claims = json::array();
    const AccuracySummary& test = imported.made->test;
    claims.push_back(
        claim("accuracy of the imported network (NIR paper, Sinabs)", 0.9847, test.accuracy, test.ci95.holds(0.9847)));
    add_deletion_claims(evaluate.document, claims);
    add_cost_claims(evaluate.document, agnostic, claims);
    const json document = {{"command", "reproduce"},
                           {"experiment", "bitar-nmnist"},
                           {"run", out.string()},
                           {"test_accuracy", test.accuracy},
                           {"test_samples", test.samples},
                           {"assumptions", imported.assumptions},
                           {"ablation", document_of(interpret.ablation)},
                           {"evaluate", evaluate.document},
                           {"model_agnostic", agnostic},
                           {"claims", claims},
                           {"report", report.document["report"]}};
    return {document, evaluate.text + "\n" + claims_text(claims) + report.text};
}

}  // namespace spikelens::app
