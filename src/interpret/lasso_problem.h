#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "spikelens/interpret/mu_lasso.h"

#include "active_factor.h"

namespace spikelens {

/// The problem as the solvers see it: checked, and borrowed from the caller.
struct LassoProblem {
    int size = 0;
    const double* gram = nullptr;
    std::span<const double> correlation;
    double label_energy = 0;
    bool non_negative = true;
    double largest_correlation = 0;  ///< max|b|: the unit of every residual

    /// Throws InputError as mu_lasso states.
    LassoProblem(const LassoGram& checked, std::span<const double> correlations, double energy, bool positive);

    const double* row(int i) const { return gram + static_cast<size_t>(i) * size; }
    double diagonal(int i) const { return row(i)[i]; }
    /// How much a column pulls: c for w ≥ 0, |c| for the signed problem.
    double pull(double c) const { return non_negative || c > 0 ? c : -c; }
    /// The sign a column with this correlation would take.
    int sign(double c) const { return non_negative || c > 0 ? 1 : -1; }
};

/// w, sparse, with the sign of every member; weights may be zero while a column joins.
struct ActiveSet {
    std::vector<int> index;
    std::vector<int> sign;
    std::vector<double> weight;

    int size() const { return static_cast<int>(index.size()); }
    double l1() const;
    void add(int column, int sign_of_column, double weight_of_column);
    void remove(int position);
    /// By ascending column, without zeros.
    ActiveSet sorted() const;
};

/// A column whose part outside the span of the active ones is below this share of its own energy counts as dependent:
/// far above what rounding leaves of an exact dependency, far below what the tolerance can see.
constexpr double kLassoIndependence = 1e-13;

/// c = b − Gw, half the negative gradient of the objective.
std::vector<double> residual_correlation(const LassoProblem& problem, const ActiveSet& active);

/// Gv for a v that lives on these columns.
std::vector<double> gram_times(const LassoProblem& problem, std::span<const int> columns,
                               std::span<const double> values);

/// G between a column and the active ones.
std::vector<double> gram_column(const LassoProblem& problem, const ActiveSet& active, int column);

/// c at the active columns.
std::vector<double> at_active(const ActiveSet& active, std::span<const double> values);

/// The point at this budget with its certificate: objective, KKT residual and duality gap as LassoPoint states them.
LassoPoint certify(const LassoProblem& problem, const ActiveSet& active, double mu);

}  // namespace spikelens
