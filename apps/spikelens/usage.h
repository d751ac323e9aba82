#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace spikelens::app {

/// The command under way, however deep.
const CLI::App& deepest(const CLI::App& program);

/// One sentence for what the parser of the command line could not make sense of: which option, what was given, what is
/// expected; the nearest name for an unknown one.
std::string usage_sentence(const CLI::App& program, const CLI::ParseError& error);

/// The sentence for a word that is no command, where the command line has one before it asks for help; empty otherwise.
std::string unknown_command(const CLI::App& program);

/// Throws InputError for a value given to a switch.
void check_switches(const CLI::App& program);

}  // namespace spikelens::app
