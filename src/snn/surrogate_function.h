#pragma once

#include <cmath>
#include <numbers>

#include "spikelens/snn/surrogate.h"

namespace spikelens {

/// The surrogate derivatives of surrogate.h, one inlined function a kind for the loops over neurons. `Lane` is a number
/// or, but for the sigmoid, a vector register of numbers.
template <SurrogateKind kind, class Real, class Lane>
inline Lane derivative_of(Real scale, const Lane& v) {
    const Lane size = v < Real(0) ? -v : v;
    if constexpr (kind == SurrogateKind::triangle) {
        const Lane height = Real(1) - size;
        return scale * (height > Real(0) ? height : Lane{});
    } else if constexpr (kind == SurrogateKind::sigmoid) {
        const Real decay = std::exp(-scale * size);  // even in v: no overflow on either side
        return scale * decay / ((Real(1) + decay) * (Real(1) + decay));
    } else if constexpr (kind == SurrogateKind::fast_sigmoid) {
        const Lane root = scale * size + Real(1);
        return Real(1) / (root * root);
    } else {
        const Lane slope = std::numbers::pi_v<Real> / Real(2) * scale * v;
        return scale / Real(2) / (Real(1) + slope * slope);
    }
}

}  // namespace spikelens
