#include "zip_archive.h"

#include <algorithm>
#include <map>

#include <zip.h>

#include "spikelens/core/error.h"

namespace spikelens {
namespace {

struct Entry {
    zip_uint64_t index = 0;
    uint64_t size = 0;
    bool readable = false;  ///< stored or deflated, and not encrypted
};

std::string error_text(int code) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    std::string text = zip_error_strerror(&error);
    zip_error_fini(&error);
    return text;
}

InputError unreadable(const std::string& file, const std::string& reason) {
    return InputError(file + " is not a readable zip file: " + reason);
}

}  // namespace

struct ZipArchive::Opened {
    std::string file;
    std::unique_ptr<zip_t, decltype(&zip_discard)> archive{nullptr, &zip_discard};
    std::vector<std::string> names;
    std::map<std::string, Entry> entries;

    void read_directory(const ZipLimits& limits) {
        const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
        if (static_cast<uint64_t>(count) > limits.entries)
            throw InputError(file + " holds " + std::to_string(count) + " files, more than the " +
                             std::to_string(limits.entries) + " allowed");
        uint64_t left = limits.unpacked;
        for (zip_int64_t i = 0; i < count; ++i) left -= add(static_cast<zip_uint64_t>(i), left, limits);
    }

    /// Bytes the entry unpacks to.
    uint64_t add(zip_uint64_t index, uint64_t left, const ZipLimits& limits) {
        zip_stat_t stat;
        const zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
        if (zip_stat_index(archive.get(), index, ZIP_FL_ENC_RAW, &stat) != 0 || (stat.valid & needed) != needed)
            throw unreadable(file, "entry " + std::to_string(index) + " of its directory is incomplete");
        if (stat.size > left)
            throw InputError(file + " unpacks to more than the " + std::to_string(limits.unpacked) + " bytes allowed");
        const std::string name = stat.name;
        if (std::ranges::any_of(name, [](unsigned char letter) { return letter < 0x20 || letter == 0x7f; }))
            throw unreadable(file, "entry " + std::to_string(index) + " has a name with control characters");
        if (name.ends_with('/')) return stat.size;
        const bool known_method = stat.comp_method == ZIP_CM_STORE || stat.comp_method == ZIP_CM_DEFLATE;
        const Entry entry{index, stat.size, known_method && stat.encryption_method == ZIP_EM_NONE};
        if (!entries.emplace(name, entry).second) throw unreadable(file, "it holds '" + name + "' twice");
        names.push_back(name);
        return stat.size;
    }

    const Entry& entry(const std::string& name) const {
        const auto found = entries.find(name);
        if (found == entries.end()) throw InputError(file + " holds no file '" + name + "'");
        return found->second;
    }
};

ZipArchive::ZipArchive(const std::filesystem::path& path, const ZipLimits& limits)
    : opened_(std::make_unique<Opened>()) {
    opened_->file = path.string();
    std::error_code missing;
    if (!std::filesystem::is_regular_file(path, missing)) throw InputError("there is no file " + path.string());
    int code = 0;
    opened_->archive.reset(zip_open(path.c_str(), ZIP_RDONLY, &code));
    if (!opened_->archive) throw unreadable(opened_->file, error_text(code));
    opened_->read_directory(limits);
}

ZipArchive::ZipArchive(std::span<const uint8_t> bytes, std::string name, const ZipLimits& limits)
    : opened_(std::make_unique<Opened>()) {
    opened_->file = std::move(name);
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
    if (source) opened_->archive.reset(zip_open_from_source(source, ZIP_RDONLY, &error));
    const std::string reason = opened_->archive ? "" : zip_error_strerror(&error);
    zip_error_fini(&error);
    if (source && !opened_->archive) zip_source_free(source);
    if (!opened_->archive) throw unreadable(opened_->file, reason);
    opened_->read_directory(limits);
}

ZipArchive::~ZipArchive() = default;
ZipArchive::ZipArchive(ZipArchive&&) noexcept = default;
ZipArchive& ZipArchive::operator=(ZipArchive&&) noexcept = default;

const std::vector<std::string>& ZipArchive::names() const { return opened_->names; }
bool ZipArchive::has(const std::string& name) const { return opened_->entries.contains(name); }
uint64_t ZipArchive::size(const std::string& name) const { return opened_->entry(name).size; }

std::vector<uint8_t> ZipArchive::read(const std::string& name, uint64_t limit) const {
    const Entry& entry = opened_->entry(name);
    const std::string what = "'" + name + "' in " + opened_->file;
    if (!entry.readable) throw InputError(what + " is neither stored nor deflated, or encrypted");
    if (entry.size > limit)
        throw InputError(what + " is " + std::to_string(entry.size) + " bytes, more than the " + std::to_string(limit) +
                         " allowed");
    const std::unique_ptr<zip_file_t, decltype(&zip_fclose)> file(
        zip_fopen_index(opened_->archive.get(), entry.index, 0), &zip_fclose);
    if (!file) throw InputError(what + " cannot be unpacked: " + zip_strerror(opened_->archive.get()));
    std::vector<uint8_t> content;
    for (;;) {
        const size_t held = content.size();
        content.resize(std::min<uint64_t>(entry.size, std::max<size_t>(2 * held, 1 << 16)) +
                       1);  // one more: to see the end
        const zip_int64_t got = zip_fread(file.get(), content.data() + held, content.size() - held);
        if (got < 0) throw InputError(what + " is damaged: " + zip_file_strerror(file.get()));
        content.resize(held + static_cast<size_t>(got));
        if (content.size() > entry.size)
            throw InputError(what + " holds more than the announced " + std::to_string(entry.size));
        if (got == 0) break;
    }
    if (content.size() < entry.size) throw InputError(what + " is truncated");
    return content;
}

}  // namespace spikelens
