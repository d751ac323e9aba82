#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>

#include <tiffio.h>

#include "decode_picture.h"

namespace spikelens {
namespace {

constexpr tmsize_t kMostMemory = 600'000'000;  // that libtiff may ask for at once

/// A TIFF file in memory, as libtiff asks for it; what it thinks wrong is kept, never printed.
class TiffReading {
  public:
    explicit TiffReading(std::string_view bytes) : bytes_(bytes) {
        const std::unique_ptr<TIFFOpenOptions, void (*)(TIFFOpenOptions*)> options(TIFFOpenOptionsAlloc(),
                                                                                   TIFFOpenOptionsFree);
        if (!options) return;
        TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMostMemory);
        TIFFOpenOptionsSetErrorHandlerExtR(options.get(), keep_error, this);
        TIFFOpenOptionsSetWarningHandlerExtR(
            options.get(), [](TIFF*, void*, const char*, const char*, va_list) { return 1; }, nullptr);
        file_.reset(
            TIFFClientOpenExt("picture", "rm", this, read, write, seek, close, size, nullptr, nullptr, options.get()));
    }

    TIFF* file() const { return file_.get(); }
    const char* error() const { return error_.data(); }

    int64_t number(uint32_t tag, int64_t otherwise) const {
        uint32_t value = 0;
        return TIFFGetField(file_.get(), tag, &value) == 1 ? value : otherwise;
    }
    int short_number(uint32_t tag, int otherwise) const {
        uint16_t value = 0;
        return TIFFGetFieldDefaulted(file_.get(), tag, &value) == 1 ? value : otherwise;
    }

  private:
    static int keep_error(TIFF*, void* self, const char*, const char* format, va_list values) {
        auto& error = static_cast<TiffReading*>(self)->error_;
        if (error[0] == '\0') std::vsnprintf(error.data(), error.size(), format, values);
        return 1;
    }
    static tmsize_t read(thandle_t handle, void* to, tmsize_t count) {
        auto& self = *static_cast<TiffReading*>(handle);
        const size_t left = self.place_ < self.bytes_.size() ? self.bytes_.size() - self.place_ : 0,
                     taken = std::min(left, static_cast<size_t>(count));
        std::memcpy(to, self.bytes_.data() + (left > 0 ? self.place_ : 0), taken);
        self.place_ += taken;
        return static_cast<tmsize_t>(taken);
    }
    static tmsize_t write(thandle_t, void*, tmsize_t) { return -1; }
    static toff_t seek(thandle_t handle, toff_t offset, int from) {
        auto& self = *static_cast<TiffReading*>(handle);
        self.place_ = offset + (from == SEEK_CUR ? self.place_ : from == SEEK_END ? self.bytes_.size() : 0);
        return self.place_;
    }
    static int close(thandle_t) { return 0; }
    static toff_t size(thandle_t handle) { return static_cast<TiffReading*>(handle)->bytes_.size(); }

    std::string_view bytes_;
    size_t place_ = 0;
    std::array<char, 1024> error_{};
    std::unique_ptr<TIFF, void (*)(TIFF*)> file_{nullptr, TIFFClose};
};

/// libtiff's pixels, red in the lowest byte and alpha in the highest, colours multiplied by alpha.
void put_pixels(const std::vector<uint32_t>& raster, DecodedPicture& picture) {
    picture.allocate();
    auto* out = picture.bytes.data();
    for (const uint32_t pixel : raster) {
        const uint32_t alpha = picture.has_alpha() ? TIFFGetA(pixel) : 255;
        for (const uint32_t value : {TIFFGetR(pixel), TIFFGetG(pixel), TIFFGetB(pixel)})
            *out++ = static_cast<uint8_t>(alpha == 0 ? 0 : std::min<uint32_t>(255, (value * 255 + alpha / 2) / alpha));
        if (picture.has_alpha()) *out++ = static_cast<uint8_t>(alpha);
    }
}

bool has_alpha(const TiffReading& reading) {
    uint16_t count = 0;
    const uint16_t* kinds = nullptr;
    return TIFFGetFieldDefaulted(reading.file(), TIFFTAG_EXTRASAMPLES, &count, &kinds) == 1 && count > 0 &&
           kinds[0] != EXTRASAMPLE_UNSPECIFIED;
}

/// Every pixel, in the file's own orientation. False when something is wrong.
bool read_raster(const TiffReading& reading, std::vector<uint32_t>& raster, std::array<char, 1024>& reason) {
    TIFFRGBAImage image;
    if (TIFFRGBAImageBegin(&image, reading.file(), 1, reason.data()) == 0) return false;
    image.orientation = image.req_orientation = ORIENTATION_TOPLEFT;
    const int read = TIFFRGBAImageGet(&image, raster.data(), image.width, image.height);
    TIFFRGBAImageEnd(&image);
    return read == 1 && reading.error()[0] == '\0';
}

}  // namespace

/// libtiff turns grey, palettes, CMYK, YCbCr and 16 bits into 8 bits of red, green, blue and alpha.
DecodedPicture decode_tiff(std::string_view bytes, const std::string& where) {
    const TiffReading reading(bytes);
    if (reading.file() == nullptr) refuse_damaged(where, *reading.error() != '\0' ? reading.error() : "it is no TIFF");
    DecodedPicture picture;
    picture.width = reading.number(TIFFTAG_IMAGEWIDTH, 0);
    picture.height = reading.number(TIFFTAG_IMAGELENGTH, 0);
    check_size(picture.width, picture.height, where);
    picture.channels = has_alpha(reading) ? 4 : 3;
    picture.orientation = reading.short_number(TIFFTAG_ORIENTATION, 1);
    if (picture.orientation < 1 || picture.orientation > 8) picture.orientation = 1;
    std::vector<uint32_t> raster(static_cast<size_t>(picture.width * picture.height));
    std::array<char, 1024> reason{};  // the size that libtiff expects
    if (!read_raster(reading, raster, reason))
        refuse_damaged(where, reason[0] != '\0' ? reason.data() : reading.error());
    put_pixels(raster, picture);
    if (reading.short_number(TIFFTAG_BITSPERSAMPLE, 1) > 8) picture.notes.emplace_back("16 bits to 8");
    if (TIFFLastDirectory(reading.file()) == 0) picture.notes.emplace_back("the first of its pictures was taken");
    return picture;
}

}  // namespace spikelens
