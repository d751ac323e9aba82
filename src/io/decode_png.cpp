#include <bit>
#include <csetjmp>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <png.h>

#include "decode_picture.h"

namespace spikelens {
namespace {

constexpr int kDeepestCompression = 1100;  // bytes that one byte of zlib can become: 1032, and some room

/// What one decoding has in hand. libpng leaves a function by a jump, so nothing that needs a destructor lives in the
/// functions that call it.
class PngReading {
  public:
    explicit PngReading(std::string_view bytes) : bytes_(bytes) {
        png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, stop, ignore);
        info_ = png_ ? png_create_info_struct(png_) : nullptr;
        error_ = "no memory for libpng";
    }
    ~PngReading() { png_destroy_read_struct(&png_, &info_, nullptr); }
    PngReading(const PngReading&) = delete;
    PngReading& operator=(const PngReading&) = delete;

    /// Everything before the pixels. False when error() says why not.
    bool read_header() {
        if (!info_ || setjmp(png_jmpbuf(png_))) return false;
        png_set_read_fn(png_, this, copy);
        png_set_crc_action(png_, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
        png_set_benign_errors(png_, 0);
        png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // the caller's limit is of pixels
        png_set_chunk_malloc_max(png_, 0);                            // no chunk is longer than the file
        leave_chunks_packed();
        png_read_info(png_, info_);
        return true;
    }

    bool read_pixels() {
        if (setjmp(png_jmpbuf(png_))) return false;
        png_set_interlace_handling(png_);
        png_read_update_info(png_, info_);
        png_read_image(png_, rows_.data());
        png_read_end(png_, nullptr);
        return true;
    }

    /// Between the two: asks for whole values with alpha where the file has transparency, and allocates.
    void prepare() {
        const int type = png_get_color_type(png_, info_), bits = png_get_bit_depth(png_, info_);
        const bool clear = png_get_valid(png_, info_, PNG_INFO_tRNS) != 0;
        png_set_expand(png_);
        if constexpr (std::endian::native == std::endian::little)
            if (bits == 16) png_set_swap(png_);
        picture.width = png_get_image_width(png_, info_);
        picture.height = png_get_image_height(png_, info_);
        picture.channels =
            ((type & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1) + ((type & PNG_COLOR_MASK_ALPHA) != 0 || clear ? 1 : 0);
        picture.white = bits == 16 ? 65535 : 255;
        note_gamma();
    }

    /// Whether so few bytes can hold so many pixels.
    bool can_hold() const {
        const double row = static_cast<double>(png_get_rowbytes(png_, info_));
        return row * static_cast<double>(png_get_image_height(png_, info_)) <=
               static_cast<double>(bytes_.size()) * kDeepestCompression;
    }

    void allocate() {
        picture.allocate();
        auto* const first =
            picture.white > 255 ? reinterpret_cast<png_bytep>(picture.words.data()) : picture.bytes.data();
        const size_t row = static_cast<size_t>(picture.width * picture.channels) * (picture.white > 255 ? 2 : 1);
        for (int64_t y = 0; y < picture.height; ++y) rows_.push_back(first + row * static_cast<size_t>(y));
    }

    int64_t width() const { return png_get_image_width(png_, info_); }
    int64_t height() const { return png_get_image_height(png_, info_); }
    const std::string& error() const { return error_; }
    size_t left() const { return bytes_.size() - place_; }

    DecodedPicture picture;

  private:
    [[noreturn]] static void stop(png_structp png, png_const_charp message) {
        static_cast<PngReading*>(png_get_error_ptr(png))->error_ = message;
        png_longjmp(png, 1);
    }
    static void ignore(png_structp, png_const_charp) {
    }  // what libpng takes for damage is an error by the settings above

    static void copy(png_structp png, png_bytep to, size_t count) {
        auto& self = *static_cast<PngReading*>(png_get_io_ptr(png));
        if (count > self.left()) png_error(png, "the file ends too early");
        std::memcpy(to, self.bytes_.data() + self.place_, count);
        self.place_ += count;
    }

    /// Texts, profiles and their like are never unpacked; three of them are noted.
    void leave_chunks_packed() {
        static constexpr png_byte packed[] =
            "tEXt\0zTXt\0iTXt\0iCCP\0cHRM\0hIST\0pCAL\0sCAL\0sPLT\0tIME\0oFFs\0pHYs\0bKGD\0eXIf\0acTL\0sBIT";
        png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, packed, sizeof(packed) / 5);
        png_set_read_user_chunk_fn(png_, this, note_chunk);
    }

    static int note_chunk(png_structp png, png_unknown_chunkp chunk) {
        auto& self = *static_cast<PngReading*>(png_get_user_chunk_ptr(png));
        const std::string_view name(reinterpret_cast<const char*>(chunk->name), 4);
        if (name == "iCCP") self.picture.notes.emplace_back("its colour profile was not applied");
        if (name == "acTL") self.picture.notes.emplace_back("the first picture of an animation was taken");
        if (name == "eXIf")
            self.picture.orientation = exif_orientation({reinterpret_cast<const char*>(chunk->data), chunk->size});
        return 1;
    }

    void note_gamma() {
        constexpr int usual = 45455, near = 1000;  // 1/2.2 in units of 1/100,000
        int gamma = usual;
        if (png_get_valid(png_, info_, PNG_INFO_sRGB) != 0 || png_get_gAMA_fixed(png_, info_, &gamma) == 0) return;
        if (std::abs(gamma - usual) > near)
            picture.notes.push_back(fmt::format("its gamma of {:g} was not applied", gamma / 100000.0));
    }

    std::string_view bytes_;
    size_t place_ = 0;
    png_structp png_ = nullptr;
    png_infop info_ = nullptr;
    std::string error_;
    std::vector<png_bytep> rows_;
};

}  // namespace

DecodedPicture decode_png(std::string_view bytes, const std::string& where) {
    PngReading reading(bytes);
    if (!reading.read_header()) refuse_damaged(where, reading.error());
    check_size(reading.width(), reading.height(), where);
    if (!reading.can_hold()) refuse_damaged(where, "the file ends too early");
    reading.prepare();
    reading.allocate();
    if (!reading.read_pixels()) refuse_damaged(where, reading.error());
    if (reading.left() > 0) reading.picture.notes.push_back(trailing_note(reading.left()));
    return std::move(reading.picture);
}

}  // namespace spikelens
