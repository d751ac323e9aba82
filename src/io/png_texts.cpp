#include <csetjmp>
#include <fstream>

#include <png.h>

#include "spikelens/io/picture.h"

namespace spikelens {
namespace {

/// libpng leaves a function by a jump, so nothing that needs a destructor lives in the functions that call it.
class PngTexts {
  public:
    explicit PngTexts(const std::filesystem::path& path) : in_(path, std::ios::binary) {
        const auto stop = [](png_structp png, png_const_charp) { png_longjmp(png, 1); };
        const auto ignore = [](png_structp, png_const_charp) {};
        png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, stop, ignore);
        info_ = png_ ? png_create_info_struct(png_) : nullptr;
    }
    ~PngTexts() { png_destroy_read_struct(&png_, &info_, nullptr); }
    PngTexts(const PngTexts&) = delete;
    PngTexts& operator=(const PngTexts&) = delete;

    bool read() {
        if (!in_ || !info_ || setjmp(png_jmpbuf(png_))) return false;
        png_set_read_fn(png_, &in_, [](png_structp png, png_bytep to, size_t count) {
            auto& in = *static_cast<std::ifstream*>(png_get_io_ptr(png));
            if (!in.read(reinterpret_cast<char*>(to), static_cast<std::streamsize>(count))) png_error(png, "the end");
        });
        png_read_info(png_, info_);
        return true;
    }

    std::map<std::string, std::string> texts() const {
        std::map<std::string, std::string> texts;
        png_textp entries = nullptr;
        const int count = png_get_text(png_, info_, &entries, nullptr);
        for (int i = 0; i < count; ++i) texts[entries[i].key] = entries[i].text ? entries[i].text : "";
        return texts;
    }

  private:
    std::ifstream in_;
    png_structp png_ = nullptr;
    png_infop info_ = nullptr;
};

}  // namespace

std::map<std::string, std::string> png_texts(const std::filesystem::path& path) {
    PngTexts reading(path);
    return reading.read() ? reading.texts() : std::map<std::string, std::string>{};
}

}  // namespace spikelens
