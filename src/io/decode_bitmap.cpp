#include <algorithm>
#include <bit>
#include <charconv>

#include "spikelens/core/error.h"

#include "decode_picture.h"

namespace spikelens {
namespace {

int64_t little_endian(std::string_view bytes, int64_t place, int64_t count) {
    int64_t value = 0;
    for (int64_t i = count; i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[static_cast<size_t>(place + i)]);
    return value;
}

/// The four numbers of a PNM header: which kind, width, height, largest value; then where its pixels begin.
struct PnmHeader {
    int channels = 1;
    int64_t width = 0, height = 0, white = 0;
    size_t pixels = 0;
};

/// "P5" or "P6", then numbers between white space and comments that begin with '#', one white space, pixels.
PnmHeader pnm_header(std::string_view bytes, const std::string& where) {
    PnmHeader header;
    header.channels = bytes[1] == '6' ? 3 : 1;
    size_t place = 2;
    for (int64_t* number : {&header.width, &header.height, &header.white}) {
        while (place < bytes.size() &&
               (bytes[place] == '#' || bytes[place] == ' ' || (bytes[place] >= '\t' && bytes[place] <= '\r')))
            place = bytes[place] == '#' ? std::min(bytes.find('\n', place), bytes.size()) : place + 1;
        const auto [end, error] = std::from_chars(bytes.data() + place, bytes.data() + bytes.size(), *number);
        if (error != std::errc() || *number < 0 || *number > INT32_MAX)
            refuse_damaged(where, "its header lacks a number");
        place = static_cast<size_t>(end - bytes.data());
    }
    if (header.white < 1 || header.white > 65535) refuse_damaged(where, "its largest value is not within 1 … 65535");
    header.pixels = place + 1;
    return header;
}

}  // namespace

DecodedPicture decode_pnm(std::string_view bytes, const std::string& where) {
    const PnmHeader header = pnm_header(bytes, where);
    check_size(header.width, header.height, where);
    const size_t size = header.white > 255 ? 2 : 1,
                 needed = size * static_cast<size_t>(header.width * header.height * header.channels);
    if (bytes.size() < header.pixels || bytes.size() - header.pixels < needed)
        refuse_damaged(where, "the file ends too early");
    DecodedPicture picture;
    picture.width = header.width;
    picture.height = header.height;
    picture.channels = header.channels;
    picture.white = static_cast<int>(header.white);
    picture.allocate();
    for (size_t i = 0; i < needed / size; ++i) {
        const auto byte = [&](size_t at) { return static_cast<uint8_t>(bytes[header.pixels + at]); };
        const int value = size == 2 ? byte(2 * i) << 8 | byte(2 * i + 1) : byte(i);
        if (value > picture.white) refuse_damaged(where, "a value is larger than its header allows");
        if (size == 2)
            picture.words[i] = static_cast<uint16_t>(value);
        else
            picture.bytes[i] = static_cast<uint8_t>(value);
    }
    if (const size_t left = bytes.size() - header.pixels - needed; left > 0)
        picture.notes.push_back(trailing_note(left));
    return picture;
}

namespace {

/// A BMP with the header of Windows 3 or later.
struct Bmp {
    std::string_view bytes;
    int64_t header = 0, offset = 0, width = 0, height = 0, bits = 0, packing = 0, colours = 0, line = 0;
    bool from_top = false;

