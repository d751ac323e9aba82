#include "spikelens/io/picture.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/io/files.h"

#include "decode_picture.h"
#include "resample.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kLargestFile = 400'000'000;
constexpr int64_t kMostEnlarged = 8;

/// A decoded picture as it is meant to be seen: upright, without transparency, in grey or RGB.
class Seen {
  public:
    Seen(const DecodedPicture& file, int64_t channels, const Background& background)
        : file_(file), channels_(channels), background_(background), values_(static_cast<size_t>(channels)) {}

    int64_t width() const { return file_.upright_width(); }
    int64_t height() const { return file_.upright_height(); }

    /// The channels of a pixel, in [0, 1].
    const std::vector<double>& at(int64_t x, int64_t y) {
        const size_t pixel = file_.upright_pixel(x, y) * static_cast<size_t>(file_.channels);
        watch(pixel);
        const double white = file_.white;
        const double alpha =
            file_.has_alpha() ? file_.value(pixel + static_cast<size_t>(file_.channels) - 1) / white : 1;
        std::array<double, 3> rgb{};
        for (size_t c = 0; c < 3; ++c) {
            const double own = file_.value(pixel + (file_.channels > 2 ? c : 0)) / white;
            rgb[c] = alpha == 1 ? own : alpha * own + (1 - alpha) * background_.rgb[c];
        }
        clear_ = clear_ || alpha < 1;
        seen_ = seen_ || alpha > 0;
        coloured_ = coloured_ || rgb[0] != rgb[1] || rgb[1] != rgb[2];
        if (channels_ == 3)
            std::ranges::copy(rgb, values_.begin());
        else
            values_[0] =
                rgb[0] == rgb[1] && rgb[1] == rgb[2] ? rgb[0] : 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
        return values_;
    }

    // What was met in all pixels asked for so far.
    bool clear() const { return clear_; }        ///< some transparency
    bool seen() const { return seen_; }          ///< something that is not all transparent
    bool coloured() const { return coloured_; }  ///< a colour that is not grey
    bool varied() const { return varied_; }      ///< two different pixels in the file

  private:
    void watch(size_t pixel) {
        for (size_t c = 0; c < static_cast<size_t>(file_.channels) && !varied_; ++c)
            varied_ = file_.value(pixel + c) != file_.value(c);
    }

    const DecodedPicture& file_;
    int64_t channels_;
    const Background& background_;
    std::vector<double> values_;
    bool clear_ = false, seen_ = false, coloured_ = false, varied_ = false;
};

FloatArray resized(Seen& seen, int64_t channels, int64_t height, int64_t width) {
    const Resampling across(seen.width(), width), down(seen.height(), height);
    const auto row_size = static_cast<size_t>(channels * width);
    std::vector<double> row(row_size), sums(row_size * static_cast<size_t>(height));  // [w, c] and [h, w, c]
    for (int64_t y = 0; y < seen.height(); ++y) {
        std::ranges::fill(row, 0);
        for (int64_t x = 0; x < seen.width(); ++x) {
            const std::vector<double>& values = seen.at(x, y);
            across.from(x, [&](int64_t to, double weight) {
                for (size_t c = 0; c < values.size(); ++c)
                    row[static_cast<size_t>(to) * values.size() + c] += weight * values[c];
            });
        }
        down.from(y, [&](int64_t to, double weight) {
            for (size_t i = 0; i < row_size; ++i) sums[static_cast<size_t>(to) * row_size + i] += weight * row[i];
        });
    }
    FloatArray image({channels, height, width});
    for (int64_t c = 0; c < channels; ++c)
        for (int64_t i = 0; i < height * width; ++i)
            image.data[static_cast<size_t>(c * height * width + i)] =
                static_cast<float>(std::clamp(sums[static_cast<size_t>(i * channels + c)], 0.0, 1.0));
    return image;
}

bool uniform(const FloatArray& image) {
    constexpr float rounding = 1e-6F;
    for (int64_t c = 0; c < image.extent(0); ++c) {
        const auto [least, most] = std::ranges::minmax(image.row(c));
        if (most - least > rounding) return false;
    }
    return true;
}

std::vector<std::string> changes_of(const DecodedPicture& file, const Seen& seen, const Background& background,
                                    const FloatArray& image) {
    std::vector<std::string> changes = file.notes;
    const int64_t channels = image.extent(0), height = image.extent(1), width = image.extent(2);
    if (file.orientation != 1)
        changes.push_back(fmt::format("turned upright, as its EXIF orientation {} says", file.orientation));
    if (seen.clear()) changes.push_back("composed on " + background.name);
    if (channels == 1 && seen.coloured()) changes.emplace_back("3 channels to grey");
    if (channels == 3 && !seen.coloured() && file.channels < 3) changes.emplace_back("grey to 3 equal channels");
    if (seen.width() != width || seen.height() != height)
        changes.push_back(fmt::format("{}×{} resized to {}×{}{}", seen.width(), seen.height(), width, height,
                                      seen.width() * height == seen.height() * width ? "" : " (proportions change)"));
    return changes;
}

void check_enlargement(const Seen& seen, int64_t height, int64_t width, const std::string& where) {
    if (width <= kMostEnlarged * seen.width() && height <= kMostEnlarged * seen.height()) return;
    throw InputError(fmt::format("{} has {}×{} pixels, too few for {}×{}: a picture is enlarged {} times at most",
                                 where, seen.width(), seen.height(), width, height, kMostEnlarged));
}

}  // namespace

Background parse_background(std::string_view text) {
    if (text == "black") return {"black", {0, 0, 0}};
    if (text == "white") return {"white", {1, 1, 1}};
    const auto is_digit = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    };
    if (text.size() != 7 || text[0] != '#' || !std::ranges::all_of(text.substr(1), is_digit))
        throw InputError(fmt::format("the background '{}' is not black, white or a colour like #ff8000{}", text,
                                     suggestion(std::string(text), {"black", "white"})));
    Background background{std::string(text), {}};
    for (size_t c = 0; c < 3; ++c)
        background.rgb[c] = std::stoi(background.name.substr(1 + 2 * c, 2), nullptr, 16) / 255.0;
    return background;
}

Picture read_picture(const fs::path& path, int64_t channels, int64_t height, int64_t width,
                     const Background& background) {
    const std::string where = path.string();
    if ((channels != 1 && channels != 3) || height < 1 || width < 1 || height > kMostPixels / width)
        throw InputError(
            fmt::format("cannot read {} as [{}, {}, {}]: a picture has 1 or 3 channels and up to 64 million pixels",
                        where, channels, height, width));
    const DecodedPicture file = decode_picture(read_file(path, kLargestFile), where);
    Seen seen(file, channels, background);
    check_enlargement(seen, height, width, where);
    Picture picture;
    picture.image = resized(seen, channels, height, width);
    if (!seen.seen()) throw InputError(where + " is transparent everywhere: it shows nothing");
    picture.changes = changes_of(file, seen, background, picture.image);
    if (!uniform(picture.image)) return picture;
    if (seen.varied())
        throw InputError(fmt::format("{} becomes uniform, which it is not: {}{}", where,
                                     fmt::join(picture.changes, ", "),
                                     seen.clear() ? "; another background may keep what it shows" : ""));
    picture.changes.emplace_back("every pixel is the same");
    return picture;
}

}  // namespace spikelens
