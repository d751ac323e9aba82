#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spikelens/core/array.h"

namespace spikelens {

/// One point of a solution path: w is sparse, ascending indices.
struct LassoPoint {
    double mu = 0;               ///< the budget asked for
    std::vector<int> index;      ///< support: the non-zeros of w
    std::vector<double> weight;  ///< same length
    double l1 = 0;               ///< ‖w‖₁ (≤ mu; less only when the unconstrained minimum is inside)
    double objective = 0;        ///< ‖Xᵀw − l‖² = wᵀGw − 2bᵀw + ‖l‖²
    double kkt_residual = 0;     ///< relative: worst violation of the optimality conditions, see below
    double duality_gap = 0;      ///< how far above the minimum the objective can be, / max(1, ‖l‖²), see below

    static void fields(auto& self, auto& field) {
        field("mu", self.mu), field("index", self.index), field("weight", self.weight), field("l1", self.l1);
        field("objective", self.objective), field("kkt_residual", self.kkt_residual);
        field("duality_gap", self.duality_gap);
    }
};

// The certificate of a point. With c = b − Gw (half the negative gradient) and λ = max(0, max_i c_i), or max_i |c_i|
// when w may be negative, w is optimal exactly when c_i = λ·sign(w_i) on its support, ‖w‖₁ ≤ μ, and λ = 0 or ‖w‖₁ = μ.
//  kkt_residual = max( |c_i − λ·sign(w_i)| on the support / max|b|,  λ·(1 − ‖w‖₁/μ) / max|b|,
//                      (‖w‖₁ − μ)⁺ / μ,  (−w_i)⁺ / μ where w ≥ 0 is asked )
// (c_i ≤ λ off the support holds by the choice of λ.) For any r, the objective is at least 2rᵀl − ‖r‖² − 2μλ over the
// ball, λ taken from Xr; with r = l − Xᵀw, where Xr = c, the difference to ‖r‖² is
//  duality_gap = 2·(μλ − wᵀc) / max(1, ‖l‖²),
// a bound on the excess of the objective that needs neither X nor l (also known as the Frank–Wolfe gap).

struct LassoOptions {
    bool non_negative = true;  ///< w ≥ 0 (the authors' code; default), or the signed problem
    double tolerance = 1e-9;   ///< relative KKT residual that every point must reach
};

/// G = XXᵀ [m, m], checked once for all problems that share it. It borrows the matrix.
struct LassoGram {
    const DoubleArray& matrix;

    /// Cost: O(m²). Throws InputError for a G that is not square or not finite, is not symmetric or has a negative 2×2
    /// minor (beyond rounding, 1e-12 and 1e-9 of its largest diagonal).
    LassoGram(const DoubleArray& gram);
};

/// One class's path: exact breakpoints, and the solution at each μ asked for.
struct LassoPath {
    std::vector<LassoPoint> points;  ///< at the budgets asked for, in their order
    /// Where the support changes, μ = ‖w‖₁ ascending, from w = 0 at μ = 0 up to the largest μ asked for or to where the
    /// constraint stops binding; between two of them w is linear in μ. Empty when w = 0 for every μ.
    std::vector<LassoPoint> breakpoints;
};

/// min ‖Xᵀw − l‖² subject to ‖w‖₁ ≤ μ (and w ≥ 0), for every μ at once (SVEBI Sec. 4.1, Eq. 4), from G, b = Xl [m] and
/// ‖l‖² alone. The path in μ is piecewise linear; a homotopy follows it exactly (Osborne et al. 2000; Efron et al.
/// 2004), and every point is solved anew from the optimality conditions of its support. G may be singular, have zero
/// rows (dead filters), and be indefinite by rounding. Ties go to the lower index: of equal columns only the first is
/// used. Where the minimum without the constraint is not unique, w is the one with the least ‖w‖₁. Cost: O(m·s) per
/// breakpoint and per μ, s the size of the support; there are about as many breakpoints as the largest s. Throws
/// InputError for sizes that do not match, values that are not finite, a negative ‖l‖², a tolerance or μ not above 0;
/// RunError when a point does not reach the tolerance (it never returns an answer that is not optimal). That happens
/// when rounding in Gw is larger than tolerance·max|b|.
LassoPath mu_lasso(const LassoGram& gram, std::span<const double> correlation, double label_energy,
                   std::span<const double> budgets, const LassoOptions& options = {});

}  // namespace spikelens
