#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "spikelens/core/array.h"

namespace spikelens {

/// 8-bit PNG of an image [C, H, W] in [0, 1] (clamped), C 1 or 3 (RGB), written atomically. It says "Software:
/// Spikelens", by which check_output knows it again; `texts` are added to that. Throws InputError for another shape and
/// values that are not finite.
void write_png(const std::filesystem::path& path, const FloatArray& image,
               const std::map<std::string, std::string>& texts = {});

/// The texts (tEXt) of a PNG, as far as the file can be read; none of another file.
std::map<std::string, std::string> png_texts(const std::filesystem::path& path);

/// The colour behind a picture's transparent pixels.
struct Background {
    std::string name = "black";
    std::array<double, 3> rgb{};  ///< in [0, 1]
};

/// "black", "white" or "#ff8000". Throws InputError for another text.
Background parse_background(std::string_view text);

struct Picture {
    FloatArray image;                  ///< [C, H, W] in [0, 1]
    std::vector<std::string> changes;  ///< what the file holds and the image does not: "composed on black"; for people
};

/// A PNG, JPEG, WebP, TIFF, uncompressed BMP, or binary PGM or PPM picture, as a network sees it. In this order, and
/// each said in `changes` when it changes anything:
///  1. turned upright as its EXIF orientation says (JPEG, PNG, WebP, TIFF)
///  2. composed on the background: a·v + (1 − a)·background, of values as stored
///  3. grey, 0.299 R + 0.587 G + 0.114 B, when channels is 1; three equal channels of grey when it is 3
///  4. resized to height × width: by area along an axis that shrinks, linearly along one that grows.
/// Values are v / largest value, as stored: neither gamma nor a colour profile is applied, CMYK becomes RGB by (1 −
/// C)(1 − K), of an animation the first picture is taken; these are said too. Throws InputError for a missing or
/// damaged file, another format, more than 64 million pixels or 400 million bytes; for a picture that is transparent
/// everywhere, one that becomes uniform by 2 to 4 though it is not, and one with a side to be enlarged more than 8
/// times.
Picture read_picture(const std::filesystem::path& path, int64_t channels, int64_t height, int64_t width,
                     const Background& background = {});

}  // namespace spikelens
