#include "spikelens/draw/palette.h"

#include <algorithm>
#include <cmath>

#include <opencv2/imgproc.hpp>

namespace spikelens {
namespace {

constexpr int kSteps = 256;
constexpr int kDarkest = 48;  // of magma: below, its colours are hardly told from black
constexpr int kSide = 127;    // colours on each side of the diverging palette's zero

uint8_t level(double value) { return static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0))); }

std::vector<PaletteColour> magma_from_light() {
    cv::Mat index(1, kSteps, CV_8UC1), colours;
    for (int i = 0; i < kSteps; ++i) index.data[i] = static_cast<uchar>(i);
    cv::applyColorMap(index, colours, cv::COLORMAP_MAGMA);
    std::vector<PaletteColour> palette;
    for (int i = 0; i < kSteps; ++i) {
        const double at = 255 - i * (255.0 - kDarkest) / 255, share = at - std::floor(at);
        const auto& a = colours.at<cv::Vec3b>(0, static_cast<int>(at));
        const auto& b = colours.at<cv::Vec3b>(0, std::min(255, static_cast<int>(at) + 1));
        const auto mixed = [&](int c) { return level((1 - share) * a[c] + share * b[c]); };
        palette.push_back({mixed(2), mixed(1), mixed(0)});  // OpenCV's order is BGR
    }
    return palette;
}

std::vector<PaletteColour> blue_white_red() {
    const cv::Vec3f white(100, 0, 0), blue(40, 4, -46), red(40, 58, 34);
    cv::Mat colours(1, 2 * kSide + 1, CV_32FC3);
    for (int i = -kSide; i <= kSide; ++i) {
        const float part = static_cast<float>(std::abs(i)) / kSide;
        colours.at<cv::Vec3f>(0, i + kSide) = white * (1 - part) + (i < 0 ? blue : red) * part;
    }
    cv::cvtColor(colours, colours, cv::COLOR_Lab2RGB);
    std::vector<PaletteColour> palette;
    for (int i = 0; i < colours.cols; ++i) {
        const auto& rgb = colours.at<cv::Vec3f>(0, i);
        palette.push_back({level(255.0 * rgb[0]), level(255.0 * rgb[1]), level(255.0 * rgb[2])});
    }
    return palette;
}

}  // namespace

const std::vector<PaletteColour>& sequential_palette() {
    static const std::vector<PaletteColour> palette = magma_from_light();
    return palette;
}

const std::vector<PaletteColour>& diverging_palette() {
    static const std::vector<PaletteColour> palette = blue_white_red();
    return palette;
}

}  // namespace spikelens
