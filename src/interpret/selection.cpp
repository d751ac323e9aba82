#include "spikelens/interpret/selection.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/snn/decision.h"

#include "rows.h"

namespace spikelens {
namespace {

/// Weighted sums over samples of the columns that take part.
struct Sums {
    std::vector<int> columns;                ///< rows of response_filters
    double samples = 0;                      ///< Σ weight
    DoubleArray gram;                        ///< [k, k]
    DoubleArray correlation;                 ///< [k, classes]
    std::vector<double> column_sum, labels;  ///< [k], [classes]
};

Sums sums_of(const ResponseRows& rows, std::span<const double> weights, int64_t classes, std::vector<int> columns) {
    const auto k = static_cast<int64_t>(columns.size());
    Sums sums{std::move(columns),          0, DoubleArray({k, k}), DoubleArray({k, classes}), std::vector<double>(k),
              std::vector<double>(classes)};
    std::vector<double> x(k);
    for (int64_t n = 0; n < rows.responses.extent(0); ++n) {
        if (weights[n] == 0) continue;
        for (int64_t i = 0; i < k; ++i) x[i] = rows.responses.row(n)[sums.columns[i]];
        for (int64_t i = 0; i < k; ++i) {
            const double part = weights[n] * x[i];
            if (part == 0) continue;
            sums.column_sum[i] += part;
            double* const row = sums.gram.row(i).data();
            for (int64_t j = i; j < k; ++j) row[j] += part * x[j];
            if (rows.predicted[n] != kUndecided) sums.correlation.row(i)[rows.predicted[n]] += part;
        }
        sums.samples += weights[n];
        if (rows.predicted[n] != kUndecided) sums.labels[rows.predicted[n]] += weights[n];
    }
    for (int64_t i = 0; i < k; ++i)
        for (int64_t j = 0; j < i; ++j) sums.gram.row(i)[j] = sums.gram.row(j)[i];
    return sums;
}

/// Of X with centred columns of unit deviation, and centred labels.
void standardise(Sums& sums) {
    const auto k = static_cast<int64_t>(sums.columns.size());
    std::vector<double> scale(k);
    for (int64_t i = 0; i < k; ++i) {
        const double variance = sums.gram.row(i)[i] / sums.samples - std::pow(sums.column_sum[i] / sums.samples, 2);
        scale[i] = variance > 1e-12 * sums.gram.row(i)[i] / sums.samples ? 1 / std::sqrt(variance) : 0;
    }
    for (int64_t i = 0; i < k; ++i) {
        for (int64_t j = 0; j < k; ++j)
            sums.gram.row(i)[j] =
                (sums.gram.row(i)[j] - sums.column_sum[i] * sums.column_sum[j] / sums.samples) * scale[i] * scale[j];
        for (size_t c = 0; c < sums.labels.size(); ++c)
            sums.correlation.row(i)[c] =
                (sums.correlation.row(i)[c] - sums.column_sum[i] * sums.labels[c] / sums.samples) * scale[i];
    }
    for (double& label : sums.labels) label -= label * label / sums.samples;
}

/// Filters in the order in which they join the path.
FilterOrder joining(const LassoPath& path, const std::vector<int>& columns) {
    FilterOrder order;
    const auto add = [&](const LassoPoint& point) {
        for (const int index : point.index)
            if (std::ranges::find(order, columns[index]) == order.end()) order.push_back(columns[index]);
    };
    for (const LassoPoint& point : path.breakpoints) add(point);
    for (const LassoPoint& point : path.points) add(point);
    return order;
}

FilterOrder sorted_by(std::span<const double> values) {
    FilterOrder order(values.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, [&](int a, int b) { return values[a] > values[b]; });
    return order;
}

/// What `of_path` makes of each class's path.
template <class OfPath>
std::vector<FilterOrder> of_paths(const ResponseRows& rows, std::span<const double> weights, int64_t classes,
                                  const PathOptions& options, const OfPath& of_path) {
    if (static_cast<int64_t>(weights.size()) != rows.responses.extent(0))
        throw InputError("there must be a weight for each of " + std::to_string(rows.responses.extent(0)) +
                         " samples, not " + std::to_string(weights.size()));
    const std::vector<bool> live = live_filters(rows, options.least_active);
    std::vector<int> columns;
    for (size_t i = 0; i < live.size(); ++i)
        if (live[i]) columns.push_back(static_cast<int>(i));
    Sums sums = sums_of(rows, weights, classes, std::move(columns));
    if (options.standardised) standardise(sums);
    const double budgets[] = {options.largest_mu};
    const LassoGram gram(sums.gram);
    std::vector<FilterOrder> orders;
    for (int64_t c = 0; c < classes; ++c) {
        std::vector<double> correlation;
        for (int64_t i = 0; i < sums.correlation.extent(0); ++i) correlation.push_back(sums.correlation.row(i)[c]);
        orders.push_back(of_path(mu_lasso(gram, correlation, sums.labels[c], budgets), sums.columns));
    }
    return orders;
}

}  // namespace

ResponseRows response_rows(const Engine& engine, const SampleSource& samples, ResponseKind kind) {
    const Network& network = engine.network();
    check_samples(network, samples);
    const std::vector<LayerRows> layers = layer_rows(network);
    const int64_t batch = images_per_batch(engine, layers);
    ResponseRows rows;
    for (int64_t first = 0; first < samples.size(); first += batch) {
        std::vector<int64_t> indices(std::min(batch, samples.size() - first));
        std::iota(indices.begin(), indices.end(), first);
        const Recording recording = engine.run(samples.input(indices), counts_of(layers));
        rows.responses.append(batch_responses(network, recording, kind, engine.execution()));
        const std::vector<int> predicted = decisions(recording.scores);
        rows.predicted.insert(rows.predicted.end(), predicted.begin(), predicted.end());
        engine.execution().report("responses", static_cast<int64_t>(rows.predicted.size()), samples.size());
    }
    return rows;
}

std::vector<bool> live_filters(const ResponseRows& rows, double least_active) {
    const int64_t filters = rows.responses.row_size();
    std::vector<int64_t> active(filters);
    for (int64_t n = 0; n < rows.responses.extent(0); ++n)
        for (int64_t i = 0; i < filters; ++i) active[i] += rows.responses.row(n)[i] > 0 ? 1 : 0;
    std::vector<bool> live;
    for (const int64_t count : active)
        live.push_back(count > 0 &&
                       static_cast<double>(count) >= least_active * static_cast<double>(rows.responses.extent(0)));
    return live;
}

std::vector<FilterOrder> path_orders(const ResponseRows& rows, std::span<const double> weights, int64_t classes,
                                     const PathOptions& options) {
    return of_paths(rows, weights, classes, options, joining);
}

std::vector<FilterOrder> path_supports(const ResponseRows& rows, std::span<const double> weights, int64_t classes,
                                       const PathOptions& options) {
    return of_paths(rows, weights, classes, options, [](const LassoPath& path, const std::vector<int>& columns) {
        FilterOrder support;
        for (const int index : path.points.back().index) support.push_back(columns[index]);
        return support;
    });
}

DoubleArray class_means(const DoubleArray& values, std::span<const int> predicted, std::span<const double> weights,
                        int64_t classes) {
    DoubleArray means({classes, values.row_size()});
    std::vector<double> counts(classes);
    for (int64_t n = 0; n < values.extent(0); ++n) {
        if (predicted[n] == kUndecided) continue;
        counts[predicted[n]] += weights[n];
        for (int64_t i = 0; i < values.row_size(); ++i) means.row(predicted[n])[i] += weights[n] * values.row(n)[i];
    }
    for (int64_t c = 0; c < classes; ++c)
        for (double& mean : means.row(c)) mean = counts[c] > 0 ? mean / counts[c] : 0;
    return means;
}

std::vector<FilterOrder> mean_orders(const DoubleArray& values, std::span<const int> predicted,
                                     std::span<const double> weights, int64_t classes) {
    const DoubleArray means = class_means(values, predicted, weights, classes);
    std::vector<FilterOrder> orders;
    for (int64_t c = 0; c < classes; ++c) orders.push_back(sorted_by(means.row(c)));
    return orders;
}

std::vector<FilterOrder> hybrid_orders(const std::vector<FilterOrder>& first, const std::vector<FilterOrder>& second) {
    const auto place = [](const FilterOrder& order, int filter) {
        return std::ranges::find(order, filter) - order.begin();
    };
    std::vector<FilterOrder> orders = second;
    for (size_t c = 0; c < orders.size(); ++c)
        std::ranges::stable_sort(orders[c], {},
                                 [&](int filter) { return place(first[c], filter) + place(second[c], filter); });
    return orders;
}

std::vector<double> bootstrap_weights(int64_t samples, uint64_t seed, uint64_t draw) {
    std::vector<double> weights(samples);
    const RandomRow random(seed, Stream::bootstrap, {draw});
    for (int64_t n = 0; n < samples; ++n)
        weights[static_cast<int64_t>(random.uniform(static_cast<uint64_t>(n)) * static_cast<double>(samples))] += 1;
    return weights;
}

}  // namespace spikelens
