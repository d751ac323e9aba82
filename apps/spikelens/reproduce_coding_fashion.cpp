// Bitar, Rosales, Paulitsch 2023: the coding has a noticeable effect on which inputs matter most. Here on Fashion-MNIST, one
// classifier per coding, and the overlap of the best pixels between codings against that between two trainings of one coding.
#include <cassert>

#include <fmt/format.h>

#include "spikelens/pipeline/fields.h"

#include "codings.h"
#include "reproduce.h"

namespace spikelens::app {
namespace {

using nlohmann::json;

const json& overlap_of(const json& study, const std::string& method, const std::string& a, const std::string& b) {
    for (const json& pair : study["overlaps"])
        if (pair["method"] == method && pair["a"] == a && pair["b"] == b) return pair["ci95"];
    assert(false);
    return study;
}

/// For each gradient method: whether a coding changes the pixels that matter more than training anew does.
void add_overlap_claims(const json& study, std::vector<PaperClaim>& claims) {
    const std::string first = study["codings"][0]["coding"];
    for (const char* method : {"grad2d", "ig2d:steps=8"}) {
        const json& control = overlap_of(study, method, first, control_name(first));
        for (size_t i = 1; i < study["codings"].size(); ++i) {
            const std::string coding = study["codings"][i]["coding"];
            const json& overlap = overlap_of(study, method, first, coding);
            if (overlap.is_null() || control.is_null()) continue;
            const bool below = overlap[1]<control[0], above = overlap[0]> control[1];
            claims.push_back({fmt::format("{}: {} ranks other pixels first than {}", method, coding, first), "yes",
                              fmt::format("{:.2f}-{:.2f} of {:.2f}-{:.2f}", overlap[0].get<double>(), overlap[1].get<double>(),
                                          control[0].get<double>(), control[1].get<double>()),
                              below || above ? std::optional(below) : std::nullopt});
        }
    }
}

/// Within every coding the gradients' pixels matter more than random ones.
void add_deletion_claims(const json& study, std::vector<PaperClaim>& claims) {
    for (const json& one : study["codings"])
        for (const char* method : {"grad2d", "ig2d:steps=8"}) {
            const auto evaluate = read_fields<EvaluateResult>(one["evaluate"], "evaluate.json");
            const MetricDifference difference = evaluate.difference("deletion", method, "random").value();
            claims.push_back({fmt::format("{}, {}: deletion below random", one["coding"].get<std::string>(), method), "yes",
                              fmt::format("{:+.3f}", difference.difference),
                              difference.decided ? std::optional(difference.difference < 0) : std::nullopt});
        }
}

}  // namespace

Outcome reproduce_coding_fashion(const ReproduceOptions& options, const Globals& globals, Console& console) {
    CodingsOptions study;
    study.out = options.out;
    study.samples = options.samples.value_or(study.samples);
    study.train_samples = options.train_samples.value_or(study.train_samples);
    const Outcome measured = run_codings(study, globals, console);
    std::vector<PaperClaim> claims;
    add_deletion_claims(measured.document, claims);
    add_overlap_claims(measured.document, claims);
    json document = measured.document;
    document["command"] = "reproduce";
    document["experiment"] = "coding-fashion";
    document["claims"] = field_document(claims);
    return {document, measured.text + "\n" + claims_text(claims)};
}

}  // namespace spikelens::app
