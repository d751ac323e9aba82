#include <algorithm>

#include <fmt/format.h>

#include "spikelens/io/json_fields.h"

#include "experiment.h"
#include "seeds.h"

namespace spikelens {
namespace {

void add_ablation_claims(const AblationSummary& ablation, std::vector<PaperClaim>& claims) {
    for (const double mu : {1.0, 2.0, 5.0, 50.0}) {
        const AblationSummary::Point& point = *std::ranges::find(ablation.curve, mu, &AblationSummary::Point::mu);
        claims.push_back({fmt::format("relevant filters silenced hurt more than random, μ = {:g}", mu), "yes",
                          fmt::format("{:.3f} against {:.3f}", point.relevant_accuracy, point.random_accuracy),
                          point.relevant_accuracy < point.random_accuracy});
    }
}

void add_table_claims(const EvaluateResult& evaluate, std::vector<PaperClaim>& claims) {
    for (const PaperValue& paper : evaluate.paper)
        if (const MetricScore* own = evaluate.score(paper.method, paper.metric))
            claims.push_back({fmt::format("{} of {}, Table 1", paper.metric, paper.method), paper.value,
                              json_of_double(own->mean), own->ci95.holds(paper.value)});
}

void add_order_claims(const EvaluateResult& evaluate, std::vector<PaperClaim>& claims) {
    const auto better = [&](const char* a, const char* b, const char* metric, bool higher) {
        const double first = evaluate.score(a, metric)->mean, second = evaluate.score(b, metric)->mean;
        claims.push_back({fmt::format("{} beats {} on {}", a, b, metric), "yes",
                          fmt::format("{:.4f} against {:.4f}", first, second), higher ? first > second : first < second});
    };
    better("svebi", "grad2d", "insertion", true);
    better("svebi", "ig2d", "insertion", true);
    better("ig2d", "svebi", "deletion", false);
}

SvebiMnistResult one_seed(const ReproduceOptions& options, const Execution& execution, const StageNotes& notes) {
    Experiment experiment(options, execution, notes);
    TrainRunOptions training;
    training.data = "mnist";
    EvaluateOptions evaluation;
    evaluation.samples = options.samples.value_or(0);
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
    result.report = experiment.report({}).report;
    result.claims = {
        {"test accuracy after 5 epochs", 0.9879, result.test_accuracy, train.made.test.ci95.holds(0.9879)},
        {"training accuracy", 0.9896, result.train_accuracy, std::nullopt},
    };
    add_ablation_claims(result.ablation, result.claims);
    add_table_claims(result.evaluate, result.claims);
    add_order_claims(result.evaluate, result.claims);
    return result;
}

}  // namespace

SvebiMnistResult reproduce_svebi_mnist(const ReproduceOptions& options, const Execution& execution, const StageNotes& notes) {
    return with_seeds<SvebiMnistResult>(options, [&](const ReproduceOptions& one) { return one_seed(one, execution, notes); });
}

}  // namespace spikelens
