#include "ridge.h"

#include <cassert>
#include <numeric>

#include "cholesky.h"

namespace spikelens {
namespace {

double weighted_mean(std::span<const double> values, std::span<const double> weight) {
    const double sum = std::inner_product(values.begin(), values.end(), weight.begin(), 0.0);
    return sum / std::accumulate(weight.begin(), weight.end(), 0.0);
}

/// z − z̄
DoubleArray centred(const Array<uint8_t>& on, std::span<const double> weight) {
    DoubleArray values(on.shape);
    const int64_t features = on.row_size();
    std::vector<double> column(on.shape[0]);
    for (int64_t f = 0; f < features; ++f) {
        for (int64_t k = 0; k < on.shape[0]; ++k) column[k] = on.data[k * features + f];
        const double mean = weighted_mean(column, weight);
        for (int64_t k = 0; k < on.shape[0]; ++k) values.data[k * features + f] = column[k] - mean;
    }
    return values;
}

}  // namespace

std::vector<double> weighted_ridge(const Array<uint8_t>& on, std::span<const double> response,
                                   std::span<const double> weight, double penalty, const Execution& execution) {
    assert(on.shape[0] == static_cast<int64_t>(response.size()) && response.size() == weight.size());
    const int64_t features = on.row_size();
    const DoubleArray z = centred(on, weight);
    const double mean = weighted_mean(response, weight);
    DoubleArray gram({features, features});
    std::vector<double> solution(features);
    for (int64_t k = 0; k < z.shape[0]; ++k) {
        const auto row = z.row(k);
        for (int64_t i = 0; i < features; ++i) {
            const double weighted = weight[k] * row[i];
            solution[i] += weighted * (response[k] - mean);
            for (int64_t j = 0; j <= i; ++j) gram.row(i)[j] += weighted * row[j];
        }
    }
    for (int64_t i = 0; i < features; ++i) gram.row(i)[i] += penalty;
    Cholesky(std::move(gram), execution).solve(solution);
    return solution;
}

}  // namespace spikelens
