// A disk that fails, for tests: preloaded (LD_PRELOAD) into a program, it counts what the program does to files below a
// folder, and lets the n-th of these operations fail, or kills the program there. In the environment:
//
//   SPIKELENS_FAULT_FOLDER   only files and folders below this one count
//   SPIKELENS_FAULT_AT       n, from 1; 0 counts and disturbs nothing
//   SPIKELENS_FAULT_KIND     ENOSPC, EIO, EACCES, EINTR: the operation does nothing and reports this error (close does
//                            close); SHORT: a read or write handles half of the bytes; KILL, KILLED: SIGKILL before, or
//                            after it
//   SPIKELENS_FAULT_ON       1: all operations from the n-th on
//   SPIKELENS_FAULT_READING  1: operations that read, in place of those that write
//   SPIKELENS_FAULT_LOG      a file that gets a line for each operation, of both sorts: its number, sort, name and path
//
// Which operations write: open for writing, write, pwrite, writev, pwritev, ftruncate, fsync, fdatasync, rename, mkdir,
// and close of what is open for writing, or is a folder. Which read: open for reading, read, pread, readv, readdir, and
// other closes.
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

enum class Kind { error, partial, kill_before, kill_after };

std::string environment(const char* name) {
    const char* text = std::getenv(name);
    return text ? text : "";
}

int error_named(std::string_view name) {
    if (name == "ENOSPC") return ENOSPC;
    if (name == "EIO") return EIO;
    if (name == "EACCES") return EACCES;
    if (name == "EINTR") return EINTR;
    return 0;
}

struct Plan {
    std::string folder = environment("SPIKELENS_FAULT_FOLDER");
    std::string kind_name = environment("SPIKELENS_FAULT_KIND");
    std::string log = environment("SPIKELENS_FAULT_LOG");
    long at = std::atol(environment("SPIKELENS_FAULT_AT").c_str());
    bool onward = environment("SPIKELENS_FAULT_ON") == "1";
    bool reading = environment("SPIKELENS_FAULT_READING") == "1";
    int error = error_named(kind_name);
    Kind kind = kind_name == "SHORT"    ? Kind::partial
                : kind_name == "KILL"   ? Kind::kill_before
                : kind_name == "KILLED" ? Kind::kill_after
                                        : Kind::error;
    std::array<std::atomic<long>, 2> count{};  ///< of operations that write, and that read
};

// Made at the first operation and never destroyed: programs write until their last moment.
Plan& plan() {
    static Plan* one = new Plan;
    return *one;
}

