#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <jpeglib.h>
#include <png.h>
#include <tiffio.h>
#include <webp/encode.h>

#include "spikelens/core/array.h"
#include "spikelens/io/files.h"

#include "support/temporary_folder.h"

/// Files of pictures, made by the libraries of their formats; BMP, PGM and PPM here.
namespace spikelens {

/// What a PNG of a test holds besides its values.
struct PngParts {
    int type = PNG_COLOR_TYPE_GRAY, bits = 8;
    std::vector<png_color> colours = {};
    std::vector<png_byte> clear_colours = {};
    int interlace = PNG_INTERLACE_NONE;
    int gamma = 0;
    std::vector<std::pair<std::string, std::string>> chunks = {};  // kind and content, before the pixels
};

inline std::string png_file(uint32_t width, uint32_t height, std::vector<uint8_t> rows, const PngParts& parts) {
    std::string bytes;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(
        png, &bytes,
        [](png_structp p, png_bytep data, size_t count) {
            static_cast<std::string*>(png_get_io_ptr(p))->append(reinterpret_cast<char*>(data), count);
        },
        nullptr);
    png_set_IHDR(png, info, width, height, parts.bits, parts.type, parts.interlace, 0, 0);
    if (!parts.colours.empty()) png_set_PLTE(png, info, parts.colours.data(), static_cast<int>(parts.colours.size()));
    if (!parts.clear_colours.empty())
        png_set_tRNS(png, info, parts.clear_colours.data(), static_cast<int>(parts.clear_colours.size()), nullptr);
    if (parts.gamma > 0) png_set_gAMA_fixed(png, info, parts.gamma);
    png_write_info(png, info);
    for (const auto& [kind, content] : parts.chunks)
        png_write_chunk(png, reinterpret_cast<png_const_bytep>(kind.c_str()),
                        reinterpret_cast<png_const_bytep>(content.data()), content.size());
    const size_t row = rows.size() / height;
    std::vector<png_bytep> starts;
    for (uint32_t y = 0; y < height; ++y) starts.push_back(rows.data() + y * row);
    png_write_image(png, starts.data());
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return bytes;
}

struct JpegParts {
    int components = 1;
    std::string exif = {};
    std::vector<jpeg_scan_info> scans = {};
};

inline std::string jpeg_file(uint32_t width, uint32_t height, const std::vector<uint8_t>& pixels,
                             const JpegParts& parts) {
    jpeg_compress_struct info{};
    jpeg_error_mgr errors{};
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    unsigned char* bytes = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&info, &bytes, &size);
    info.image_width = width;
    info.image_height = height;
    info.input_components = parts.components;
    info.in_color_space = parts.components == 1 ? JCS_GRAYSCALE : parts.components == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, 100, TRUE);
    info.scan_info = parts.scans.empty() ? nullptr : parts.scans.data();
    info.num_scans = static_cast<int>(parts.scans.size());
    jpeg_start_compress(&info, TRUE);
    if (!parts.exif.empty())
        jpeg_write_marker(&info, JPEG_APP0 + 1, reinterpret_cast<const JOCTET*>(parts.exif.data()),
                          static_cast<unsigned>(parts.exif.size()));
    while (info.next_scanline < height) {
        auto* row =
            const_cast<JSAMPROW>(pixels.data() + info.next_scanline * width * static_cast<size_t>(parts.components));
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    std::string file(reinterpret_cast<char*>(bytes), size);
    std::free(bytes);
    return file;
}

/// What a BMP of a test holds besides its pixels.
struct BmpParts {
    int bits = 24;
    std::vector<uint32_t> colours = {};  // 0xRRGGBB, where pixels are their indices
    bool from_top = false, states_colours = true;
    uint32_t header = 40, gap = 0;  // sizes: of the header, and of what lies before the pixels
};

