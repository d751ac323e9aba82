#include "lasso_active_set.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "spikelens/core/error.h"

#include "active_factor.h"

namespace spikelens {
namespace {

/// In units of max|b|: a corner must promise more than this to be added.
constexpr double kLeastPromise = 1e-13;

/// The shares of the corners, all ≥ 0 with sum μ. The corner 0 is a column `problem.size` without correlation or
/// energy. On the plane of constant sum, K = SGS + κ11ᵀ has the same curvature as SGS, and is definite where corners
/// are in general position.
class CornerSearch {
  public:
    CornerSearch(const LassoProblem& problem, double mu) : problem_(problem) {
        for (int i = 0; i < problem.size; ++i) plane_ = std::max(plane_, problem.diagonal(i));
        if (plane_ == 0) plane_ = 1;
        add(problem.size, 1);
        corners_.weight.back() = mu;
    }

    /// Adds the best corner. Returns false when none promises anything.
    bool add_best() {
        const std::vector<double> c = correlation();
        double least = std::numeric_limits<double>::infinity();
        for (int a = 0; a < corners_.size(); ++a)
            least = std::min(least, score(c, corners_.index[a], corners_.sign[a]));
        int best = problem_.size;
        int best_sign = 1;
        for (int i = 0; i < problem_.size; ++i) {
            const int sign = problem_.sign(c[i]);
            if (score(c, i, sign) > score(c, best, best_sign)) best = i, best_sign = sign;
        }
        if (score(c, best, best_sign) <= least + kLeastPromise * problem_.largest_correlation) return false;
        if (held(best, best_sign)) return false;
        add(best, best_sign);
        return true;
    }

    /// Moves to the minimum over the corners held, dropping those in the way.
    void settle() {
        while (dependent_ || !reaches_minimum()) {
            if (dependent_) exchange();
        }
        reaches_minimum();  // once more, from a residual computed anew
    }

    ActiveSet solution() const {
        ActiveSet w;
        for (int a = 0; a < corners_.size(); ++a) {
            if (corners_.index[a] == problem_.size || corners_.weight[a] == 0) continue;
            w.add(corners_.index[a], corners_.sign[a], corners_.sign[a] * corners_.weight[a]);
        }
        return w;
    }

  private:
    std::vector<double> correlation() const {
        std::vector<double> c = residual_correlation(problem_, solution());
        c.push_back(0);
        return c;
    }
    static double score(const std::vector<double>& c, int column, int sign) { return sign * c[column]; }

    bool held(int column, int sign) const {
        for (int a = 0; a < corners_.size(); ++a) {
            if (corners_.index[a] == column && corners_.sign[a] == sign) return true;
        }
        return false;
    }

    double kernel(int a, int b) const {
        const int i = corners_.index[a];
        const int j = corners_.index[b];
        if (i == problem_.size || j == problem_.size) return plane_;
        return corners_.sign[a] * corners_.sign[b] * problem_.row(j)[i] + plane_;
    }

    std::vector<double> kernel_of_last() const {
        std::vector<double> column;
        for (int a = 0; a + 1 < corners_.size(); ++a) column.push_back(kernel(a, corners_.size() - 1));
        return column;
    }

    void add(int column, int sign) {
        corners_.add(column, sign, 0);
        append_last();
    }

    void append_last() {
        const int last = corners_.size() - 1;
        dependent_ = !factor_.append(kernel_of_last(), kernel(last, last), kLassoIndependence);
    }

    /// Moves by at most `reach` along a direction of the shares. Returns whether a share reached zero, and drops it.
    bool blocked(const std::vector<double>& direction, double reach) {
        int blocking = -1;
        for (int a = 0; a < corners_.size(); ++a) {
            if (direction[a] >= 0 || corners_.weight[a] >= -reach * direction[a]) continue;
            reach = -corners_.weight[a] / direction[a];
            blocking = a;
        }
        for (int a = 0; a < corners_.size(); ++a) {
            corners_.weight[a] = std::max(0.0, corners_.weight[a] + reach * direction[a]);
        }
        if (blocking < 0) return false;
        if (blocking < factor_.size()) factor_.remove(blocking);
        corners_.remove(blocking);
        return true;
    }

    /// One Newton step on the plane of constant sum.
    bool reaches_minimum() {
        const std::vector<double> c = correlation();
        std::vector<double> step;
        for (int a = 0; a < corners_.size(); ++a) step.push_back(score(c, corners_.index[a], corners_.sign[a]));
        std::vector<double> level(step.size(), 1.0);
        factor_.solve(step);
        factor_.solve(level);
        double sum = 0;
        double level_sum = 0;
        for (size_t a = 0; a < step.size(); ++a) sum += step[a], level_sum += level[a];
        add_scaled(-sum / level_sum, level.data(), step.data(), step.size());
        return !blocked(step, 1.0);
    }

    /// The last corner depends on the others: moves along the null direction, which keeps the curvature out of it.
    void exchange() {
        std::vector<double> direction = kernel_of_last();
        factor_.solve(direction);
        for (double& d : direction) d = -d;
        direction.push_back(1);
        const int entering = corners_.index.back();
        const bool moved = blocked(direction, std::numeric_limits<double>::max());
        if (!moved) throw RunError("The lasso's active set is numerically degenerate.");
        if (corners_.index.empty() || corners_.index.back() != entering) {
            dependent_ = false;
        } else {
            append_last();
        }
    }

    const LassoProblem& problem_;
    double plane_ = 0;  ///< κ
    ActiveSet corners_;
    ActiveFactor factor_;
    bool dependent_ = false;  ///< the last corner is not in the factor
};

}  // namespace

ActiveSet solve_budget(const LassoProblem& problem, double mu) {
    CornerSearch search(problem, mu);
    const int most_rounds = 50 * problem.size + 1000;
    for (int round = 0; round < most_rounds; ++round) {
        if (!search.add_best()) return search.solution();
        search.settle();
    }
    throw RunError("The lasso at μ = " + std::to_string(mu) + " did not settle in " + std::to_string(most_rounds) +
                   " rounds.");
}

}  // namespace spikelens
