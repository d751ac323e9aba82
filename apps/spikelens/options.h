#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/data/pictures.h"

namespace spikelens::app {

using Strings = std::vector<std::string>;

/// An option or an argument of a command, bound to the value that it fills.
struct Option {
    std::string name;  ///< "--methods,--method", the first of which is written; an argument without hyphens: "run"
    std::string help;
    std::string type;  ///< "INT", "UINT", "FLOAT" or "TEXT"; empty: a switch
    std::function<void(const Strings&)>
        read;                          ///< throws InputError that names the option, the value and what was expected
    std::function<Strings()> written;  ///< the words from which `read` makes the value; none: nothing to say
    Strings usual{};                   ///< what is written of the value that the command begins with
    bool needed = false, list = false, always = false, never = false;

    Option& required() { return needed = true, *this; }
    Option& many() { return list = true, *this; }
    Option& always_written() { return always = true, *this; }
    Option& unwritten() { return never = true, *this; }  ///< the same result comes without it
    std::string first_name() const { return name.substr(0, name.find(',')); }
};

/// The words that stand for an option's values.
template <class Value>
using Words = std::vector<std::pair<std::string, Value>>;

/// A whole number or a number in decimal. Throws InputError for what would be taken for another than was typed: 010
/// (octal), -1 where only 0 or more are known, too many digits, nan, inf.
template <class Number>
Number number_of(const std::string& option, const std::string& text);

/// "512M", "4G", "100000": bytes. Throws InputError.
int64_t parse_memory(const std::string& text);
/// Throws InputError for more than 1024.
int parse_threads(const std::string& text);

/// What a value of an option of this type is: "a whole number".
std::string expected_of(const std::string& type);

/// Cuts a list of methods, metrics or codings at commas, but not within parentheses: "rate,latency(log,tau=3)" is two.
Strings split_list(const Strings& words);

/// "INT", "UINT", "FLOAT", "TEXT"
template <class Value>
std::string type_of() {
    if constexpr (std::is_floating_point_v<Value>)
        return "FLOAT";
    else if constexpr (std::is_integral_v<Value>)
        return std::is_signed_v<Value> ? "INT" : "UINT";
    else
        return "TEXT";
}

/// The options of a command. Each is declared once, with the field of the options struct that it fills; from the
/// declaration come the parser, the help text and the words that make a result again.
class OptionTable {
  public:
    /// A number, a text, a path, an optional one of these, or a switch where the value is a bool ("!--no-bias" switches
    /// off).
    template <class Value>
    Option& add(const std::string& name, Value& value, const std::string& help);
    /// Many texts, in a list that is cut at commas. Without any it fails: "--methods names no method".
    Option& add_list(const std::string& name, Strings& values, const std::string& what, const std::string& help);
    /// What `parse` makes of a text, and `text` of the value.
    template <class Value, class Parse, class Text>
    Option& add_parsed(const std::string& name, Value& value, const Parse& parse, const Text& text,
                       const std::string& help);
    /// One of the words, which the help lists.
    template <class Value, class Chosen>
    Option& add_choice(const std::string& name, Value& value, const Words<Chosen>& words, const std::string& help);
    /// --engine, what computes networks.
    void add_engine(std::string& engine);
    /// --resize and the other options of folders of pictures.
    void add_pictures(PictureWords& words);
    Option& add_option(Option option);

    const std::vector<std::unique_ptr<Option>>& options() const { return options_; }
    /// The words after the program's name that set what differs from the usual: "interpret", "RUN", "--mu", "5".
    Strings words(const std::string& command, uint64_t seed) const;

  private:
    std::vector<std::unique_ptr<Option>> options_;
};

/// The same of options that some stage is called with.
template <class Options>
Strings words_of(const std::string& command, const Options& options, uint64_t seed) {
    Options bound;
    OptionTable table;
    declare(table, bound);
    bound = options;
    return table.words(command, seed);
}

/// The type of an option's value, which may be optional.
template <class Value>
Value plain(const std::optional<Value>&);
template <class Value>
Value plain(const Value&);

template <class Value>
Option& OptionTable::add(const std::string& name, Value& value, const std::string& help) {
    using One = decltype(plain(value));
    if constexpr (std::is_same_v<One, bool>) {
        const bool set = !name.starts_with('!');
        return add_option({name.substr(set ? 0 : 1), help, "", [&value, set](const Strings&) { value = set; },
                           [&value, set] { return value == set ? Strings{""} : Strings{}; }});
    } else if constexpr (std::is_arithmetic_v<One>) {
        return add_parsed(
            name, value, [name](const std::string& text) { return number_of<One>(name, text); },
            [](One one) { return fmt::format("{}", one); }, help);
    } else {
        return add_parsed(
            name, value, [](const std::string& text) { return One(text); },
            [](const std::filesystem::path& one) { return one.string(); }, help);
    }
}

template <class Value, class Parse, class Text>
Option& OptionTable::add_parsed(const std::string& name, Value& value, const Parse& parse, const Text& text,
                                const std::string& help) {
    const auto written = [&value, text]() -> Strings {
        std::string word;
        if constexpr (requires { value.has_value(); })
            word = value ? std::string(text(*value)) : "";
        else
            word = text(value);
        return word.empty() ? Strings{} : Strings{word};
    };
    return add_option({name, help, type_of<decltype(plain(value))>(),
                       [&value, parse](const Strings& words) { value = parse(words.back()); }, written});
}

template <class Value, class Chosen>
Option& OptionTable::add_choice(const std::string& name, Value& value, const Words<Chosen>& words,
                                const std::string& help) {
    Strings known;
    for (const auto& [word, chosen] : words) known.push_back(word);
    const auto parse = [name, words, known](const std::string& text) {
        for (const auto& [word, chosen] : words)
            if (word == text) return chosen;
        const std::string near = nearest(text, known);
        throw InputError(fmt::format("{} is '{}', expected {}{}", name, text, fmt::join(known, ", "),
                                     near.empty() ? "" : "; did you mean '" + near + "'?"));
    };
    const auto text = [words](Chosen chosen) {
        return std::ranges::find(words, chosen, &std::pair<std::string, Chosen>::second)->first;
    };
    return add_parsed(name, value, parse, text, fmt::format("{}: {}", help, fmt::join(known, ", ")));
}

}  // namespace spikelens::app
