#include <map>

#include <fmt/format.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/error.h"

#include "io/zip_archive.h"
#include "pickle_file.h"
#include "pickle_machine.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kLargestPickle = uint64_t{1} << 26;
constexpr uint64_t kLargestStorages = uint64_t{1} << 33;
constexpr std::string_view kPickleName = "/data.pkl";

/// The folder of the archive in which all else lies: that of the only <folder>/data.pkl.
std::string archive_folder(const ZipArchive& archive, const std::string& where) {
    std::string folder;
    for (const std::string& name : archive.names()) {
        if (!name.ends_with(kPickleName) || name.find('/') != name.size() - kPickleName.size()) continue;
        if (!folder.empty()) throw InputError(where + " is no file of PyTorch: it holds more than one data.pkl");
        folder = name.substr(0, name.size() - kPickleName.size());
    }
    if (folder.empty())
        throw InputError(where + " is a zip archive but no file of PyTorch: it has no <archive>/data.pkl");
    return folder;
}

void require_little_endian(const ZipArchive& archive, const std::string& folder, const std::string& where) {
    const std::string name = folder + "/byteorder";
    if (!archive.has(name)) return;  // before PyTorch 2.1
    const std::vector<uint8_t> bytes = archive.read(name, 64);
    const std::string order(bytes.begin(), bytes.end());
    if (order != "little")
        throw InputError(where + " was written on a big-endian machine; expected the byte order to be little");
}

class ZipStorages {
  public:
    ZipStorages(ZipArchive archive, std::string folder, std::string where)
        : archive_(std::move(archive)), folder_(std::move(folder)), where_(std::move(where)) {}

    SharedBytes read(const StorageReference& reference) {
        const uint64_t size = static_cast<uint64_t>(reference.count) * type_size(reference.type);
        const std::string name = folder_ + "/data/" + reference.key;
        if (archive_.size(name) != size)
            throw InputError(fmt::format("{}: its storage {} has {}, but the pickle says {} of {}", where_, name,
                                         counted(static_cast<int64_t>(archive_.size(name)), "byte"), reference.count,
                                         type_name(reference.type)));
        SharedBytes& storage = storages_[reference.key];
        if (storage.owner) return storage;
        auto content = std::make_shared<const std::vector<uint8_t>>(archive_.read(name, left_));
        left_ -= content->size();
        storage = {content, *content};
        return storage;
    }

  private:
    ZipArchive archive_;
    std::string folder_, where_;
    std::map<std::string, SharedBytes> storages_;
    uint64_t left_ = kLargestStorages;
};

}  // namespace

PickleFile open_pickle_zip(const fs::path& path) {
    const std::string where = path.string();
    ZipArchive archive(path);
    const std::string folder = archive_folder(archive, where);
    require_little_endian(archive, folder, where);
    const std::vector<uint8_t> bytes = archive.read(folder + std::string(kPickleName), kLargestPickle);
    PickleFile file{read_pickle(bytes, where), {}};
    const auto storages = std::make_shared<ZipStorages>(std::move(archive), folder, where);
    file.storage = [storages](const StorageReference& reference) { return storages->read(reference); };
    return file;
}

}  // namespace spikelens
