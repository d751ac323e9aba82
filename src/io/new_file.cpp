#include "new_file.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spikelens/core/error.h"
#include "spikelens/io/files.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

constexpr int kMostLinks = 40;        ///< as Linux follows
constexpr int kMostNames = 1000;      ///< of temporaries of one file
constexpr int kNamesTidied = 8;       ///< as many writers of one file at once as are tidied up after
constexpr size_t kLongestStem = 200;  ///< of the 255 bytes that a name may have

std::string reason(int error) { return std::generic_category().message(error); }

[[noreturn]] void cannot_write(const fs::path& path, const std::string& why) {
    throw RunError("cannot write " + path.string() + ": " + why);
}

/// Runs a system call until no signal interrupts it.
template <class Call>
auto uninterrupted(Call call) {
    auto result = call();
    while (result < 0 && errno == EINTR) result = call();
    return result;
}

/// 0 or an errno. A file system that cannot sync says EINVAL; that is no failure of this file.
int sync(int descriptor) {
    const int status = uninterrupted([&] { return ::fsync(descriptor); });
    return status == 0 || errno == EINVAL ? 0 : errno;
}

/// Makes the entries of a folder last. One that may be entered but not listed cannot be opened, and is left to the
/// system.
int sync_folder(const fs::path& folder) {
    const fs::path path = folder.empty() ? "." : folder;
    Descriptor opened(uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (!opened.valid()) return errno == EACCES ? 0 : errno;
    const int failed = sync(opened.get());
    const int unclosed = opened.close();
    return failed ? failed : unclosed;
}

/// Where the bytes of a path go.
fs::path follow_links(const fs::path& path) {
    fs::path place = path;
    std::error_code error;
    int links = 0;
    for (; fs::is_symlink(fs::symlink_status(place, error)) && links < kMostLinks; ++links) {
        const fs::path to = fs::read_symlink(place, error);
        if (error) cannot_write(path, error.message());
        place = place.parent_path() / to;
    }
    if (links == kMostLinks) cannot_write(path, reason(ELOOP));
    const fs::file_status status = fs::symlink_status(place, error);
    if (fs::is_directory(status) || !place.has_filename()) cannot_write(path, "it is a folder");
    if (fs::exists(status) && !fs::is_regular_file(status)) cannot_write(path, "it is not a regular file");
    return place;
}

fs::path temporary_name(const fs::path& place, int number) {
    const std::string stem = place.filename().string().substr(0, kLongestStem);
    return place.parent_path() / (stem + ".spikelens-" + std::to_string(number) + ".part");
}

enum class Name { free, tidied, held };

/// Removes a temporary whose writer is dead: the living hold its lock. Only who holds the lock removes, and only what
/// it has locked, so that a file which another writer has put there meanwhile stays.
Name tidy(const fs::path& temporary) {
    Descriptor file(::open(temporary.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.valid()) return errno == ENOENT ? Name::free : Name::held;
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return Name::held;
    struct stat locked {
    }, named{};
    if (::fstat(file.get(), &locked) != 0 || ::lstat(temporary.c_str(), &named) != 0) return Name::held;
    if (locked.st_dev != named.st_dev || locked.st_ino != named.st_ino || !S_ISREG(named.st_mode)) return Name::held;
    return ::unlink(temporary.c_str()) == 0 ? Name::tidied : Name::held;
}

}  // namespace

void make_folders(const fs::path& folder) {
    std::error_code error;
    if (folder.empty() || fs::is_directory(folder, error)) return;
    make_folders(folder.parent_path());
    const int made = uninterrupted([&] { return ::mkdir(folder.c_str(), 0777); });
    int failed = made == 0 || errno == EEXIST ? 0 : errno;
    if (!failed) failed = sync_folder(folder.parent_path());
    if (failed) throw RunError("cannot make the folder " + folder.string() + ": " + reason(failed));
}

ssize_t read_whole(int descriptor, uint64_t offset, std::span<char> target) {
    size_t got = 0;
    while (got < target.size()) {
        const ssize_t more = uninterrupted([&] {
            return ::pread(descriptor, target.data() + got, target.size() - got, static_cast<off_t>(offset + got));
        });
        if (more < 0) return more;
        if (more == 0) break;
        got += static_cast<size_t>(more);
    }
    return static_cast<ssize_t>(got);
}

Descriptor::~Descriptor() {
    if (valid()) ::close(number_);
}

void Descriptor::reset(int number) {
    if (valid()) ::close(number_);
    number_ = number;
}

int Descriptor::close() {
    if (!valid()) return 0;
    return ::close(std::exchange(number_, -1)) == 0 || errno == EINTR ? 0
                                                                      : errno;  // Linux closes even when interrupted
}

NewFile::NewFile(const fs::path& target) : target_(target), place_(follow_links(target)) {
    make_folders(place_.parent_path());
    open_temporary();
}

NewFile::~NewFile() {
    // Nothing can be said here. What stays is removed by the next writer.
    if (!in_place_ && file_.valid()) ::unlink(temporary_.c_str());
}

void NewFile::fail(int error) const { cannot_write(target_, reason(error)); }

void NewFile::open_temporary() {
    int number = 0;
    for (int attempt = 0; attempt < kMostNames && !file_.valid(); ++attempt) {
        temporary_ = temporary_name(place_, number);
        file_.reset(::open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
        if (!file_.valid() && errno != EEXIST && errno != EINTR) fail(errno);
        if (file_.valid() ? !claim() : errno == EEXIST && tidy(temporary_) == Name::held) ++number;
    }
    if (!file_.valid())
        cannot_write(target_, "there are too many temporaries " + temporary_name(place_, 0).string() + ", …");
    for (int other = number + 1; other <= kNamesTidied; ++other) tidy(temporary_name(place_, other));
}

/// Locks the new temporary. False when another process took it for a dead one's in the moment before.
bool NewFile::claim() {
    // A file system without locks goes without: then nobody removes anything.
    uninterrupted([&] { return ::flock(file_.get(), LOCK_EX); });
    struct stat status {};
    if (::fstat(file_.get(), &status) == 0 && status.st_nlink > 0) return true;
    file_.reset(-1);
    return false;
}

/// `write` takes some of the bytes, and says how many.
template <class Write>
void NewFile::write_all(std::string_view bytes, const Write& write) {
    while (!bytes.empty()) {
        const ssize_t written = uninterrupted([&] { return write(bytes); });
        if (written <= 0) fail(written < 0 ? errno : EIO);
        bytes.remove_prefix(static_cast<size_t>(written));
    }
}

void NewFile::append(std::string_view bytes) {
    write_all(bytes, [&](std::string_view left) { return ::write(file_.get(), left.data(), left.size()); });
}

void NewFile::write_at(uint64_t offset, std::string_view bytes) {
    const uint64_t end = offset + bytes.size();
    write_all(bytes, [&](std::string_view left) {
        return ::pwrite(file_.get(), left.data(), left.size(), static_cast<off_t>(end - left.size()));
    });
}

size_t NewFile::read_at(uint64_t offset, std::span<char> target) const {
    const ssize_t got = read_whole(file_.get(), offset, target);
    if (got < 0) fail(errno);
    return static_cast<size_t>(got);
}

void NewFile::resize(uint64_t size) {
    if (uninterrupted([&] { return ::ftruncate(file_.get(), static_cast<off_t>(size)); }) != 0) fail(errno);
}

void NewFile::put_in_place() {
    if (const int error = sync(file_.get())) fail(error);
    // Closing a copy reports what closing has to report, and keeps the lock until the temporary has its name.
    Descriptor copy(::fcntl(file_.get(), F_DUPFD_CLOEXEC, 0));
    if (!copy.valid()) fail(errno);
    if (const int error = copy.close()) fail(error);
    if (uninterrupted([&] { return ::rename(temporary_.c_str(), place_.c_str()); }) != 0) fail(errno);
    in_place_ = true;
    if (const int error = sync_folder(place_.parent_path())) fail(error);
    if (const int error = file_.close()) fail(error);
}

void move_into_place(const fs::path& from, const fs::path& to) {
    if (uninterrupted([&] { return ::rename(from.c_str(), to.c_str()); }) != 0) cannot_write(to, reason(errno));
    if (const int error = sync_folder(to.parent_path())) cannot_write(to, reason(error));
}

void remove_file(const fs::path& path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        throw RunError("cannot remove " + path.string() + ": " + reason(errno));
}

}  // namespace spikelens
