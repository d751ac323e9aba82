#include "spikelens/io/files.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spikelens/core/error.h"

#include "new_file.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

std::string cannot_read(const fs::path& path, int error) {
    return "cannot read " + path.string() + ": " + std::generic_category().message(error);
}

}  // namespace

void write_atomically(const fs::path& path, const std::function<void(const Append&)>& write) {
    NewFile file(path);
    write([&](std::string_view bytes) { file.append(bytes); });
    file.put_in_place();
}

void write_file(const fs::path& path, std::string_view bytes) {
    write_atomically(path, [&](const Append& append) { append(bytes); });
}

FileReader::FileReader(fs::path path) : path_(std::move(path)) {
    // Without O_NONBLOCK a named pipe that nobody writes to would hold the program for ever.
    do descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    while (descriptor_ < 0 && errno == EINTR);
    if (descriptor_ < 0 && (errno == ENOENT || errno == ENOTDIR))
        throw InputError("there is no file " + path_.string());
    if (descriptor_ < 0) throw InputError(cannot_read(path_, errno));
    struct stat status {};
    const int failed = ::fstat(descriptor_, &status) == 0 ? 0 : errno;
    if (!failed && S_ISREG(status.st_mode)) {
        size_ = static_cast<uint64_t>(status.st_size);
        return;
    }
    ::close(descriptor_);
    if (failed) throw RunError(cannot_read(path_, failed));
    throw InputError(path_.string() + " is not a file");
}

FileReader::~FileReader() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

size_t FileReader::read(void* target, size_t count) {
    size_t got = 0;
    while (got < count) {
        const ssize_t more = ::read(descriptor_, static_cast<char*>(target) + got, count - got);
        if (more < 0 && errno == EINTR) continue;
        if (more < 0) throw RunError(cannot_read(path_, errno));
        if (more == 0) break;
        got += static_cast<size_t>(more);
    }
    return got;
}

size_t FileReader::read_at(uint64_t offset, std::span<char> target) const {
    const ssize_t got = read_whole(descriptor_, offset, target);
    if (got < 0) throw RunError(cannot_read(path_, errno));
    return static_cast<size_t>(got);
}

void FileReader::close() {
    if (::close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) throw RunError(cannot_read(path_, errno));
}

std::string read_file(const fs::path& path, uint64_t limit) {
    FileReader file(path);
    if (file.size() > limit)
        throw InputError(path.string() + " has " + std::to_string(file.size()) + " bytes, more than the " +
                         std::to_string(limit) + " allowed");
    std::string bytes(file.size(), '\0');
    if (const size_t got = file.read(bytes.data(), bytes.size()); got < bytes.size())
        throw InputError("cannot read " + path.string() + ": it ended after " + std::to_string(got) + " of " +
                         std::to_string(bytes.size()) + " bytes");
    file.close();
    return bytes;
}

std::string read_start(const fs::path& path, size_t count) {
    FileReader file(path);
    std::string bytes(count, '\0');
    bytes.resize(file.read(bytes.data(), count));
    file.close();
    return bytes;
}

}  // namespace spikelens
