#include "lasso_homotopy.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace spikelens {
namespace {

/// In units of max|b|: a correlation that would pass λ by less than this on a segment has not joined (it is what
/// rounding leaves of a tie), and the path ends when λ is a tenth of it.
constexpr double kCorrelationRounding = 1e-12;
/// Events this close, relative to τ, are one: the lower index goes first.
constexpr double kTie = 1e-12;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

LassoHomotopy::LassoHomotopy(const LassoProblem& problem) : problem_(problem) { prepare(); }

ActiveSet LassoHomotopy::at(double mu) const {
    ActiveSet point = active_;
    const double moved = rate_ > 0 ? std::clamp((mu - start_l1_) / rate_, 0.0, end_) : 0;
    for (int a = 0; a < point.size(); ++a) {
        point.weight[a] += moved * direction_[a];
        if (point.weight[a] * point.sign[a] < 0) point.weight[a] = 0;
    }
    return point;
}

ActiveSet LassoHomotopy::refined(const ActiveSet& point, double mu) const {
    if (dependent_ || point.size() == 0) return point;
    std::vector<double> step = at_active(point, residual_correlation(problem_, point));
    factor_.solve(step);
    if (!ended_) {
        std::vector<double> shrink(point.sign.begin(), point.sign.end());
        factor_.solve(shrink);
        double wanted = mu;
        double curvature = 0;
        for (int a = 0; a < point.size(); ++a) {
            wanted -= point.sign[a] * (point.weight[a] + step[a]);
            curvature += point.sign[a] * shrink[a];
        }
        add_scaled(wanted / curvature, shrink.data(), step.data(), step.size());
    }
    ActiveSet better = point;
    add_scaled(1, step.data(), better.weight.data(), step.size());
    return better;
}

void LassoHomotopy::step() {
    const double before = start_l1_;
    for (int a = 0; a < active_.size(); ++a) {
        active_.weight[a] += end_ * direction_[a];
        if (active_.weight[a] * active_.sign[a] < 0)
            active_.weight[a] = 0;  // tied with the weight that ends the segment
    }
    if (event_ == Event::leave) drop(event_column_);
    if (event_ == Event::join) enter(event_column_, event_sign_);
    if (event_ == Event::finish) ended_ = true;
    prepare();
    idle_steps_ = start_l1_ > before * (1 + 1e-14) ? 0 : idle_steps_ + 1;
}

bool LassoHomotopy::restart(const ActiveSet& solution) {
    active_ = {};
    factor_ = {};
    dependent_ = false;
    idle_steps_ = 0;
    for (int a = 0; a < solution.size(); ++a) {
        if (!enter(solution.index[a], solution.sign[a])) return false;
        active_.weight.back() = solution.weight[a];
    }
    prepare();
    return true;
}

void LassoHomotopy::prepare() {
    start_l1_ = active_.l1();
    if (ended_) return;
    if (active_.size() == 0) enter_strongest();
    if (ended_) return;
    if (dependent_) dependent_ = !append_last();
    if (dependent_) {
        prepare_exchange();
    } else {
        prepare_segment();
    }
    rate_ = 0;
    for (int a = 0; a < active_.size(); ++a) rate_ += active_.sign[a] * direction_[a];
}

/// Where every path begins: the column with the largest correlation, the lowest index among equals.
void LassoHomotopy::enter_strongest() {
    int best = -1;
    double most = 0;
    for (int i = 0; i < problem_.size; ++i) {
        const double pull = problem_.pull(problem_.correlation[i]);
        if (pull <= most * (1 + kTie)) continue;
        best = i;
        most = pull;
    }
    ended_ = best < 0;
    if (best >= 0) enter(best, problem_.sign(problem_.correlation[best]));
}

bool LassoHomotopy::enter(int column, int sign) {
    active_.add(column, sign, 0);
    dependent_ = !append_last();
    return !dependent_;
}

bool LassoHomotopy::append_last() {
    const int column = active_.index.back();
    std::vector<double> held = gram_column(problem_, active_, column);
    held.pop_back();
    return factor_.append(held, problem_.diagonal(column), kLassoIndependence);
}

void LassoHomotopy::drop(int position) {
    if (position < factor_.size()) {
        factor_.remove(position);
    } else {
        dependent_ = false;
    }
    active_.remove(position);
}

void LassoHomotopy::prepare_segment() {
    const std::vector<double> c = residual_correlation(problem_, active_);
    direction_ = at_active(active_, c);
    double lambda = 0;
    for (int a = 0; a < active_.size(); ++a) lambda = std::max(lambda, active_.sign[a] * direction_[a]);
    factor_.solve(direction_);
    end_ = 1;
    event_ = Event::finish;
    if (lambda <= kCorrelationRounding / 10 * problem_.largest_correlation) {
        ended_ = true;
        return;
    }
    find_leaving();
    find_joining(c, gram_times(problem_, active_.index, direction_), lambda);
}

void LassoHomotopy::find_leaving() {
    for (int a = 0; a < active_.size(); ++a) {
        if (direction_[a] * active_.sign[a] >= 0) continue;
        const double zero = std::max(0.0, -active_.weight[a] / direction_[a]);
        const bool lower = zero == end_ && event_ == Event::leave && active_.index[a] < active_.index[event_column_];
        if (zero >= end_ && !lower) continue;
        end_ = zero;
        event_ = Event::leave;
        event_column_ = a;
    }
}

/// Along the segment λ(τ) = (1 − τ)λ and c(τ) = c − τ·change.
void LassoHomotopy::find_joining(const std::vector<double>& c, const std::vector<double>& change, double lambda) {
    const double segment_end = end_;
    const double allowed = kCorrelationRounding * problem_.largest_correlation;
    std::vector<char> held(problem_.size, 0);
    for (int i : active_.index) held[i] = 1;
    for (int i = 0; i < problem_.size; ++i) {
        if (held[i]) continue;
        for (int sign = 1; sign >= (problem_.non_negative ? 1 : -1); sign -= 2) {
            const double margin = lambda - sign * c[i];
            const double closing = lambda - sign * change[i];
            if (margin - segment_end * closing >= -allowed) continue;
            const double meets = std::max(0.0, margin / closing);
            if (meets >= end_ * (event_ == Event::join ? 1 - kTie : 1)) continue;
            end_ = meets;
            event_ = Event::join;
            event_column_ = i;
            event_sign_ = sign;
        }
    }
}

/// The last column r depends on the others: d = (−G_AA⁻¹G_Ar, 1)·s_r has Gd = 0.
void LassoHomotopy::prepare_exchange() {
    const int last = active_.size() - 1;
    direction_ = gram_column(problem_, active_, active_.index[last]);
    direction_.pop_back();
    factor_.solve(direction_);
    for (double& d : direction_) d *= -active_.sign[last];
    direction_.push_back(active_.sign[last]);
    end_ = kInfinity;
    event_ = Event::finish;
    find_leaving();
}

}  // namespace spikelens
