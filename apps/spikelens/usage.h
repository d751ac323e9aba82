#pragma once

#include <cstdint>
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

/// Throws InputError for a value given to a switch, a value that is empty, and for a number that would be taken for another
/// than was typed: 010 (octal), -1 where only 0 or more are known, more than 64 bits, nan, inf.
void check_values(const CLI::App& program);

/// Checks of an option's value, whose sentences say what is expected.
CLI::Validator between(int64_t low, int64_t high);

/// "512M", "4G", "100000": bytes. Throws InputError.
int64_t parse_memory(const std::string& text);

}  // namespace spikelens::app
