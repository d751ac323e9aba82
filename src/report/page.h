#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "html.h"
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
    bool has_clouds() const;  ///< some recording is drawn over time
    bool is_pictured(const std::string& name) const;
    const ReportFilter* filter(const std::string& name) const;
};

/// <figure> with its caption, the buttons that save it, and the commands of the stages that made it.
Html figure(Page& page, const std::string& id, const Html& drawing, const Html& caption, const Table& table,
            const std::vector<std::string>& stages);

/// A card in place of a stage that has not been run; `command` as a shell takes it.
Html missing_stage(const std::string& what, const std::string& command);
/// "spikelens interpret RUN" as a shell takes it.
std::string command_of(const Page& page, const std::string& stage);

Html section(const std::string& id, const std::string& title, const std::string& lede, const Html& content);

/// A table with these heads over its rows, in a place that scrolls by itself. `name`: what a screen reader calls it.
Html table(const std::string& name, std::string_view selector, const Html& heads, const Html& rows);
Html column(const Html& name);  ///< a head
Html columns(const std::vector<std::string>& names);
Html scrolled(const std::string& name, const Html& content, std::string_view selector = "div.scroll");
/// A number that sorts by its value.
Html number_cell(double value, const Html& text, std::string_view selector = "td.number");

/// Words and their meanings.
Html meanings(std::string_view selector, const std::vector<std::pair<Html, Html>>& entries);
/// A link to a filter's card; its name alone where it has none.
Html filter_link(const std::string& name);

/// The sections, each complete.
Html overview_section(Page& page);
Html classes_section(Page& page);
Html filters_section(Page& page);
Html images_section(Page& page);
Html events_section(Page& page);  ///< empty where no recording is drawn over time
Html evidence_section(Page& page);
Html reproduce_section(Page& page);

/// Parts of Evidence that have their own files.
Html curves(Page& page, const EvaluateResult& evaluation);
Html scores_table(const Page& page, const EvaluateResult& evaluation);
Html differences(Page& page, const EvaluateResult& evaluation);
Html ablation(Page& page, const InterpretResult& interpretation);
Html filter_choices(Page& page, const FiltersResult& filters);
Html network_accuracy(Page& page, const Training& train);
Html decision_times(Page& page);  ///< empty where they are not known

/// What the network does and how often it is right, in words that need no knowledge of networks; from whatever stages
/// there are.
std::string headline(const Page& page);
/// Which filters drive its classes and what they are worth, in two sentences; empty without an interpretation.
std::string finding(const Page& page);
/// How far its explanations can be trusted, in one sentence; empty without an evaluation.
std::string trust(const Page& page);
/// The network as an engineer names it: its text, data, steps and parameters; empty when nothing is known.
std::string small_print(const Page& page);

/// How a method does against the sanity baselines by the leading metric: its paired difference to the one hardest to
/// beat.
struct Standing {
    enum class Verdict { ahead, undecided, behind, no_baseline, unmeasured } verdict = Verdict::unmeasured;
    std::string metric, rival;     ///< `rival`: that baseline
    double difference = kUnknown;  ///< positive: the method does better
    Interval ci;                   ///< of the metric's difference, method minus rival
};
Standing standing(const EvaluateResult& evaluation, const std::string& name);
/// The same in words: "below the input's own brightness on insertion: 0.660 against 0.720". `noun`: what a sample is
/// called.
std::string standing_words(const EvaluateResult& evaluation, const std::string& name, const std::string& noun);

struct Claim {
    std::string statement, paper, ours, source;
    enum class Verdict { held, undecided, contradicted } verdict = Verdict::undecided;
};
/// Published values and orders beside this run's: as the experiment that made the run judged them, else by 95 %
/// intervals.
std::vector<Claim> claims(const Page& page);
/// The same as a table, with each seed's where there are several; empty without any.
Html claims_table(const Page& page);

/// Everything the page's script needs, as base64 of zlib streams, which cannot end their <script>: a JSON document
/// ("values"), and the maps' bytes ("maps").
Html bundle(const Page& page);
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
