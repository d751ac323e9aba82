#include <webp/decode.h>

#include "decode_picture.h"

namespace spikelens {
namespace {

/// The content of the first chunk of this name: a RIFF file is chunks of a name, a size and as many bytes, padded to
/// even.
std::string_view find_chunk(std::string_view bytes, std::string_view name) {
    constexpr size_t file_header = 12, header = 8;
    for (size_t place = file_header; bytes.size() - place >= header;) {
        size_t size = 0;
        for (size_t i = 4; i-- > 0;) size = size << 8 | static_cast<uint8_t>(bytes[place + 4 + i]);
        const size_t left = bytes.size() - place - header;
        if (bytes.substr(place, 4) == name) return bytes.substr(place + header, size);
        if (size + (size & 1) > left) break;
        place += header + size + (size & 1);
    }
    return {};
}

int orientation_of(std::string_view bytes) {
    constexpr std::string_view prefix("Exif\0\0", 6);  // some writers put it there, as in a JPEG
    std::string_view exif = find_chunk(bytes, "EXIF");
    if (exif.starts_with(prefix)) exif.remove_prefix(prefix.size());
    return exif_orientation(exif);
}

}  // namespace

DecodedPicture decode_webp(std::string_view bytes, const std::string& where) {
    const auto* const data = reinterpret_cast<const uint8_t*>(bytes.data());
    WebPBitstreamFeatures features;
    if (WebPGetFeatures(data, bytes.size(), &features) != VP8_STATUS_OK)
        refuse_damaged(where, "its header cannot be read");
    check_size(features.width, features.height, where);
    if (features.has_animation != 0) refuse_damaged(where, "an animated WebP is not read");
    DecodedPicture picture;
    picture.width = features.width;
    picture.height = features.height;
    picture.channels = features.has_alpha != 0 ? 4 : 3;
    picture.orientation = orientation_of(bytes);
    picture.allocate();
    const auto decode = features.has_alpha != 0 ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
    const int64_t line = picture.width * picture.channels;
    if (decode(data, bytes.size(), picture.bytes.data(), picture.bytes.size(), static_cast<int>(line)) == nullptr)
        refuse_damaged(where, "its pixels cannot be decoded, or the file ends too early");
    if (!find_chunk(bytes, "ICCP").empty()) picture.notes.emplace_back("its colour profile was not applied");
    return picture;
}

}  // namespace spikelens
