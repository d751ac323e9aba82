#include "spikelens/core/files.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "spikelens/core/error.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

void sync_to_disk(const fs::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return;
    ::fsync(descriptor);
    ::close(descriptor);
}

}  // namespace

void write_atomically(const fs::path& path, const std::function<void(const fs::path&)>& write) {
    std::error_code error;
    if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
    if (error) throw RunError("cannot make the folder " + path.parent_path().string() + ": " + error.message());
    // One name per file: what an interrupted run left behind is overwritten by the next.
    const fs::path temporary = path.string() + ".part";
    try {
        write(temporary);
        sync_to_disk(temporary);
        fs::rename(temporary, path);
    } catch (const fs::filesystem_error& failure) {
        fs::remove(temporary, error);
        throw RunError("cannot write " + path.string() + ": " + failure.code().message());
    } catch (...) {
        fs::remove(temporary, error);
        throw;
    }
}

void write_file(const fs::path& path, std::string_view bytes) {
    write_atomically(path, [&](const fs::path& temporary) {
        std::ofstream out(temporary, std::ios::binary);
        out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        out.flush();
        if (!out) throw RunError("cannot write " + path.string() + ": " + std::strerror(errno));
    });
}

std::string read_file(const fs::path& path, uint64_t limit) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) throw InputError("there is no file " + path.string());
    if (!fs::is_regular_file(status)) throw InputError(path.string() + " is not a file");
    const uint64_t size = fs::file_size(path, error);
    if (error) throw InputError("cannot read " + path.string() + ": " + error.message());
    if (size > limit)
        throw InputError(path.string() + " has " + std::to_string(size) + " bytes, more than the " + std::to_string(limit) +
                         " allowed");
    std::ifstream in(path, std::ios::binary);
    std::string bytes(size, '\0');
    if (!in.read(bytes.data(), static_cast<std::streamsize>(size)))
        throw InputError("cannot read " + path.string() + ": " + std::strerror(errno));
    return bytes;
}

}  // namespace spikelens
