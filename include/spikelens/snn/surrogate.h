#pragma once

#include <string>
#include <string_view>

namespace spikelens {

/// What stands for the derivative of the step at v = U/θ − 1 (dS/dU = derivative(v)/θ):
///  triangle      scale·max(0, 1 − |v|), scale 0.3 (default; SVEBI's reference code)
///  sigmoid       k·e^(−kv)/(1 + e^(−kv))²
///  fast_sigmoid  1/(k|v| + 1)²
///  atan          (α/2)/(1 + (παv/2)²)
enum class SurrogateKind { triangle, sigmoid, fast_sigmoid, atan };

struct Surrogate {
    SurrogateKind kind = SurrogateKind::triangle;
    float scale = 0.3F;          ///< the triangle's height, k, or α
    bool through_reset = false;  ///< let the gradient also flow through the reset term
};

/// "triangle", "triangle(0.3)", "atan(2)", "atan(2,through_reset)", …; the default scales are 0.3, 25, 25, 2. Throws
/// InputError.
Surrogate parse_surrogate(std::string_view text);
std::string surrogate_text(const Surrogate& surrogate);

/// The derivative at v, and the smooth step whose derivative it is (0 far below; exact antiderivative).
double surrogate_derivative(const Surrogate& surrogate, double v);
double surrogate_step(const Surrogate& surrogate, double v);

}  // namespace spikelens
