#include "options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"

namespace spikelens {
namespace {

template <class T>
std::optional<T> read_number(const std::string& text) {
    T value{};
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || rest != end) return std::nullopt;
    return value;
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    for (size_t begin = 0; begin <= text.size();) {
        const size_t end = std::min(text.find(separator, begin), text.size());
        parts.emplace_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
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

const std::string* MethodOptions::take(const std::string& option, const std::string& standard, const std::string& expected) {
    known_.push_back({option, standard, expected});
    values_.push_back(standard);
    for (Given& given : given_) {
        if (given.option != option) continue;
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

int64_t MethodOptions::take_integer(const std::string& option, int64_t fallback, int64_t low, int64_t high) {
    const std::string* text =
        take(option, std::to_string(fallback), "a whole number from " + std::to_string(low) + " to " + std::to_string(high));
    if (!text) return fallback;
    const auto value = read_number<int64_t>(*text);
    if (!value || *value < low || *value > high) refuse(*text);
    values_.back() = std::to_string(*value);
    return *value;
}

double MethodOptions::take_number(const std::string& option, double fallback, double low, double high) {
    const std::string* text = take(option, fallback > low && fallback <= high ? number_text(fallback) : "",
                                   "a number above " + number_text(low) + ", at most " + number_text(high));
    if (!text) return fallback;
    const auto value = read_number<double>(*text);
    if (!value || !std::isfinite(*value) || *value <= low || *value > high) refuse(*text);
    if (*value == fallback) values_.back() = known_.back().standard;
    return *value;
}

std::string MethodOptions::take_text(const std::string& option, const std::string& fallback) {
    const std::string* text = take(option, fallback, "a value");
    if (!text) return fallback;
    if (text->empty()) refuse(*text);
    return *text;
}

std::string MethodOptions::take_word(const std::string& option, const std::string& fallback,
                                     const std::vector<std::string>& words) {
    std::string expected;
    for (const std::string& word : words) expected += (expected.empty() ? "" : " or ") + word;
    const std::string* text = take(option, fallback, expected);
    if (!text) return fallback;
    if (std::ranges::find(words, *text) != words.end()) return *text;
    refuse(*text);
}

Baseline MethodOptions::take_baseline(const std::string& option, Baseline fallback) {
    const std::string* text = take(option, baseline_text(fallback), "black, blur or mean");
    if (!text) return fallback;
    for (Baseline baseline : {Baseline::black, Baseline::blur, Baseline::mean}) {
        if (*text == baseline_text(baseline)) return baseline;
    }
    refuse(*text);
}

View MethodOptions::take_view() {
    const std::string* text = take("view", "natural", "natural, absolute, positive or negative");
    if (!text || *text == "natural") return View::natural;
    if (*text == "absolute") return View::absolute;
    if (*text == "positive") return View::positive;
    if (*text == "negative") return View::negative;
    refuse(*text);
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
        throw InputError("method '" + method_ + "' has no option '" + given.option + "'" + suggestion(given.option, names));
    }
}

}  // namespace spikelens
