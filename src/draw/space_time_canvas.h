#pragma once

#include <array>
#include <string>
#include <vector>

#include <opencv2/core.hpp>

#include "spikelens/core/array.h"

namespace spikelens::space_time {

using Rgb = std::array<float, 3>;  ///< in [0, 1]

/// A place or a distance on the picture, in pixels, y downwards.
struct Point {
    double x = 0, y = 0;
};
inline Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
inline Point operator*(double factor, Point a) { return {factor * a.x, factor * a.y}; }

struct Area {
    double left = 0, top = 0, width = 0, height = 0;
    double right() const { return left + width; }
    double bottom() const { return top + height; }
};

enum class Anchor { left, middle, right };

/// Anti-aliased drawing on white: everything is drawn three times as large with whole numbers, and averaged.
class Canvas {
  public:
    Canvas(int width, int height);
    void line(Point from, Point to, const Rgb& colour, double width);
    void polygon(const std::vector<Point>& corners, const Rgb& colour);
    void rectangle(const Area& area, const Rgb& colour);
    void disc(Point centre, double radius, const Rgb& colour, double opacity);
    /// `size`: the height of a capital letter; `at` is the middle of its height.
    void text(Point at, const std::string& words, double size, const Rgb& colour, Anchor anchor);
    FloatArray picture() const;  ///< [3, height, width]

  private:
    cv::Mat samples_;
};

}  // namespace spikelens::space_time