/// A pixel is the index of a colour, or 0xRRGGBB; of 32 bits also what lies above.
inline std::string bmp_file(uint32_t width, uint32_t height, const std::vector<uint32_t>& pixels,
                            const BmpParts& parts) {
    const auto word = [](uint64_t value, int bytes = 4) {
        std::string text;
        for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * i);
        return text;
    };
    std::string table, rows;
    for (const uint32_t colour : parts.colours) table += word(colour);
    for (uint32_t y = 0; y < height; ++y) {
        const uint32_t* row = pixels.data() + size_t{width} * (parts.from_top ? y : height - 1 - y);
        std::string line;
        if (parts.bits >= 8)
            for (uint32_t x = 0; x < width; ++x) line += word(row[x], parts.bits / 8);
        else
            for (uint32_t x = 0, bit = 0; x < width; ++x, bit += static_cast<uint32_t>(parts.bits)) {
                line.resize(bit / 8 + 1);
                line[bit / 8] |= static_cast<char>(row[x] << (8 - static_cast<uint32_t>(parts.bits) - bit % 8));
            }
        line.resize((line.size() + 3) / 4 * 4, '\x55');
        rows += line;
    }
    const size_t offset = 14 + parts.header + table.size() + parts.gap;
    return "BM" + word(offset + rows.size()) + word(0) + word(offset) + word(parts.header) + word(width) +
           word(parts.from_top ? 0 - height : height) + word(1, 2) + word(static_cast<uint32_t>(parts.bits), 2) +
           word(0) + word(rows.size()) + word(0) + word(0) + word(parts.states_colours ? parts.colours.size() : 0) +
           word(0) + std::string(parts.header - 40, '\0') + table + std::string(parts.gap, '\x55') + rows;
}

/// Packed by LZW. `rows` are of 8 bits, or of 16 as this machine has them.
inline std::string tiff_file(uint32_t width, uint32_t height, int channels, int bits, std::vector<uint8_t> rows) {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder / "picture.tiff";
    TIFF* tiff = TIFFOpen(path.c_str(), "w");
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, width);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, height);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, bits);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, channels);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, channels == 1 ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_LZW);
    TIFFSetField(tiff, TIFFTAG_PREDICTOR, PREDICTOR_HORIZONTAL);
    for (uint32_t y = 0; y < height; ++y) TIFFWriteScanline(tiff, rows.data() + y * (rows.size() / height), y, 0);
    TIFFClose(tiff);
    return read_file(path);
}

/// Without loss. `rows` are RGB, or RGB and alpha.
inline std::string webp_file(int width, int height, int channels, const std::vector<uint8_t>& rows) {
    uint8_t* bytes = nullptr;
    const size_t size = channels == 4 ? WebPEncodeLosslessRGBA(rows.data(), width, height, channels * width, &bytes)
                                      : WebPEncodeLosslessRGB(rows.data(), width, height, channels * width, &bytes);
    const std::string file(reinterpret_cast<char*>(bytes), size);
    WebPFree(bytes);
    return file;
}

/// A picture [H, W, 1 (grey), 3 (RGB) or 4 (RGB and alpha)] as a file of the format that has the ending; not every
/// format has every number of channels.
inline std::string picture_file(const std::string& ending, const Array<uint8_t>& picture) {
    const auto height = static_cast<uint32_t>(picture.extent(0)), width = static_cast<uint32_t>(picture.extent(1));
    const auto channels = static_cast<int>(picture.extent(2));
    const std::vector<uint8_t> values(picture.data.begin(), picture.data.end());
    if (ending == ".png") {
        constexpr std::array types{0, PNG_COLOR_TYPE_GRAY, 0, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
        return png_file(width, height, values, {.type = types.at(static_cast<size_t>(channels))});
    }
    if (ending == ".jpg") return jpeg_file(width, height, values, {.components = channels});
    if (ending == ".tiff") return tiff_file(width, height, channels, 8, values);
    if (ending == ".webp") return webp_file(static_cast<int>(width), static_cast<int>(height), channels, values);
    if (ending == ".bmp") {
        std::vector<uint32_t> pixels, greys;
        for (uint32_t i = 0; channels == 1 && i < 256; ++i) greys.push_back(0x10101 * i);
        for (size_t i = 0; i < values.size(); i += static_cast<size_t>(channels))
            pixels.push_back(channels == 1 ? values[i]
                                           : uint32_t{values[i]} << 16 | uint32_t{values[i + 1]} << 8 | values[i + 2]);
        return bmp_file(width, height, pixels, {.bits = 8 * channels, .colours = greys});
    }
    return (channels == 1 ? "P5\n" : "P6\n") + std::to_string(width) + " " + std::to_string(height) + "\n255\n" +
           std::string(values.begin(), values.end());
}

}  // namespace spikelens
