#include <cmath>

#include <gtest/gtest.h>

#include "interpret/active_factor.h"
#include "interpret/lasso_active_set.h"
#include "interpret/lasso_homotopy.h"
#include "interpret/lasso_problem.h"
#include "lasso_cases.h"

namespace spikelens {
namespace {

using lasso_test::all_kinds;
using lasso_test::Case;

LassoProblem problem_of(const Case& c, bool non_negative) { return {c.gram, c.correlation, c.energy, non_negative}; }

bool append(ActiveFactor& factor, std::vector<int>& held, const Case& problem, int column) {
    std::vector<double> against;
    for (int i : held) against.push_back(problem.gram.data[i * problem.size() + column]);
    if (!factor.append(against, problem.gram.data[column * problem.size() + column], kLassoIndependence)) return false;
    held.push_back(column);
    return true;
}

/// K·solve(v) must be v.
void expect_solves(const ActiveFactor& factor, const std::vector<int>& held, const Case& problem) {
    std::vector<double> values;
    for (int i : held) values.push_back(problem.correlation[i]);
    const std::vector<double> wanted = values;
    factor.solve(values);
    for (size_t a = 0; a < held.size(); ++a) {
        double product = 0;
        for (size_t b = 0; b < held.size(); ++b)
            product += problem.gram.data[held[a] * problem.size() + held[b]] * values[b];
        EXPECT_NEAR(product, wanted[a], 1e-10 * (1 + std::abs(wanted[a])));
    }
}

TEST(ActiveFactor, SolvesAfterAnyAppendAndRemove) {
    const Case problem = lasso_test::full_rank(3, 25);
    ActiveFactor factor;
    std::vector<int> held;
    for (int i = 0; i < 25; ++i) {
        ASSERT_TRUE(append(factor, held, problem, i));
        expect_solves(factor, held, problem);
    }
    for (const int position : {24, 0, 11, 5, 20, 0, 18, 7}) {
        factor.remove(position);
        held.erase(held.begin() + position);
        expect_solves(factor, held, problem);
    }
    for (const int column : {24, 0, 12}) {
        ASSERT_TRUE(append(factor, held, problem, column));
        expect_solves(factor, held, problem);
    }
    EXPECT_EQ(factor.size(), 20);
}

TEST(ActiveFactor, RefusesADependentColumnAndKeepsItsState) {
    auto rows = lasso_test::normal_rows(4, 4, 20);
    for (size_t n = 0; n < 20; ++n) rows[3][n] = rows[0][n] - 2 * rows[1][n];
    const Case problem = lasso_test::make_case("dependent", rows, lasso_test::label_of(4, rows));
    ActiveFactor factor;
    std::vector<int> held;
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(append(factor, held, problem, i));
    EXPECT_FALSE(append(factor, held, problem, 3));
    expect_solves(factor, held, problem);
    factor.remove(1);
    held.erase(held.begin() + 1);
    EXPECT_TRUE(append(factor, held, problem, 3));
    expect_solves(factor, held, problem);
    EXPECT_FALSE(ActiveFactor().append({}, 0.0, 1e-13)) << "a dead column";
}

TEST(SolveBudget, AgreesWithThePathOnEveryKindOfProblem) {
    for (const int m : {1, 5, 16, 30}) {
        for (uint64_t seed = 30; seed < 33; ++seed) {
            for (const Case& c : all_kinds(seed, m)) {
                for (const bool non_negative : {true, false}) {
                    const LassoProblem problem = problem_of(c, non_negative);
                    for (const LassoPoint& point : lasso_test::solve(c, {0.3, 2, 30}, non_negative).points) {
                        const LassoPoint alone = certify(problem, solve_budget(problem, point.mu), point.mu);
                        EXPECT_NEAR(alone.objective, point.objective, 1e-9 * std::max(1.0, c.energy))
                            << c.name << " m " << m;
                        EXPECT_LE(alone.kkt_residual, 1e-9) << c.name << " m " << m << " μ " << point.mu;
                    }
                }
            }
        }
    }
}

TEST(LassoHomotopy, GoesOnFromASolutionFoundOtherwise) {
    const Case c = lasso_test::full_rank(40, 16);
    for (const bool non_negative : {true, false}) {
        const LassoProblem problem = problem_of(c, non_negative);
        const double middle = 0.5 * lasso_test::solve(c, {1e6}, non_negative).points[0].l1;
        LassoHomotopy resumed(problem);
        ASSERT_TRUE(resumed.restart(solve_budget(problem, middle)));
        for (const LassoPoint& knot : lasso_test::solve(c, {1e6}, non_negative).breakpoints) {
            if (knot.mu <= middle) continue;
            EXPECT_NEAR(resumed.end_l1(), knot.mu, 1e-9 * knot.mu);
            resumed.step();
        }
        EXPECT_TRUE(resumed.ended());
    }
}

TEST(LassoHomotopy, RefusesToGoOnFromDependentColumns) {
    const Case c = lasso_test::make_case("twins", {{1, 2}, {1, 2}}, {1, 1});
    const LassoProblem problem = problem_of(c, true);
    LassoHomotopy homotopy(problem);
    ActiveSet both;
    both.add(0, 1, 0.1);
    both.add(1, 1, 0.1);
    EXPECT_FALSE(homotopy.restart(both));
}

}  // namespace
}  // namespace spikelens
