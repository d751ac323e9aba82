#include "nir_child.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spikelens/core/error.h"

namespace spikelens {
namespace {

constexpr int kAnswerDescriptor = 3;
constexpr int kGraceSeconds = 1;  ///< the child's own alarm comes first
constexpr int kPollMilliseconds = 50;

// ---- in the child
// ----------------------------------------------------------------------------------------------------------

/// `warning`: how much before the hard limit the signal comes that says which limit it was.
void limit(__rlimit_resource resource, rlim_t value, rlim_t warning = 0) {
    rlimit current{};
    getrlimit(resource, &current);
    current.rlim_max = std::min(current.rlim_max, value + warning);
    current.rlim_cur = std::min(current.rlim_max, value);
    setrlimit(resource, &current);
}

/// Address space in use. 0 where the system does not say: then the limits of what is read alone bound the memory.
uint64_t address_space() {
    const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    std::array<char, 64> text{};
    const ssize_t length = read(file, text.data(), text.size() - 1);
    close(file);
    return length > 0 ? std::strtoull(text.data(), nullptr, 10) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

/// The program's handlers must not run here: the default ends the child. What the terminal sends is for the parent to
/// decide.
void reset_signals() {
    for (int signal = 1; signal < NSIG; ++signal) std::signal(signal, SIG_DFL);
    for (int signal : {SIGINT, SIGQUIT, SIGHUP}) std::signal(signal, SIG_IGN);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Keeps the answer's descriptor and closes everything else, so that no file, pipe or socket of the program stays open
/// because a child still has it. Standard streams lead nowhere: libraries that abort print.
void keep_only(int descriptor) {
    const int kept = fcntl(descriptor, F_DUPFD, kAnswerDescriptor + 1);
    const int nowhere = open("/dev/null", O_RDWR);
    for (int standard : {0, 1, 2}) dup2(nowhere, standard);
    dup2(kept, kAnswerDescriptor);
    close_range(kAnswerDescriptor + 1, ~0U, 0);
}

[[noreturn]] void be_child(int descriptor, pid_t parent, const std::function<void(int)>& work,
                           const ChildLimits& limits) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    reset_signals();
    keep_only(descriptor);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, static_cast<rlim_t>(limits.processor_seconds), 1);
    // Relative to what is mapped already: AddressSanitizer and CUDA reserve terabytes that are never used.
    if (const uint64_t used = address_space(); used > 0) limit(RLIMIT_AS, used + limits.memory);
    alarm(static_cast<unsigned>(limits.seconds));
    work(kAnswerDescriptor);
    _exit(0);  // no destructors, no atexit: they belong to the parent
}

// ---- in the parent
// ---------------------------------------------------------------------------------------------------------

class Child {
  public:
    Child(pid_t process, int descriptor) : process_(process), descriptor_(descriptor) {}
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        close(descriptor_);
        if (!ended_) {
            kill(process_, SIGKILL);
            wait(0);
        }
    }

    void stop() const { kill(process_, SIGKILL); }

    /// Whether the child has ended; waits for it unless told not to.
    bool wait(int options) {
        while (!ended_) {
            const pid_t result = waitpid(process_, &status_, options);
            if (result == 0) return false;
            if (result < 0 && errno == EINTR) continue;
            known_ = result == process_;  // not known where SIGCHLD is ignored: the system has thrown the status away
            ended_ = true;
        }
        return true;
    }

    /// Takes what is there. False at the end of the answer.
    bool read_available(std::string& bytes, uint64_t most) const {
        std::array<char, 65536> buffer;
        while (bytes.size() <= most) {
            const ssize_t count = read(descriptor_, buffer.data(), buffer.size());
            if (count > 0) bytes.append(buffer.data(), static_cast<size_t>(count));
            if (count == 0) return false;
            if (count < 0 && errno != EINTR) return errno == EAGAIN;
        }
        return false;
    }

    void await_data() const {
        pollfd watched{descriptor_, POLLIN, 0};
        poll(&watched, 1, kPollMilliseconds);
    }

    std::string failure() const {
        if (!known_ || (WIFEXITED(status_) && WEXITSTATUS(status_) == 0)) return "";
        if (WIFSIGNALED(status_) && (WTERMSIG(status_) == SIGALRM || WTERMSIG(status_) == SIGXCPU))
            return "did not come to an end in time";
        if (WIFSIGNALED(status_))
            return fmt::format("was stopped by signal {} ({})", WTERMSIG(status_), strsignal(WTERMSIG(status_)));
        return fmt::format("ended with status {}", WEXITSTATUS(status_));
    }

  private:
    pid_t process_;
    int descriptor_;
    int status_ = 0;
    bool ended_ = false, known_ = true;
};

/// Until the end of the answer, or of the child: should another process have inherited the pipe, its end alone would
/// not tell.
void collect(Child& child, ChildAnswer& answer, const ChildLimits& limits) {
    using Clock = std::chrono::steady_clock;
    const auto deadline = Clock::now() + std::chrono::seconds(limits.seconds + kGraceSeconds);
    while (child.read_available(answer.bytes, limits.answer)) {
        if (child.wait(WNOHANG)) {
            child.read_available(answer.bytes, limits.answer);
            break;
        }
        if (Clock::now() > deadline) child.stop();
        child.await_data();
    }
    if (answer.bytes.size() > limits.answer) child.stop();
    child.wait(0);
}

}  // namespace

ChildLimits limits_for_file(uint64_t size) {
    constexpr uint64_t least_memory = uint64_t{1} << 29, per_byte = 64, bytes_a_second = uint64_t{1} << 22;
    constexpr uint64_t most_seconds = 3600;
    ChildLimits limits;
    const auto more = static_cast<int>(std::min(size / bytes_a_second, most_seconds));
    limits.processor_seconds += more;
    limits.seconds += 2 * more;
    limits.memory = std::min(limits.memory, least_memory + std::min(size, limits.memory) * per_byte);
    return limits;
}

void write_or_exit(int descriptor, const char* bytes, size_t length) {
    while (length > 0) {
        const ssize_t count = write(descriptor, bytes, length);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) _exit(1);
        bytes += count;
        length -= static_cast<size_t>(count);
    }
}

ChildAnswer run_in_child(const std::function<void(int)>& work, const ChildLimits& limits) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw RunError(fmt::format("cannot make a pipe: {}", std::strerror(errno)));
    fcntl(ends[0], F_SETFL, O_NONBLOCK);  // the reading end alone: each end has its own flags
    const pid_t parent = getpid();
    const pid_t process = fork();
    if (process == 0) be_child(ends[1], parent, work, limits);
    const int error = errno;
    close(ends[1]);
    if (process < 0) {
        close(ends[0]);
        throw RunError(fmt::format("cannot start a process: {}", std::strerror(error)));
    }
    Child child(process, ends[0]);
    ChildAnswer answer;
    collect(child, answer, limits);
    answer.failure = answer.bytes.size() > limits.answer ? "gave more than it may" : child.failure();
    return answer;
}

}  // namespace spikelens
