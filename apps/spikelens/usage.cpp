#include "usage.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"

namespace spikelens::app {
namespace {

constexpr std::string_view kExpected = "expected ";
const std::string any_value = "a value";

template <class T>
std::optional<T> number_in(const std::string& text) {
    T value{};
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || rest != text.data() + text.size()) return std::nullopt;
    return value;
}

/// 12, -3; not 012, 0x10 or 1e3.
bool is_decimal(const std::string& text) {
    const std::string digits = text.starts_with('-') ? text.substr(1) : text;
    const bool all = !digits.empty() && std::ranges::all_of(digits, [](unsigned char c) { return std::isdigit(c) != 0; });
    return all && (digits.size() == 1 || digits.front() != '0');
}

std::string expected_of(const std::string& type) {
    if (type == "INT") return "a whole number";
    if (type == "UINT") return "a whole number, 0 or more";
    if (type == "FLOAT") return "a number";
    return any_value;
}

/// What is wrong with a value of an option of this type; empty when nothing is.
std::string complaint(const std::string& type, const std::string& value) {
    if (type == "INT" || type == "UINT") {
        if (!is_decimal(value) || (type == "UINT" && value.starts_with('-'))) return expected_of(type);
        const bool fits = type == "INT" ? number_in<int64_t>(value).has_value() : number_in<uint64_t>(value).has_value();
        return fits ? "" : expected_of(type) + " of at most 64 bits";
    }
    if (type == "FLOAT") {
        const auto number = number_in<double>(value.starts_with('+') ? value.substr(1) : value);
        return number && std::isfinite(*number) ? "" : "a number that is finite";
    }
    return "";
}

std::vector<const CLI::Option*> options_of(const CLI::App& app) {
    std::vector<const CLI::Option*> options;
    for (const CLI::App* at = &app; at != nullptr; at = at->get_parent())
        for (const CLI::Option* option : at->get_options()) options.push_back(option);
    return options;
}

std::vector<std::string> option_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::Option* option : options_of(app))
        for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    return names;
}

/// The option that the parser's message is about.
const CLI::Option* option_in(const std::string& message, const CLI::App& app) {
    for (const CLI::Option* option : options_of(app)) {
        const std::string name = option->get_name();
        if (message.starts_with(name + ":") || message.starts_with(name + " ") ||
            message.starts_with("Could not convert: " + name + " = ") || message.ends_with(" for " + name))
            return option;
    }
    return nullptr;
}

std::string quoted(const std::vector<std::string>& values) {
    std::string list;
    for (const std::string& value : values) list += (list.empty() ? "'" : ", '") + value + "'";
    return list;
}

/// "data download"; empty of the program itself.
std::string path_of(const CLI::App& app) {
    if (app.get_parent() == nullptr) return {};
    const std::string before = path_of(*app.get_parent());
    return before + (before.empty() ? "" : " ") + app.get_name();
}

std::string see_help(const CLI::App& app) {
    const std::string path = path_of(app);
    return "see spikelens " + path + (path.empty() ? "" : " ") + "--help";
}

std::vector<std::string> command_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
    return names;
}

std::string missing_sentence(const CLI::App& app) {
    std::string missing;
    for (const CLI::Option* option : app.get_options()) {
        if (!option->get_required() || option->count() > 0) continue;
        std::string what = option->get_description();
        if (what.size() > 1 && std::islower(static_cast<unsigned char>(what[1])) != 0)
            what[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(what[0])));
        missing += fmt::format("{}{} ({})", missing.empty() ? "" : " and ", option->get_name(), what);
    }
    if (!missing.empty()) return path_of(app) + " needs " + missing + "; " + see_help(app);
    return "a command is needed: " + fmt::format("{}", fmt::join(command_names(app), ", ")) + "; " + see_help(app);
}

std::string extra_sentence(const CLI::App& app, const std::string& argument) {
    const std::string word = argument.substr(0, argument.find('='));
    if (word.starts_with("-")) {
        const std::string near = nearest(word, option_names(app));
        return "unknown option '" + word + "'; " + (near.empty() ? see_help(app) : "did you mean '" + near + "'?");
    }
    const std::vector<std::string> commands = command_names(app);
    if (commands.empty()) return "unexpected argument '" + argument + "'; " + see_help(app);
    return "unknown command '" + argument + "'" + suggestion(argument, commands);
}

