#include "options.h"

#include <cctype>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

#include "spikelens/core/number.h"
#include "spikelens/snn/engine.h"

namespace spikelens::app {
namespace {

/// 12, -3; not 012, 0x10 or 1e3.
bool is_decimal(const std::string& text) {
    const std::string digits = text.substr(text.starts_with('-') ? 1 : 0);
    const bool all =
        !digits.empty() && std::ranges::all_of(digits, [](unsigned char c) { return std::isdigit(c) != 0; });
    return all && (digits.size() == 1 || digits.front() != '0');
}

}  // namespace

std::string expected_of(const std::string& type) {
    if (type == "INT") return "a whole number";
    if (type == "UINT") return "a whole number, 0 or more";
    return type == "FLOAT" ? "a number" : "a value";
}

template <class Number>
Number number_of(const std::string& option, const std::string& text) {
    constexpr bool whole = std::is_integral_v<Number>;
    std::string expected = whole ? expected_of(type_of<Number>()) : "a number that is finite";
    const bool decimal = !whole || (is_decimal(text) && (std::is_signed_v<Number> || !text.starts_with('-')));
    if (decimal) {
        const auto number = number_in<Number>(!whole && text.starts_with('+') ? text.substr(1) : text);
        if (number && (whole || std::isfinite(static_cast<double>(*number)))) return *number;
        using Widest = std::conditional_t<std::is_signed_v<Number>, int64_t, uint64_t>;
        if (whole) expected = number_in<Widest>(text) ? "a smaller number" : expected + " of at most 64 bits";
    }
    throw InputError(fmt::format("{} is '{}', expected {}", option, text, expected));
}
template int number_of(const std::string&, const std::string&);
template int64_t number_of(const std::string&, const std::string&);
template uint64_t number_of(const std::string&, const std::string&);
template float number_of(const std::string&, const std::string&);
template double number_of(const std::string&, const std::string&);

int64_t parse_memory(const std::string& text) {
    std::string digits = text;
    if (digits.ends_with('B') || digits.ends_with('b')) digits.pop_back();
    int64_t unit = 1;
    const auto power = digits.empty() ? std::string::npos : std::string("kmgKMG").find(digits.back());
    if (power != std::string::npos) {
        unit <<= 10 * (power % 3 + 1);
        digits.pop_back();
    }
    const auto value = number_in<int64_t>(digits);
    if (!value || *value <= 0 || *value > std::numeric_limits<int64_t>::max() / unit)
        throw InputError("--memory is '" + text + "', expected a size above 0 such as 512M or 4G");
    return *value * unit;
}

int parse_threads(const std::string& text) {
    const auto threads = number_of<int64_t>("--threads", text);
    if (threads < 0 || threads > 1024) throw InputError("--threads is '" + text + "', expected 0 to 1024");
    return static_cast<int>(threads);
}

Strings split_list(const Strings& words) {
    Strings parts;
    for (const std::string& word : words) {
        int depth = 0;
        bool begins = true;
        for (const char c : word) {
            if (c == '(') ++depth;
            if (c == ')') --depth;
            const bool ends = c == ',' && depth <= 0;
            if (!ends && begins) parts.emplace_back();
            if (!ends) parts.back() += c;
            begins = ends;
        }
    }
    return parts;
}

Option& OptionTable::add_option(Option option) {
    options_.push_back(std::make_unique<Option>(std::move(option)));
    Option& added = *options_.back();
    added.usual = added.written();
    added.read = [name = added.first_name(), type = added.type, read = added.read](const Strings& words) {
        for (const std::string& word : words)
            if (!type.empty() && word.empty())
                throw InputError(fmt::format("{} is empty, expected {}", name, expected_of(type)));
        read(words);
    };
    return added;
}

Option& OptionTable::add_list(const std::string& name, Strings& values, const std::string& what,
                              const std::string& help) {
    const auto read = [&values, what, name = name.substr(0, name.find(','))](const Strings& words) {
        values = split_list(words);
        if (values.empty()) throw InputError(fmt::format("{} names no {}", name, what));
    };
    const auto written = [&values] {
        return values.empty() ? Strings{} : Strings{fmt::format("{}", fmt::join(values, ","))};
    };
    return add_option({name, help, "TEXT", read, written}).many();
}

void OptionTable::add_pictures(PictureWords& words) {
    const std::tuple<const char*, std::string, const char*> options[] = {
        // with what is usual where the words do not say
        {"resize", "Pictures: to HEIGHTxWIDTH, or until the shorter side has so many pixels; antialiased", ""},
        {"crop", "Pictures: the middle HEIGHTxWIDTH (or one number) after resizing", ""},
        {"mean", "Pictures: what is subtracted from red, green and blue: none, imagenet or R,G,B", "none"},
        {"std", "Pictures: what red, green and blue are then divided by: none, imagenet or R,G,B", "none"},
        {"split", "Pictures in CLASS/FILE: the share for training (0.8) or how many; the rest are the test set", ""},
        {"split_seed", "Pictures: the seed of that split, as torch's random_split draws it", "0"},
        {"damaged", "Damaged pictures: stop or skip, which names them", "stop"},
        {"background", "Pictures: black, white or #ff8000 behind transparent pixels", "black"}};
    for (const auto& [key, what, usual] : options) {
        const std::string help = what + (*usual == '\0' || words.contains(key) ? "" : fmt::format(" ({})", usual));
        std::string name = std::string("--") + key;
        std::ranges::replace(name, '_', '-');
        add_option({name, help, "TEXT", [&words, key = key](const Strings& given) { words[key] = given.back(); },
                    [&words, key = key] { return words.contains(key) ? Strings{words.at(key)} : Strings{}; }});
    }
}

Strings OptionTable::words(const std::string& command, uint64_t seed) const {
    Strings words{command};
    for (const auto& option : options_) {
        const Strings values = option->written();
        if (option->never || values.empty()) continue;
        if (values == option->usual && !option->needed && !option->always) continue;
        if (option->name.starts_with("--")) words.push_back(option->first_name());
        if (!option->type.empty()) words.insert(words.end(), values.begin(), values.end());
    }
    if (seed != 1) words.insert(words.end(), {"--seed", std::to_string(seed)});
    return words;
}

void OptionTable::add_engine(std::string& engine) {
    static const auto names = [] {
        Words<std::string> words;
        for (const std::string& name : engine_names()) words.emplace_back(name, name);
        return words;
    }();
    add_choice("--engine", engine, names, "What simulates; results do not depend on it").unwritten();
}

}  // namespace spikelens::app
