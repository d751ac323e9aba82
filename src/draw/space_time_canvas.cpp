#include "space_time_canvas.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "space_time_letters.h"

namespace spikelens::space_time {
namespace {

constexpr int kFiner = 3;         // samples along a pixel's side
constexpr double kThinnest = 1;   // of lines and strokes, in pixels: thinner ones would be pale
constexpr double kStroke = 0.14;  // of a letter, in heights

double dot(Point a, Point b) { return a.x * b.x + a.y * b.y; }
double length(Point a) { return std::sqrt(dot(a, a)); }

/// A place in samples, where sample 0 lies at 0.
Point fine(Point pixels) { return kFiner * pixels - Point{0.5, 0.5}; }
int sample(double pixels) { return static_cast<int>(std::lround(pixels * kFiner)); }

/// How much of a sample is covered whose middle lies so far inside of an edge.
double coverage(double inside) { return std::clamp(0.5 + inside, 0.0, 1.0); }

/// The whole numbers from `first` to before `end`.
struct Range {
    int first = 0, end = 0;
};

/// Those of 0 … count − 1 that are within [low, high].
Range within(double low, double high, int count) {
    const double most = count;
    return {static_cast<int>(std::ceil(std::clamp(low, 0.0, most))),
            static_cast<int>(std::floor(std::clamp(high, -1.0, most - 1))) + 1};
}

double distance(Point place, const Segment& segment) {
    const Point along = segment.to - segment.from, off = place - segment.from;
    const double squared = dot(along, along), share = squared > 0 ? std::clamp(dot(off, along) / squared, 0.0, 1.0) : 0;
    return length(off - share * along);
}

/// Of these columns of a row, those that may lie within `reach` of a segment.
Range columns_near(const Segment& segment, int row, double reach, const Range& columns) {
    const Point along = segment.to - segment.from;
    const double above = row - reach - segment.from.y, below = row + reach - segment.from.y;
    double first = 0, last = 1;  // of the segment, what lies as high as the row
    if (along.y != 0) {
        first = std::max(first, std::min(above / along.y, below / along.y));
        last = std::min(last, std::max(above / along.y, below / along.y));
    } else if (above > 0 || below < 0) {
        return {};
    }
    if (first > last) return {};
    const double a = segment.from.x + first * along.x, b = segment.from.x + last * along.x;
    const Range near = within(std::min(a, b) - reach, std::max(a, b) + reach, columns.end);
    return {std::max(near.first, columns.first), near.end};
}

/// The smallest area that holds the segments, and `reach` around them.
Area bounds(std::span<const Segment> segments, double reach) {
    constexpr double far = std::numeric_limits<double>::infinity();
    Point low{far, far}, high{-far, -far};
    for (const Segment& segment : segments)
        for (const Point& end : {segment.from, segment.to}) {
            low = {std::min(low.x, end.x - reach), std::min(low.y, end.y - reach)};
            high = {std::max(high.x, end.x + reach), std::max(high.y, end.y + reach)};
        }
    return {low.x, low.y, high.x - low.x, high.y - low.y};
}

/// One side of a polygon: how far inside of it a place lies is x · across + y · down + offset.
struct Side {
    double across, down, offset;
    double at(int row) const { return row * down + offset; }
};

std::vector<Side> sides(const std::vector<Point>& corners) {
    std::vector<Side> found;
    double area = 0;
    for (size_t i = 0; i < corners.size(); ++i) {
        const Point from = fine(corners[i]), to = fine(corners[(i + 1) % corners.size()]), along = to - from;
        area += from.x * to.y - from.y * to.x;
        if (const double size = length(along); size > 0)
            found.push_back({-along.y / size, along.x / size, (from.x * along.y - from.y * along.x) / size});
    }
    if (area < 0)  // the corners run the other way round
        for (Side& side : found) side = {-side.across, -side.down, -side.offset};
    return found;
}

}  // namespace

Canvas::Canvas(int width, int height)
    : rows_(height * kFiner),
      columns_(width * kFiner),
      samples_(3 * static_cast<size_t>(rows_) * static_cast<size_t>(columns_), 255) {}

size_t Canvas::place(int row, int column) const {
    return 3 * (static_cast<size_t>(row) * static_cast<size_t>(columns_) + static_cast<size_t>(column));
}

void Canvas::blend(int row, int column, const Rgb& colour, double share) {
    for (size_t c = 0; c < 3; ++c) {
        uint8_t& under = samples_[place(row, column) + c];
        under = static_cast<uint8_t>(std::lround((1 - share) * under + share * 255 * colour[c]));
    }
}

void Canvas::strokes(std::span<const Segment> segments, double width, const Rgb& colour, double opacity) {
    if (segments.empty()) return;
    const double half = width / 2, reach = half + 0.5;
    const Area area = bounds(segments, reach);
    const Range rows = within(area.top, area.bottom(), rows_), columns = within(area.left, area.right(), columns_);
    if (columns.first >= columns.end) return;
    std::vector<double> covered(static_cast<size_t>(columns.end - columns.first));
    for (int row = rows.first; row < rows.end; ++row) {
        std::ranges::fill(covered, 0);
        for (const Segment& segment : segments) {
            const Range near = columns_near(segment, row, reach, columns);
            for (int column = near.first; column < near.end; ++column) {
                double& most = covered[static_cast<size_t>(column - columns.first)];
                const Point place{static_cast<double>(column), static_cast<double>(row)};
                most = std::max(most, coverage(half - distance(place, segment)));
            }
        }
        for (int column = columns.first; column < columns.end; ++column)
            if (const double share = covered[static_cast<size_t>(column - columns.first)]; share > 0)
                blend(row, column, colour, opacity * share);
    }
}

void Canvas::line(Point from, Point to, const Rgb& colour, double width) {
    const Segment segment{fine(from), fine(to)};
    strokes({&segment, 1}, kFiner * std::max(kThinnest, width), colour, 1);
}

void Canvas::disc(Point centre, double radius, const Rgb& colour, double opacity) {
    const Segment middle{fine(centre), fine(centre)};
    strokes({&middle, 1}, kFiner * 2 * radius, colour, opacity);
}

void Canvas::polygon(const std::vector<Point>& corners, const Rgb& colour) {
    const std::vector<Side> edges = sides(corners);
    const auto [lowest, highest] = std::ranges::minmax(corners, {}, &Point::y);
    const Range rows = within(fine(lowest).y - 0.5, fine(highest).y + 0.5, rows_);
    for (int row = rows.first; row < rows.end; ++row) {
        double left = -1, right = columns_;
        for (const Side& edge : edges) {  // where all edges leave something covered
            if (edge.across > 0) left = std::max(left, (-0.5 - edge.at(row)) / edge.across);
            if (edge.across < 0) right = std::min(right, (-0.5 - edge.at(row)) / edge.across);
        }
        const Range columns = within(left, right, columns_);
        for (int column = columns.first; column < columns.end; ++column) {
            double share = 1;
            for (const Side& edge : edges) share = std::min(share, coverage(column * edge.across + edge.at(row)));
            blend(row, column, colour, share);
        }
    }
}

void Canvas::rectangle(const Area& area, const Rgb& colour) {
    const Range rows = within(sample(area.top), sample(area.bottom()) - 1, rows_),
                columns = within(sample(area.left), sample(area.right()) - 1, columns_);
    for (int row = rows.first; row < rows.end; ++row)
        for (int column = columns.first; column < columns.end; ++column) blend(row, column, colour, 1);
}

void Canvas::text(Point at, std::string_view words, double size, const Rgb& colour, Anchor anchor) {
    std::vector<Segment> letters = letter_strokes(words);
    if (letters.empty()) return;
    const double scale = size / kCapitalHeight, width = std::max(kThinnest, kStroke * size);
    const Area ink = bounds(letters, width / 2 / scale);
    const double held = anchor == Anchor::left    ? ink.left
                        : anchor == Anchor::right ? ink.right()
                                                  : ink.left + ink.width / 2;
    for (Segment& letter : letters)
        for (Point* end : {&letter.from, &letter.to}) *end = fine(at + scale * (*end - Point{held, 0}));
    strokes(letters, kFiner * width, colour, 1);
}

FloatArray Canvas::picture() const {
    const int height = rows_ / kFiner, width = columns_ / kFiner;
    FloatArray picture({3, height, width});
    auto pixel = picture.data.begin();
    for (size_t c = 0; c < 3; ++c)
        for (int row = 0; row < height; ++row)
            for (int column = 0; column < width; ++column) {
                int sum = 0;
                for (int i = 0; i < kFiner * kFiner; ++i)
                    sum += samples_[place(row * kFiner + i / kFiner, column * kFiner + i % kFiner) + c];
                *pixel++ = static_cast<float>(sum) / (255.0F * kFiner * kFiner);
            }
    return picture;
}

}  // namespace spikelens::space_time
