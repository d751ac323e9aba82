#include "lasso_problem.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "spikelens/core/error.h"

namespace spikelens {
namespace {

/// Rounding that sums of products may leave in G, relative to its largest diagonal.
constexpr double kGramRounding = 1e-9;
constexpr double kAsymmetryRounding = 1e-12;

std::string element_name(int64_t i, int64_t j) { return "G[" + std::to_string(i) + ", " + std::to_string(j) + "]"; }

void check_finite(std::span<const double> values, const std::string& name) {
    const auto bad = std::find_if_not(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
    if (bad == values.end()) return;
    throw InputError("The " + name + " of the lasso must be finite; its value number " +
                     std::to_string(bad - values.begin()) + " is not.");
}

void check_shape(const DoubleArray& gram, int64_t size, const std::string& reason) {
    if (gram.shape == Shape{size, size}) return;
    throw InputError("The Gram matrix of the lasso has shape " + shape_text(gram.shape) + "; " + reason +
                     " it must be " + shape_text(Shape{size, size}) + ".");
}

/// Looks at every pair of elements that must be equal, in squares that stay in the cache.
class GramCheck {
  public:
    explicit GramCheck(const DoubleArray& gram) : gram_(gram), size_(gram.extent(0)) {
        for (int64_t i = 0; i < size_; ++i) largest_ = std::max(largest_, std::abs(at(i, i)));
        slack_ = kGramRounding * largest_;
        for (int64_t i = 0; i < size_; ++i) {
            if (at(i, i) < -slack_)
                throw InputError(element_name(i, i) + " of the lasso is negative; G = XXᵀ never is.");
            allowed_.push_back(std::sqrt(at(i, i) + 2 * slack_));
        }
    }

    /// Symmetric, and every 2×2 minor such as X Xᵀ can have.
    void run() const {
        for (int64_t row = 0; row < size_; row += kSquare)
            for (int64_t column = 0; column <= row; column += kSquare) check_square(row, column);
    }

  private:
    static constexpr int64_t kSquare = 64;

    double at(int64_t i, int64_t j) const { return gram_.data[i * size_ + j]; }

    void check_square(int64_t row, int64_t column) const {
        for (int64_t i = row; i < std::min(size_, row + kSquare); ++i)
            for (int64_t j = column; j < std::min(i, column + kSquare); ++j) check_pair(i, j);
    }

    void check_pair(int64_t i, int64_t j) const {
        if (std::abs(at(i, j) - at(j, i)) > kAsymmetryRounding * largest_)
            throw InputError(element_name(i, j) + " and " + element_name(j, i) +
                             " of the lasso differ; G must be symmetric.");
        if (std::abs(at(i, j)) > allowed_[i] * allowed_[j] + slack_)
            throw InputError(element_name(i, j) +
                             " of the lasso is larger than its diagonal allows; G = XXᵀ is never indefinite.");
    }

    const DoubleArray& gram_;
    int64_t size_;
    double largest_ = 0;
    double slack_ = 0;             ///< what rounding may leave of an element
    std::vector<double> allowed_;  ///< the roots of the diagonal
};

/// How far w is outside the ball, or below zero where it may not be.
double infeasibility(const LassoProblem& problem, const LassoPoint& point) {
    double worst = std::max(0.0, point.l1 - point.mu);
    for (double w : point.weight) {
        if (problem.non_negative) worst = std::max(worst, -w);
    }
    return worst;
}

}  // namespace

LassoGram::LassoGram(const DoubleArray& gram) : matrix(gram) {
    check_shape(gram, gram.shape.empty() ? 0 : gram.shape[0], "as a square");
    check_finite(gram.data, "Gram matrix");
    GramCheck(gram).run();
}

LassoProblem::LassoProblem(const LassoGram& checked, std::span<const double> correlations, double energy, bool positive)
    : size(static_cast<int>(correlations.size())),
      gram(checked.matrix.data.data()),
      correlation(correlations),
      label_energy(energy),
      non_negative(positive) {
    check_shape(checked.matrix, size, "with " + std::to_string(size) + " correlations");
    check_finite(correlations, "correlation");
    if (!std::isfinite(energy) || energy < 0)
        throw InputError("The label energy ‖l‖² of the lasso must be finite and at least 0.");
    for (double b : correlation) largest_correlation = std::max(largest_correlation, std::abs(b));
}

double ActiveSet::l1() const {
    double sum = 0;
    for (double w : weight) sum += std::abs(w);
    return sum;
}

void ActiveSet::add(int column, int sign_of_column, double weight_of_column) {
    index.push_back(column);
    sign.push_back(sign_of_column);
    weight.push_back(weight_of_column);
}

void ActiveSet::remove(int position) {
    index.erase(index.begin() + position);
    sign.erase(sign.begin() + position);
    weight.erase(weight.begin() + position);
}

ActiveSet ActiveSet::sorted() const {
    std::vector<int> order(size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](int a, int b) { return index[a] < index[b]; });
    ActiveSet result;
    for (int a : order) {
        if (weight[a] != 0) result.add(index[a], sign[a], weight[a]);
    }
    return result;
}

std::vector<double> residual_correlation(const LassoProblem& problem, const ActiveSet& active) {
    std::vector<double> c(problem.correlation.begin(), problem.correlation.end());
    for (int a = 0; a < active.size(); ++a)
        add_scaled(-active.weight[a], problem.row(active.index[a]), c.data(), c.size());
    return c;
}

std::vector<double> gram_times(const LassoProblem& problem, std::span<const int> columns,
                               std::span<const double> values) {
    std::vector<double> product(problem.size, 0.0);
    for (size_t a = 0; a < columns.size(); ++a)
        add_scaled(values[a], problem.row(columns[a]), product.data(), product.size());
    return product;
}

std::vector<double> gram_column(const LassoProblem& problem, const ActiveSet& active, int column) {
    return at_active(active, {problem.row(column), static_cast<size_t>(problem.size)});
}

std::vector<double> at_active(const ActiveSet& active, std::span<const double> values) {
    std::vector<double> chosen;
    chosen.reserve(active.index.size());
    for (int i : active.index) chosen.push_back(values[i]);
    return chosen;
}

LassoPoint certify(const LassoProblem& problem, const ActiveSet& active, double mu) {
    const ActiveSet w = active.sorted();
    const std::vector<double> c = residual_correlation(problem, w);
    double lambda = 0;
    for (double value : c) lambda = std::max(lambda, problem.pull(value));
    double stationarity = 0;
    double fit = 0;       // bᵀw
    double leftover = 0;  // cᵀw
    for (int a = 0; a < w.size(); ++a) {
        const double here = c[w.index[a]];
        stationarity = std::max(stationarity, std::abs(here - (w.weight[a] > 0 ? lambda : -lambda)));
        fit += problem.correlation[w.index[a]] * w.weight[a];
        leftover += here * w.weight[a];
    }
    LassoPoint point{.mu = mu, .index = w.index, .weight = w.weight, .l1 = w.l1()};
    point.objective = problem.label_energy - fit - leftover;
    point.duality_gap = std::max(0.0, 2 * (mu * lambda - leftover)) / std::max(1.0, problem.label_energy);
    if (problem.largest_correlation > 0) {
        const double unused = mu > 0 ? lambda * std::max(0.0, 1 - point.l1 / mu) : 0;
        point.kkt_residual = std::max(stationarity, unused) / problem.largest_correlation;
    }
    if (mu > 0) point.kkt_residual = std::max(point.kkt_residual, infeasibility(problem, point) / mu);
    return point;
}

}  // namespace spikelens