bool below_folder(std::string_view path) {
    const std::string& folder = plan().folder;
    return !folder.empty() && path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

std::string link_text(const std::string& link) {
    std::array<char, PATH_MAX> text{};
    const ssize_t length = ::readlink(link.c_str(), text.data(), text.size());
    return {text.data(), static_cast<size_t>(std::max<ssize_t>(length, 0))};
}

std::string path_of(int descriptor) { return link_text("/proc/self/fd/" + std::to_string(descriptor)); }

std::string path_at(int folder, const char* path) {
    if (path[0] == '/') return path;
    return (folder == AT_FDCWD ? link_text("/proc/self/cwd") : path_of(folder)) + "/" + path;
}

bool is_kept_on_disk(int descriptor) {
    struct stat status {};
    return ::fstat(descriptor, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
}

bool open_for_writing(int descriptor) {
    struct stat status {};
    if (::fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode)) return true;
    return (::fcntl(descriptor, F_GETFL) & O_ACCMODE) != O_RDONLY;
}

void write_log(long number, const char* name, const std::string& path, bool reads) {
    if (plan().log.empty()) return;
    const std::string line = std::to_string(number) + (reads ? " reading " : " writing ") + name + " " + path + "\n";
    const auto file =
        static_cast<int>(syscall(SYS_openat, AT_FDCWD, plan().log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666));
    if (file < 0 || syscall(SYS_write, file, line.data(), line.size()) < 0) _exit(99);
    syscall(SYS_close, file);
}

/// Counts an operation and says whether it is one to disturb.
bool meets(const char* name, const std::string& path, bool reads) {
    if (!below_folder(path)) return false;
    const long number = ++plan().count[reads];
    write_log(number, name, path, reads);
    return reads == plan().reading && plan().at > 0 && (plan().onward ? number >= plan().at : number == plan().at);
}

bool meets(const char* name, int descriptor, bool reads) {
    return is_kept_on_disk(descriptor) && meets(name, path_of(descriptor), reads);
}

void die() { syscall(SYS_kill, getpid(), SIGKILL); }

/// Runs `real`, or what is planned in its place. `partial` handles a part, where that is possible.
template <class Real, class Partial>
auto disturbed(bool met, Real real, Partial partial) -> decltype(real()) {
    if (!met) return real();
    if (plan().kind == Kind::partial) return partial();
    if (plan().kind == Kind::kill_before) die();
    if (plan().kind == Kind::kill_after) {
        real();
        die();
    }
    errno = plan().error;
    return static_cast<decltype(real())>(-1);
}

template <class Real>
auto disturbed(bool met, Real real) -> decltype(real()) {
    return disturbed(met, real, real);
}

template <class Function>
Function* next(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

size_t half(size_t count) { return count > 1 ? count / 2 : count; }

int open_disturbed(const char* name, int folder, const char* path, int flags, mode_t mode) {
    const bool reads = (flags & O_ACCMODE) == O_RDONLY;
    const auto real = [&] { return static_cast<int>(syscall(SYS_openat, folder, path, flags, mode)); };
    return disturbed(meets(name, path_at(folder, path), reads), real);
}

mode_t mode_of(int flags, va_list arguments) {
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(arguments, mode_t) : 0;  // NOLINT
}

FILE* fopen_disturbed(const char* name, const char* path, const char* mode) {
    const bool reads = std::strpbrk(mode, "wa+") == nullptr;
    if (meets(name, path_at(AT_FDCWD, path), reads) && plan().kind == Kind::error) {
        errno = plan().error;
        return nullptr;
    }
    return next<FILE*(const char*, const char*)>(name)(path, mode);
}

}  // namespace

// The C library declares some of these with attributes that a definition may not repeat.
#pragma GCC visibility push(default)
extern "C" {

#define SPIKELENS_OPEN(name)                                        \
    int name(const char* path, int flags, ...) {                    \
        va_list arguments;                                          \
        va_start(arguments, flags);                                 \
        const mode_t mode = mode_of(flags, arguments);              \
        va_end(arguments);                                          \
        return open_disturbed("open", AT_FDCWD, path, flags, mode); \
    }
SPIKELENS_OPEN(open)
SPIKELENS_OPEN(open64)

#define SPIKELENS_OPENAT(name)                                    \
    int name(int folder, const char* path, int flags, ...) {      \
        va_list arguments;                                        \
        va_start(arguments, flags);                               \
        const mode_t mode = mode_of(flags, arguments);            \
        va_end(arguments);                                        \
        return open_disturbed("open", folder, path, flags, mode); \
    }
SPIKELENS_OPENAT(openat)
SPIKELENS_OPENAT(openat64)

int creat(const char* path, mode_t mode) {
    return open_disturbed("open", AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}
FILE* fopen(const char* path, const char* mode) { return fopen_disturbed("fopen", path, mode); }
FILE* fopen64(const char* path, const char* mode) { return fopen_disturbed("fopen64", path, mode); }

ssize_t write(int file, const void* bytes, size_t count) {
    const auto some = [&](size_t size) { return static_cast<ssize_t>(syscall(SYS_write, file, bytes, size)); };
    return disturbed(
        meets("write", file, false), [&] { return some(count); }, [&] { return some(half(count)); });
}
#define SPIKELENS_PWRITE(name)                                                                             \
    ssize_t name(int file, const void* bytes, size_t count, off_t at) {                                    \
        const auto some = [&](size_t size) {                                                               \
            return static_cast<ssize_t>(syscall(SYS_pwrite64, file, bytes, size, at));                     \
        };                                                                                                 \
        return disturbed(                                                                                  \
            meets("pwrite", file, false), [&] { return some(count); }, [&] { return some(half(count)); }); \
    }
SPIKELENS_PWRITE(pwrite)
SPIKELENS_PWRITE(pwrite64)
ssize_t writev(int file, const iovec* pieces, int count) {
    const auto some = [&](int first) { return static_cast<ssize_t>(syscall(SYS_writev, file, pieces, first)); };
    return disturbed(
        meets("writev", file, false), [&] { return some(count); }, [&] { return some(count > 1 ? count / 2 : count); });
}
ssize_t pwritev(int file, const iovec* pieces, int count, off_t at) {
    return disturbed(meets("pwritev", file, false),
                     [&] { return next<decltype(pwritev)>("pwritev")(file, pieces, count, at); });
}
int ftruncate(int file, off_t size) noexcept {
    return disturbed(meets("ftruncate", file, false),
                     [&] { return static_cast<int>(syscall(SYS_ftruncate, file, size)); });
}
int ftruncate64(int file, off64_t size) noexcept {
    return disturbed(meets("ftruncate", file, false),
                     [&] { return static_cast<int>(syscall(SYS_ftruncate, file, size)); });
}
int fsync(int file) {
    return disturbed(meets("fsync", file, false), [&] { return static_cast<int>(syscall(SYS_fsync, file)); });
}
int fdatasync(int file) {
    return disturbed(meets("fdatasync", file, false), [&] { return static_cast<int>(syscall(SYS_fdatasync, file)); });
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
    return disturbed(meets("rename", path_at(to_folder, to), false),
                     [&] { return static_cast<int>(syscall(SYS_renameat2, from_folder, from, to_folder, to, flags)); });
}
int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
    return renameat2(from_folder, from, to_folder, to, 0);
}
int rename(const char* from, const char* to) noexcept { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int mkdir(const char* path, mode_t mode) noexcept {
    return disturbed(meets("mkdir", path_at(AT_FDCWD, path), false),
                     [&] { return static_cast<int>(syscall(SYS_mkdirat, AT_FDCWD, path, mode)); });
}

int close(int file) {
    const auto real = [&] { return static_cast<int>(syscall(SYS_close, file)); };
    const bool met = meets("close", file, !open_for_writing(file));
    if (!met || plan().kind != Kind::error) return disturbed(met, real);
    real();
    errno = plan().error;
    return -1;
}

ssize_t read(int file, void* bytes, size_t count) {
    const auto some = [&](size_t size) { return static_cast<ssize_t>(syscall(SYS_read, file, bytes, size)); };
    return disturbed(
        meets("read", file, true), [&] { return some(count); }, [&] { return some(half(count)); });
}
#define SPIKELENS_PREAD(name)                                                                            \
    ssize_t name(int file, void* bytes, size_t count, off_t at) {                                        \
        const auto some = [&](size_t size) {                                                             \
            return static_cast<ssize_t>(syscall(SYS_pread64, file, bytes, size, at));                    \
        };                                                                                               \
        return disturbed(                                                                                \
            meets("pread", file, true), [&] { return some(count); }, [&] { return some(half(count)); }); \
    }
SPIKELENS_PREAD(pread)
SPIKELENS_PREAD(pread64)
ssize_t readv(int file, const iovec* pieces, int count) {
    const auto some = [&](int first) { return static_cast<ssize_t>(syscall(SYS_readv, file, pieces, first)); };
    return disturbed(
        meets("readv", file, true), [&] { return some(count); }, [&] { return some(count > 1 ? count / 2 : count); });
}

#define SPIKELENS_READDIR(name, Entry)                                                                      \
    Entry* name(DIR* folder) {                                                                              \
        if (meets("readdir", dirfd(folder), true) && plan().kind == Kind::error && plan().error != EINTR) { \
            errno = plan().error;                                                                           \
            return nullptr;                                                                                 \
        }                                                                                                   \
        return next<Entry*(DIR*)>(#name)(folder);                                                           \
    }
SPIKELENS_READDIR(readdir, dirent)
SPIKELENS_READDIR(readdir64, dirent64)

}  // extern "C"
#pragma GCC visibility pop
