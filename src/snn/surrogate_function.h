#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>

#include "spikelens/snn/surrogate.h"

namespace spikelens {

/// The surrogate derivatives of surrogate.h, one inlined function a kind for the loops over neurons.
template <SurrogateKind kind, class Real>
inline Real derivative_of(Real scale, Real v) {
    if constexpr (kind == SurrogateKind::triangle) {
        return scale * std::max(Real(0), Real(1) - std::abs(v));
    } else if constexpr (kind == SurrogateKind::sigmoid) {
        const Real decay = std::exp(-scale * std::abs(v));  // even in v: no overflow on either side
        return scale * decay / ((Real(1) + decay) * (Real(1) + decay));
    } else if constexpr (kind == SurrogateKind::fast_sigmoid) {
        const Real root = scale * std::abs(v) + Real(1);
        return Real(1) / (root * root);
    } else {
        const Real slope = std::numbers::pi_v<Real> / Real(2) * scale * v;
        return scale / Real(2) / (Real(1) + slope * slope);
    }
}

}  // namespace spikelens
