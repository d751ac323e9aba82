#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spikelens/core/array.h"

namespace spikelens {

/// One point of a solution path: w is sparse, ascending indices.
struct LassoPoint {
    double mu = 0;                 ///< the budget asked for
    std::vector<int> index;        ///< support: the non-zeros of w
    std::vector<double> weight;    ///< same length
    double l1 = 0;                 ///< ‖w‖₁ (≤ mu; less only when the unconstrained minimum is inside)
    double objective = 0;          ///< ‖Xᵀw − l‖² = wᵀGw − 2bᵀw + ‖l‖²
    double kkt_residual = 0;       ///< relative: worst violation of the optimality conditions / max|b|
    double duality_gap = 0;        ///< objective minus its dual bound, / max(1, ‖l‖²)... stated in the implementation
};

struct LassoOptions {
    bool non_negative = true;  ///< w ≥ 0 (the authors' code; default), or the signed problem
    double tolerance = 1e-9;   ///< relative KKT residual that every point must reach
};

/// One class's path: exact breakpoints, and the solution at each μ asked for.
struct LassoPath {
    std::vector<LassoPoint> points;       ///< at the budgets asked for, in their order
    std::vector<LassoPoint> breakpoints;  ///< where the support changes, μ ascending, up to the largest μ asked for
};

/// min ‖Xᵀw − l‖² subject to ‖w‖₁ ≤ μ (and w ≥ 0), for every μ at once (SVEBI Sec. 4.1, Eq. 4), from G = XXᵀ [m, m],
/// b = Xl [m] and ‖l‖² alone. The path in μ is piecewise linear; a homotopy follows it exactly (Osborne et al. 2000; Efron et al. 2004).
/// G may be singular and have zero rows (dead filters). Ties are broken towards the lower index. Cost: O(m·s²) per class, s the largest support… 
/// Throws InputError for sizes that do not match, values that are not finite, G not symmetric, or μ not positive;
/// RunError when a point does not reach the tolerance (it never returns an answer that is not optimal).
LassoPath mu_lasso(const DoubleArray& gram, std::span<const double> correlation, double label_energy, std::span<const double> budgets,
                   const LassoOptions& options = {});

}  // namespace spikelens
