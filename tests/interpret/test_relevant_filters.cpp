#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/interpret/relevant_filters.h"

#include "lasso_cases.h"

namespace spikelens {
namespace {

/// Sums of random shares of a 2 + 4 filter network over three classes; the last class is never predicted.
struct Summed {
    Network network = parse_network("2C3-LIF-4C3-LIF-3F", {1, 8, 8}, 2);
    Responses responses;

    Summed() {
        const lasso_test::Case shares = lasso_test::two_layers(9, 6, 300);
        responses.samples = 300;
        responses.gram = shares.gram;
        responses.correlation = DoubleArray({6, 3});
        responses.predicted = {0, 0, 0};
        for (int64_t n = 0; n < 300; ++n) {
            const int predicted = shares.label[n] > 0 ? 0 : 1;
            ++responses.predicted[predicted];
            for (int64_t i = 0; i < 6; ++i) responses.correlation.row(i)[predicted] += shares.x[i][n];
        }
    }
    RelevantFilters find(std::vector<double> budgets, double chosen, const Progress& progress = {},
                         int threads = 0) const {
        return find_relevant_filters(network, responses, std::move(budgets), chosen, {},
                                     {.threads = threads, .progress = progress});
    }
};

class RelevantFiltersOn : public testing::TestWithParam<int> {};

TEST_P(RelevantFiltersOn, ThreadsSolveEachClassAtEachBudget) {
    const Summed data;
    const RelevantFilters relevant = data.find({1, 2, 5}, 2, {}, GetParam());
    ASSERT_EQ(relevant.classes.size(), 3U);
    EXPECT_EQ(relevant.filters, response_filters(data.network));
    for (int j = 0; j < 3; ++j) {
        std::vector<double> b;
        for (int64_t i = 0; i < 6; ++i) b.push_back(data.responses.correlation.row(i)[j]);
        const double energy = static_cast<double>(data.responses.predicted[j]);
        const LassoPath path = mu_lasso(data.responses.gram, b, energy, relevant.budgets);
        for (size_t k = 0; k < 3; ++k) {
            EXPECT_EQ(relevant.classes[j].points[k].weight, path.points[k].weight);
            EXPECT_EQ(relevant.classes[j].points[k].index, path.points[k].index);
            EXPECT_EQ(relevant.classes[j].points[k].mu, relevant.budgets[k]);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(AnyNumber, RelevantFiltersOn, testing::Values(1, 2, 7));

TEST(RelevantFilters, AreOrderedByWeightAndNamedByLayer) {
    const Summed data;
    const RelevantFilters relevant = data.find({1, 2, 5}, 5);
    for (int j = 0; j < 2; ++j) {
        const auto filters = relevant.of(j);
        const LassoPoint& point = relevant.classes[j].points[2];
        ASSERT_GT(filters.size(), 1U);
        ASSERT_EQ(filters.size(), point.index.size());
        for (size_t a = 1; a < filters.size(); ++a) EXPECT_GE(filters[a - 1].weight, filters[a].weight);
        for (size_t a = 0; a < point.index.size(); ++a) {
            const FilterIndex filter = relevant.filters[point.index[a]];
            const auto same = [&](const auto& other) {
                return other.filter == filter && other.weight == point.weight[a];
            };
            EXPECT_EQ(std::count_if(filters.begin(), filters.end(), same), 1);
        }
    }
}

TEST(RelevantFilters, KeepTheOrderOfTheFiltersAmongEqualWeights) {
    RelevantFilters relevant;
    relevant.filters = {{0, 0}, {0, 1}, {2, 0}};
    relevant.budgets = {2};
    relevant.classes.resize(1);
    relevant.classes[0].points.push_back({.mu = 2, .index = {0, 1, 2}, .weight = {0.5, 1.0, 0.5}});
    const auto filters = relevant.of(0);
    ASSERT_EQ(filters.size(), 3U);
    EXPECT_EQ(filters[0].filter, (FilterIndex{0, 1}));
    EXPECT_EQ(filters[1].filter, (FilterIndex{0, 0}));
    EXPECT_EQ(filters[2].filter, (FilterIndex{2, 0}));
}

TEST(RelevantFilters, AreNoneForAClassThatIsNeverPredicted) {
    const RelevantFilters relevant = Summed().find({1, 2}, 1);
    ASSERT_EQ(relevant.classes[2].points.size(), 2U);
    EXPECT_TRUE(relevant.of(2).empty());
    EXPECT_TRUE(relevant.of(2, 2).empty());
}

TEST(RelevantFilters, ReportTheirWorstCertificate) {
    RelevantFilters relevant = Summed().find({1, 2, 5}, 1);
    EXPECT_LE(relevant.worst_kkt_residual(), 1e-12);
    EXPECT_LE(relevant.worst_duality_gap(), 1e-12);
    relevant.classes[1].points[2].kkt_residual = 0.5;
    relevant.classes[0].points[1].duality_gap = 0.25;
    EXPECT_EQ(relevant.worst_kkt_residual(), 0.5);
    EXPECT_EQ(relevant.worst_duality_gap(), 0.25);
}

TEST(RelevantFilters, ReportProgressOncePerClass) {
    std::vector<int64_t> done;
    Summed().find({1}, 1, [&](const ProgressEvent& event) {
        done.push_back(event.done);
        EXPECT_EQ(event.total, 3);
    });
    EXPECT_EQ(done, (std::vector<int64_t>{1, 2, 3}));
}

TEST(RelevantFilters, RefuseUnknownClassesAndBudgets) {
    const Summed data;
    const RelevantFilters relevant = data.find({1, 2}, 2);
    EXPECT_THROW(relevant.of(0, 3), InputError);
    EXPECT_THROW(relevant.of(-1), InputError);
    EXPECT_THROW(relevant.of(3), InputError);
    EXPECT_THROW(data.find({1, 2}, 4), InputError);
    EXPECT_THROW(data.find({-1, 2}, 2), InputError);
}

TEST(RelevantFilters, RefuseSumsOfAnotherNetwork) {
    Summed data;
    data.network = parse_network("3C3-LIF-4C3-LIF-3F", {1, 8, 8}, 2);
    EXPECT_THROW(data.find({1}, 1), InputError);
    data.network = parse_network("2C3-LIF-4C3-LIF-4F", {1, 8, 8}, 2);
    EXPECT_THROW(data.find({1}, 1), InputError);
    Summed uncounted;
    uncounted.responses.predicted.pop_back();
    EXPECT_THROW(uncounted.find({1}, 1), InputError);
}

}  // namespace
}  // namespace spikelens
