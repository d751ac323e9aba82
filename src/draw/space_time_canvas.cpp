#include "space_time_canvas.h"

#include <algorithm>
#include <cmath>

#include <opencv2/imgproc.hpp>

namespace spikelens::space_time {
namespace {

constexpr int kFiner = 3;           // samples along a pixel's side
constexpr int kFraction = 4;        // bits of a sample in OpenCV's coordinates
constexpr double kFontHeight = 21;  // of a capital letter of OpenCV's font at scale 1
constexpr double kStroke = 0.11;    // of a letter, in heights

int fixed(double pixels) { return static_cast<int>(std::lround((pixels * kFiner - 0.5) * (1 << kFraction))); }
cv::Point fixed(Point point) { return {fixed(point.x), fixed(point.y)}; }
int sample(double pixels) { return static_cast<int>(std::lround(pixels * kFiner)); }

uchar level(double value) { return static_cast<uchar>(std::lround(255 * std::clamp(value, 0.0, 1.0))); }
cv::Scalar scalar(const Rgb& colour) {
    return {double(level(colour[0])), double(level(colour[1])), double(level(colour[2]))};
}

}  // namespace

Canvas::Canvas(int width, int height) : samples_(height * kFiner, width * kFiner, CV_8UC3, cv::Scalar::all(255)) {}

void Canvas::line(Point from, Point to, const Rgb& colour, double width) {
    cv::line(samples_, fixed(from), fixed(to), scalar(colour), std::max(1, sample(width)), cv::LINE_AA, kFraction);
}

void Canvas::polygon(const std::vector<Point>& corners, const Rgb& colour) {
    std::vector<cv::Point> points;
    for (const Point& corner : corners) points.push_back(fixed(corner));
    cv::fillConvexPoly(samples_, points, scalar(colour), cv::LINE_AA, kFraction);
}

void Canvas::rectangle(const Area& area, const Rgb& colour) {
    const cv::Point first(sample(area.left), sample(area.top)), end(sample(area.right()), sample(area.bottom()));
    if (end.x > first.x && end.y > first.y)
        samples_(cv::Rect(first, end) & cv::Rect({0, 0}, samples_.size())) = scalar(colour);
}

void Canvas::disc(Point centre, double radius, const Rgb& colour, double opacity) {
    const double x = centre.x * kFiner - 0.5, y = centre.y * kFiner - 0.5, reach = radius * kFiner;
    const auto first = [](double at) { return std::max(0, static_cast<int>(std::ceil(at))); };
    const auto last = [](double at, int extent) { return std::min(extent - 1, static_cast<int>(std::floor(at))); };
    for (int row = first(y - reach); row <= last(y + reach, samples_.rows); ++row)
        for (int column = first(x - reach); column <= last(x + reach, samples_.cols); ++column) {
            if ((row - y) * (row - y) + (column - x) * (column - x) > reach * reach) continue;
            auto& under = samples_.at<cv::Vec3b>(row, column);
            for (int c = 0; c < 3; ++c)
                under[c] = level((1 - opacity) * under[c] / 255 + opacity * colour[static_cast<size_t>(c)]);
        }
}

void Canvas::text(Point at, const std::string& words, double size, const Rgb& colour, Anchor anchor) {
    constexpr int font = cv::FONT_HERSHEY_SIMPLEX;
    const double scale = size * kFiner / kFontHeight;
    const int thickness = std::max(1, sample(size * kStroke));
    int below = 0;
    const cv::Size box = cv::getTextSize(words, font, scale, thickness, &below);
    const int shift = anchor == Anchor::left ? 0 : anchor == Anchor::middle ? box.width / 2 : box.width;
    cv::putText(samples_, words, {sample(at.x) - shift, sample(at.y + size / 2)}, font, scale, scalar(colour),
                thickness, cv::LINE_AA);
}

FloatArray Canvas::picture() const {
    const int height = samples_.rows / kFiner, width = samples_.cols / kFiner;
    FloatArray picture({3, height, width});
    for (int c = 0; c < 3; ++c)
        for (int row = 0; row < height; ++row)
            for (int column = 0; column < width; ++column) {
                int sum = 0;
                for (int i = 0; i < kFiner * kFiner; ++i)
                    sum += samples_.at<cv::Vec3b>(row * kFiner + i / kFiner, column * kFiner + i % kFiner)[c];
                picture.data[(static_cast<size_t>(c) * height + row) * width + column] =
                    static_cast<float>(sum) / (255.0F * kFiner * kFiner);
            }
    return picture;
}

}  // namespace spikelens::space_time
