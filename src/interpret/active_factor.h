#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace spikelens {

/// The Cholesky factor RᵀR = K of a symmetric positive definite matrix that grows and shrinks by one row and column at
/// a time: O(n²) for each change and each solve. Every sum has one fixed order, so the bits never depend on the
/// machine's library.
class ActiveFactor {
  public:
    int size() const { return size_; }

    /// Appends one row and column: `column` against those held (in their order), `diagonal` with itself. Returns false,
    /// and changes nothing, when what is new in it is below `independence` of the diagonal: K would be singular.
    bool append(std::span<const double> column, double diagonal, double independence);

    /// Removes the row and column at this position; later ones move up by one.
    void remove(int position);

    /// values ← K⁻¹ values.
    void solve(std::span<double> values) const;

  private:
    double* row(int i) { return values_.data() + static_cast<size_t>(i) * capacity_; }
    const double* row(int i) const { return values_.data() + static_cast<size_t>(i) * capacity_; }
    void reserve(int size);
    void solve_transposed(std::span<double> values) const;
    void rotate(int upper);

    int size_ = 0;
    int capacity_ = 0;
    std::vector<double> values_;  ///< R, upper triangular, row-major
};

/// Σ a[i]·b[i] in four interleaved partial sums.
double ordered_dot(const double* a, const double* b, size_t count);

/// y += factor·x
void add_scaled(double factor, const double* x, double* y, size_t count);

}  // namespace spikelens
