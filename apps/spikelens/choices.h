#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/interpret/responses.h"
#include "spikelens/model_io/import.h"
#include "spikelens/pipeline/explain.h"

namespace spikelens::app {

/// The words that stand for an option's values.
template <class Value>
using Words = std::vector<std::pair<std::string, Value>>;

inline const Words<MatchWeights> kMatches = {
    {"auto", MatchWeights::automatic}, {"name", MatchWeights::by_name}, {"order", MatchWeights::by_order}};
inline const Words<NeuronSource> kNeuronSources = {
    {"agree", NeuronSource::agree}, {"file", NeuronSource::file}, {"text", NeuronSource::text}};
inline const Words<OverlayStyle> kOverlays = {{"faded", OverlayStyle::faded}, {"jet", OverlayStyle::jet}};
inline const Words<ResponseKind> kResponses = {{"energy", ResponseKind::energy}, {"l2", ResponseKind::l2}};

template <class Value>
std::string word_of(Value value, const Words<Value>& words) {
    return std::ranges::find(words, value, &std::pair<std::string, Value>::second)->first;
}

/// Throws InputError that names the option, the words and the nearest of them.
template <class Value>
Value value_of(const std::string& word, const Words<Value>& words, const std::string& option) {
    std::vector<std::string> known;
    for (const auto& [text, value] : words) {
        if (text == word) return value;
        known.push_back(text);
    }
    throw InputError(fmt::format("{} is '{}', expected {}{}", option, word, fmt::join(known, ", "), suggestion(word, known)));
}

inline std::string reset_word(Reset reset) { return std::string(reset_words[static_cast<size_t>(reset)]); }

/// An option whose text `parse` reads into `value`, which outlives the parser. An empty text is left to check_values().
template <class Value, class Parse>
CLI::Option* add_parsed(CLI::App& app, const std::string& option, Value& value, const Parse& parse, const std::string& help) {
    return app.add_option_function<std::string>(
        option,
        [&value, parse](const std::string& text) {
            if (!text.empty()) value = parse(text);
        },
        help);
}

/// An option whose value is one of the words.
template <class Value, class Chosen>
CLI::Option* add_choice(CLI::App& app, const std::string& option, Value& value, const Words<Chosen>& words,
                        const std::string& help) {
    return add_parsed(
        app, option, value, [&words, option](const std::string& text) { return value_of(text, words, option); }, help);
}

}  // namespace spikelens::app
