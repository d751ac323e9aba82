#include "spikelens/interpret/mu_lasso.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <numeric>
#include <sstream>
#include <string>

#include "spikelens/core/error.h"

#include "lasso_active_set.h"
#include "lasso_homotopy.h"
#include "lasso_problem.h"

namespace spikelens {
namespace {

/// How far past a tie that stalls the path the single-budget solver looks, relative to ‖w‖₁.
constexpr double kPastATie = 1e-9;

std::string scientific(double value) {
    std::ostringstream text;
    text << std::scientific << std::setprecision(1) << value;
    return text.str();
}

void check_budgets(std::span<const double> budgets, const LassoOptions& options) {
    for (double mu : budgets) {
        if (!std::isfinite(mu) || mu <= 0) {
            throw InputError("The budget μ of the lasso must be finite and above 0, not " + std::to_string(mu) + ".");
        }
    }
    if (!(options.tolerance > 0)) throw InputError("The tolerance of the lasso must be above 0.");
}

/// Into the ball when rounding left w just outside; sorted, because ‖w‖₁ depends on the order in its last bit.
void fit_into(ActiveSet& active, double mu) {
    active = active.sorted();
    for (double l1 = active.l1(); l1 > mu; l1 = active.l1()) {
        for (double& w : active.weight) w *= mu / l1 * (1 - 2e-16);
    }
}

bool keeps_signs(const ActiveSet& active) {
    for (int a = 0; a < active.size(); ++a) {
        if (active.weight[a] * active.sign[a] < 0) return false;
    }
    return true;
}

void keep_better(LassoPoint& best, const LassoProblem& problem, ActiveSet candidate, double mu) {
    if (!keeps_signs(candidate)) return;
    fit_into(candidate, mu);
    LassoPoint point = certify(problem, candidate, mu);
    if (point.kkt_residual < best.kkt_residual) best = std::move(point);
}

/// Walks the path once for all budgets.
class PathWalk {
  public:
    PathWalk(const LassoProblem& problem, std::span<const double> budgets, double tolerance)
        : problem_(problem), budgets_(budgets), tolerance_(tolerance), homotopy_(problem), order_(budgets.size()) {
        std::iota(order_.begin(), order_.end(), size_t{0});
        std::stable_sort(order_.begin(), order_.end(), [&](size_t a, size_t b) { return budgets[a] < budgets[b]; });
        path_.points.resize(budgets.size());
    }

    LassoPath run() {
        if (!homotopy_.ended()) add_breakpoint();
        for (int steps = 0; next_ < order_.size(); ++steps) {
            answer_segment();
            if (homotopy_.ended() || next_ == order_.size()) break;
            homotopy_.step();
            if (homotopy_.stalled()) pass_the_tie();
            if (steps > 100 * problem_.size + 1000)
                throw RunError("The lasso path does not end: " + std::to_string(steps) + " breakpoints.");
            add_breakpoint();
        }
        return std::move(path_);
    }

  private:
    void answer_segment() {
        for (; next_ < order_.size(); ++next_) {
            const double mu = budgets_[order_[next_]];
            if (!homotopy_.ended() && mu > homotopy_.end_l1()) return;
            path_.points[order_[next_]] = solve(mu);
        }
    }

    LassoPoint solve(double mu) const {
        ActiveSet start = homotopy_.ended() ? homotopy_.current() : homotopy_.at(mu);
        const ActiveSet better = homotopy_.refined(start, mu);
        fit_into(start, mu);
        LassoPoint point = certify(problem_, start, mu);
        keep_better(point, problem_, better, mu);
        if (!(point.kkt_residual <= tolerance_)) keep_better(point, problem_, solve_budget(problem_, mu), mu);
        return checked(std::move(point));
    }

    LassoPoint checked(LassoPoint point) const {
        if (point.kkt_residual <= tolerance_) return point;
        throw RunError("The lasso at μ = " + std::to_string(point.mu) + " reached a relative optimality residual of " +
                       scientific(point.kkt_residual) + ", above the tolerance " + scientific(tolerance_) + ".");
    }

    void add_breakpoint() {
        const double mu = homotopy_.current().sorted().l1();
        if (!path_.breakpoints.empty() && mu <= path_.breakpoints.back().mu * (1 + 1e-12)) return;
        path_.breakpoints.push_back(checked(certify(problem_, homotopy_.current(), mu)));
    }

    void pass_the_tie() {
        const double mu = homotopy_.current().l1() * (1 + kPastATie);
        if (!homotopy_.restart(solve_budget(problem_, mu)))
            throw RunError("The lasso path stalls at μ = " + std::to_string(mu) + ".");
    }

    const LassoProblem& problem_;
    std::span<const double> budgets_;
    double tolerance_;
    LassoHomotopy homotopy_;
    std::vector<size_t> order_;
    size_t next_ = 0;
    LassoPath path_;
};

}  // namespace

LassoPath mu_lasso(const LassoGram& gram, std::span<const double> correlation, double label_energy,
                   std::span<const double> budgets, const LassoOptions& options) {
    check_budgets(budgets, options);
    const LassoProblem problem(gram, correlation, label_energy, options.non_negative);
    return PathWalk(problem, budgets, options.tolerance).run();
}

}  // namespace spikelens
