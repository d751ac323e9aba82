#pragma once

#include <CLI/CLI.hpp>

#include "commands.h"

namespace spikelens::app {

/// Help texts in 80 columns, for this program and the commands added after the call, and what its last lines say.
void set_help(CLI::App& program);

/// The command `help [COMMAND]`.
Command help_command(const CLI::App& program);

/// A help text as a result.
Outcome help_outcome(const std::string& text);

}  // namespace spikelens::app
