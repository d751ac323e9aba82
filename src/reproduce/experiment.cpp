#include "experiment.h"

#include <utility>

#include <fmt/format.h>

#include "spikelens/core/option_error.h"

namespace spikelens {
namespace {

/// What the words say; none where there is no function for them.
template <class... Options>
std::vector<std::string> words(const std::function<std::vector<std::string>(const Options&...)>& of,
                               const Options&... options) {
    return of ? of(options...) : std::vector<std::string>();
}

}  // namespace

void check_samples(const ReproduceOptions& options) {
    for (const auto& [field, samples] :
         {std::pair{"samples", options.samples}, {"train_samples", options.train_samples}})
        if (samples.value_or(0) < 0)
            throw OptionError(field, fmt::format("the number of {} samples must be 0 (all) or more, not {}",
                                                 field == std::string_view("samples") ? "test" : "training", *samples));
    if (options.seeds < 1 || options.seeds > 1000)
        throw OptionError("seeds", fmt::format("the number of seeds must be 1 to 1000, not {}", options.seeds));
}

StageWords words_of(const ReproduceOptions& options) {
    return options.words ? options.words(options.seed) : StageWords();
}

Experiment::Experiment(const ReproduceOptions& options, const Execution& execution, const StageNotes& notes)
    : options_(options), words_(words_of(options)), execution_(execution), notes_(notes) {
    check_samples(options);
}

void Experiment::hold() {
    lock_ = options_.lock ? options_.lock(options_.out) : std::make_shared<const RunLock>(options_.out);
}

TrainResult Experiment::train(TrainRunOptions stage) {
    stage.out = options_.out;
    stage.samples = options_.train_samples.value_or(0);
    stage.training.seed = options_.seed;
    stage.again = words(words_.train, stage);
    stage.arguments = options_.arguments;
    stage.lock = options_.lock;
    TrainResult result = train_run(stage, execution_, notes_);
    hold();
    return result;
}

ImportResult Experiment::import(ImportOptions stage) {
    stage.out = options_.out;
    stage.seed = options_.seed;
    stage.again = words(words_.import, stage);
    stage.arguments = options_.arguments;
    stage.lock = options_.lock;
    ImportResult result = import_run(stage, execution_, notes_);
    hold();
    return result;
}

ImportResult Experiment::import_model(ImportOptions stage, const std::filesystem::path& path) const {
    stage.out = path;
    stage.seed = options_.seed;
    return import_run(stage, execution_, notes_);
}

InterpretResult Experiment::interpret(InterpretOptions stage) const {
    stage.samples = options_.train_samples.value_or(0);
    stage.seed = options_.seed;
    stage.again = words(words_.interpret, options_.out, stage);
    return interpret_run(Run::open(options_.out), stage, execution_, notes_);
}

EvaluateResult Experiment::evaluate(EvaluateOptions stage) const {
    stage.metric.seed = options_.seed;
    if (words_.evaluate)
        stage.again = [&, named = stage](const auto& methods, const auto& metrics) mutable {
            named.methods = methods;
            named.metrics = metrics;
            return words_.evaluate(options_.out, named);
        };
    return spikelens::evaluate(Run::open(options_.out), stage, execution_, notes_);
}

std::string Experiment::conclude(const std::string& experiment, const std::vector<PaperClaim>& claims,
                                 const std::vector<SeedClaims>& seeds, ReportOptions stage) const {
    const Run run = Run::open(options_.out);
    ClaimsResult kept;
    kept.experiment = experiment;
    kept.claims = claims;
    kept.seeds = seeds;
    keep_claims(run, std::move(kept));
    stage.seed = options_.seed;
    stage.again = words(words_.report, options_.out, stage);
    return report_run(run, stage, execution_, notes_).report;
}

}  // namespace spikelens
