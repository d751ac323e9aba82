#include "help.h"

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/core/printable.h"
#include "spikelens/core/text.h"

namespace spikelens::app {
namespace {

constexpr int kNames = 30;  // columns for the names of options and commands

constexpr const char* kFooter =
    "Exit status: 0, the result was printed; 1, the world failed (a full disk, too little memory), or, without a word, the "
    "reader of the output went away; "
    "2, bad input (an option, a file). One line on standard error says what, where and what was expected; with --json it "
    "is {\"error\": {\"kind\": \"input\" or \"run\", \"message\": …}}.";

class HelpFormatter : public CLI::Formatter {
  public:
    std::string make_option(const CLI::Option* option, bool positional) const override {
        return entry(make_option_name(option, positional) + make_option_opts(option), make_option_desc(option));
    }
    std::string make_subcommand(const CLI::App* command) const override {
        return entry(command->get_display_name(true), command->get_description());
    }
    std::string make_description(const CLI::App* app) const override { return paragraph(app->get_description()); }
    std::string make_footer(const CLI::App* app) const override { return paragraph(app->get_footer()); }

    /// "=a,b …": a list's usual value as it would be typed.
    std::string make_option_opts(const CLI::Option* option) const override {
        if (!option->get_option_text().empty()) return " " + option->get_option_text();
        if (option->get_type_size() == 0) return "";
        std::string usual = option->get_default_str();
        if (usual.starts_with('[') && usual.ends_with(']')) usual = usual.substr(1, usual.size() - 2);
        return " " + option->get_type_name() + (usual.empty() ? "" : "=" + usual) +
               (option->get_expected_max() == CLI::detail::expected_max_vector_size ? " ..." : "") +
               (option->get_required() ? " (needed)" : "");
    }
    /// Of a switch that turns something off ("--no-bias{false}") the name alone.
    std::string make_option_name(const CLI::Option* option, bool positional) const override {
        const std::string name = CLI::Formatter::make_option_name(option, positional);
        return name.substr(0, name.find('{'));
    }

  private:
    static std::string entry(const std::string& names, const std::string& description) {
        if (columns_of(names) + 4 <= kNames) return paragraph(description, kNames, "  " + names);
        std::string lines;
        for (const std::string& line : wrap(names, kTextWidth - 6)) lines += (lines.empty() ? "  " : "      ") + line + "\n";
        return lines + paragraph(description, kNames);
    }
};

struct HelpCommand {
    Strings command;
};

void declare(OptionTable& table, HelpCommand& command) {
    table.add_list("command", command.command, "", "The command to explain; by default all");
}

}  // namespace

void set_help(CLI::App& program) {
    const auto formatter = std::make_shared<HelpFormatter>();
    formatter->label("SUBCOMMAND", "COMMAND");
    formatter->label("Positionals", "Arguments");
    program.formatter(formatter);
    program.set_help_flag("-h,--help", "Print this text");
    program.footer(kFooter);
}

Outcome help_outcome(const std::string& text) { return {{{"command", "help"}, {"text", text}}, text}; }

Command help_command(const CLI::App& program) {
    return command_of<HelpCommand>("help", "Explain a command", [&program](const HelpCommand& asked, const Call&) {
        const CLI::App* at = &program;
        std::string before;
        for (const std::string& word : asked.command) {
            Strings names;
            const CLI::App* next = nullptr;
            for (const CLI::App* command : at->get_subcommands({})) {
                names.push_back(command->get_name());
                if (command->get_name() == word) next = command;
            }
            if (next == nullptr) throw InputError("there is no help on '" + word + "'" + suggestion(word, names));
            before += (before.empty() ? "" : " ") + at->get_name();
            at = next;
        }
        if (at == &program) return help_outcome(program.get_formatter()->make_help(&program, "spikelens", {}));
        return help_outcome(at->help(before));
    });
}

}  // namespace spikelens::app
