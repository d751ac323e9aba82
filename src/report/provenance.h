#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "page.h"

namespace spikelens::report {

/// Words as one line for a POSIX shell (control characters and broken UTF-8 as $'…', which bash and zsh read): pasted,
/// they are the same words again.
std::string shell(const std::vector<std::string>& words);

/// The command lines that made a stage's results, as pasted into a shell; empty where the run did not record them.
/// `stage`: "train", "import", "interpret", "explain", "evaluate", "report".
std::vector<std::string> recorded_commands(const Page& page, const std::string& stage);

/// All of them in the order in which they were needed, none twice.
std::vector<std::string> all_commands(const Page& page);

/// The stages whose results the page shows, but whose options were not recorded.
std::vector<std::string> unrecorded_stages(const Page& page);

/// What made a figure: the stages' commands behind a word to open, or that they were not recorded.
Html made_by(const Page& page, const std::vector<std::string>& stages);

}  // namespace spikelens::report
