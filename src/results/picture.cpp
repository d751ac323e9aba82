#include "spikelens/results/picture.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "spikelens/core/error.h"
#include "spikelens/core/files.h"

#include "picture_size.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t largest_file = uint64_t{1} << 30;

/// OpenCV keeps colours as BGR, interleaved.
int opencv_channel(int64_t channel, int64_t channels) { return static_cast<int>(channels - 1 - channel); }

cv::Mat to_bytes(const FloatArray& image, const std::string& where) {
    if (image.shape.size() != 3 || (image.extent(0) != 1 && image.extent(0) != 3) || image.empty())
        throw InputError(fmt::format("{}: an image must be [1 or 3, H, W], not {}", where, shape_text(image.shape)));
    const int64_t channels = image.extent(0), plane = image.row_size();
    cv::Mat pixels(static_cast<int>(image.extent(1)), static_cast<int>(image.extent(2)), CV_8UC(static_cast<int>(channels)));
    for (int64_t c = 0; c < channels; ++c)
        for (int64_t i = 0; i < plane; ++i) {
            const float value = image.data[c * plane + i];
            if (!std::isfinite(value)) throw InputError(where + ": an image holds a value that is not finite");
            pixels.data[i * channels + opencv_channel(c, channels)] =
                static_cast<uint8_t>(std::lround(std::clamp(value, 0.0F, 1.0F) * 255));
        }
    return pixels;
}

cv::Mat decode(const std::string& bytes, const std::string& where) {
    const std::optional<PictureSize> size = picture_size(bytes);
    if (!size) throw InputError(where + " is not a whole PNG, JPEG, uncompressed BMP, or binary PGM or PPM picture");
    if (too_large(*size))
        throw InputError(fmt::format("{} has {} x {} pixels, more than {} million", where, size->width, size->height,
                                     most_pixels / 1'000'000));
    const cv::Mat encoded(1, static_cast<int>(bytes.size()), CV_8UC1, const_cast<char*>(bytes.data()));
    cv::Mat pixels;
    try {
        pixels = cv::imdecode(encoded, cv::IMREAD_COLOR | cv::IMREAD_ANYDEPTH);
    } catch (const cv::Exception&) {  // reported as every other broken picture, below
    }
    if (pixels.empty() || (pixels.depth() != CV_8U && pixels.depth() != CV_16U))
        throw InputError(where + " cannot be decoded: the picture is broken");
    return pixels;
}

cv::Mat resized(const cv::Mat& pixels, int64_t height, int64_t width) {
    if (pixels.rows == height && pixels.cols == width) return pixels;
    const bool shrinks = height <= pixels.rows && width <= pixels.cols;
    cv::Mat result;
    cv::resize(pixels, result, cv::Size(static_cast<int>(width), static_cast<int>(height)), 0, 0,
               shrinks ? cv::INTER_AREA : cv::INTER_LINEAR);
    return result;
}

}  // namespace

void write_png(const fs::path& path, const FloatArray& image) {
    const cv::Mat pixels = to_bytes(image, "cannot write " + path.string());
    std::vector<uchar> encoded;
    if (!cv::imencode(".png", pixels, encoded)) throw RunError("cannot encode " + path.string());
    write_file(path, {reinterpret_cast<const char*>(encoded.data()), encoded.size()});
}

FloatArray read_picture(const fs::path& path, int64_t channels, int64_t height, int64_t width) {
    if ((channels != 1 && channels != 3) || height < 1 || width < 1 || height > most_pixels / width)
        throw InputError(
            fmt::format("cannot read {} as [{}, {}, {}]: a picture has 1 or 3 channels and up to 64 million pixels",
                        path.string(), channels, height, width));
    cv::Mat pixels = decode(read_file(path, largest_file), path.string());
    const float white = pixels.depth() == CV_16U ? 65535.0F : 255.0F;
    if (channels == 1) cv::cvtColor(pixels, pixels, cv::COLOR_BGR2GRAY);
    pixels.convertTo(pixels, CV_32F);
    pixels = resized(pixels, height, width);
    FloatArray image({channels, height, width});
    const int64_t plane = height * width;
    const auto* values = reinterpret_cast<const float*>(pixels.data);
    for (int64_t c = 0; c < channels; ++c)
        for (int64_t i = 0; i < plane; ++i)
            image.data[c * plane + i] = std::clamp(values[i * channels + opencv_channel(c, channels)] / white, 0.0F, 1.0F);
    return image;
}

}  // namespace spikelens