std::string switch_sentence(const CLI::Option& option) {
    return option.get_name() + " is a switch and takes no value, but was given " + quoted(option.results());
}

/// A value that cannot be converted: the first of several that is wrong.
std::string conversion_sentence(const CLI::Option& option) {
    const std::string type = option.get_type_name();
    if (option.get_expected_max() == 0) return switch_sentence(option);
    for (const std::string& value : option.results())
        if (const std::string wrong = complaint(type, value); !wrong.empty())
            return fmt::format("{} is '{}', expected {}", option.get_name(), value, wrong);
    return option.get_name() + " is " + quoted(option.results()) + ", expected a smaller number";
}

std::string count_sentence(const CLI::Option& option) {
    if (option.results().size() > 1)
        return fmt::format("{} is given {} times ({}), expected once", option.get_name(), option.results().size(),
                           quoted(option.results()));
    const std::string expected = expected_of(option.get_type_name());
    return option.get_name() + " needs " + (expected == any_value ? any_value : "a value: " + expected);
}

std::string validation_sentence(const CLI::Option& option, const std::string& message) {
    const size_t at = message.find(kExpected);
    return option.get_name() + " is " + quoted(option.results()) + ", " +
           (at == std::string::npos ? "which it cannot be" : message.substr(at));
}

}  // namespace

const CLI::App& deepest(const CLI::App& program) {
    const auto called = program.get_subcommands();
    return called.empty() ? program : deepest(*called.front());
}

std::string usage_sentence(const CLI::App& program, const CLI::ParseError& error) {
    const CLI::App& app = deepest(program);
    if (const std::vector<std::string> extras = program.remaining(true); !extras.empty())
        return extra_sentence(app, extras.front());
    if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) return missing_sentence(app);
    const std::string message = error.what();
    const CLI::Option* option = option_in(message, app);
    if (option == nullptr) return "the command line cannot be understood; " + see_help(app);
    if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr) return conversion_sentence(*option);
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) return count_sentence(*option);
    if (dynamic_cast<const CLI::ValidationError*>(&error) != nullptr) return validation_sentence(*option, message);
    return option->get_name() + " cannot be used like this; " + see_help(app);
}

std::string unknown_command(const CLI::App& program) {
    const CLI::App& app = deepest(program);
    if (command_names(app).empty()) return {};
    for (const std::string& word : program.remaining(true))
        if (!word.starts_with("-")) return extra_sentence(app, word);
    return {};
}

void check_values(const CLI::App& program) {
    for (const CLI::Option* option : options_of(deepest(program)))
        for (const std::string& value : option->results())
            if (option->get_expected_max() == 0) {
                if (value != "true" && value != "false") throw InputError(switch_sentence(*option));
            } else if (value.empty()) {
                throw InputError(option->get_name() + " is empty, expected " + expected_of(option->get_type_name()));
            } else if (const std::string wrong = complaint(option->get_type_name(), value); !wrong.empty())
                throw InputError(fmt::format("{} is '{}', expected {}", option->get_name(), value, wrong));
}

CLI::Validator between(int64_t low, int64_t high) {
    const std::string expected = fmt::format("{}{} to {}", kExpected, low, high);
    return {[=](const std::string& text) {
                const auto value = number_in<int64_t>(text);
                return value && *value >= low && *value <= high ? std::string() : expected;
            },
            ""};
}

int64_t parse_memory(const std::string& text) {
    std::string digits = text;
    if (!digits.empty() && std::toupper(static_cast<unsigned char>(digits.back())) == 'B') digits.pop_back();
    int64_t unit = 1;
    for (const auto& [letter, size] : {std::pair{'K', int64_t{1} << 10}, {'M', int64_t{1} << 20}, {'G', int64_t{1} << 30}})
        if (!digits.empty() && std::toupper(static_cast<unsigned char>(digits.back())) == letter) {
            unit = size;
            digits.pop_back();
            break;
        }
    const auto value = number_in<int64_t>(digits);
    if (!value || *value <= 0 || *value > std::numeric_limits<int64_t>::max() / unit)
        throw InputError("--memory is '" + text + "', expected a size above 0 such as 512M or 4G");
    return *value * unit;
}

}  // namespace spikelens::app
