#include <algorithm>
#include <csetjmp>
#include <cstdio>

#include <fmt/format.h>
#include <jpeglib.h>

#include "decode_picture.h"

namespace spikelens {
namespace {

constexpr int kMostScans = 500;
constexpr int64_t kMostScanned = 1'500'000'000;  // pixels times scans

/// What one decoding has in hand. libjpeg leaves a function by a jump, so nothing that needs a destructor lives in the
/// functions that call it. Whatever it would warn of is damage.
class JpegReading {
  public:
    explicit JpegReading(std::string_view bytes) : bytes_(bytes) {
        info_.err = jpeg_std_error(&errors_);
        info_.client_data = this;
        errors_.error_exit = stop;
        errors_.emit_message = [](j_common_ptr info, int level) {
            if (level < 0) stop(info);
        };
        progress_.progress_monitor = count_scans;
    }
    ~JpegReading() { jpeg_destroy_decompress(&info_); }
    JpegReading(const JpegReading&) = delete;
    JpegReading& operator=(const JpegReading&) = delete;

    /// False when error() says why not.
    bool read_header() {
        if (setjmp(back_)) return false;
        jpeg_create_decompress(&info_);
        info_.progress = &progress_;
        jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes_.data()), bytes_.size());
        jpeg_save_markers(&info_, JPEG_APP0 + 1, 0xFFFF);
        jpeg_save_markers(&info_, JPEG_APP0 + 2, 16);
        jpeg_read_header(&info_, TRUE);
        return true;
    }

    bool read_pixels() {
        if (setjmp(back_)) return false;
        jpeg_start_decompress(&info_);
        while (info_.output_scanline < info_.output_height) {
            JSAMPROW row = line_.data();
            jpeg_read_scanlines(&info_, &row, 1);
            put_line();
        }
        jpeg_finish_decompress(&info_);
        return true;
    }

    int64_t width() const { return info_.image_width; }
    int64_t height() const { return info_.image_height; }
    const char* error() const { return error_; }
    size_t left() const { return info_.src->bytes_in_buffer; }

    /// Between the two: chooses grey, RGB or CMYK, and allocates. False for other kinds of colour.
    bool prepare() {
        picture.width = width();
        picture.height = height();
        const int parts = info_.num_components;
        if (parts != 1 && parts != 3 && parts != 4) return false;
        info_.out_color_space = parts == 1 ? JCS_GRAYSCALE : parts == 3 ? JCS_RGB : JCS_CMYK;
        picture.channels = parts == 1 ? 1 : 3;
        if (parts == 4) picture.notes.emplace_back("CMYK to RGB");
        line_.resize(static_cast<size_t>(picture.width * parts));
        picture.allocate();
        for (jpeg_saved_marker_ptr marker = info_.marker_list; marker; marker = marker->next) read_marker(*marker);
        return true;
    }

    DecodedPicture picture;

  private:
    static JpegReading& self_of(j_common_ptr info) { return *static_cast<JpegReading*>(info->client_data); }
    [[noreturn]] static void stop(j_common_ptr info) {
        JpegReading& self = self_of(info);
        (*info->err->format_message)(info, self.error_);
        std::longjmp(self.back_, 1);
    }
    static void count_scans(j_common_ptr info) {
        JpegReading& self = self_of(info);
        const int64_t scans = self.info_.input_scan_number;
        if (scans <= kMostScans && scans * self.width() * self.height() <= kMostScanned) return;
        std::snprintf(self.error_, sizeof(self.error_), "it is in more scans than any picture needs");
        std::longjmp(self.back_, 1);
    }

    void read_marker(const jpeg_marker_struct& marker) {
        const std::string_view content(reinterpret_cast<const char*>(marker.data), marker.data_length);
        constexpr std::string_view exif("Exif\0\0", 6), profile("ICC_PROFILE\0\x1", 13);
        if (marker.marker == JPEG_APP0 + 1 && content.starts_with(exif))
            picture.orientation = exif_orientation(content.substr(exif.size()));
        if (marker.marker == JPEG_APP0 + 2 && content.starts_with(profile))
            picture.notes.emplace_back("its colour profile was not applied");
    }

    /// CMYK of Adobe's programs is stored inverted, 255 for no ink.
    void put_line() {
        const auto w = static_cast<size_t>(picture.width), c = static_cast<size_t>(picture.channels);
        uint8_t* const out = picture.bytes.data() + (info_.output_scanline - 1) * w * c;
        if (info_.out_color_space != JCS_CMYK) {
            std::copy_n(line_.data(), w * c, out);
            return;
        }
        const int flip = info_.saw_Adobe_marker ? 0 : 255;
        for (size_t x = 0; x < w; ++x)
            for (size_t k = 0; k < 3; ++k)
                out[3 * x + k] =
                    static_cast<uint8_t>(((line_[4 * x + k] ^ flip) * (line_[4 * x + 3] ^ flip) + 127) / 255);
    }

    std::string_view bytes_;
    jpeg_decompress_struct info_{};
    jpeg_error_mgr errors_{};
    jpeg_progress_mgr progress_{};
    std::jmp_buf back_{};
    char error_[JMSG_LENGTH_MAX] = "";
    std::vector<JSAMPLE> line_;
};

}  // namespace

DecodedPicture decode_jpeg(std::string_view bytes, const std::string& where) {
    JpegReading reading(bytes);
    if (!reading.read_header()) refuse_damaged(where, reading.error());
    check_size(reading.width(), reading.height(), where);
    if (!reading.prepare()) refuse_damaged(where, "a JPEG has 1, 3 or 4 parts of colour");
    if (!reading.read_pixels()) refuse_damaged(where, reading.error());
    if (reading.left() > 0) reading.picture.notes.push_back(trailing_note(reading.left()));
    return std::move(reading.picture);
}

}  // namespace spikelens
