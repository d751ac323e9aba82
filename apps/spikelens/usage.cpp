#include <cctype>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "spikelens/core/nearest.h"

#include "parser.h"

namespace spikelens::app {
namespace {

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

/// The option that the parser's message begins with: "--epochs: …", "--out …", "json …".
const CLI::Option* option_in(const std::string& message, const CLI::App& app) {
    const std::string name = message.substr(0, message.find_first_of(": "));
    for (const CLI::Option* option : options_of(app))
        if (name == option->get_name() || name == option->get_single_name()) return option;
    return nullptr;
}

/// The command under way, however deep.
const CLI::App& deepest(const CLI::App& program) {
    const auto called = program.get_subcommands();
    return called.empty() ? program : deepest(*called.front());
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
        what.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(what.front())));
        missing += fmt::format("{}{} ({})", missing.empty() ? "" : " and ", option->get_name(), what);
    }
    if (!missing.empty()) return path_of(app) + " needs " + missing + "; " + see_help(app);
    return (path_of(app).empty() ? "" : path_of(app) + ": ") +
           "a command is needed: " + fmt::format("{}", fmt::join(command_names(app), ", ")) + "; " + see_help(app);
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

std::string option_sentence(const CLI::Option& option) {
    if (option.get_expected_max() == 0) return option.get_name() + " is a switch and takes no value";
    if (option.results().size() > 1)
        return fmt::format("{} is given {} times ('{}'), expected once", option.get_name(), option.results().size(),
                           fmt::join(option.results(), "', '"));
    const std::string expected = expected_of(option.get_type_name());
    return option.get_name() + " needs a value" + (expected == "a value" ? "" : ": " + expected);
}

}  // namespace

std::string usage_sentence(const CLI::App& program, const CLI::ParseError& error) {
    const CLI::App& app = deepest(program);
    if (const std::vector<std::string> extras = program.remaining(true); !extras.empty())
        return extra_sentence(app, extras.front());
    if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) return missing_sentence(app);
    const CLI::Option* option = option_in(error.what(), app);
    if (option == nullptr) return "the command line cannot be understood; " + see_help(app);
    return option_sentence(*option);
}

std::string unknown_command(const CLI::App& program) {
    const CLI::App& app = deepest(program);
    if (command_names(app).empty()) return {};
    for (const std::string& word : program.remaining(true))
        if (!word.starts_with("-")) return extra_sentence(app, word);
    return {};
}

}  // namespace spikelens::app
