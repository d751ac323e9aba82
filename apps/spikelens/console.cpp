#include "console.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "spikelens/core/execution.h"
#include "spikelens/core/printable.h"
#include "spikelens/core/text.h"

#include "interrupt.h"
#include "output.h"

namespace spikelens::app {
namespace {

constexpr const char* kClearLine = "\r\033[K";

int terminal_width() {
    winsize size{};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
    return size.ws_col;
}

/// "2:05" or "1:02:05"
std::string duration_text(double seconds) {
    const auto whole = std::llround(std::max(0.0, seconds));
    if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

/// The line of the progress bar: at most `width` columns, task, bar, share, time left, detail.
std::string progress_line(const ProgressEvent& event, double seconds, int64_t done_before, int width) {
    const double share = event.total > 0 ? static_cast<double>(event.done) / static_cast<double>(event.total) : 0.0;
    std::string tail = fmt::format(" {:3.0f} %", 100 * share);
    if (event.done > done_before && event.done < event.total && seconds > 0.5) {
        const double left =
            seconds * static_cast<double>(event.total - event.done) / static_cast<double>(event.done - done_before);
        tail += fmt::format("  {} left", duration_text(left));
    }
    if (!event.detail.empty()) tail += "  " + printable(event.detail);
    const std::string task = printable(event.task);
    const int bar = std::min(30, width - 1 - columns_of(task) - columns_of(tail) - 3);
    if (bar < 5) return std::string(first_columns(task + tail, std::max(0, width - 1)));
    const int filled = std::clamp(static_cast<int>(share * bar), 0, bar);
    return fmt::format("{} [{}{}]{}", task, std::string(filled, '='), std::string(bar - filled, ' '), tail);
}

}  // namespace

Console::Console(bool quiet, bool silent)
    : quiet_(quiet || silent), silent_(silent), terminal_(isatty(STDERR_FILENO) != 0) {}

Console::~Console() { finish(); }

void Console::message(const std::string& line) {
    if (!silent_) above_the_bar(printable(line) + "\n");
}

void Console::above_the_bar(const std::string& text) const {
    if (open_ && terminal_) write_all(STDERR_FILENO, kClearLine);
    say(text);
}

void Console::say_what_was_left() {
    for (const std::string& line : at_end_) message(line);
    at_end_.clear();
}

void Console::finish() {
    if (open_ && terminal_)
        write_all(STDERR_FILENO,
                  fmt::format("{}{}: {}\n", kClearLine, printable(task_),
                              duration_text(std::chrono::duration<double>(Clock::now() - started_).count())));
    open_ = false;
    task_.clear();
}

Progress Console::progress() {
    return [this](const ProgressEvent& event) {
        if (asked_to_stop()) throw Cancelled();
        if (!quiet_) show(event);
    };
}

StageNotes Console::notes() {
    const auto outlook = [this](const std::string& line) {
        if (!quiet_) above_the_bar(paragraph(printable(line)));
    };
    return {[this](const std::string& line) { message(line); },
            [](const std::string& what) { note_kept(what + ": run the same command again to go on"); }, outlook};
}

void Console::clear() {
    if (open_ && terminal_) write_all(STDERR_FILENO, kClearLine);
    open_ = false;
    task_.clear();
}

void Console::show(const ProgressEvent& event) {
    const auto now = Clock::now();
    const bool new_task = event.task != task_;
    if (new_task) {
        finish();
        task_ = event.task;
        open_ = true;
        started_ = now;
        first_done_ = event.done;
    }
    const bool last = event.done >= event.total;
    const double pause = terminal_ ? 0.1 : 10.0;
    if (!new_task && !last && std::chrono::duration<double>(now - shown_).count() < pause) return;
    if (last && !open_) return;
    shown_ = now;
    draw(event, std::chrono::duration<double>(now - started_).count());
    if (last) {
        if (terminal_) finish();
        open_ = false;
    }
}

void Console::draw(const ProgressEvent& event, double seconds) const {
    if (terminal_) {
        write_all(STDERR_FILENO, kClearLine + progress_line(event, seconds, first_done_, terminal_width()));
    } else {
        const std::string state = event.done >= event.total
                                      ? "done in " + duration_text(seconds)
                                      : fmt::format("{:.0f} %", 100.0 * event.done / std::max<int64_t>(1, event.total));
        say(printable(fmt::format("{}: {}{}{}", event.task, state, event.detail.empty() ? "" : ", ", event.detail)) +
            "\n");
    }
}

}  // namespace spikelens::app
