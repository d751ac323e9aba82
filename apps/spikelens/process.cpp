#include "process.h"

#include <array>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <new>

#include <fcntl.h>
#include <unistd.h>

#include "interrupt.h"
#include "output.h"

namespace spikelens::app {
namespace {

/// A descriptor closed at start would be given to the first file opened, and messages written into it. Each is opened
/// the wrong way round, so that reading or writing it still fails.
void take_standard_descriptors() {
    for (int descriptor = 0; descriptor < 3; ++descriptor)
        if (::fcntl(descriptor, F_GETFD) < 0) (void)::open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY);
}

bool started = false;

/// The last resort: an exception that nobody could catch, of a library's initialisation or of a thread that is not
/// ours. Nothing here takes memory: there may be none.
[[noreturn]] void end_with_sentence() {
    std::array<char, 400> sentence{};
    const char* what = "an error inside a library";
    try {
        if (const std::exception_ptr error = std::current_exception()) std::rethrow_exception(error);
    } catch (const std::bad_alloc&) {
        what = started
                   ? "not enough memory for a library's thread; fewer --threads need less"
                   : "not enough memory to start: the address space is limited (ulimit -v) to less than about 800 MB";
    } catch (const std::exception& error) {
        what = error.what();
    } catch (...) {
    }
    size_t length = 0;
    for (const char* part : {"spikelens: ", what})
        for (; *part != '\0' && *part != '\n' && length < sentence.size() - 1; ++part)
            sentence.at(length++) = static_cast<unsigned char>(*part) < 0x20 || *part == 0x7F ? '?' : *part;
    sentence.at(length++) = '\n';
    write_all(STDERR_FILENO, {sentence.data(), length});
    std::_Exit(1);
}

void before_libraries() {
    take_standard_descriptors();
    hold_interrupts();
    std::set_terminate(end_with_sentence);
}

}  // namespace

void prepare_process() {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    started = true;
}

/// Before the initialisers of any library: no file of theirs takes a standard descriptor's place, and what they throw
/// is told.
extern "C" {
__attribute__((section(".preinit_array"), used)) void (*const spikelens_before_libraries)() = before_libraries;
}

}  // namespace spikelens::app
