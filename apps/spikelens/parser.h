#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "commands.h"

namespace spikelens::app {

/// The program's command line: its commands, their options, and help on all of them in 80 columns.
class Parser {
  public:
    /// `options` are those of every command; they outlive the parser.
    Parser(const OptionTable& options, std::vector<Command> commands);
    /// The command that is asked for, once its options have their values. Throws InputError for what is none.
    const Command& parse(int argc, char** argv);

  private:
    void add(CLI::App& app, const std::vector<Command>& commands);
    std::string help_on(const Strings& command) const;

    CLI::App program_;
    std::vector<Command> commands_;
    Command answer_;  ///< to --help and --version
    const Command* called_ = nullptr;
};

/// One sentence for what the parser could not make sense of: which option, what was given, what is expected; the
/// nearest name for an unknown one.
std::string usage_sentence(const CLI::App& program, const CLI::ParseError& error);

/// The sentence for a word that is no command, where the command line has one before it asks for help; empty otherwise.
std::string unknown_command(const CLI::App& program);

}  // namespace spikelens::app
