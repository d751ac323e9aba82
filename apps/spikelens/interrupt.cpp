#include "interrupt.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include <unistd.h>

#include "spikelens/core/error.h"
#include "spikelens/core/printable.h"

namespace spikelens::app {
namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};
constexpr int64_t kMillisecond = 1'000'000;
/// timeout(1) and terminals that close send a signal twice; a person needs longer.
constexpr int64_t kSameRequest = 100 * kMillisecond;
constexpr size_t kLongestLine = 512;
constexpr const char* kNothing = "spikelens: stopped; nothing new was kept\n";

/// A line as a signal handler can write it.
struct Line {
    std::array<char, kLongestLine> text;
    size_t length;
};

/// What signal handlers share with the program; all of it is safe to use in a handler.
struct State {
    std::atomic<int> signal;  ///< which asked to stop; 0: none
    std::atomic<int64_t> asked_at;
    std::atomic<int64_t> patience;
    std::atomic<bool> told;
    std::atomic<bool> terminal;
    /// A new line is written beside the current one, so that a handler finds a whole one.
    std::array<Line, 4> lines;
    std::atomic<size_t> line;
    std::array<bool, kSignals.size()> ours;
    timer_t timer;
};
constinit State state{};
static_assert(std::atomic<int64_t>::is_always_lock_free);

int64_t now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return int64_t{time.tv_sec} * 1000 * kMillisecond + time.tv_nsec;
}

void set_timer(int64_t nanoseconds) {
    itimerspec setting{};
    setting.it_value = {static_cast<time_t>(nanoseconds / (1000 * kMillisecond)),
                        static_cast<long>(nanoseconds % (1000 * kMillisecond))};
    timer_settime(state.timer, 0, &setting, nullptr);
}

void put(const char* text, size_t length) {
    // Nobody can be told that nobody can be told.
    if (write(STDERR_FILENO, text, length) < 0) return;
}

void tell() {
    if (state.told.exchange(true)) return;
    if (state.terminal) put("\r\033[K", 4);
    const Line& line = state.lines[state.line];
    put(line.text.data(), line.length);
}

void restore_defaults() {
    for (size_t i = 0; i < kSignals.size(); ++i)
        if (state.ours[i]) std::signal(kSignals[i], SIG_DFL);
}

/// In a handler the signal arrives when the handler returns.
void end_by(int signal) {
    tell();
    restore_defaults();
    std::raise(signal);
}

void on_signal(int signal) {
    const int error = errno;
    int none = 0;
    if (state.signal.compare_exchange_strong(none, signal)) {
        state.asked_at = now();
        set_timer(state.patience);
    } else if (now() - state.asked_at > kSameRequest) {
        end_by(signal);
    }
    errno = error;
}

void on_timer(int) {
    const int error = errno;
    end_by(state.signal);
    errno = error;
}

void handle(int signal, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    for (const int other : kSignals) sigaddset(&action.sa_mask, other);
    sigaddset(&action.sa_mask, SIGALRM);
    sigaction(signal, &action, nullptr);
}

bool ignored(int signal) {
    struct sigaction action {};
    return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

void set_line(const char* text, size_t length) {
    const size_t next = (state.line + 1) % state.lines.size();
    std::copy_n(text, length, state.lines[next].text.begin());
    state.lines[next].length = length;
    state.line = next;
}

}  // namespace

void listen_for_interrupts() {
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGALRM;
    if (timer_create(CLOCK_MONOTONIC, &event, &state.timer) != 0)
        throw RunError(std::string("the system gives no timer: ") + std::strerror(errno));
    be_patient(kUsualPatience);
    set_line(kNothing, std::strlen(kNothing));
    state.terminal = isatty(STDERR_FILENO) != 0;
    handle(SIGALRM, on_timer);
    for (size_t i = 0; i < kSignals.size(); ++i) {
        state.ours[i] = !ignored(kSignals[i]);
        if (state.ours[i]) handle(kSignals[i], on_signal);
    }
}

void work_is_done() {
    set_timer(0);
    state.signal = 0;
    be_patient(kUsualPatience);
    note_kept("the work is done, but its result was not printed to the end");
}

bool asked_to_stop() {
    if (state.signal == 0) return false;
    set_timer(0);
    return true;
}

void be_patient(std::chrono::milliseconds patience) { state.patience = patience.count() * kMillisecond; }

void be_silent() { state.told = true; }

void note_kept(const std::string& sentence) {
    std::string line = "spikelens: stopped; " + printable(sentence);
    line.resize(std::min(line.size(), kLongestLine - 1));
    line += '\n';
    set_line(line.data(), line.size());
}

void end_interrupted() {
    end_by(state.signal);
    _exit(128 + state.signal);  // the signal is blocked by whoever started the program
}

}  // namespace spikelens::app