    /// The bits of a pixel; where they are less than a byte, the first pixel has the high ones.
    uint32_t pixel(int64_t x, int64_t y) const {
        const int64_t place = offset + line * (from_top ? y : height - 1 - y) + x * bits / 8;
        if (bits >= 8) return static_cast<uint32_t>(little_endian(bytes, place, bits / 8));
        return static_cast<uint32_t>(little_endian(bytes, place, 1)) >> (8 - bits - x * bits % 8) & ((1U << bits) - 1);
    }
};

constexpr int64_t kPlain = 0, kMasks = 3;              // packing
constexpr int64_t kHeaderPlace = 14, kMaskPlace = 54;  // masks follow the first 40 bytes of every version of the header

/// What the file's headers say, checked: all pixels and colours lie within it.
Bmp bmp_header(std::string_view bytes, const std::string& where) {
    const auto number = [&](int64_t place, int64_t count) { return little_endian(bytes, place, count); };
    if (bytes.size() < kMaskPlace || number(kHeaderPlace, 4) < 40)
        refuse_damaged(where, "it has no header of Windows 3 or later");
    Bmp bmp{.bytes = bytes, .header = number(kHeaderPlace, 4), .offset = number(10, 4)};
    const auto rows = static_cast<int32_t>(number(22, 4));  // negative: from the top
    bmp.width = static_cast<int32_t>(number(18, 4));
    bmp.height = rows < 0 ? -int64_t{rows} : rows;
    bmp.from_top = rows < 0;
    bmp.bits = number(28, 2);
    bmp.packing = number(30, 4);
    bmp.colours = number(46, 4);
    const bool known = bmp.packing == kPlain
                           ? bmp.bits == 1 || bmp.bits == 4 || bmp.bits == 8 || bmp.bits == 24 || bmp.bits == 32
                           : bmp.packing == kMasks && (bmp.bits == 16 || bmp.bits == 32);
    if (!known) refuse_damaged(where, "only uncompressed BMP of 1, 4, 8, 24 or 32 bits, or with masks, is read");
    check_size(bmp.width, bmp.height, where);
    if (bmp.bits <= 8 && bmp.colours == 0) bmp.colours = int64_t{1} << bmp.bits;
    if (bmp.colours > 256 || kHeaderPlace + bmp.header + (bmp.bits <= 8 ? 4 * bmp.colours : 0) > bmp.offset)
        refuse_damaged(where, "its header contradicts itself");
    const auto size = static_cast<int64_t>(bytes.size());
    bmp.line = (bmp.width * bmp.bits + 31) / 32 * 4;
    if (bmp.offset > size || bmp.line > (size - bmp.offset) / bmp.height)
        refuse_damaged(where, "the file ends too early");
    return bmp;
}

/// Red, green, blue or alpha of a pixel: the bits of a mask, which are one run.
struct MaskedChannel {
    uint32_t mask = 0;
    int shift = 0;

    /// As a share of 255, rounded.
    uint8_t of(uint32_t pixel) const {
        const uint64_t most = mask >> shift, value = (pixel & mask) >> shift;
        return static_cast<uint8_t>((value * 255 + most / 2) / most);
    }
};

MaskedChannel masked_channel(const Bmp& bmp, int64_t place, const std::string& where) {
    const auto mask = static_cast<uint32_t>(little_endian(bmp.bytes, place, 4));
    const int shift = mask == 0 ? 0 : std::countr_zero(mask);
    const bool within =
        mask != 0 && (bmp.bits == 32 || mask >> bmp.bits == 0) && std::has_single_bit(uint64_t{mask >> shift} + 1);
    if (!within) refuse_damaged(where, "the mask of a colour is not a run of bits");
    return {mask, shift};
}

/// The mask of alpha is in headers of 56 bytes or more.
std::vector<MaskedChannel> masks(const Bmp& bmp, const std::string& where) {
    constexpr int64_t mask_size = 4, with_alpha = 56;
    if (bmp.offset < kMaskPlace + 3 * mask_size) refuse_damaged(where, "its header contradicts itself");
    const bool alpha = bmp.header >= with_alpha && little_endian(bmp.bytes, kMaskPlace + 3 * mask_size, 4) != 0;
    std::vector<MaskedChannel> channels;
    for (int64_t c = 0; c < (alpha ? 4 : 3); ++c)
        channels.push_back(masked_channel(bmp, kMaskPlace + mask_size * c, where));
    return channels;
}

/// Blue, green, red and what is not looked at, from the low bits to the high ones.
std::vector<MaskedChannel> usual_masks() { return {{0xFF0000, 16}, {0xFF00, 8}, {0xFF, 0}}; }

/// A pixel's colour when pixels are colours' indices: of the table behind the header.
uint32_t colour_of(const Bmp& bmp, uint32_t index, const std::string& where) {
    if (index >= bmp.colours) refuse_damaged(where, "a pixel's colour is not in its table of colours");
    return static_cast<uint32_t>(little_endian(bmp.bytes, kHeaderPlace + bmp.header + 4 * int64_t{index}, 4));
}

}  // namespace

DecodedPicture decode_bmp(std::string_view bytes, const std::string& where) {
    const Bmp bmp = bmp_header(bytes, where);
    const std::vector<MaskedChannel> channels = bmp.packing == kMasks ? masks(bmp, where) : usual_masks();
    DecodedPicture picture;
    picture.width = bmp.width;
    picture.height = bmp.height;
    picture.channels = static_cast<int>(channels.size());
    picture.allocate();
    auto value = picture.bytes.begin();
    for (int64_t y = 0; y < bmp.height; ++y)
        for (int64_t x = 0; x < bmp.width; ++x) {
            const uint32_t pixel = bmp.pixel(x, y), colour = bmp.bits <= 8 ? colour_of(bmp, pixel, where) : pixel;
            for (const MaskedChannel& channel : channels) *value++ = channel.of(colour);
        }
    return picture;
}

}  // namespace spikelens
