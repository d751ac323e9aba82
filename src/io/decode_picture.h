#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace spikelens {

constexpr int64_t kMostPixels = 64'000'000;

/// A picture as its file holds it, row by row, channels interleaved.
struct DecodedPicture {
    int64_t width = 0;
    int64_t height = 0;
    int channels = 0;                ///< 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha
    int white = 255;                 ///< the largest value
    int orientation = 1;             ///< EXIF: 1 upright … 8
    std::vector<uint8_t> bytes;      ///< values when white ≤ 255
    std::vector<uint16_t> words;     ///< values when white > 255
    std::vector<std::string> notes;  ///< what of the file is not in the values: "its colour profile was not applied"

    // The picture upright, as its orientation says.
    int64_t upright_width() const { return orientation > 4 ? height : width; }
    int64_t upright_height() const { return orientation > 4 ? width : height; }
    /// Which pixel of the file is at (x, y) of the upright picture, counted row by row.
    size_t upright_pixel(int64_t x, int64_t y) const;

    bool has_alpha() const { return channels == 2 || channels == 4; }
    int value(size_t i) const { return white > 255 ? words[i] : bytes[i]; }
    void allocate();
};

/// The one place where pictures are decoded: PNG by libpng, JPEG by libjpeg-turbo, WebP by libwebp, TIFF by libtiff,
/// uncompressed BMP, binary PGM and PPM here. `where` is the file's name. Prints nothing. Throws InputError, with what
/// is wrong, for another format, damage of any kind (a checksum, an early end, a value out of range, anything the
/// library warns of), no pixels, more than 64 million pixels (before memory is asked for), and a JPEG with more than
/// 500 scans or so many that they would take more than some seconds. Takes up to 8 bytes a pixel.
DecodedPicture decode_picture(std::string_view bytes, const std::string& where);

/// Of one format, told from the file's first bytes.
DecodedPicture decode_png(std::string_view bytes, const std::string& where);
DecodedPicture decode_jpeg(std::string_view bytes, const std::string& where);
DecodedPicture decode_webp(std::string_view bytes, const std::string& where);
DecodedPicture decode_tiff(std::string_view bytes, const std::string& where);
DecodedPicture decode_bmp(std::string_view bytes, const std::string& where);
DecodedPicture decode_pnm(std::string_view bytes, const std::string& where);

/// Throws InputError unless 1 ≤ width · height ≤ 64 million.
void check_size(int64_t width, int64_t height, const std::string& where);

[[noreturn]] void refuse_damaged(const std::string& where, const std::string& what);

/// "7 bytes after the end of the picture were left out"
std::string trailing_note(size_t count);

/// The orientation that an EXIF block ("II*…" or "MM*…") states, 1 when it states none.
int exif_orientation(std::string_view exif);

}  // namespace spikelens
