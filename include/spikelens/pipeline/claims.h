#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "spikelens/pipeline/made_run.h"
#include "spikelens/pipeline/run.h"

namespace spikelens {

/// A claim of a paper beside what was measured.
struct PaperClaim {
    std::string claim;
    nlohmann::json paper, measured;         ///< a number, or words
    std::optional<bool> held;               ///< absent: the intervals do not decide
    std::optional<Interval> ci95;           ///< of a measured number
    std::optional<std::string> choice{};    ///< what was made otherwise than in the run: "20 epochs"
    std::optional<double> change{};         ///< by how much that changes the number
    std::optional<Interval> change_ci95{};  ///< over several seeds

    static void fields(auto& self, auto& field) {
        field("claim", self.claim), field("paper", self.paper), field("measured", self.measured);
        field.nullable("held", self.held), field("ci95", self.ci95), field("choice", self.choice);
        field("change", self.change), field("change_ci95", self.change_ci95);
    }
};

/// Whether a paper's number lies in our interval. Absent without an interval, and where the number lies in one that is
/// wider than a tenth of it on either side: that holds nearly anything.
std::optional<bool> holds(double paper, const Interval& ours);

/// What one of several runs says of the claims.
struct SeedClaims {
    uint64_t seed = 0;
    std::string run;
    std::vector<PaperClaim> claims;

    static void fields(auto& self, auto& field) {
        field("seed", self.seed), field("run", self.run), field("claims", self.claims);
    }
};

/// claims.json: what an experiment (reproduce/reproduce.h) says of a paper's claims. docs/formats.md describes the
/// fields.
struct ClaimsResult {
    std::string command = "claims";
    std::string experiment, run, fingerprint;
    nlohmann::json identity;
    std::vector<PaperClaim> claims;  ///< of several seeds over all of them
    std::vector<SeedClaims> seeds;   ///< of several seeds each by itself

    static void fields(auto& self, auto& field) {
        field("command", self.command), field("experiment", self.experiment), field("run", self.run);
        field("fingerprint", self.fingerprint), field("identity", self.identity), field("claims", self.claims);
        field("seeds", self.seeds);
    }
};

/// Writes claims.json of the run as it is. The caller holds the run's lock.
void keep_claims(const Run& run, ClaimsResult claims);

/// "0.7818 [0.7778, 0.7858]", a word as it is, "—" for none.
std::string measured_text(const PaperClaim& claim);
/// "0.8459", a word as it is.
std::string paper_text(const PaperClaim& claim);

/// By how much each choice changes each number, as a table.
struct ChoiceChanges {
    std::vector<std::string> choices;            ///< in their order; empty where none was made otherwise
    std::vector<std::vector<std::string>> rows;  ///< the claim, then of each choice "+0.0342", over seeds "… ± 0.0100"
};
ChoiceChanges choice_changes(const std::vector<PaperClaim>& claims);

}  // namespace spikelens
