#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/core/execution.h"
#include "spikelens/core/sample_sets.h"

namespace spikelens {

/// How a real-valued image x in [0, 1] becomes spikes over T steps.
///  direct   no spikes: the image is the current at every step
///  rate     S[t] ~ Bernoulli(x), each from its address (seed, sample, step, pixel)
///  latency  one spike per pixel, the brighter the earlier; none where x = 0 (linear) or x ≤ x_min (log).
///           linear: t = round((T−1)(1−x)). log: t = round(τ·ln(x/(x−x_min))), none when beyond T−1
///  delta    send on delta: a reconstruction r, 0 at first, rises by `step` with every spike; S[t] = [x − r ≥ step],
///           compared as x ≥ r + step in the image's own precision, so that x = 0.3 gives three spikes of step 0.1
enum class CodingKind { direct, rate, latency, delta };

struct Coding {
    CodingKind kind = CodingKind::direct;
    bool logarithmic = false;  ///< latency
    double tau = 5;            ///< of logarithmic latency, in steps, > 0
    double x_min = 0.05;       ///< of logarithmic latency, in (0, 1)
    double step = 0.1;         ///< of delta, in (0, 1]

    bool operator==(const Coding&) const = default;
};

/// "direct", "rate", "latency", "latency(log)", "latency(log,tau=3,x_min=0.1)", "delta(step=0.2)". Throws InputError
/// that names the nearest word, or the option and what was expected. coding_text gives the canonical form back.
Coding parse_coding(std::string_view text);
std::string coding_text(const Coding& coding);

/// Images [N, C, H, W] with values in [0, 1] → spikes [N, T, C, H, W], 0 or 1. samples[n] and the seed address the
/// random coder: a sample gets the same spikes in any batch. Throws InputError for direct coding, a coding out of
/// range, values outside [0, 1] and steps < 1.
Array<uint8_t> encode(const FloatArray& images, const Coding& coding, int steps, uint64_t seed,
                      std::span<const int64_t> samples, const Execution& execution = {});

/// encode() by these choices, for CodedSamples. Throws InputError for direct coding, a coding out of range, and steps
/// < 1.
Coder coder_of(const Coding& coding, int steps, uint64_t seed, const Execution& execution = {});

}  // namespace spikelens
