#include "spikelens/model_io/safetensors.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "spikelens/core/counted.h"
#include "spikelens/core/error.h"
#include "spikelens/io/files.h"

#include "safetensors_file.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

static_assert(std::endian::native == std::endian::little, "tensor bytes are copied as they are");

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kLongestHeader = 100'000'000;

template <class T>
T load(const char* bytes) {
    T value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
}

/// Tensors must tile the data: sorted by where they begin, each begins where the one before ends.
void check_layout(const SafetensorsHeader& header, uint64_t data_size, const std::string& where) {
    std::vector<std::pair<std::string_view, const TensorEntry*>> order;
    for (const auto& [name, entry] : header.tensors) order.emplace_back(name, &entry);
    std::ranges::sort(order, {}, [](const auto& named) { return std::pair(named.second->begin, named.second->end); });
    uint64_t next = 0;
    for (const auto& [name, entry] : order) {
        if (entry->begin != next || entry->end < entry->begin)
            throw InputError(
                fmt::format("{}: tensor {} has bytes {}..{}, expected to begin at {}: tensors overlap or leave holes",
                            where, name, entry->begin, entry->end, next));
        next = entry->end;
    }
    if (next != data_size)
        throw InputError(fmt::format("{}: its tensors have {}, but the file holds {}", where,
                                     counted(static_cast<int64_t>(next), "byte"), data_size));
}

/// Bytes that this shape and type need. Zero extents count as one, so that no product of a shape can overflow later.
uint64_t bytes_needed(const TensorEntry& entry, const std::string& name, const std::string& where) {
    uint64_t bound = type_size(entry.type);
    bool zero = false;
    for (int64_t extent : entry.shape) {
        if (__builtin_mul_overflow(bound, static_cast<uint64_t>(std::max<int64_t>(extent, 1)), &bound) || bound >> 62)
            throw InputError(
                fmt::format("{}: tensor {} has the impossible shape {}", where, name, shape_text(entry.shape)));
        zero |= extent == 0;
    }
    return zero ? 0 : bound;
}

void check_size(const TensorEntry& entry, const std::string& name, const std::string& where) {
    const uint64_t needed = bytes_needed(entry, name, where);
    if (entry.end - entry.begin != needed)
        throw InputError(fmt::format("{}: tensor {} has {}, but its shape {} needs {}", where, name,
                                     counted(static_cast<int64_t>(entry.end - entry.begin), "byte"),
                                     shape_text(entry.shape), needed));
}

std::string header_text(const Safetensors& contents) {
    nlohmann::json header = nlohmann::json::object();
    if (!contents.metadata.empty()) header["__metadata__"] = contents.metadata;
    uint64_t begin = 0;
    for (const auto& [name, tensor] : contents.tensors) {
        assert(tensor.size() == element_count(tensor.shape));
        const uint64_t end = begin + tensor.data.size() * sizeof(float);
        header[name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
        begin = end;
    }
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    return text;
}

std::string checked_header_text(const Safetensors& contents, const fs::path& path) {
    if (contents.tensors.contains("__metadata__"))
        throw InputError("cannot write " + path.string() + ": a tensor may not be named __metadata__");
    try {
        std::string text = header_text(contents);
        if (text.size() > kLongestHeader)
            throw InputError("cannot write " + path.string() + ": its header would exceed 100 MB");
        return text;
    } catch (const nlohmann::json::exception&) {
        throw InputError("cannot write " + path.string() + ": a name or metadata text is not UTF-8");
    }
}

}  // namespace

SafetensorsFile open_safetensors(const fs::path& path) {
    auto content = std::make_shared<const std::string>(read_file(path));
    const std::string& bytes = *content;
    const std::string where = path.string();
    if (bytes.size() < kLengthBytes)
        throw InputError(fmt::format("{} is not a safetensors file: it has {}, fewer than the 8 of its header's length",
                                     where, counted(static_cast<int64_t>(bytes.size()), "byte")));
    const auto header_length = load<uint64_t>(bytes.data());
    if (header_length > kLongestHeader || header_length > bytes.size() - kLengthBytes)
        throw InputError(fmt::format("{} is not a safetensors file, or a truncated one: a header of {} in a file of {}",
                                     where, header_length == 1 ? "1 byte" : fmt::format("{} bytes", header_length),
                                     bytes.size()));
    SafetensorsFile file;
    file.header = parse_safetensors_header(std::string_view(bytes).substr(kLengthBytes, header_length), where);
    const uint64_t begin = kLengthBytes + header_length;
    check_layout(file.header, bytes.size() - begin, where);
    for (const auto& [name, entry] : file.header.tensors) check_size(entry, name, where);
    file.data.bytes = {reinterpret_cast<const uint8_t*>(bytes.data()) + begin, bytes.size() - begin};
    file.data.owner = std::move(content);
    return file;
}

TensorView SafetensorsFile::view(const TensorEntry& entry) const {
    return {{data.owner, data.bytes.subspan(entry.begin, entry.end - entry.begin)},
            entry.type,
            0,
            entry.shape,
            dense_strides(entry.shape)};
}

Safetensors read_safetensors(const fs::path& path) {
    SafetensorsFile file = open_safetensors(path);
    Safetensors contents;
    contents.metadata = std::move(file.header.metadata);
    for (const auto& [name, entry] : file.header.tensors) {
        if (!is_real(entry.type))
            throw InputError(fmt::format("{}: tensor {} is of type {}, expected float32, float16, bfloat16 or float64",
                                         path.string(), name, type_name(entry.type)));
        contents.tensors.emplace(name, tensor_values(file.view(entry)));
    }
    return contents;
}

void write_safetensors(const fs::path& path, const Safetensors& contents) {
    const std::string header = checked_header_text(contents, path);
    const uint64_t length = header.size();
    write_atomically(path, [&](const Append& append) {
        append({reinterpret_cast<const char*>(&length), sizeof length});
        append(header);
        for (const auto& [name, tensor] : contents.tensors)
            append({reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size() * sizeof(float)});
    });
}

}  // namespace spikelens
