#include "spikelens/data/idx.h"

#include <algorithm>
#include <array>

#include <fmt/ranges.h>

#include "spikelens/core/error.h"

#include "byte_source.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

constexpr uint8_t kUnsignedByte = 0x08;

std::string hex(std::span<const uint8_t> bytes) { return fmt::format("{:02x}", fmt::join(bytes, " ")); }

void read_header_bytes(ByteSource& source, const fs::path& path, std::span<uint8_t> target) {
    if (source.read(target) < target.size())
        throw InputError(path.string() + " is truncated: it ends within its IDX header");
}

void check_magic(std::span<const uint8_t, 4> magic, const fs::path& path, int dimensions) {
    if (magic[0] != 0 || magic[1] != 0)
        throw InputError(path.string() + " is not an IDX file: it starts with the bytes " + hex(magic) +
                         ", expected 00 00");
    if (magic[2] != kUnsignedByte)
        throw InputError(path.string() + " holds IDX elements of type " + hex(magic.subspan(2, 1)) +
                         ", expected 08 (unsigned bytes)");
    if (magic[3] != dimensions)
        throw InputError(path.string() + " has " + std::to_string(magic[3]) + " dimensions, expected " +
                         std::to_string(dimensions));
}

Shape read_shape(ByteSource& source, const fs::path& path, int dimensions) {
    std::array<uint8_t, 4> word{};
    read_header_bytes(source, path, word);
    check_magic(word, path, dimensions);
    Shape shape;
    for (int i = 0; i < dimensions; ++i) {
        read_header_bytes(source, path, word);
        shape.push_back(int64_t{word[0]} << 24 | int64_t{word[1]} << 16 | int64_t{word[2]} << 8 | int64_t{word[3]});
    }
    return shape;
}

/// Extents of zero leave the product of the others in check: shapes are multiplied in 64 bits wherever they go.
uint64_t checked_size(const Shape& shape, const fs::path& path, uint64_t limit) {
    uint64_t size = 1;
    for (const int64_t extent : shape) {
        if (static_cast<uint64_t>(extent) > limit / size)
            throw InputError(path.string() + " announces " + shape_text(shape) + " bytes, more than the " +
                             std::to_string(limit) + " allowed");
        size *= std::max<uint64_t>(static_cast<uint64_t>(extent), 1);
    }
    return std::ranges::count(shape, 0) > 0 ? 0 : size;
}

/// Room grows only as bytes arrive: a header that promises much gets no memory for its promise.
std::vector<uint8_t> read_content(ByteSource& source, const fs::path& path, uint64_t size) {
    std::vector<uint8_t> content;
    while (content.size() < size) {
        const size_t held = content.size();
        const size_t wanted = std::min<uint64_t>(size, std::max<size_t>(2 * held, 1 << 16));
        content.reserve(wanted);
        content.resize(wanted);
        const size_t got = source.read(std::span(content).subspan(held));
        if (held + got < wanted)
            throw InputError(path.string() + " is truncated: it holds " + std::to_string(held + got) + " of the " +
                             std::to_string(size) + " bytes its header announces");
    }
    return content;
}

}  // namespace

Array<uint8_t> read_idx(const fs::path& path, int dimensions, uint64_t limit) {
    const std::unique_ptr<ByteSource> source = open_bytes(path);
    Shape shape = read_shape(*source, path, dimensions);
    const uint64_t size = checked_size(shape, path, limit);
    std::vector<uint8_t> content = read_content(*source, path, size);
    std::array<uint8_t, 1> beyond{};
    if (source->read(beyond) > 0)
        throw InputError(path.string() + " has more bytes than the " + std::to_string(size) + " its header announces");
    return {std::move(shape), std::move(content)};
}

}  // namespace spikelens
