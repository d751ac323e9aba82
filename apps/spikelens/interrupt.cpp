#include "interrupt.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <mutex>
#include <system_error>
#include <thread>

#include <unistd.h>

#include "spikelens/core/error.h"
#include "spikelens/core/printable.h"

#include "output.h"

namespace spikelens::app {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kUsualPatience{400};
/// timeout(1) and terminals that close send a signal twice; a person needs longer.
constexpr milliseconds kSameRequest{100};
constexpr milliseconds kPause{10};
constexpr std::chrono::hours kLong{1};

struct State {
    sigset_t signals{};                ///< asking()
    std::atomic<int> signal = 0;       ///< which asked; 0: none
    std::atomic<bool> looked = false;  ///< whether the program has seen it
    std::atomic<milliseconds> patience = kUsualPatience;
    std::atomic<bool> silent = false;
    std::mutex mutex;  ///< of the line, and of the end
    std::string line = "spikelens: stopped; nothing new was kept\n";
};
State state;

[[noreturn]] void end_by(int signal) {
    const std::lock_guard guard(state.mutex);  // whoever ends the program second, waits here
    if (!state.silent && isatty(STDERR_FILENO) != 0) write_all(STDERR_FILENO, "\r\033[K");
    if (!state.silent) write_all(STDERR_FILENO, state.line);
    std::signal(signal, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &state.signals, nullptr);
    std::raise(signal);
    _exit(128 + signal);
}

/// The signal that comes within this time; 0: none.
int next_signal(milliseconds time) {
    const timespec most = {time.count() / 1000, time.count() % 1000 * 1'000'000};
    return std::max(0, sigtimedwait(&state.signals, nullptr, &most));
}

[[noreturn]] void watch() {
    Clock::time_point asked_at;
    for (;;) {
        const int signal = next_signal(state.signal == 0 ? kLong : kPause);
        const auto waited = Clock::now() - asked_at;
        if (state.signal != 0) {
            if (signal != 0 && waited > kSameRequest) end_by(signal);
            if (!state.looked && waited > state.patience.load()) end_by(state.signal);
        } else if (signal != 0) {
            asked_at = Clock::now();
            state.looked = false;
            state.signal = signal;
        }
    }
}

/// The signals that ask to stop, without those that are ignored.
sigset_t asking() {
    sigset_t signals{};
    sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction action {};
        if (sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) sigaddset(&signals, signal);
    }
    return signals;
}

}  // namespace

void hold_interrupts() {
    const sigset_t signals = asking();
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void listen_for_interrupts() {
    state.signals = asking();
    try {
        std::thread(watch).detach();
    } catch (const std::system_error& error) {
        throw RunError("the system gives no thread: " + error.code().message());
    }
}

void work_is_done() {
    state.signal = 0;
    be_patient(kUsualPatience);
    note_kept("the work is done, but its result was not printed to the end");
}

bool asked_to_stop() {
    if (state.signal == 0) return false;
    state.looked = true;
    return true;
}

void be_patient(milliseconds patience) { state.patience = patience; }

void be_silent() { state.silent = true; }

void note_kept(const std::string& sentence) {
    const std::lock_guard guard(state.mutex);
    state.line = "spikelens: stopped; " + printable(sentence) + "\n";
}

void end_interrupted() { end_by(state.signal); }

}  // namespace spikelens::app
