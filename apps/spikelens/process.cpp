#include "process.h"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "output.h"

namespace spikelens::app {
namespace {

/// A descriptor closed at start would be given to the first file opened, and messages written into it. Each is opened the wrong
/// way round, so that reading or writing it still fails.
void take_standard_descriptors() {
    for (int descriptor = 0; descriptor < 3; ++descriptor)
        if (::fcntl(descriptor, F_GETFD) < 0) (void)::open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY);
}

/// The last resort: an exception that nobody could catch, of a thread that is not ours.
[[noreturn]] void end_with_sentence() {
    try {
        if (const std::exception_ptr error = std::current_exception()) std::rethrow_exception(error);
        say("spikelens: ended by an error inside a library\n");
    } catch (const std::bad_alloc&) {
        say("spikelens: not enough memory for a library's thread; fewer --threads need less\n");
    } catch (const std::exception& error) {
        const char* text = error.what();
        say("spikelens: ended by an error inside a library: " + std::string(text, std::strcspn(text, "\n")) + "\n");
    } catch (...) {
        say("spikelens: ended by an error inside a library\n");
    }
    std::_Exit(1);
}

}  // namespace

void prepare_process() {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    std::set_terminate(end_with_sentence);
}

void end_process(int status) { std::_Exit(status); }

/// Before the initialisers of any library, so that no file of theirs takes a standard descriptor's place.
extern "C" {
__attribute__((section(".preinit_array"), used)) void (*const spikelens_before_libraries)() = take_standard_descriptors;
}

}  // namespace spikelens::app
