#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "spikelens/core/array.h"
#include "spikelens/io/picture.h"

namespace spikelens {

/// Which part of a photograph is taken, and at what size. First it is resized, then its middle is cut out; 0 leaves a
/// step out. Lengths are in pixels.
struct Framing {
    int64_t shorter = 0;            ///< resized so that its shorter side has this length, proportions kept
    int64_t height = 0, width = 0;  ///< or to exactly this size, whatever its proportions
    int64_t crop_height = 0, crop_width = 0;

    bool operator==(const Framing&) const = default;
};

/// A photograph as bytes [3, H, W] of red, green and blue. In this order:
///  1. decoded (read_picture names the formats), 16 bits rounded to 8, grey repeated, CMYK by (1 − C)(1 − K)
///  2. turned upright as its EXIF orientation says
///  3. composed on the background: a·v + (1 − a)·background, rounded
///  4. resized and cut by `framing`, as torchvision's Resize and CenterCrop do with a picture of Pillow.
/// The resampling is Pillow's bilinear filter with antialiasing, in whole numbers: the same bytes on every machine, and
/// the same as Pillow's up to its version 12. Pillow 13 takes the two axes of some pictures in the other order, which
/// moves some values by 1 of 255. Where shorter is set, the longer side is ⌊shorter · long / short⌋. Where an odd
/// number of lines is cut off, the half rounds to even. `bytes` is the file, `where` its name. Throws InputError for a
/// missing format, damage, more than 64 million pixels (told by the header alone, before anything is decoded) and a
/// picture smaller than its crop.
Array<uint8_t> photograph_bytes(std::string_view bytes, const std::string& where, const Framing& framing,
                                const Background& background = {});

/// The resampling alone: [H, W, 3] → [height, width, 3].
Array<uint8_t> resize_antialiased(const Array<uint8_t>& picture, int64_t height, int64_t width);

}  // namespace spikelens
