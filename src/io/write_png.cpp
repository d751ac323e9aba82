#include <algorithm>
#include <cmath>
#include <csetjmp>

#include <fmt/format.h>
#include <png.h>

#include "spikelens/core/error.h"
#include "spikelens/io/files.h"
#include "spikelens/io/picture.h"

namespace spikelens {
namespace {

std::vector<uint8_t> to_bytes(const FloatArray& image, const std::string& where) {
    if (image.shape.size() != 3 || (image.extent(0) != 1 && image.extent(0) != 3) || image.empty())
        throw InputError(fmt::format("{}: an image must be [1 or 3, H, W], not {}", where, shape_text(image.shape)));
    const int64_t channels = image.extent(0), plane = image.row_size();
    std::vector<uint8_t> bytes(image.data.size());
    for (int64_t i = 0; i < image.size(); ++i) {
        const float value = image.data[i];
        if (!std::isfinite(value)) throw InputError(where + ": an image holds a value that is not finite");
        bytes[i % plane * channels + i / plane] =
            static_cast<uint8_t>(std::lround(std::clamp(value, 0.0F, 1.0F) * 255));
    }
    return bytes;
}

/// libpng leaves a function by a jump, so nothing that needs a destructor lives in the functions that call it.
class PngWriting {
  public:
    PngWriting(const std::map<std::string, std::string>& texts) {
        const auto stop = [](png_structp png, png_const_charp) { png_longjmp(png, 1); };
        const auto ignore = [](png_structp, png_const_charp) {};
        png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, stop, ignore);
        info_ = png_ ? png_create_info_struct(png_) : nullptr;
        for (const auto& [key, text] : texts)
            texts_.push_back({PNG_TEXT_COMPRESSION_NONE, const_cast<char*>(key.c_str()),
                              const_cast<char*>(text.c_str()), text.size(), 0, nullptr, nullptr});
    }
    ~PngWriting() { png_destroy_write_struct(&png_, &info_); }
    PngWriting(const PngWriting&) = delete;
    PngWriting& operator=(const PngWriting&) = delete;

    bool write(const uint8_t* pixels, int64_t channels, int64_t height, int64_t width) {
        if (!info_ || setjmp(png_jmpbuf(png_))) return false;
        png_set_write_fn(
            png_, this,
            [](png_structp png, png_bytep bytes, size_t count) {
                static_cast<PngWriting*>(png_get_io_ptr(png))->file.append(reinterpret_cast<const char*>(bytes), count);
            },
            [](png_structp) {});
        png_set_IHDR(png_, info_, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), 8,
                     channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                     PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
        png_set_text(png_, info_, texts_.data(), static_cast<int>(texts_.size()));
        png_write_info(png_, info_);
        for (int64_t y = 0; y < height; ++y) png_write_row(png_, pixels + y * width * channels);
        png_write_end(png_, info_);
        return true;
    }

    std::string file;

  private:
    png_structp png_ = nullptr;
    png_infop info_ = nullptr;
    std::vector<png_text> texts_;
};

}  // namespace

void write_png(const std::filesystem::path& path, const FloatArray& image,
               const std::map<std::string, std::string>& texts) {
    const std::vector<uint8_t> pixels = to_bytes(image, "cannot write " + path.string());
    std::map<std::string, std::string> all = texts;
    all["Software"] = "Spikelens";
    PngWriting writing(all);
    if (!writing.write(pixels.data(), image.extent(0), image.extent(1), image.extent(2)))
        throw RunError("cannot encode " + path.string());
    write_file(path, writing.file);
}

}  // namespace spikelens
