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
    bool is_pictured(const std::string& filter) const;
    const ReportFilter* filter(const std::string& name) const;
};

/// <figure> with its caption and the buttons that save it.
std::string figure(Page& page, const std::string& id, const std::string& svg, const std::string& caption, const Table& table);

/// A card in place of a stage that has not been run.
std::string missing_stage(const std::string& what, const std::string& command);

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

/// What the network has learned in one sentence, from whatever stages there are.
std::string finding(const Page& page);
/// How far its explanations can be trusted, in one sentence; empty without an evaluation.
std::string trust(const Page& page);

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

/// A map in 256 steps between its extremes.
struct QuantisedMap {
    enum class State { values, zero, constant, invalid } state = State::values;
    float low = 0, high = 0;
    int64_t invalid = 0;  ///< values that are not finite
    std::vector<uint8_t> steps;
};
QuantisedMap quantise(const FloatArray& map);

}  // namespace spikelens::report
