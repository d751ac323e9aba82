#pragma once

#include <cstdint>
#include <span>

#include "spikelens/core/array.h"
#include "spikelens/core/execution.h"

namespace spikelens {

/// A = L·Lᵀ of a symmetric positive definite matrix [n, n] in double, n³/3 multiply-adds. Every sum has one fixed
/// order: the bits do not depend on the threads.
class Cholesky {
  public:
    /// Reads the lower triangle.
    explicit Cholesky(DoubleArray matrix, const Execution& execution = {});

    /// values ← A⁻¹·values
    void solve(std::span<double> values) const;

  private:
    void factor_row(int64_t row, int64_t first, int64_t end);

    int64_t size_;
    DoubleArray lower_;  ///< L in the lower triangle
};

}  // namespace spikelens
