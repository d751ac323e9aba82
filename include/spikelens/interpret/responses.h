#pragma once

#include <cstdint>
#include <functional>
#include <numeric>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/core/samples.h"
#include "spikelens/snn/engine.h"

namespace spikelens {

/// How strongly a filter answers, within its layer (SVEBI Sec. 4.1, Eq. 3; S̄_f = (1/T) Σ_t S_t^f).
///  energy  x_f = ‖S̄_f‖² / Σ_{g in layer} ‖S̄_g‖²   (default; reference code)
///  l2      x_f = ‖S̄_f‖ / Σ_{g in layer} ‖S̄_g‖     (VEBI's text)
/// A silent layer gives 0.
enum class ResponseKind { energy, l2 };

/// The image where a filter answered most.
struct TopImage {
    float response = 0;
    int64_t sample = 0;
    int row = 0, column = 0;  ///< first maximum of the filter's spike count, in the layer's own coordinates
    bool operator==(const TopImage&) const = default;
};

/// What interpretation keeps of the whole data set: sums, so memory is O(m² + m·k) whatever N, and shards add up. A sample
/// whose scores name no class (undecided, snn/decision.h) has a row of zeros in L: its responses speak for no class, and
/// against each.
struct Responses {
    int64_t samples = 0;                     ///< summed so far
    DoubleArray gram;                        ///< G = XXᵀ [m, m]
    DoubleArray correlation;                 ///< B = XLᵀ [m, classes], L one-hot of the predicted class
    std::vector<int64_t> predicted;          ///< samples per predicted class
    int64_t correct = 0;                     ///< of the decided samples
    DoubleArray response_sum;                ///< [m]
    std::vector<int64_t> active;             ///< samples in which the filter spiked at all [m]
    std::vector<std::vector<TopImage>> top;  ///< per filter, response descending then sample ascending, only responses > 0

    /// Samples for which no class was predicted.
    int64_t undecided() const { return samples - std::accumulate(predicted.begin(), predicted.end(), int64_t{0}); }
};

/// Responses of one batch, [N, m], from a simulation's counts. `recording` must hold counts of every layer of response_filters
/// (InputError otherwise). Sums of squared counts are exact integers.
FloatArray batch_responses(const Network& network, const Recording& recording, ResponseKind kind,
                           const Execution& execution = {});

struct ResponseOptions {
    ResponseKind kind = ResponseKind::energy;
    int top_images = 100;
    int chunk = 2000;  ///< samples between two calls of `after_chunk`; sums are formed in sample order, so it does not change
                       ///< the result
};

/// Streams the samples from responses.samples to the end through the engine and adds them up. Call with a loaded
/// state to resume: the result is the same to the bit. `after_chunk` may save the state, or throw to stop: `responses` then
/// holds whole batches and can be resumed. Throws InputError when the images do not have the network's shape, the network has
/// no filters to interpret, an option is out of range, or the state does not fit.
void accumulate_responses(const Engine& engine, const SampleSource& samples, const ResponseOptions& options,
                          Responses& responses, const std::function<void(const Responses&)>& after_chunk = {});

}  // namespace spikelens
