#include "spikelens/pipeline/results.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "spikelens/core/error.h"
#include "spikelens/pipeline/explainer.h"
#include "spikelens/pipeline/fields.h"

namespace spikelens {
namespace {

using nlohmann::json;

/// The document of a stage; null when it has not been made, or is left out.
json current_document(const Run& run, const std::string& stage, const StageNotes& notes) {
    json document = run.document(stage);
    if (document.is_null()) return nullptr;
    std::string reason = run.why_stale(document);
    if (reason.empty() && document.contains("relevant") && document["relevant"] != digest_in(run.files.relevant()))
        reason = "other relevant filters";
    if (reason.empty()) return document;
    const std::string sentence = stale_sentence(run, run.files.result(stage), reason, stage);
    if (stage == "train") throw InputError(sentence);  // model and record of one training contradict each other
    notes.say("left out: " + sentence);
    return nullptr;
}

template <class Result>
std::optional<Result> current(const Run& run, const std::string& stage, const StageNotes& notes) {
    const json document = current_document(run, stage, notes);
    if (document.is_null()) return std::nullopt;
    return read_fields<Result>(document, run.files.result(stage).string());
}

/// Takes out what was measured with other relevant filters, probes or surrogate than the run has.
void leave_out_stale_methods(const Run& run, EvaluateResult& evaluate, const StageNotes& notes) {
    const json relevant = digest_in(run.files.relevant()), probe = digest_in(run.files.probe());
    std::vector<std::string> stale;
    std::erase_if(evaluate.methods, [&](const EvaluatedMethod& of) {
        if (!(of.relevant && *of.relevant != relevant) && !(of.probe && *of.probe != probe) &&
            !(of.surrogate && *of.surrogate != run.surrogate()))
            return false;
        stale.push_back(of.method);
        return true;
    });
    if (stale.empty()) return;
    std::erase_if(evaluate.differences,
                  [&](const MetricDifference& of) { return !evaluate.method(of.a) || !evaluate.method(of.b); });
    notes.say(fmt::format(
        "left out: {} of {}, measured with other relevant filters, probes or surrogate; spikelens evaluate {} with "
        "these methods makes them anew",
        fmt::join(stale, ", "), run.files.result("evaluate").string(), run.files.root.string()));
}

}  // namespace

RunResults current_results(const Run& run, const StageNotes& notes) {
    RunResults results;
    if (const json made = current_document(run, "train", notes); !made.is_null()) {
        const std::string file = run.files.result("train").string();
        if (made["command"] == "import")
            results.import = read_fields<ImportResult>(made, file);
        else
            results.train = read_fields<TrainResult>(made, file);
    }
    results.interpret = current<InterpretResult>(run, "interpret", notes);
    results.filters = current<FiltersResult>(run, "filters", notes);
    results.evaluate = current<EvaluateResult>(run, "evaluate", notes);
    results.claims = current<ClaimsResult>(run, "claims", notes);
    if (results.evaluate) leave_out_stale_methods(run, *results.evaluate, notes);
    return results;
}

}  // namespace spikelens
