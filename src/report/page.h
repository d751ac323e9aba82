#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "results.h"

namespace spikelens::report {

/// The numbers behind a figure, for its CSV. Every row is as long as `columns`.
struct Table {
    std::vector<std::string> columns;
    std::vector<nlohmann::json> rows;  ///< arrays
};

/// What the sections share while a page is written.
struct Page {
    const ReportData& data;
    Results results;
    nlohmann::json figures = nlohmann::json::object();  ///< tables of all figures, by id

    double chosen_mu() const;
    bool shows_recordings() const { return data.input_kind == "recordings"; }
    std::string noun() const { return shows_recordings() ? "recording" : "image"; }  ///< what one sample is called
    bool has_clouds() const;                                                         ///< some recording is drawn over time
    bool is_pictured(const std::string& name) const;
    const ReportFilter* filter(const std::string& name) const;
};

/// <figure> with its caption, the buttons that save it, and the commands of the stages that made it.
std::string figure(Page& page, const std::string& id, const std::string& svg, const std::string& caption, const Table& table,
                   const std::vector<std::string>& stages);

/// A card in place of a stage that has not been run; `command` as a shell takes it.
std::string missing_stage(const std::string& what, const std::string& command);
/// "spikelens interpret RUN" as a shell takes it.
std::string command_of(const Page& page, const std::string& stage);

/// An <svg> in words: heading level 3 and text around figures.
std::string section(const std::string& id, const std::string& title, const std::string& lede, const std::string& content);

/// The sections, each complete.
std::string overview_section(Page& page);
std::string classes_section(Page& page);
std::string filters_section(Page& page);
std::string images_section(Page& page);
std::string events_section(Page& page);  ///< empty where no recording is drawn over time
std::string evidence_section(Page& page);
std::string reproduce_section(Page& page);

/// Parts of Evidence that have their own files.
std::string curves(Page& page, const Evaluation& evaluation);
std::string scores_table(const Page& page, const Evaluation& evaluation);
std::string differences(Page& page, const Evaluation& evaluation);
std::string ablation(Page& page, const Interpretation& interpretation);
std::string network_accuracy(Page& page, const Training& train);

/// What the network does and how often it is right, in words that need no knowledge of networks; from whatever stages there
/// are.
std::string headline(const Page& page);
/// Which filters drive its classes and what they are worth, in two sentences; empty without an interpretation.
std::string finding(const Page& page);
/// How far its explanations can be trusted, in one sentence; empty without an evaluation.
std::string trust(const Page& page);
/// The network as an engineer names it: its text, data, steps and parameters; empty when nothing is known.
std::string small_print(const Page& page);

/// How a method does against the sanity baselines by the leading metric: its paired difference to the one hardest to beat.
struct Standing {
    enum class Verdict { ahead, undecided, behind, no_baseline, unmeasured } verdict = Verdict::unmeasured;
    std::string metric, rival;    ///< `rival`: that baseline
    double difference = unknown;  ///< positive: the method does better
    Range ci;                     ///< of the metric's difference, method minus rival
};
Standing standing(const Evaluation& evaluation, const std::string& name);
/// The same in words: "below the input's own brightness on insertion: 0.660 against 0.720". `noun`: what a sample is called.
std::string standing_words(const Evaluation& evaluation, const std::string& name, const std::string& noun);

struct Claim {
    std::string statement, paper, ours, source;
    enum class Verdict { held, undecided, contradicted } verdict = Verdict::undecided;
};
/// Published values and orders beside this run's, judged by 95 % intervals.
std::vector<Claim> claims(const Page& page);

/// Everything the page's script needs, as base64 of a zlib stream: a JSON document, and the maps' bytes.
struct Bundle {
    std::string values, maps;
};
Bundle bundle(const Page& page);
/// Whether the maps travel as float32, each value as it is; else, where they would weigh too much, in 256 steps a map.
bool ships_exact_values(const ReportData& data);

/// A map in 256 steps between its extremes.
struct QuantisedMap {
    enum class State { values, zero, noise, constant, invalid } state = State::values;
    float low = 0, high = 0;
    int64_t invalid = 0;  ///< values that are not finite
    std::vector<uint8_t> steps;
};
/// `rounding`: the largest magnitude that means nothing.
QuantisedMap quantise(const FloatArray& map, double rounding = 0);
QuantisedMap quantise(const ReportImage& image, size_t method);

}  // namespace spikelens::report
