#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"

#include "commands.h"

namespace spikelens::app {
namespace {

using nlohmann::json;

struct ReproduceCommand {
    std::string experiment;
    std::filesystem::path out;
    int64_t samples = 0;
};

/// A claim of the paper beside what was measured. `held`: true, false, or null where the intervals do not decide.
json claim(const std::string& text, const json& paper, const json& measured, const json& held) {
    return {{"claim", text}, {"paper", paper}, {"measured", measured}, {"held", held}};
}

const json* ablation_at(const json& interpret, double mu) {
    for (const json& point : interpret["ablation"]["curve"])
        if (point["mu"] == mu) return &point;
    return nullptr;
}

const json* metric_of(const json& evaluate, const std::string& method, const std::string& metric) {
    for (const json& entry : evaluate["methods"])
        if (entry["method"] == method)
            for (const json& values : entry["metrics"])
                if (values["metric"] == metric) return &values;
    return nullptr;
}

json claims_of(const json& train, const json& interpret, const json& evaluate) {
    json claims = json::array();
    const json& interval = train["test_accuracy_ci95"];
    claims.push_back(
        claim("test accuracy after 5 epochs", 0.9879, train["test_accuracy"], 0.9879 >= interval[0] && 0.9879 <= interval[1]));
    claims.push_back(claim("training accuracy", 0.9896, train["train_accuracy"], nullptr));
    for (double mu : {1.0, 2.0, 5.0, 50.0}) {
        const json* point = ablation_at(interpret, mu);
        const double relevant = (*point)["relevant_accuracy"], random = (*point)["random_accuracy"];
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

std::string cell(const json& value) {
    if (value.is_string()) return value.get<std::string>();
    return fmt::format("{:.4f}", value.get<double>());
}

std::string text_of(const json& claims, const std::string& report) {
    std::string text = fmt::format("{:50} {:>7} {:>18}  {}\n", "claim", "paper", "measured", "held");
    for (const json& row : claims)
        text +=
            fmt::format("{:50} {:>7} {:>18}  {}\n", row["claim"].get<std::string>(), cell(row["paper"]), cell(row["measured"]),
                        row["held"].is_null()     ? "-"
                        : row["held"].get<bool>() ? "yes"
                                                  : "no");
    return text + report;
}

Outcome reproduce_svebi_mnist(const ReproduceCommand& command, const Globals& globals, Console& console) {
    const std::filesystem::path out = command.out.empty() ? "runs/svebi-mnist" : command.out;
    TrainCommand training;
    training.data = "mnist";
    training.out = out;
    InterpretCommand interpretation;
    interpretation.run = out;
    EvaluateCommand evaluation;
    evaluation.run = out;
    evaluation.samples = command.samples;
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
    const json train = run_train(training, globals, console).document;
    const json interpret = run_interpret(interpretation, globals, console).document;
    const Outcome evaluate = run_evaluate(evaluation, globals, console);
    const Outcome report = run_report(reporting, globals, console);
    const json claims = claims_of(train, interpret, evaluate.document);
    const json document = {{"command", "reproduce"},
                           {"experiment", "svebi-mnist"},
                           {"run", out.string()},
                           {"test_accuracy", train["test_accuracy"]},
                           {"train_accuracy", train["train_accuracy"]},
                           {"kkt_residual", interpret["kkt_residual"]},
                           {"duality_gap", interpret["duality_gap"]},
                           {"ablation", interpret["ablation"]},
                           {"evaluate", evaluate.document},
                           {"claims", claims},
                           {"report", report.document["report"]}};
    return {document, evaluate.text + "\n" + text_of(claims, report.text)};
}

}  // namespace

void add_reproduce(CLI::App& program, Run& run) {
    auto command = std::make_shared<ReproduceCommand>();
    CLI::App* app = program.add_subcommand("reproduce", "Run a paper's whole experiment and print its numbers beside ours");
    app->add_option("experiment", command->experiment, "svebi-mnist")->required();
    app->add_option("--out", command->out, "The run directory; runs/EXPERIMENT unless said");
    app->add_option("--samples", command->samples, "Test images evaluated; 0: all")->capture_default_str();
    app->callback([command, &run] {
        run = [command](const Globals& globals, Console& console) {
            if (command->experiment != "svebi-mnist")
                throw InputError("unknown experiment '" + command->experiment + "'" +
                                 suggestion(command->experiment, {"svebi-mnist"}));
            return reproduce_svebi_mnist(*command, globals, console);
        };
    });
}

}  // namespace spikelens::app
