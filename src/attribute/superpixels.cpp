#include "superpixels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

namespace spikelens {
namespace {

constexpr int kRounds = 10;
constexpr double kCompactness = 0.1;  ///< m = 10 of the paper, whose values go to 100

struct Centre {
    double row = 0, column = 0;
    std::vector<double> value;
};

/// k-means in value and position.
class Slic {
  public:
    Slic(std::span<const float> image, const Shape& shape, const Superpixels& start)
        : image_(image),
          channels_(shape[0]),
          height_(shape[1]),
          width_(shape[2]),
          segment_(start.segment),
          centres_(start.count) {
        cell_ = std::sqrt(static_cast<double>(height_ * width_) / start.count);
        move_centres();
    }

    std::vector<int> run() {
        for (int round = 0; round < kRounds; ++round) {
            assign();
            move_centres();
        }
        return segment_;
    }

  private:
    double value(int64_t channel, int64_t pixel) const { return image_[channel * height_ * width_ + pixel]; }

    /// To the mean of its pixels; a centre without any stays.
    void move_centres() {
        std::vector<Centre> sums(centres_.size(), Centre{0, 0, std::vector<double>(channels_)});
        std::vector<double> counts(centres_.size());
        for (int64_t pixel = 0; pixel < height_ * width_; ++pixel) {
            Centre& sum = sums[segment_[pixel]];
            counts[segment_[pixel]] += 1;
            const int64_t row = pixel / width_;
            sum.row += static_cast<double>(row);
            sum.column += static_cast<double>(pixel - row * width_);
            for (int64_t c = 0; c < channels_; ++c) sum.value[c] += value(c, pixel);
        }
        for (size_t k = 0; k < centres_.size(); ++k) {
            if (counts[k] == 0) continue;
            centres_[k] = sums[k];
            centres_[k].row /= counts[k];
            centres_[k].column /= counts[k];
            for (double& mean : centres_[k].value) mean /= counts[k];
        }
    }

    double distance(const Centre& centre, int64_t row, int64_t column) const {
        double colour = 0;
        for (int64_t c = 0; c < channels_; ++c) {
            const double difference = value(c, row * width_ + column) - centre.value[c];
            colour += difference * difference;
        }
        const double down = static_cast<double>(row) - centre.row, right = static_cast<double>(column) - centre.column;
        const double scale = kCompactness / cell_;
        return colour / static_cast<double>(channels_) + scale * scale * (down * down + right * right);
    }

    /// Pixels that no centre reaches stay where they are.
    void assign() {
        std::vector<double> nearest(segment_.size(), std::numeric_limits<double>::infinity());
        for (size_t k = 0; k < centres_.size(); ++k) {
            const Centre& centre = centres_[k];
            const auto [top, bottom] = reach(centre.row, height_);
            const auto [left, right] = reach(centre.column, width_);
            for (int64_t y = top; y <= bottom; ++y) {
                for (int64_t x = left; x <= right; ++x) {
                    const double d = distance(centre, y, x);
                    if (d >= nearest[y * width_ + x]) continue;
                    nearest[y * width_ + x] = d;
                    segment_[y * width_ + x] = static_cast<int>(k);
                }
            }
        }
    }

    std::array<int64_t, 2> reach(double middle, int64_t extent) const {
        return {std::max<int64_t>(0, static_cast<int64_t>(std::ceil(middle - cell_))),
                std::min<int64_t>(extent - 1, static_cast<int64_t>(std::floor(middle + cell_)))};
    }

    std::span<const float> image_;
    int64_t channels_, height_, width_;
    double cell_ = 0;
    std::vector<int> segment_;
    std::vector<Centre> centres_;
};

/// Calls visit(neighbour) for the up to four pixels beside one.
template <class Visit>
void for_each_neighbour(int64_t pixel, int64_t height, int64_t width, Visit visit) {
    if (pixel >= width) visit(pixel - width);
    if (pixel % width > 0) visit(pixel - 1);
    if (pixel % width + 1 < width) visit(pixel + 1);
    if (pixel + width < height * width) visit(pixel + width);
}

/// The pixels of each connected part of each segment, parts in the order of their first pixels.
std::vector<std::vector<int64_t>> connected_parts(const std::vector<int>& segment, int64_t height, int64_t width) {
    std::vector<std::vector<int64_t>> parts;
    std::vector<char> seen(segment.size());
    for (size_t first = 0; first < segment.size(); ++first) {
        if (seen[first]) continue;
        seen[first] = 1;
        std::vector<int64_t> part{static_cast<int64_t>(first)};
        for (size_t next = 0; next < part.size(); ++next) {
            for_each_neighbour(part[next], height, width, [&](int64_t pixel) {
                if (seen[pixel] || segment[pixel] != segment[first]) return;
                seen[pixel] = 1;
                part.push_back(pixel);
            });
        }
        parts.push_back(std::move(part));
    }
    return parts;
}

/// Leaves the first largest part of every segment and lets these grow, pixel by pixel, over the rest.
void connect(std::vector<int>& segment, int count, int64_t height, int64_t width) {
    const std::vector<std::vector<int64_t>> parts = connected_parts(segment, height, width);
    std::vector<const std::vector<int64_t>*> largest(count);
    for (const std::vector<int64_t>& part : parts) {
        const std::vector<int64_t>*& kept = largest[segment[part.front()]];
        if (!kept || part.size() > kept->size()) kept = &part;
    }
    std::vector<int64_t> front;
    std::vector<char> settled(segment.size());
    for (const std::vector<int64_t>* part : largest) {
        if (!part) continue;
        for (int64_t pixel : *part) settled[pixel] = 1;
        front.insert(front.end(), part->begin(), part->end());
    }
    std::ranges::sort(front);
    for (size_t next = 0; next < front.size(); ++next) {
        for_each_neighbour(front[next], height, width, [&](int64_t pixel) {
            if (settled[pixel]) return;
            settled[pixel] = 1;
            segment[pixel] = segment[front[next]];
            front.push_back(pixel);
        });
    }
}

/// Numbers segments in the order of their first pixels, without gaps.
Superpixels numbered(const std::vector<int>& segment, int count) {
    Superpixels result;
    std::vector<int> number(count, -1);
    for (int old : segment) {
        if (number[old] < 0) number[old] = result.count++;
        result.segment.push_back(number[old]);
    }
    return result;
}

}  // namespace

Superpixels grid_superpixels(int64_t height, int64_t width, int64_t segments) {
    const double side = std::sqrt(static_cast<double>(height * width) / static_cast<double>(segments));
    const int64_t rows =
        std::clamp<int64_t>(std::llround(static_cast<double>(height) / side), 1, std::min(height, segments));
    const int64_t columns = std::clamp<int64_t>(segments / rows, 1, width);
    Superpixels result;
    result.count = static_cast<int>(rows * columns);
    for (int64_t y = 0; y < height; ++y) {
        for (int64_t x = 0; x < width; ++x)
            result.segment.push_back(static_cast<int>(y * rows / height * columns + x * columns / width));
    }
    return result;
}

Superpixels slic_superpixels(std::span<const float> image, const Shape& shape, int64_t segments) {
    Superpixels grid = grid_superpixels(shape[1], shape[2], segments);
    if (shape[1] * shape[2] < 4 * segments) return grid;
    std::vector<int> segment = Slic(image, shape, grid).run();
    connect(segment, grid.count, shape[1], shape[2]);
    return numbered(segment, grid.count);
}

}  // namespace spikelens
