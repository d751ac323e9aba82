#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/core/samples.h"
#include "spikelens/interpret/relevant_filters.h"
#include "spikelens/interpret/responses.h"
#include "spikelens/snn/engine.h"

namespace spikelens {

/// The responses of some samples, row by row.
struct ResponseRows {
    FloatArray responses;        ///< [N, m]
    std::vector<int> predicted;  ///< [N]; kUndecided (snn/decision.h) where no class is
};

/// Of all these samples. Memory: 4·N·m bytes.
ResponseRows response_rows(const Engine& engine, const SampleSource& samples, ResponseKind kind);

/// Filters by their row in response_filters, the one chosen first first: a selection of k filters is the first k.
using FilterOrder = std::vector<int>;

struct PathOptions {
    /// Columns are centred and have unit deviation, labels are centred; else as the paper has them.
    bool standardised = true;
    /// Filters that spike in a smaller share of the samples are left out: dead and nearly dead ones.
    double least_active = 0.01;
    double largest_mu = 50;  ///< where the path ends
};

/// For each class the order in which filters join the path of the μ-lasso with w ≥ 0, sample n counted weights[n]
/// times. Those that never join are not in it. Throws InputError unless there is a weight for each row. Cost:
/// O(N·m²/2), and the paths.
std::vector<FilterOrder> path_orders(const ResponseRows& rows, std::span<const double> weights, int64_t classes,
                                     const PathOptions& options);

/// For each class the filters that have weight where the path ends, at options.largest_mu. As above in all else.
std::vector<FilterOrder> path_supports(const ResponseRows& rows, std::span<const double> weights, int64_t classes,
                                       const PathOptions& options);

/// For each class all filters by the mean of their values [N, m] over the samples predicted as the class, each counted
/// weights[n] times, the largest first; ties by their row.
std::vector<FilterOrder> mean_orders(const DoubleArray& values, std::span<const int> predicted,
                                     std::span<const double> weights, int64_t classes);

/// The means that mean_orders sorts by: [classes, m], 0 where a class is never predicted.
DoubleArray class_means(const DoubleArray& values, std::span<const int> predicted, std::span<const double> weights,
                        int64_t classes);

/// For each class all filters of `second` by the sum of their places in both orders, the smallest first; ties by
/// `second`. What is not in `first` stands behind all that is.
std::vector<FilterOrder> hybrid_orders(const std::vector<FilterOrder>& first, const std::vector<FilterOrder>& second);

/// Whether a filter spikes in at least this share of the samples: [m].
std::vector<bool> live_filters(const ResponseRows& rows, double least_active);

/// How often each of N samples is drawn in N draws with replacement.
std::vector<double> bootstrap_weights(int64_t samples, uint64_t seed, uint64_t draw);

}  // namespace spikelens
