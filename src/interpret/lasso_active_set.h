#pragma once

#include "lasso_problem.h"

namespace spikelens {

/// One budget by itself, slower than the path but certain to end: Wolfe's method (Math. Programming 11, 1976) on the
/// polytope whose corners are 0, the μe_i and, signed, the −μe_i. Each round adds the corner that the gradient likes
/// best, then moves to the minimum over the corners held, and drops those whose share reaches zero; the objective falls
/// in every round. Throws RunError when rounding keeps it from ending.
ActiveSet solve_budget(const LassoProblem& problem, double mu);

}  // namespace spikelens
