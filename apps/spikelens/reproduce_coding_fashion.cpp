// Bitar, Rosales, Paulitsch 2023: the coding has a noticeable effect on which inputs matter most. Here on Fashion-MNIST, one
// classifier per coding.
#include <fmt/format.h>

#include "codings.h"
#include "reproduce.h"

namespace spikelens::app {
namespace {

using nlohmann::json;

/// The best pixels of two codings are the same where their overlap's interval reaches this; a random pair of maps shares far
/// less.
constexpr double kSamePixels = 0.9;

/// For each gradient method: whether any two codings agree on the pixels that matter.
void add_overlap_claims(const json& study, json& claims) {
    for (const json& pair : study["overlaps"]) {
        const std::string method = pair["method"];
        if (method != "grad2d" && !method.starts_with("ig2d")) continue;
        const bool differs = pair["ci95"].is_null() || pair["ci95"][1].get<double>() < kSamePixels;
        claims.push_back(claim(fmt::format("{}: {} and {} rank other pixels first", method, pair["a"].get<std::string>(),
                                           pair["b"].get<std::string>()),
                               "yes", fmt::format("overlap {:.2f}", pair["overlap"].get<double>()), differs));
    }
}

/// Within every coding the gradients' pixels matter more than random ones.
void add_deletion_claims(const json& study, json& claims) {
    for (const json& one : study["codings"])
        for (const char* method : {"grad2d", "ig2d:steps=8"}) {
            const json difference = difference_of(one["evaluate"], "deletion", method, "random");
            claims.push_back(claim(fmt::format("{}, {}: deletion below random", one["coding"].get<std::string>(), method),
                                   "yes", fmt::format("{:+.3f}", difference["difference"].get<double>()),
                                   difference["decided"].get<bool>() ? json(difference["difference"] < 0) : json(nullptr)));
        }
}

}  // namespace

Outcome reproduce_coding_fashion(const ReproduceCommand& command, const Globals& globals, Console& console) {
    CodingsCommand study;
    study.out = command.out.empty() ? "runs/coding-fashion" : command.out;
    if (command.samples >= 0) study.samples = command.samples;
    if (command.train_samples >= 0) study.train_samples = command.train_samples;
    const Outcome measured = run_codings(study, globals, console);
    json claims = json::array();
    add_deletion_claims(measured.document, claims);
    add_overlap_claims(measured.document, claims);
    json document = measured.document;
    document["command"] = "reproduce";
    document["experiment"] = "coding-fashion";
    document["claims"] = claims;
    return {document, measured.text + "\n" + claims_text(claims)};
}

}  // namespace spikelens::app
