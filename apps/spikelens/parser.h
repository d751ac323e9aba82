#pragma once

#include <vector>

#include <CLI/CLI.hpp>

#include "commands.h"

namespace spikelens::app {

/// Gives the parser these options, which outlive it.
void add_options(CLI::App& app, const OptionTable& table);

/// Gives the parser these commands, which outlive it; `called` is then the one that the command line asks for.
void add_commands(CLI::App& app, const std::vector<Command>& commands, const Command*& called);

}  // namespace spikelens::app
