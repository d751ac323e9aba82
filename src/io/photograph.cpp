#include "spikelens/io/photograph.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "spikelens/core/error.h"

#include "decode_picture.h"

namespace spikelens {
namespace {

constexpr int64_t kColours = 3;

/// The bytes of pixels: of 16 bits rounded, of alpha composed.
class PixelBytes {
  public:
    PixelBytes(const DecodedPicture& file, const Background& background) : file_(file), white_(file.white) {
        for (size_t c = 0; c < 3; ++c) behind_[c] = std::llround(background.rgb[c] * static_cast<double>(white_));
    }

    void put(size_t pixel, uint8_t* out) const {
        const size_t place = pixel * static_cast<size_t>(file_.channels);
        const int64_t alpha = file_.has_alpha() ? file_.value(place + static_cast<size_t>(file_.channels) - 1) : white_;
        for (size_t c = 0; c < 3; ++c) {
            const int64_t own = file_.value(place + (file_.channels > 2 ? c : 0));
            const int64_t composed = alpha * own + (white_ - alpha) * behind_[c], whole = white_ * white_;
            out[c] = static_cast<uint8_t>((composed * 255 + whole / 2) / whole);
        }
    }

  private:
    const DecodedPicture& file_;
    int64_t white_;
    std::array<int64_t, 3> behind_{};
};

/// [H, W, 3], upright.
Array<uint8_t> seen(DecodedPicture file, const Background& background) {
    const int64_t height = file.upright_height(), width = file.upright_width();
    if (file.channels == kColours && file.white == 255 && file.orientation == 1)
        return {{height, width, kColours}, std::move(file.bytes)};
    Array<uint8_t> picture({height, width, kColours});
    const PixelBytes bytes(file, background);
    for (int64_t y = 0; y < height; ++y)
        for (int64_t x = 0; x < width; ++x)
            bytes.put(file.upright_pixel(x, y), picture.data.data() + (y * width + x) * kColours);
    return picture;
}

Array<uint8_t> resized(Array<uint8_t> picture, const Framing& framing, const std::string& where) {
    int64_t height = framing.height, width = framing.width;
    if (framing.shorter > 0) {
        const int64_t h = picture.extent(0), w = picture.extent(1), most = std::max(h, w), least = std::min(h, w);
        const auto longer =
            static_cast<int64_t>(static_cast<double>(framing.shorter * most) / static_cast<double>(least));
        height = h <= w ? framing.shorter : longer;
        width = h <= w ? longer : framing.shorter;
        check_size(width, height, where + ", resized,");
    }
    return height > 0 ? resize_antialiased(picture, height, width) : std::move(picture);
}

/// How many of `spare` lines are before the middle: half of them, and of an odd number the even half.
int64_t before_middle(int64_t spare) { return spare / 2 + (spare % 2 == 1 && spare / 2 % 2 == 1 ? 1 : 0); }

}  // namespace

Array<uint8_t> photograph_bytes(std::string_view bytes, const std::string& where, const Framing& framing,
                                const Background& background) {
    const Array<uint8_t> picture = resized(seen(decode_picture(bytes, where), background), framing, where);
    const int64_t height = framing.crop_height > 0 ? framing.crop_height : picture.extent(0),
                  width = framing.crop_width > 0 ? framing.crop_width : picture.extent(1);
    if (height > picture.extent(0) || width > picture.extent(1))
        throw InputError(fmt::format("{} has {} x {} pixels where its crop needs {} x {}", where, picture.extent(0),
                                     picture.extent(1), height, width));
    const int64_t top = before_middle(picture.extent(0) - height), left = before_middle(picture.extent(1) - width);
    Array<uint8_t> planes({kColours, height, width});
    for (int64_t y = 0; y < height; ++y) {
        const uint8_t* pixel = picture.row(top + y).data() + left * kColours;
        for (int64_t x = 0; x < width; ++x)
            for (int64_t c = 0; c < kColours; ++c)
                planes.data[static_cast<size_t>((c * height + y) * width + x)] = *pixel++;
    }
    return planes;
}

}  // namespace spikelens
