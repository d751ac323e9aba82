#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "spikelens/core/progress.h"
#include "spikelens/pipeline/stage.h"

namespace spikelens::app {

/// What the program says: results on standard output, everything else on standard error.
class Console {
  public:
    /// `quiet`: no progress. `silent`: no line at all, of a process whose job speaks by another.
    explicit Console(bool quiet, bool silent = false);
    ~Console();
    Console(const Console&) = delete;
    Console& operator=(const Console&) = delete;

    /// A line on standard error, above the progress bar.
    void message(const std::string& line);
    /// A line that is said when the result has been printed; of a command that fails, its error is the one line.
    void message_at_end(std::string line) { at_end_.push_back(std::move(line)); }
    void say_what_was_left();
    /// A bar of one line on a terminal; elsewhere a line when a task begins and ends, and every ten seconds between.
    /// Throws Cancelled when the program was asked to stop.
    Progress progress();
    /// For a stage of the library: its lines, and what it keeps.
    StageNotes notes();
    /// Takes the bar away, for the line that says what is kept.
    void clear();
    /// Ends the bar of the task under way, if any.
    void finish();

  private:
    void show(const ProgressEvent& event);
    void draw(const ProgressEvent& event, double seconds) const;
    /// The next event draws the bar of the task under way anew, below.
    void above_the_bar(const std::string& text) const;

    using Clock = std::chrono::steady_clock;
    bool quiet_, silent_;
    bool terminal_;
    std::string task_;
    std::vector<std::string> at_end_;
    bool open_ = false;
    int64_t first_done_ = 0;
    Clock::time_point started_, shown_;
};

}  // namespace spikelens::app
