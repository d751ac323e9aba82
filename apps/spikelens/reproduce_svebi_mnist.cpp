#include <algorithm>

#include <fmt/format.h>

#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/interpret.h"
#include "spikelens/pipeline/train.h"

#include "reproduce.h"

namespace spikelens::app {
namespace {

using nlohmann::json;

const AblationSummary::Point& ablation_at(const InterpretResult& interpret, double mu) {
    return *std::ranges::find(interpret.ablation.curve, mu, &AblationSummary::Point::mu);
}

json claims_of(const TrainResult& train, const InterpretResult& interpret, const json& evaluate) {
    json claims = json::array();
    const AccuracySummary &test = train.made.test, &training = train.made.train;
    claims.push_back(claim("test accuracy after 5 epochs", 0.9879, test.accuracy, test.ci95.holds(0.9879)));
    claims.push_back(claim("training accuracy", 0.9896, training.accuracy, nullptr));
    for (double mu : {1.0, 2.0, 5.0, 50.0}) {
        const AblationSummary::Point& point = ablation_at(interpret, mu);
        const double relevant = point.relevant_accuracy, random = point.random_accuracy;
        claims.push_back(claim(fmt::format("relevant filters silenced hurt more than random, μ = {:g}", mu), "yes",
                               fmt::format("{:.3f} against {:.3f}", relevant, random), relevant < random));
    }
    for (const json& paper : evaluate["paper"]) {
        const json* own = metric_of(evaluate, paper["method"], paper["metric"]);
        if (!own) continue;
        const bool inside =
            !(*own)["ci95"].is_null() && paper["value"] >= (*own)["ci95"][0] && paper["value"] <= (*own)["ci95"][1];
        claims.push_back(
            claim(fmt::format("{} of {}, Table 1", paper["metric"].get<std::string>(), paper["method"].get<std::string>()),
                  paper["value"], (*own)["mean"], inside));
    }
    const auto better = [&](const char* a, const char* b, const char* metric, bool higher) {
        const double first = (*metric_of(evaluate, a, metric))["mean"], second = (*metric_of(evaluate, b, metric))["mean"];
        claims.push_back(claim(fmt::format("{} beats {} on {}", a, b, metric), "yes",
                               fmt::format("{:.4f} against {:.4f}", first, second), higher ? first > second : first < second));
    };
    better("svebi", "grad2d", "insertion", true);
    better("svebi", "ig2d", "insertion", true);
    better("ig2d", "svebi", "deletion", false);
    return claims;
}

}  // namespace

Outcome reproduce_svebi_mnist(const ReproduceCommand& command, const Globals& globals, Console& console) {
    const std::filesystem::path out = command.out.empty() ? "runs/svebi-mnist" : command.out;
    TrainRunOptions training;
    training.data = "mnist";
    training.out = out;
    training.samples = command.train_samples.value_or(0);
    InterpretCommand interpretation;
    interpretation.run = out;
    interpretation.samples = training.samples;
    EvaluateCommand evaluation;
    evaluation.run = out;
    evaluation.samples = command.samples.value_or(0);
    evaluation.methods = {"svebi",
                          "svebi:layer=conv1",
                          "svebi:layer=conv2",
                          "grad2d",
                          "grad2d:view=absolute",
                          "ig2d",
                          "ig2d:view=absolute",
                          "gate",
                          "sam",
                          "input",
                          "sobel",
                          "random"};
    ReportCommand reporting;
    reporting.run = out;
    const TrainResult train = call_train(training, globals, console);
    const Globals held = holding(out, globals, console);
    const InterpretResult interpret = call_interpret(interpretation, held, console);
    const Outcome evaluate = run_evaluate(evaluation, held, console);
    const Outcome report = run_report(reporting, held, console);
    const json claims = claims_of(train, interpret, evaluate.document);
    const json document = {{"command", "reproduce"},
                           {"experiment", "svebi-mnist"},
                           {"run", out.string()},
                           {"test_accuracy", train.made.test.accuracy},
                           {"train_accuracy", train.made.train.accuracy},
                           {"kkt_residual", interpret.kkt_residual},
                           {"duality_gap", interpret.duality_gap},
                           {"ablation", document_of(interpret.ablation)},
                           {"evaluate", evaluate.document},
                           {"claims", claims},
                           {"report", report.document["report"]}};
    return {document, evaluate.text + "\n" + claims_text(claims) + report.text};
}

}  // namespace spikelens::app
