#include "output.h"

#include <cerrno>
#include <cstring>
#include <string>

#include <poll.h>
#include <unistd.h>

#include "spikelens/core/printable.h"

namespace spikelens::app {

bool write_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
        if (written > 0) {
            bytes.remove_prefix(static_cast<size_t>(written));
        } else if (written < 0 && errno == EAGAIN) {  // a pipe or terminal that somebody has set not to wait
            pollfd ready{descriptor, POLLOUT, 0};
            ::poll(&ready, 1, 1000);
        } else if (written == 0 || errno != EINTR) {
            return false;
        }
    }
    return true;
}

void say(std::string_view text) { write_all(STDERR_FILENO, printable_lines(text)); }

int print_result(std::string_view text) {
    if (write_all(STDOUT_FILENO, text)) return 0;
    if (errno != EPIPE) say(std::string("spikelens: cannot write to standard output: ") + std::strerror(errno) + "\n");
    return 1;
}

}  // namespace spikelens::app
