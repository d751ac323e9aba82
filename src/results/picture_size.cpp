#include "picture_size.h"

#include <charconv>

#include <zlib.h>

namespace spikelens {
namespace {

uint8_t byte_at(std::string_view bytes, size_t place) { return static_cast<uint8_t>(bytes[place]); }

int64_t big_endian(std::string_view bytes, size_t place, size_t count) {
    int64_t value = 0;
    for (size_t i = 0; i < count; ++i) value = value << 8 | byte_at(bytes, place + i);
    return value;
}

int64_t little_endian(std::string_view bytes, size_t place, size_t count) {
    int64_t value = 0;
    for (size_t i = count; i-- > 0;) value = value << 8 | byte_at(bytes, place + i);
    return value;
}

/// A PNG is a chain of chunks, "length kind data CRC", from IHDR to IEND. Every CRC is checked.
std::optional<PictureSize> png_size(std::string_view bytes) {
    constexpr size_t signature = 8, around = 12;
    for (size_t place = signature; place + around <= bytes.size();) {
        const auto length = static_cast<uint64_t>(big_endian(bytes, place, 4));
        if (length > bytes.size() - place - around) return {};
        const std::string_view checked = bytes.substr(place + 4, length + 4), kind = checked.substr(0, 4);
        const uLong crc = crc32_z(0, reinterpret_cast<const Bytef*>(checked.data()), checked.size());
        if (crc != static_cast<uLong>(big_endian(bytes, place + 8 + length, 4))) return {};
        if (place == signature && (kind != "IHDR" || length != 13)) return {};
        if (kind == "IEND") return PictureSize{big_endian(bytes, 16, 4), big_endian(bytes, 20, 4)};
        place += around + length;
    }
    return {};
}

/// A JPEG is a chain of segments, "FF kind length …"; a start of frame (C0–CF but C4, C8, CC) holds the size.
std::optional<PictureSize> jpeg_size(std::string_view bytes) {
    size_t place = 2;
    while (place + 9 <= bytes.size() && byte_at(bytes, place) == 0xFF) {
        const uint8_t kind = byte_at(bytes, place + 1);
        if (kind == 0xFF) {  // fill byte
            ++place;
            continue;
        }
        if (kind >= 0xC0 && kind <= 0xCF && kind != 0xC4 && kind != 0xC8 && kind != 0xCC) {
            if (bytes.find("\xFF\xD9", place) == std::string_view::npos) return {};
            return PictureSize{big_endian(bytes, place + 7, 2), big_endian(bytes, place + 5, 2)};
        }
        place += 2 + static_cast<size_t>(big_endian(bytes, place + 2, 2));
    }
    return {};
}

/// Whether this many lines of pixels, padded to whole units of bytes, are there.
bool holds(std::string_view bytes, int64_t offset, const PictureSize& size, int64_t bits, int64_t unit) {
    const auto available = static_cast<int64_t>(bytes.size());
    if (size.width <= 0 || size.height <= 0 || size.width > available * 8 || size.height > available) return false;
    const int64_t line = (size.width * bits + 8 * unit - 1) / (8 * unit) * unit;
    return offset >= 0 && offset <= available && line <= (available - offset) / size.height;
}

/// Uncompressed, with the header of Windows 3 or later.
std::optional<PictureSize> bmp_size(std::string_view bytes) {
    if (bytes.size() < 54 || little_endian(bytes, 14, 4) < 40) return {};
    const int64_t compression = little_endian(bytes, 30, 4);
    if (compression != 0 && compression != 3) return {};
    const auto height = static_cast<int32_t>(little_endian(bytes, 22, 4));  // negative: rows from the top
    const PictureSize size{static_cast<int32_t>(little_endian(bytes, 18, 4)), height < 0 ? -int64_t{height} : height};
    return too_large(size) || holds(bytes, little_endian(bytes, 10, 4), size, little_endian(bytes, 28, 2), 4)
               ? std::optional(size)
               : std::nullopt;
}

/// "P5" or "P6", then width, height and largest value between white space and comments that begin with '#', one white space,
/// pixels.
std::optional<PictureSize> pnm_size(std::string_view bytes) {
    int64_t numbers[3] = {0, 0, 0};
    size_t place = 2;
    for (int64_t& number : numbers) {
        while (place < bytes.size() &&
               (bytes[place] == '#' || bytes[place] == ' ' || (bytes[place] >= '\t' && bytes[place] <= '\r')))
            place = bytes[place] == '#' ? bytes.find('\n', place) : place + 1;
        if (place >= bytes.size()) return {};
        const auto [end, error] = std::from_chars(bytes.data() + place, bytes.data() + bytes.size(), number);
        if (error != std::errc() || number < 1 || number > INT32_MAX) return {};
        place = static_cast<size_t>(end - bytes.data());
    }
    const PictureSize size{numbers[0], numbers[1]};
    const int64_t bits = (bytes[1] == '6' ? 24 : 8) * (numbers[2] > 255 ? 2 : 1);
    return too_large(size) || holds(bytes, static_cast<int64_t>(place) + 1, size, bits, 1) ? std::optional(size) : std::nullopt;
}

std::optional<PictureSize> stated_size(std::string_view bytes) {
    if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return png_size(bytes);
    if (bytes.starts_with("\xFF\xD8")) return jpeg_size(bytes);
    if (bytes.starts_with("BM")) return bmp_size(bytes);
    if (bytes.size() > 2 && bytes[0] == 'P' && (bytes[1] == '5' || bytes[1] == '6')) return pnm_size(bytes);
    return {};
}

}  // namespace

bool too_large(const PictureSize& size) { return size.width > 0 && size.height > 0 && size.width > most_pixels / size.height; }

std::optional<PictureSize> picture_size(std::string_view bytes) {
    const std::optional<PictureSize> size = stated_size(bytes);
    return size && size->width > 0 && size->height > 0 ? size : std::nullopt;
}

}  // namespace spikelens
