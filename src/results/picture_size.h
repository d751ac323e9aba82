#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace spikelens {

struct PictureSize {
    int64_t width = 0;
    int64_t height = 0;
};

constexpr int64_t most_pixels = 64'000'000;
bool too_large(const PictureSize& size);

/// The size that a PNG, JPEG, uncompressed BMP or binary PGM or PPM file states, found without decoding. Nothing for other
/// formats and for files that are seen to be damaged: a PNG's checksums, a JPEG's end, too few bytes for the pixels of the
/// others (unless these are too many anyway). The decoders print what they think of damage, so as little as possible reaches
/// them.
std::optional<PictureSize> picture_size(std::string_view bytes);

}  // namespace spikelens
