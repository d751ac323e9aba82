#pragma once

#include <chrono>
#include <string>

namespace spikelens::app {

/// From here on SIGINT, SIGTERM and SIGHUP wait until the program listens; one that is ignored (nohup) stays ignored.
/// It is called before any thread starts, those of libraries too: a thread that does not hold them would take them.
void hold_interrupts();

/// From here on these signals ask the program to stop: the next look throws Cancelled. Where no look comes within the
/// patience the program ends all the same: a file that it writes is whole or as it was before. A second signal ends it
/// at once. Throws RunError where the system gives no thread that waits for them.
void listen_for_interrupts();

/// The work is done and only its result is to be printed: what was asked before is forgotten, since nothing is left to
/// stop. Where printing takes longer than the patience, a signal still ends the program.
void work_is_done();

/// Whether the program was asked to stop: a look, by any thread. Once it says so, what follows may take the time it
/// needs.
bool asked_to_stop();

/// How long a look may be away: the usual patience (400 ms) unless said, longer where a step is worth waiting for.
void be_patient(std::chrono::milliseconds patience);

/// A program that is stopped says nothing from here on.
void be_silent();

/// What the program says when it is stopped from here on, after "spikelens: stopped; ": what is kept, and how to go on.
void note_kept(const std::string& sentence);

/// Says that line on standard error, then ends the process by the signal that asked for it: a shell sees 130 or 143.
[[noreturn]] void end_interrupted();

}  // namespace spikelens::app
