#include <algorithm>
#include <cmath>
#include <numeric>

#include "spikelens/core/error.h"
#include "spikelens/evaluate/robustness.h"

namespace spikelens {
namespace {

// Twice each value's rank (from 1) less the mean rank: whole numbers, that sum to 0.
std::vector<double> centred_ranks(std::span<const float> map) {
    std::vector<int64_t> order(map.size());
    std::iota(order.begin(), order.end(), int64_t{0});
    std::ranges::sort(order, [&](int64_t a, int64_t b) { return map[a] < map[b]; });
    std::vector<double> ranks(map.size());
    const auto count = static_cast<int64_t>(map.size());
    for (int64_t begin = 0, end = 0; begin < count; begin = end) {
        while (end < count && map[order[end]] == map[order[begin]]) ++end;
        for (int64_t i = begin; i < end; ++i) ranks[order[i]] = static_cast<double>(begin + end - count);
    }
    return ranks;
}

double product(std::span<const double> a, std::span<const double> b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

double spearman(std::span<const float> a, std::span<const float> b) {
    const std::vector<double> ranks_a = centred_ranks(a), ranks_b = centred_ranks(b);
    const double squares_a = product(ranks_a, ranks_a), squares_b = product(ranks_b, ranks_b);
    if (squares_a == 0) return 1;
    if (squares_b == 0) return 0;
    return product(ranks_a, ranks_b) / std::sqrt(squares_a * squares_b);
}

void check_maps(const FloatArray& a, const FloatArray& b) {
    if (a.shape.size() != 3 || a.shape != b.shape || a.row_size() == 0)
        throw InputError("rank correlation needs two times maps [N, H, W], not of shapes " + shape_text(a.shape) +
                         " and " + shape_text(b.shape));
    for (const FloatArray* maps : {&a, &b})
        if (std::ranges::any_of(maps->data, [](float value) { return std::isnan(value); }))
            throw InputError("rank correlation: a map has no number (NaN) somewhere");
}

}  // namespace

std::vector<double> rank_correlation(const FloatArray& a, const FloatArray& b) {
    check_maps(a, b);
    std::vector<double> result;
    for (int64_t n = 0; n < a.extent(0); ++n) result.push_back(spearman(a.row(n), b.row(n)));
    return result;
}

}  // namespace spikelens
