#include "impute.h"

#include <algorithm>
#include <numeric>

namespace spikelens {
namespace {

constexpr double kDirect = 1.0 / 6, kDiagonal = 1.0 / 12;
constexpr double kSmallEnough = 1e-8;  ///< of the residual, against the right side

struct Neighbour {
    int64_t pixel;
    double weight;
};

/// Σ w·(x_p − x_q) = 0 over the neighbours q of every removed pixel p: symmetric, positive definite where something
/// stays.
class System {
  public:
    System(std::span<const float> plane, int64_t height, int64_t width, std::span<const uint8_t> removed)
        : height_(height), width_(width), unknown_(removed.size(), -1) {
        for (size_t p = 0; p < removed.size(); ++p)
            if (removed[p] != 0) {
                unknown_[p] = static_cast<int64_t>(pixels_.size());
                pixels_.push_back(static_cast<int64_t>(p));
            }
        for (const int64_t p : pixels_) {
            double diagonal = 0, right = 0;
            for_neighbours(p, [&](const Neighbour& q) {
                diagonal += q.weight;
                if (unknown_[q.pixel] < 0) right += q.weight * plane[q.pixel];
            });
            diagonal_.push_back(diagonal);
            right_.push_back(right);
        }
    }

    const std::vector<int64_t>& pixels() const { return pixels_; }

    std::vector<double> solve() const {
        std::vector<double> x(pixels_.size()), r = right_, z(r.size()), p, ap(r.size());
        precondition(r, z);
        p = z;
        double rz = dot(r, z);
        const double goal = kSmallEnough * kSmallEnough * dot(right_, right_);
        for (size_t round = 0; round < 10 * x.size() && dot(r, r) > goal; ++round) {
            multiply(p, ap);
            const double step = rz / dot(p, ap);
            for (size_t i = 0; i < x.size(); ++i) {
                x[i] += step * p[i];
                r[i] -= step * ap[i];
            }
            precondition(r, z);
            const double next = dot(r, z);
            for (size_t i = 0; i < x.size(); ++i) p[i] = z[i] + next / rz * p[i];
            rz = next;
        }
        return x;
    }

  private:
    template <class Visit>
    void for_neighbours(int64_t pixel, const Visit& visit) const {
        const int64_t row = pixel / width_, column = pixel % width_;
        for (int64_t y = std::max<int64_t>(0, row - 1); y <= std::min(height_ - 1, row + 1); ++y)
            for (int64_t x = std::max<int64_t>(0, column - 1); x <= std::min(width_ - 1, column + 1); ++x)
                if (y != row || x != column) visit({y * width_ + x, y == row || x == column ? kDirect : kDiagonal});
    }

    void multiply(const std::vector<double>& x, std::vector<double>& result) const {
        for (size_t i = 0; i < pixels_.size(); ++i) {
            double sum = diagonal_[i] * x[i];
            for_neighbours(pixels_[i], [&](const Neighbour& q) {
                if (unknown_[q.pixel] >= 0) sum -= q.weight * x[unknown_[q.pixel]];
            });
            result[i] = sum;
        }
    }

    void precondition(const std::vector<double>& r, std::vector<double>& z) const {
        for (size_t i = 0; i < r.size(); ++i) z[i] = r[i] / diagonal_[i];
    }

    static double dot(const std::vector<double>& a, const std::vector<double>& b) {
        return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
    }

    int64_t height_, width_;
    std::vector<int64_t> unknown_;  ///< of each pixel the number of its unknown, or −1
    std::vector<int64_t> pixels_;   ///< of each unknown
    std::vector<double> diagonal_, right_;
};

}  // namespace

void impute(std::span<float> plane, int64_t height, int64_t width, std::span<const uint8_t> removed) {
    const System system(plane, height, width, removed);
    const auto filled = static_cast<int64_t>(system.pixels().size());
    if (filled == 0) return;
    const std::vector<double> values = filled == height * width ? std::vector<double>(filled) : system.solve();
    for (int64_t i = 0; i < filled; ++i) plane[system.pixels()[i]] = static_cast<float>(values[i]);
}

}  // namespace spikelens
