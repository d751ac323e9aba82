#include <algorithm>
#include <bit>
#include <charconv>

#include <opencv2/imgcodecs.hpp>

#include "spikelens/core/error.h"

#include "decode_picture.h"

namespace spikelens {
namespace {

int64_t little_endian(std::string_view bytes, size_t place, size_t count) {
    int64_t value = 0;
    for (size_t i = count; i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[place + i]);
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

MaskedChannel masked_channel(std::string_view bytes, size_t place, int64_t bits, const std::string& where) {
    const auto mask = static_cast<uint32_t>(little_endian(bytes, place, 4));
    const int shift = mask == 0 ? 0 : std::countr_zero(mask);
    const bool within =
        mask != 0 && (bits == 32 || mask >> bits == 0) && std::has_single_bit(uint64_t{mask >> shift} + 1);
    if (!within) refuse_damaged(where, "the mask of a colour is not a run of bits");
    return {mask, shift};
}

/// Where the pixels of a BMP lie.
struct BmpRows {
    int64_t offset, line, pixel_size;
    bool from_top;
};

/// The masks follow the first 40 bytes of the header, in every version of it. That of alpha is in headers of 56 bytes
/// or more.
void read_masked(std::string_view bytes, const BmpRows& rows, DecodedPicture& picture, const std::string& where) {
    constexpr size_t masks = 54, mask_size = 4, with_alpha = 56;
    const bool alpha =
        little_endian(bytes, 14, 4) >= static_cast<int64_t>(with_alpha) && little_endian(bytes, 66, 4) != 0;
    picture.channels = alpha ? 4 : 3;
    if (rows.offset < static_cast<int64_t>(masks + 3 * mask_size))
        refuse_damaged(where, "its header contradicts itself");
    std::vector<MaskedChannel> channels;
    for (size_t c = 0; c < static_cast<size_t>(picture.channels); ++c)
        channels.push_back(masked_channel(bytes, masks + mask_size * c, 8 * rows.pixel_size, where));
    picture.allocate();
    size_t next = 0;
    for (int64_t y = 0; y < picture.height; ++y)
        for (int64_t x = 0; x < picture.width; ++x) {
            const int64_t row = rows.offset + rows.line * (rows.from_top ? y : picture.height - 1 - y);
            const auto place = static_cast<size_t>(row + x * rows.pixel_size);
            const auto pixel = static_cast<uint32_t>(little_endian(bytes, place, static_cast<size_t>(rows.pixel_size)));
            for (const MaskedChannel& channel : channels) picture.bytes[next++] = channel.of(pixel);
        }
}

/// With the header of Windows 3 or later, its colours uncompressed. OpenCV takes every mask for the usual one, so
/// pixels with masks are read here. It prints what it thinks of damage, so what it reads is checked before.
DecodedPicture decode_bmp(std::string_view bytes, const std::string& where) {
    if (bytes.size() < 54 || little_endian(bytes, 14, 4) < 40)
        refuse_damaged(where, "it has no header of Windows 3 or later");
    const int64_t header = little_endian(bytes, 14, 4), bits = little_endian(bytes, 28, 2),
                  packing = little_endian(bytes, 30, 4);
    const auto rows = static_cast<int32_t>(little_endian(bytes, 22, 4));  // negative: from the top
    const int64_t width = static_cast<int32_t>(little_endian(bytes, 18, 4)), height = rows < 0 ? -int64_t{rows} : rows;
    constexpr int64_t plain = 0, masks = 3;
    const bool known = packing == plain ? bits == 1 || bits == 4 || bits == 8 || bits == 24 || bits == 32
                                        : packing == masks && (bits == 16 || bits == 32);
    if (!known) refuse_damaged(where, "only uncompressed BMP of 1, 4, 8, 24 or 32 bits, or with masks, is read");
    check_size(width, height, where);
    const int64_t offset = little_endian(bytes, 10, 4), line = (width * bits + 31) / 32 * 4,
                  size = static_cast<int64_t>(bytes.size()), colours = little_endian(bytes, 46, 4);
    if (colours > 256 || 14 + header + (bits <= 8 ? 4 * colours : 0) > offset)
        refuse_damaged(where, "its header contradicts itself");
    if (offset > size || line > (size - offset) / height) refuse_damaged(where, "the file ends too early");
    DecodedPicture picture;
    picture.width = width;
    picture.height = height;
    if (packing == masks) {
        read_masked(bytes, {offset, line, bits / 8, rows < 0}, picture, where);
        return picture;
    }
    const cv::Mat encoded(1, static_cast<int>(bytes.size()), CV_8UC1, const_cast<char*>(bytes.data()));
    cv::Mat pixels;
    try {
        pixels = cv::imdecode(encoded, cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION);
    } catch (const cv::Exception&) {  // as every other damaged picture, below
    }
    if (pixels.type() != CV_8UC3 || pixels.cols != width || pixels.rows != height)
        refuse_damaged(where, "its pixels cannot be read");
    picture.channels = 3;
    picture.allocate();
    for (size_t i = 0; i < picture.bytes.size(); i += 3)
        for (size_t c = 0; c < 3; ++c) picture.bytes[i + c] = pixels.data[i + 2 - c];
    return picture;
}

}  // namespace spikelens
