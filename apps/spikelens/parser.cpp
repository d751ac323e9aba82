#include "parser.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace spikelens::app {
namespace {

constexpr const char* kEveryCommand = "Also: --json, --quiet, --no-wait, --seed, --threads, --memory; see spikelens --help.";

CLI::Option* add_option(CLI::App& app, const Option& option) {
    if (option.type.empty()) {
        const auto set = [&option](int64_t times) {
            if (times > 0) option.read({});
        };
        return app.add_flag_function(option.name, set, option.help);
    }
    const auto read_all = [&option](const Strings& words) { option.read(words); };
    const auto read_one = [&option](const std::string& word) { option.read({word}); };
    CLI::Option* const added = option.list ? app.add_option_function<Strings>(option.name, read_all, option.help)
                                           : app.add_option_function<std::string>(option.name, read_one, option.help);
    return added->type_name(option.type)->default_str(fmt::format("{}", fmt::join(option.usual, " ")));
}

}  // namespace

void add_options(CLI::App& app, const OptionTable& table) {
    for (const auto& option : table.options()) add_option(app, *option)->required(option->needed);
}

void add_commands(CLI::App& app, const std::vector<Command>& commands, const Command*& called) {
    if (commands.empty()) return;
    app.fallthrough();
    for (const Command& command : commands) {
        CLI::App* const one = app.add_subcommand(command.name, command.description);
        one->fallthrough()->group("Commands")->footer(kEveryCommand);
        add_options(*one, command.options);
        add_commands(*one, command.parts, called);
        one->callback([one, &command, &called] {
            if (one->get_subcommands().empty()) called = &command;
        });
    }
    app.require_subcommand(app.get_parent() == nullptr ? 1 : 0, 1);
}

}  // namespace spikelens::app
