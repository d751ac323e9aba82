#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "spikelens/core/array.h"

namespace spikelens::space_time {

using Rgb = std::array<float, 3>;  ///< in [0, 1]

/// A place or a distance on the picture, in pixels, y downwards.
struct Point {
    double x = 0, y = 0;
};
inline Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
inline Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
inline Point operator*(double factor, Point a) { return {factor * a.x, factor * a.y}; }

struct Segment {
    Point from, to;
};

struct Area {
    double left = 0, top = 0, width = 0, height = 0;
    double right() const { return left + width; }
    double bottom() const { return top + height; }
};

enum class Anchor { left, middle, right };

/// Anti-aliased drawing on white: everything is drawn three times as large, and averaged. A sample takes as much of a
/// colour as is covered, told from its distance to the edge; a rectangle has whole samples.
class Canvas {
  public:
    Canvas(int width, int height);
    /// With round ends; at least a pixel wide.
    void line(Point from, Point to, const Rgb& colour, double width);
    /// Convex.
    void polygon(const std::vector<Point>& corners, const Rgb& colour);
    void rectangle(const Area& area, const Rgb& colour);
    void disc(Point centre, double radius, const Rgb& colour, double opacity);
    /// Printable ASCII. `size`: the height of a capital letter; `at` is the middle of its height, and the left end, the
    /// middle or the right end of the words' ink.
    void text(Point at, std::string_view words, double size, const Rgb& colour, Anchor anchor);
    FloatArray picture() const;  ///< [3, height, width]

  private:
    /// What is within half a width of a segment. Where segments meet, nothing is drawn twice.
    void strokes(std::span<const Segment> segments, double width, const Rgb& colour, double opacity);
    void blend(int row, int column, const Rgb& colour, double share);
    size_t place(int row, int column) const;

    int rows_, columns_;            // of samples
    std::vector<uint8_t> samples_;  // [rows, columns, 3]
};

}  // namespace spikelens::space_time
