#include "decode_picture.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "spikelens/core/error.h"

namespace spikelens {

void DecodedPicture::allocate() {
    const auto count = static_cast<size_t>(width * height * channels);
    if (white > 255)
        words.resize(count);
    else
        bytes.resize(count);
}

/// EXIF's eight orientations.
size_t DecodedPicture::upright_pixel(int64_t x, int64_t y) const {
    const int64_t across = orientation > 4 ? y : x, down = orientation > 4 ? x : y;
    const bool mirrored = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool upturned = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    return static_cast<size_t>((upturned ? height - 1 - down : down) * width +
                               (mirrored ? width - 1 - across : across));
}

void check_size(int64_t width, int64_t height, const std::string& where) {
    if (width < 1 || height < 1)
        throw InputError(fmt::format("{} has no pixels: its size is {} x {}", where, width, height));
    if (width > kMostPixels / height)
        throw InputError(
            fmt::format("{} has {} x {} pixels, more than {} million", where, width, height, kMostPixels / 1'000'000));
}

void refuse_damaged(const std::string& where, const std::string& what) {
    throw InputError(fmt::format("{} cannot be decoded: {}", where, what));
}

std::string trailing_note(size_t count) {
    return fmt::format("{} byte{} after the end of the picture {} left out", count, count == 1 ? "" : "s",
                       count == 1 ? "was" : "were");
}

namespace {

/// Little- or big-endian, TIFF or BigTIFF.
bool is_tiff(std::string_view bytes) {
    using std::string_view_literals::operator""sv;
    return std::ranges::any_of(std::array{"II*\0"sv, "II+\0"sv, "MM\0*"sv, "MM\0+"sv},
                               [&](std::string_view start) { return bytes.starts_with(start); });
}

}  // namespace

DecodedPicture decode_picture(std::string_view bytes, const std::string& where) {
    if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return decode_png(bytes, where);
    if (bytes.starts_with("\xFF\xD8\xFF")) return decode_jpeg(bytes, where);
    if (bytes.starts_with("RIFF") && bytes.substr(0, 12).ends_with("WEBP")) return decode_webp(bytes, where);
    if (is_tiff(bytes)) return decode_tiff(bytes, where);
    if (bytes.starts_with("BM")) return decode_bmp(bytes, where);
    if (bytes.starts_with("P5") || bytes.starts_with("P6")) return decode_pnm(bytes, where);
    throw InputError(where + " is not a PNG, JPEG, WebP, TIFF, uncompressed BMP, or binary PGM or PPM picture");
}

/// A TIFF header, then the first directory: a count and entries of 12 bytes (tag, type, count, value).
int exif_orientation(std::string_view exif) {
    const bool little = exif.starts_with(std::string_view("II*\0", 4));
    if (!little && !exif.starts_with(std::string_view("MM\0*", 4))) return 1;
    const auto number = [&](size_t place, size_t count) {
        size_t value = 0;
        for (size_t i = 0; i < count; ++i)
            value = value << 8 | static_cast<uint8_t>(exif[place + (little ? count - 1 - i : i)]);
        return value;
    };
    if (exif.size() < 8) return 1;
    const size_t directory = number(4, 4);
    if (directory > exif.size() || exif.size() - directory < 2) return 1;
    constexpr size_t orientation = 0x0112, two_bytes = 3, entry_size = 12;
    const size_t entries = std::min(number(directory, 2), (exif.size() - directory - 2) / entry_size);
    for (size_t i = 0; i < entries; ++i) {
        const size_t entry = directory + 2 + entry_size * i;
        if (number(entry, 2) != orientation || number(entry + 2, 2) != two_bytes || number(entry + 4, 4) != 1) continue;
        const size_t value = number(entry + 8, 2);
        return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
    }
    return 1;
}

}  // namespace spikelens
