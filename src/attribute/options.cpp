#include "options.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <sstream>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/core/number.h"

namespace spikelens {
namespace {

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    for (size_t begin = 0; begin <= text.size();) {
        const size_t end = std::min(text.find(separator, begin), text.size());
        parts.emplace_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

/// "black, blur or mean"
std::string one_of(const std::vector<std::string>& words) {
    std::string text = words.front();
    for (size_t i = 1; i < words.size(); ++i) text += (i + 1 < words.size() ? ", " : " or ") + words[i];
    return text;
}

}  // namespace

std::string number_text(double value) {
    std::ostringstream text;
    text.imbue(std::locale::classic());
    text << value;
    return text.str();
}

MethodOptions::MethodOptions(std::string_view spec) : spec_(spec) {
    const std::vector<std::string> parts = split(spec, ':');
    method_ = parts.front();
    if (method_.empty()) throw InputError("method '" + spec_ + "' has no name; expected name[:option=value]...");
    for (size_t i = 1; i < parts.size(); ++i) {
        const size_t equals = parts[i].find('=');
        if (equals == 0 || equals == std::string::npos) {
            throw InputError("method '" + spec_ + "': '" + parts[i] + "' is not an option; expected option=value");
        }
        const std::string option = parts[i].substr(0, equals);
        const bool twice =
            std::any_of(given_.begin(), given_.end(), [&](const Given& given) { return given.option == option; });
        if (twice) throw InputError("method '" + spec_ + "' gives option '" + option + "' twice");
        given_.push_back({option, parts[i].substr(equals + 1)});
    }
}

const std::string* MethodOptions::take(MethodOption option) {
    known_.push_back(std::move(option));
    values_.push_back(known_.back().standard);
    for (Given& given : given_) {
        if (given.option != known_.back().name) continue;
        given.taken = true;
        values_.back() = given.value;
        return &given.value;
    }
    return nullptr;
}

void MethodOptions::refuse(const std::string& value) const {
    throw InputError("method '" + spec_ + "': option " + known_.back().name + " is '" + value + "', expected " +
                     known_.back().expected);
}

int64_t MethodOptions::integer(const std::string& option, int64_t standard, int64_t low, int64_t high,
                               const std::string& meaning) {
    const std::string range = "a whole number from " + std::to_string(low) + " to " + std::to_string(high);
    const std::string* text = take({option, std::to_string(standard), range, meaning});
    if (!text) return standard;
    const auto value = number_in<int64_t>(*text);
    if (!value || *value < low || *value > high) refuse(*text);
    values_.back() = std::to_string(*value);
    return *value;
}

double MethodOptions::number(const std::string& option, double standard, double low, double high,
                             const std::string& meaning) {
    const std::string* text = take({option, standard > low && standard <= high ? number_text(standard) : "",
                                    "a number above " + number_text(low) + ", at most " + number_text(high), meaning});
    if (!text) return standard;
    const auto value = number_in<double>(*text);
    if (!value || !std::isfinite(*value) || *value <= low || *value > high) refuse(*text);
    if (*value == standard) values_.back() = known_.back().standard;
    return *value;
}

std::string MethodOptions::word(const std::string& option, const std::string& standard,
                                const std::vector<std::string>& words, const std::string& meaning) {
    const std::string* text = take({option, standard, one_of(words), meaning});
    if (!text) return standard;
    if (std::ranges::find(words, *text) == words.end()) refuse(*text);
    return *text;
}

std::string MethodOptions::layer(const std::vector<std::string>& words, const std::string& meaning) {
    std::vector<std::string> all = words;
    all.emplace_back("a convolution layer");
    const std::string* text = take({"layer", words.front(), one_of(all), meaning});
    if (!text) return words.front();
    if (text->empty()) refuse(*text);
    return *text;
}

Baseline MethodOptions::baseline(const std::string& meaning) {
    return parse_baseline(word("baseline", "black", {"black", "blur", "mean"}, meaning));
}

View MethodOptions::view() {
    using enum View;
    return choice<View>("view",
                        {{"natural", natural}, {"absolute", absolute}, {"positive", positive}, {"negative", negative}},
                        "how values are ranked and drawn: as they are, without their sign, or one sign alone");
}

std::string MethodOptions::canonical() const {
    std::string text = method_;
    for (size_t i = 0; i < known_.size(); ++i)
        if (values_[i] != known_[i].standard) text += ":" + known_[i].name + "=" + values_[i];
    return text;
}

void MethodOptions::finish() const {
    std::vector<std::string> names;
    for (const MethodOption& option : known_) names.push_back(option.name);
    for (const Given& given : given_) {
        if (given.taken) continue;
        for (const auto& [option, choice] : brought_)
            if (option == given.option)
                throw InputError("method '" + spec_ + "': option " + option + " does nothing here; only " + choice +
                                 " has it");
        throw InputError("method '" + method_ + "' has no option '" + given.option + "'" +
                         suggestion(given.option, names));
    }
}

}  // namespace spikelens
