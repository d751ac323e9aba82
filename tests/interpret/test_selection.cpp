#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/interpret/ablation.h"
#include "spikelens/interpret/selection.h"
#include "spikelens/snn/decision.h"

#include "memory_samples.h"

namespace spikelens {
namespace {

/// Three filters: 0 spikes for class 0, 1 nearly always alike, 2 in one sample of a hundred alone.
ResponseRows some_rows(int64_t samples) {
    ResponseRows rows;
    rows.responses = FloatArray({samples, 3});
    for (int64_t n = 0; n < samples; ++n) {
        const bool first = n % 2 == 0;
        rows.predicted.push_back(first ? 0 : 1);
        rows.responses.row(n)[0] = first ? 0.5F : 0.1F;
        rows.responses.row(n)[1] = 0.4F + 0.001F * static_cast<float>(n % 5);
        rows.responses.row(n)[2] = n == 0 ? 0.01F : 0.0F;
    }
    return rows;
}

TEST(Selection, StandardisedPathsTakeWhatTellsTheClassAndLeaveOutTheNearlyDead) {
    const ResponseRows rows = some_rows(200);
    const std::vector<double> once(200, 1);
    EXPECT_EQ(live_filters(rows, 0.01), (std::vector<bool>{true, true, false}));
    EXPECT_EQ(live_filters(rows, 0), (std::vector<bool>{true, true, true}));
    const auto orders = path_orders(rows, once, 2, {});
    ASSERT_FALSE(orders[0].empty());
    EXPECT_EQ(orders[0][0], 0);
    for (const FilterOrder& order : orders) EXPECT_EQ(std::ranges::count(order, 2), 0);
}

/// A sample counted twice is two samples.
TEST(Selection, WeightsAreRepeatedSamples) {
    ResponseRows rows = some_rows(60), repeated = rows;
    std::vector<double> weights(60, 1);
    for (const int64_t n : {3, 10, 11}) {
        weights[n] = 2;
        repeated.responses.append(
            FloatArray({1, 3}, {rows.responses.row(n)[0], rows.responses.row(n)[1], rows.responses.row(n)[2]}));
        repeated.predicted.push_back(rows.predicted[n]);
    }
    const std::vector<double> once(63, 1);
    for (const bool standardised : {false, true})
        EXPECT_EQ(path_orders(rows, weights, 2, {.standardised = standardised, .least_active = 0}),
                  path_orders(repeated, once, 2, {.standardised = standardised, .least_active = 0}));
    DoubleArray values({60, 3}), more({63, 3});
    for (int64_t i = 0; i < more.size(); ++i) more.data[i] = repeated.responses.data[i];
    std::copy_n(more.data.begin(), values.size(), values.data.begin());
    const DoubleArray means = class_means(values, rows.predicted, weights, 2);
    const DoubleArray expected = class_means(more, repeated.predicted, once, 2);
    for (int64_t i = 0; i < means.size(); ++i) EXPECT_NEAR(means.data[i], expected.data[i], 1e-12);
    EXPECT_THROW(path_orders(rows, once, 2, {}), InputError);
}

/// Onto w ≥ 0, Σ w ≤ mu, by bisection on what is taken from each.
std::vector<double> projected(std::vector<double> w, double mu) {
    const auto cut = [&](double by) {
        double sum = 0;
        for (const double value : w) sum += std::max(0.0, value - by);
        return sum;
    };
    double low = 0, high = 1e3;
    if (cut(0) <= mu) high = 0;
    for (int i = 0; i < 200; ++i) (cut((low + high) / 2) > mu ? low : high) = (low + high) / 2;
    for (double& value : w) value = std::max(0.0, value - high);
    return w;
}

/// min ‖Xᵀw − l‖² over them, by projected gradients.
std::vector<double> slow_lasso(const ResponseRows& rows, int of_class, double mu) {
    std::vector<double> w(rows.responses.row_size());
    for (int round = 0; round < 20000; ++round) {
        std::vector<double> gradient(w.size());
        for (int64_t n = 0; n < rows.responses.extent(0); ++n) {
            double error = rows.predicted[n] == of_class ? -1 : 0;
            for (size_t i = 0; i < w.size(); ++i) error += w[i] * rows.responses.row(n)[i];
            for (size_t i = 0; i < w.size(); ++i) gradient[i] += error * rows.responses.row(n)[i];
        }
        for (size_t i = 0; i < w.size(); ++i) w[i] -= 0.05 * gradient[i];
        w = projected(std::move(w), mu);
    }
    return w;
}

TEST(Selection, SupportsAreThoseOfTheLassoAtItsBudget) {
    bool left = false;  // a filter that joined and is no longer in it
    for (const uint32_t set : {1U, 6U, 9U, 12U}) {
        uint32_t state = set * 7919 + 1;
        ResponseRows rows;
        rows.responses = FloatArray({12, 6});
        for (int64_t n = 0; n < 12; ++n) {
            rows.predicted.push_back(static_cast<int>(n % 2));
            for (int64_t i = 0; i < 6; ++i) {
                state = state * 1664525 + 1013904223;
                rows.responses.row(n)[i] = static_cast<float>(state >> 24) / 256.0F;
            }
        }
        const std::vector<double> once(12, 1);
        for (const double mu : {0.5, 1.0}) {
            const PathOptions options{.standardised = false, .least_active = 0, .largest_mu = mu};
            const auto supports = path_supports(rows, once, 2, options), joined = path_orders(rows, once, 2, options);
            for (int c = 0; c < 2; ++c) {
                std::set<int> expected;
                const std::vector<double> slow = slow_lasso(rows, c, mu);
                for (size_t i = 0; i < slow.size(); ++i)
                    if (slow[i] > 1e-6) expected.insert(static_cast<int>(i));
                EXPECT_EQ(std::set<int>(supports[c].begin(), supports[c].end()), expected)
                    << set << ", " << c << ", " << mu;
                left = left || joined[c].size() > supports[c].size();
            }
        }
    }
    EXPECT_TRUE(left) << "the data do not tell joining from staying";
}

TEST(Selection, MeansRankWithinEachClass) {
    const DoubleArray values({4, 3}, {1, 2, 3, 5, 2, 3, 9, 0, 9, 100, 100, 100});
    const std::vector<int> predicted{0, 0, 1, kUndecided};
    const std::vector<double> once(4, 1);
    const auto orders = mean_orders(values, predicted, once, 3);
    EXPECT_EQ(orders[0], (FilterOrder{0, 2, 1})) << "3, 2, 3: ties by row";
    EXPECT_EQ(orders[1], (FilterOrder{0, 2, 1}));
    EXPECT_EQ(orders[2], (FilterOrder{0, 1, 2})) << "never predicted";
    const auto hybrid = hybrid_orders({{1}, {2, 1}, {}}, orders);
    EXPECT_EQ(hybrid[0], (FilterOrder{0, 2, 1})) << "1 + 0, 1 + 1, 0 + 2";
    EXPECT_EQ(hybrid[1], (FilterOrder{2, 0, 1})) << "0 + 1, 2 + 0, 1 + 2";
    EXPECT_EQ(hybrid[2], orders[2]);
}

TEST(Selection, BootstrapsDrawAsManySamplesAsThereAre) {
    const std::vector<double> weights = bootstrap_weights(1000, 3, 0);
    double sum = 0, drawn = 0;
    for (const double weight : weights) sum += weight, drawn += weight > 0;
    EXPECT_EQ(sum, 1000);
    EXPECT_NEAR(drawn / 1000, 1 - std::exp(-1), 0.05);
    EXPECT_EQ(weights, bootstrap_weights(1000, 3, 0));
    EXPECT_NE(weights, bootstrap_weights(1000, 3, 1));
}

TEST(Selection, ClassMeansWeighClassesAlike) {
    const ClassMeanEstimate mean = mean_over_classes({{1, 1, 1, 1}, {0, 1}, {}});
    EXPECT_DOUBLE_EQ(mean.mean, 0.75);
    EXPECT_NEAR(mean.ci95, 1.959963984540054 * std::sqrt(0.25 / 2) / 2, 1e-12);
    EXPECT_TRUE(std::isnan(mean_over_classes({{1, 1}, {1}}).ci95)) << "one sample tells no spread";
    EXPECT_TRUE(std::isnan(mean_over_classes({{1, 1, 1}, {}}).ci95)) << "three that are all right tell none either";
    EXPECT_TRUE(std::isnan(mean_over_classes({{1, 1, 1}, {0, 0, 0}}).ci95)) << "nor three of each class";
    EXPECT_EQ(mean_over_classes({{1, 1, 1, 1, 1, 1}, {0, 0, 0}}).ci95, 0);
}

}  // namespace
}  // namespace spikelens
