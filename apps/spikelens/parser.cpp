#include "parser.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "spikelens/core/printable.h"
#include "spikelens/core/text.h"
#include "spikelens/core/version.h"

namespace spikelens::app {
namespace {

constexpr int kNames = 30;  // columns for the names of options and commands

constexpr const char* kEveryCommand =
    "Also: --json, --quiet, --no-wait, --seed, --threads, --memory; see spikelens --help.";
constexpr const char* kFooter =
    "Exit status: 0, the result was printed; 1, the world failed (a full disk, too little memory), or, without a word, "
    "the reader of the output went away; 2, bad input (an option, a file). One line on standard error says what, where "
    "and what was expected; with --json it is {\"error\": {\"kind\": \"input\" or \"run\", \"message\": …}}.";

class HelpFormatter : public CLI::Formatter {
  public:
    HelpFormatter() {
        label("SUBCOMMAND", "COMMAND");
        label("Positionals", "Arguments");
    }
    std::string make_option(const CLI::Option* option, bool positional) const override {
        return entry(make_option_name(option, positional) + make_option_opts(option), make_option_desc(option));
    }
    std::string make_subcommand(const CLI::App* command) const override {
        return entry(command->get_display_name(true), command->get_description());
    }
    std::string make_description(const CLI::App* app) const override { return paragraph(app->get_description()); }
    std::string make_footer(const CLI::App* app) const override { return paragraph(app->get_footer()); }
    std::string make_option_opts(const CLI::Option* option) const override {
        if (option->get_type_size() == 0) return "";
        const std::string usual = option->get_default_str();
        return " " + option->get_type_name() + (usual.empty() ? "" : "=" + usual) +
               (option->get_expected_max() > 1 ? " ..." : "") + (option->get_required() ? " (needed)" : "");
    }

  private:
    static std::string entry(const std::string& names, const std::string& description) {
        if (columns_of(names) + 4 <= kNames) return paragraph(description, kNames, "  " + names);
        std::string lines;
        for (const std::string& line : wrap(names, kTextWidth - 6))
            lines += (lines.empty() ? "  " : "      ") + line + "\n";
        return lines + paragraph(description, kNames);
    }
};

void add_option(CLI::App& app, const Option& option) {
    if (option.type.empty()) {
        app.add_flag_callback(
               option.name, [&option] { option.read({}); }, option.help)
            ->disable_flag_override();
        return;
    }
    const auto read_all = [&option](const Strings& words) { option.read(words); };
    const auto read_one = [&option](const std::string& word) { option.read({word}); };
    CLI::Option* const added = option.list ? app.add_option_function<Strings>(option.name, read_all, option.help)
                                           : app.add_option_function<std::string>(option.name, read_one, option.help);
    added->type_name(option.type)
        ->required(option.needed)
        ->default_str(fmt::format("{}", fmt::join(option.usual, " ")));
}

struct HelpCommand {
    Strings command;
};

void declare(OptionTable& table, HelpCommand& command) {
    table
        .add_option({"command", "The command to explain; by default all", "TEXT",
                     [&command](const Strings& words) { command.command = words; }, [] { return Strings{}; }})
        .many();
}

Outcome help_outcome(const std::string& text) { return {{{"command", "help"}, {"text", text}}, text}; }

}  // namespace

Parser::Parser(const OptionTable& options, std::vector<Command> commands)
    : program_("Shows what a spiking neural network has learned, and why it decided.", "spikelens"),
      commands_(std::move(commands)) {
    commands_.push_back(command_of<HelpCommand>(
        "help", "Explain a command",
        [this](const HelpCommand& asked, const Call&) { return help_outcome(help_on(asked.command)); }));
    program_.formatter(std::make_shared<HelpFormatter>());
    program_.set_help_flag("-h,--help", "Print this text");
    program_.set_version_flag("--version", fmt::format("spikelens {}", version), "Print the version");
    program_.footer(kFooter);
    for (const auto& option : options.options()) add_option(program_, *option);
    add(program_, commands_);
    program_.require_subcommand(1);
}

void Parser::add(CLI::App& app, const std::vector<Command>& commands) {
    app.fallthrough();
    for (const Command& command : commands) {
        CLI::App* const one = app.add_subcommand(command.name, command.description);
        one->group("Commands")->footer(kEveryCommand);
        for (const auto& option : command.options.options()) add_option(*one, *option);
        add(*one, command.parts);
        if (!command.parts.empty()) one->require_subcommand(command.run ? 0 : 1, 1);
        one->callback([this, one, &command] {
            if (one->get_subcommands().empty()) called_ = &command;
        });
    }
}

const Command& Parser::parse(int argc, char** argv) {
    const auto answer = [this](const Outcome& outcome) -> const Command& {
        answer_.shares = true;
        answer_.run = [outcome](const Call&) { return outcome; };
        return answer_;
    };
    if (argc == 1) return answer(help_outcome(program_.help()));
    try {
        program_.parse(argc, argv);
        return *called_;
    } catch (const CLI::CallForHelp&) {
        if (const std::string unknown = unknown_command(program_); !unknown.empty()) throw InputError(unknown);
        return answer(help_outcome(program_.help()));
    } catch (const CLI::CallForVersion&) {
        return answer({{{"spikelens", version}}, program_.version() + "\n"});
    } catch (const CLI::ParseError& error) {
        throw InputError(usage_sentence(program_, error));
    }
}

std::string Parser::help_on(const Strings& command) const {
    const CLI::App* at = &program_;
    std::string before;
    for (const std::string& word : command) {
        Strings names;
        const CLI::App* next = nullptr;
        for (const CLI::App* one : at->get_subcommands({}))
            if (names.emplace_back(one->get_name()) == word) next = one;
        if (next == nullptr) throw InputError("there is no help on '" + word + "'" + suggestion(word, names));
        before += (before.empty() ? "" : " ") + at->get_name();
        at = next;
    }
    return at->get_formatter()->make_help(at, before.empty() ? at->get_name() : before + " " + at->get_name(), {});
}

}  // namespace spikelens::app
