#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/interpret/mu_lasso.h"

#include "lasso_cases.h"
#include "lasso_reference.h"

namespace spikelens {
namespace {

using namespace lasso_test;

const std::vector<double> few_budgets{0.01, 0.3, 1, 2.5, 20};

/// The optimality conditions and the certificate, from X and l, not from what the solver used.
void expect_optimal(const Case& problem, const LassoPoint& point, bool non_negative, double tolerance) {
    SCOPED_TRACE(problem.name + ", μ = " + std::to_string(point.mu) + (non_negative ? ", w ≥ 0" : ", signed"));
    const std::vector<double> w = dense(point, problem.size());
    const std::vector<double> c = residual_correlation(problem, w);
    double largest = 0;
    double lambda = 0;
    for (int i = 0; i < problem.size(); ++i) {
        largest = std::max(largest, std::abs(problem.correlation[i]));
        lambda = std::max(lambda, non_negative ? c[i] : std::abs(c[i]));
    }
    double l1 = 0;
    for (size_t a = 0; a < point.index.size(); ++a) {
        EXPECT_NE(point.weight[a], 0);
        EXPECT_TRUE(a == 0 || point.index[a - 1] < point.index[a]);
        EXPECT_TRUE(!non_negative || point.weight[a] > 0);
        EXPECT_NEAR(c[point.index[a]], point.weight[a] > 0 ? lambda : -lambda, tolerance * largest);
        l1 += std::abs(point.weight[a]);
    }
    EXPECT_EQ(point.l1, l1);
    EXPECT_LE(l1, point.mu);
    EXPECT_LE(lambda * (1 - l1 / point.mu), tolerance * largest);
    EXPECT_LE(point.kkt_residual, tolerance);
    EXPECT_NEAR(point.objective, objective(problem, w), 1e-9 * std::max(1.0, problem.energy));
    EXPECT_GE(point.duality_gap, 0);
    const double gap = 2 * (point.mu * lambda - std::inner_product(c.begin(), c.end(), w.begin(), 0.0));
    EXPECT_NEAR(point.duality_gap, gap / std::max(1.0, problem.energy), 1e-9);
}

// ---- Against the references ----

TEST(MuLasso, MatchesTheEnumerationOfAllSupports) {
    for (uint64_t seed = 0; seed < 12; ++seed) {
        const int m = 2 + static_cast<int>(seed % 4);
        for (const Case& problem :
             {full_rank(seed, m), fewer_samples(seed, m), duplicates_and_dead(seed, m), tied(seed, m)}) {
            for (const bool non_negative : {true, false}) {
                const LassoPath path = solve(problem, few_budgets, non_negative);
                for (const LassoPoint& point : path.points) {
                    const double least = enumerated_minimum(problem, point.mu, non_negative);
                    EXPECT_NEAR(point.objective, least, 1e-10 * (1 + problem.energy))
                        << problem.name << " seed " << seed << " μ " << point.mu;
                }
            }
        }
    }
}

TEST(MuLasso, MatchesProjectedGradient) {
    for (uint64_t seed = 0; seed < 3; ++seed) {
        const Case problem = full_rank(seed, 15);
        for (const bool non_negative : {true, false}) {
            for (const LassoPoint& point : solve(problem, {0.5, 3, 200}, non_negative).points) {
                const std::vector<double> reference = projected_gradient(problem, point.mu, non_negative);
                const std::vector<double> w = dense(point, problem.size());
                for (int i = 0; i < problem.size(); ++i) EXPECT_NEAR(w[i], reference[i], 1e-7) << "μ " << point.mu;
            }
        }
    }
}

TEST(MuLasso, EveryPointAndBreakpointIsOptimal) {
    for (const int m : {1, 2, 7, 20, 48}) {
        for (uint64_t seed = 0; seed < 4; ++seed) {
            for (const Case& problem : all_kinds(seed, m)) {
                for (const bool non_negative : {true, false}) {
                    const LassoPath path = solve(problem, few_budgets, non_negative);
                    for (const LassoPoint& point : path.points) expect_optimal(problem, point, non_negative, 1e-9);
                    for (const LassoPoint& point : path.breakpoints) {
                        if (point.mu > 0) expect_optimal(problem, point, non_negative, 1e-9);
                    }
                }
            }
        }
    }
}

TEST(MuLasso, StaysOptimalAtTheSizeOfLargeNetworks) {
    const Case problem = two_layers(3, 300, 700);
    for (const bool non_negative : {true, false}) {
        for (const LassoPoint& point : solve(problem, {1, 5, 50}, non_negative).points) {
            expect_optimal(problem, point, non_negative, 1e-9);
        }
    }
}

TEST(MuLasso, ToleratesAGramMatrixThatRoundingMadeIndefinite) {
    Case problem = fewer_samples(5, 12);
    for (int i = 0; i < 12; ++i) problem.gram.data[i * 12 + i] -= 1e-12;
    for (const bool non_negative : {true, false}) {
        for (const LassoPoint& point : solve(problem, few_budgets, non_negative).points) {
            expect_optimal(problem, point, non_negative, 1e-9);
        }
    }
}

// ---- The path ----

TEST(MuLasso, IsLinearInTheBudgetBetweenBreakpoints) {
    for (const bool non_negative : {true, false}) {
        const Case problem = full_rank(11, 14);
        const std::vector<LassoPoint> knots = solve(problem, {1000}, non_negative).breakpoints;
        ASSERT_GT(knots.size(), 4U);
        for (size_t k = 0; k + 1 < knots.size(); ++k) {
            const std::vector<double> from = dense(knots[k], 14);
            const std::vector<double> to = dense(knots[k + 1], 14);
            for (const double share : {0.25, 0.5, 0.9, 1.0}) {
                const double mu = knots[k].mu + share * (knots[k + 1].mu - knots[k].mu);
                const std::vector<double> w = dense(solve(problem, {mu}, non_negative).points[0], 14);
                for (int i = 0; i < 14; ++i) EXPECT_NEAR(w[i], from[i] + share * (to[i] - from[i]), 1e-10);
            }
        }
    }
}

TEST(MuLasso, ChangesItsSupportAtEveryBreakpoint) {
    const Case problem = full_rank(12, 14);
    const std::vector<LassoPoint> knots = solve(problem, {1000}, false).breakpoints;
    for (size_t k = 1; k + 1 < knots.size(); ++k) {
        const auto points = solve(problem, {knots[k].mu * (1 - 1e-7), knots[k].mu * (1 + 1e-7)}, false).points;
        EXPECT_NE(points[0].index, points[1].index) << "breakpoint " << k;
    }
    EXPECT_EQ(knots.front().mu, 0);
    EXPECT_TRUE(knots.front().index.empty());
}

TEST(MuLasso, StopsItsBreakpointsAtTheLargestBudget) {
    const Case problem = full_rank(11, 14);
    const std::vector<LassoPoint> all = solve(problem, {1000}).breakpoints;
    const std::vector<LassoPoint> some = solve(problem, {all[3].mu * 1.001, 0.1 * all[1].mu}).breakpoints;
    ASSERT_EQ(some.size(), 4U);
    for (size_t k = 0; k < some.size(); ++k) EXPECT_EQ(some[k].mu, all[k].mu);
}

TEST(MuLasso, GivesEachBudgetTheSameBitsWhateverElseIsAsked) {
    const Case problem = two_layers(8, 40);
    std::vector<double> budgets(50);
    for (int i = 0; i < 50; ++i) budgets[i] = 1 + (i * 17) % 50;
    budgets.push_back(2);
    const LassoPath together = solve(problem, budgets);
    for (size_t i = 0; i < budgets.size(); ++i) {
        EXPECT_EQ(together.points[i].mu, budgets[i]);
        const LassoPoint alone = solve(problem, {budgets[i]}).points[0];
        EXPECT_EQ(together.points[i].weight, alone.weight);
        EXPECT_EQ(together.points[i].index, alone.index);
    }
}

// ---- Closed forms ----

TEST(MuLasso, ShrinksTheCorrelationsOfOrthonormalRows) {
    const Case problem = make_case("identity", {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, {3, 2, -1});
    const LassoPath positive = solve(problem, {1, 2, 5, 7});
    EXPECT_EQ(dense(positive.points[0], 3), (std::vector<double>{1, 0, 0}));
    EXPECT_EQ(dense(positive.points[1], 3), (std::vector<double>{1.5, 0.5, 0}));
    EXPECT_EQ(dense(positive.points[2], 3), (std::vector<double>{3, 2, 0}));
    EXPECT_EQ(dense(positive.points[3], 3), (std::vector<double>{3, 2, 0}));
    EXPECT_EQ(positive.points[3].l1, 5);
    EXPECT_EQ(positive.points[3].objective, 1);
    const LassoPath with_sign = solve(problem, {4.5, 7}, false);
    EXPECT_EQ(dense(with_sign.points[0], 3), (std::vector<double>{2.5, 1.5, -0.5}));
    EXPECT_EQ(dense(with_sign.points[1], 3), (std::vector<double>{3, 2, -1}));
}

TEST(MuLasso, TakesTheLeastWeightWhereTheMinimumIsNotUnique) {
    const Case problem = make_case("one sample", {{1}, {2}}, {1});
    const LassoPath path = solve(problem, {0.25, 1});
    EXPECT_EQ(dense(path.points[0], 2), (std::vector<double>{0, 0.25}));
    EXPECT_EQ(dense(path.points[1], 2), (std::vector<double>{0, 0.5}));
    EXPECT_EQ(path.points[1].l1, 0.5);
    EXPECT_EQ(path.points[1].mu, 1);
}

TEST(MuLasso, IsZeroWhereNothingCorrelates) {
    const Case opposed = make_case("opposed", {{1, 0}, {1, 1}}, {-1, -1});
    const Case empty = make_case("empty class", {{1, 0}, {1, 1}}, {0, 0});
    for (const Case& problem : {opposed, empty}) {
        const LassoPath path = solve(problem, {1, 2});
        ASSERT_EQ(path.points.size(), 2U);
        EXPECT_TRUE(path.points[1].index.empty());
        EXPECT_EQ(path.points[1].kkt_residual, 0);
        EXPECT_EQ(path.points[1].duality_gap, 0);
        EXPECT_EQ(path.points[1].objective, problem.energy);
        EXPECT_TRUE(path.breakpoints.empty());
    }
    EXPECT_TRUE(solve(empty, {1}, false).points[0].index.empty());
    EXPECT_EQ(solve(opposed, {1}, false).points[0].index, (std::vector<int>{1}));
}

TEST(MuLasso, FollowsTheNullDirectionOfAGramMatrixThatDoesNotRespectIt) {
    // b is not Xl for any l: the objective falls for ever along the second column, which costs nothing.
    const DoubleArray gram({2, 2}, {1, 0, 0, 0});
    const LassoPath path = mu_lasso(gram, std::vector<double>{2, 1}, 4, std::vector<double>{0.5, 1, 6});
    EXPECT_EQ(dense(path.points[0], 2), (std::vector<double>{0.5, 0}));
    EXPECT_EQ(dense(path.points[1], 2), (std::vector<double>{1, 0}));
    EXPECT_EQ(dense(path.points[2], 2), (std::vector<double>{1, 5}));
}

TEST(MuLasso, ExchangesADependentColumnForTheOnesItReplaces) {
    // The third column is the sum of the first two in G, but pulls more than they do together.
    const DoubleArray gram({3, 3}, {1, 0, 1, 0, 1, 1, 1, 1, 2});
    const LassoPath path = mu_lasso(gram, std::vector<double>{3, 2.5, 6}, 100, std::vector<double>{0.5, 2, 3, 4, 9});
    for (const LassoPoint& point : path.points) EXPECT_LE(point.kkt_residual, 1e-14);
    const LassoPath with_sign = mu_lasso(gram, std::vector<double>{3, 2.5, -6}, 100,
                                         std::vector<double>{0.5, 2, 3, 4, 9, 40}, {.non_negative = false});
    for (const LassoPoint& point : with_sign.points) EXPECT_LE(point.kkt_residual, 1e-13);
}

// ---- Which rows ----

TEST(MuLasso, UsesTheFirstOfEqualRowsAndNeverADeadOne) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
        const Case problem = duplicates_and_dead(seed, 21);
        for (const LassoPoint& point : solve(problem, few_budgets, seed % 2 == 0).points) {
            for (int i : point.index) {
                EXPECT_NE(problem.gram.data[i * 21 + i], 0) << "row " << i << " is dead";
                EXPECT_TRUE(i == 0 || problem.x[i] != problem.x[i - 1]) << "row " << i << " repeats the one before";
            }
        }
    }
}

TEST(MuLasso, FollowsARenumberingOfTheRows) {
    const Case problem = full_rank(21, 18);
    const std::vector<int64_t> order = random_permutation(18, 5, Stream::test, {});
    std::vector<std::vector<double>> rows;
    for (int64_t i : order) rows.push_back(problem.x[i]);
    const Case renumbered = make_case("renumbered", rows, problem.label);
    for (const double mu : few_budgets) {
        const std::vector<double> w = dense(solve(problem, {mu}, false).points[0], 18);
        const std::vector<double> v = dense(solve(renumbered, {mu}, false).points[0], 18);
        for (int i = 0; i < 18; ++i) EXPECT_NEAR(v[i], w[order[i]], 1e-11);
    }
}

TEST(MuLasso, ScalesWithTheLabelAndTheBudget) {
    const double scale = 0x1p-20;  // a power of two changes no digit
    for (const Case& problem : all_kinds(4, 24)) {
        std::vector<double> label = problem.label;
        for (double& value : label) value *= scale;
        const Case smaller = make_case(problem.name, problem.x, label);
        for (const double mu : few_budgets) {
            const LassoPoint w = solve(problem, {mu}, false).points[0];
            const LassoPoint v = solve(smaller, {mu * scale}, false).points[0];
            ASSERT_EQ(v.index, w.index) << problem.name;
            for (size_t a = 0; a < w.weight.size(); ++a) EXPECT_EQ(v.weight[a], scale * w.weight[a]) << problem.name;
        }
    }
}

// ---- What it refuses ----

TEST(MuLasso, RefusesWhatItCannotUse) {
    const Case problem = full_rank(1, 3);
    const auto run = [](const Case& p, double mu = 1, double tolerance = 1e-9) {
        return mu_lasso(p.gram, p.correlation, p.energy, std::vector<double>{mu}, {.tolerance = tolerance});
    };
    EXPECT_NO_THROW(run(problem));
    EXPECT_THROW(run(problem, 0), InputError);
    EXPECT_THROW(run(problem, -1), InputError);
    EXPECT_THROW(run(problem, std::numeric_limits<double>::infinity()), InputError);
    EXPECT_THROW(run(problem, 1, 0), InputError);
    const auto with = [&](auto change) {
        Case changed = problem;
        change(changed);
        return changed;
    };
    const double nan = std::numeric_limits<double>::quiet_NaN();
    EXPECT_THROW(run(with([](Case& p) { p.correlation.pop_back(); })), InputError);
    EXPECT_THROW(run(with([](Case& p) { p.gram.shape = {9}; })), InputError);
    EXPECT_THROW(run(with([&](Case& p) { p.gram.data[4] = nan; })), InputError);
    EXPECT_THROW(run(with([&](Case& p) { p.correlation[2] = nan; })), InputError);
    EXPECT_THROW(run(with([&](Case& p) { p.energy = nan; })), InputError);
    EXPECT_THROW(run(with([](Case& p) { p.energy = -1; })), InputError);
    EXPECT_THROW(run(with([](Case& p) { p.gram.data[1] += 1e-3; })), InputError);
    EXPECT_THROW(run(with([](Case& p) { p.gram.data[4] = -1; })), InputError);
    EXPECT_THROW(run(with([](Case& p) { p.gram.data[1] = p.gram.data[3] = 1e3; })), InputError);
}

TEST(MuLasso, ThrowsRatherThanReturnAPointAboveTheTolerance) {
    const Case problem = full_rank(2, 20);
    EXPECT_THROW(mu_lasso(problem.gram, problem.correlation, problem.energy, few_budgets, {.tolerance = 1e-30}),
                 RunError);
}

TEST(MuLasso, AcceptsNoRowsAndNoBudgets) {
    const LassoPath path = mu_lasso(DoubleArray({0, 0}), {}, 3, std::vector<double>{1});
    EXPECT_EQ(path.points.at(0).objective, 3);
    EXPECT_TRUE(solve(full_rank(1, 3), {}).points.empty());
}

}  // namespace
}  // namespace spikelens
