#include <map>

#include <fmt/format.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/error.h"
#include "spikelens/io/files.h"

#include "pickle_file.h"
#include "pickle_globals.h"
#include "pickle_machine.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

using Bytes = std::span<const uint8_t>;

/// 0x1950a86a20f9469cfc6c, which opens every such file.
constexpr std::string_view kMagicNumber = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
constexpr int64_t kStreamVersion = 1001;

Pickle take_pickle(Bytes& rest, const std::string& where) {
    Pickle pickle = read_pickle(rest, where);
    rest = rest.subspan(pickle.size);
    return pickle;
}

/// Magic number, version and system.
void check_header(Bytes& rest, const std::string& where) {
    const Pickle magic = take_pickle(rest, where);
    if (magic[magic.root].kind != PickleKind::long_integer || magic[magic.root].text != kMagicNumber)
        throw InputError(where + " is a pickle but no file of PyTorch: its magic number is missing");
    const Pickle version = take_pickle(rest, where);
    if (version[version.root].kind != PickleKind::integer || version[version.root].integer != kStreamVersion)
        throw InputError(fmt::format("{} is of another version of PyTorch's format than {}", where, kStreamVersion));
    const Pickle system = take_pickle(rest, where);
    const PickleValue* little = system.find(system[system.root], "little_endian");
    if (!little || little->kind != PickleKind::boolean)
        throw InputError(where + " does not say its byte order: little_endian is missing");
    if (little->integer == 0)
        throw InputError(where + " was written on a big-endian machine; expected the byte order to be little");
}

/// The storages that a pickle refers to, by their keys.
std::map<std::string, StorageReference> references(const Pickle& pickle, const std::string& where) {
    std::map<std::string, StorageReference> all;
    for (const PickleValue& value : pickle.values) {
        if (value.kind != PickleKind::persistent) continue;
        StorageReference reference = storage_reference(pickle, value, where);
        const auto [known, added] = all.emplace(reference.key, reference);
        if (known->second.type != reference.type || known->second.count != reference.count)
            throw InputError(where + " describes its storage " + shown(reference.key) + " in two ways");
    }
    return all;
}

uint64_t take_word(Bytes& rest, const std::string& where) {
    if (rest.size() < 8) throw InputError(where + " is truncated: the length of a storage is missing");
    uint64_t word = 0;
    for (size_t i = 8; i-- > 0;) word = word << 8 | rest[i];
    rest = rest.subspan(8);
    return word;
}

/// Each storage is a count of elements and their bytes, in the order of the list of keys.
std::map<std::string, SharedBytes> read_storages(Bytes rest, const std::shared_ptr<const void>& owner,
                                                 const Pickle& object, const std::string& where) {
    const Pickle keys = take_pickle(rest, where);
    if (keys[keys.root].kind != PickleKind::list) throw InputError(where + ": the list of its storages is missing");
    const std::map<std::string, StorageReference> known = references(object, where);
    std::map<std::string, SharedBytes> storages;
    for (const PickleId id : keys[keys.root].items) {
        const PickleValue& key = keys[id];
        const auto reference = key.kind == PickleKind::text ? known.find(key.text) : known.end();
        if (reference == known.end()) throw InputError(where + " lists a storage that none of its tensors is in");
        const uint64_t count = take_word(rest, where);
        if (count != static_cast<uint64_t>(reference->second.count))
            throw InputError(fmt::format("{}: its storage {} has {}, but its tensors say {}", where, shown(key.text),
                                         count == 1 ? "1 element" : fmt::format("{} elements", count),
                                         reference->second.count));
        const uint64_t size = count * type_size(reference->second.type);
        if (size > rest.size())
            throw InputError(fmt::format("{} is truncated: its storage {} has {} of {}", where, shown(key.text),
                                         rest.size(), counted(static_cast<int64_t>(size), "byte")));
        if (!storages.emplace(key.text, SharedBytes{owner, rest.first(size)}).second)
            throw InputError(where + " lists its storage " + shown(key.text) + " twice");
        rest = rest.subspan(size);
    }
    return storages;
}

}  // namespace

PickleFile open_pickle_stream(const fs::path& path) {
    const std::string where = path.string();
    const auto content = std::make_shared<const std::string>(read_file(path));
    Bytes rest(reinterpret_cast<const uint8_t*>(content->data()), content->size());
    check_header(rest, where);
    PickleFile file{take_pickle(rest, where), {}};
    file.storage = [storages = read_storages(rest, content, file.pickle, where),
                    where](const StorageReference& reference) {
        const auto found = storages.find(reference.key);
        if (found == storages.end()) throw InputError(where + " does not hold its storage " + shown(reference.key));
        return found->second;
    };
    return file;
}

}  // namespace spikelens
