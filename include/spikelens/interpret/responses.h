#pragma once

#include <cstdint>
#include <functional>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/core/execution.h"
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

/// What is counted of the responses of some samples. A sample whose scores name no class (undecided, snn/decision.h)
/// has a row of zeros in L: its responses speak for no class, and against each.
struct ResponseCounts {
    int64_t samples = 0;             ///< so many
    std::vector<int64_t> predicted;  ///< samples per predicted class
    int64_t correct = 0;             ///< of the decided samples
    std::vector<int64_t> active;     ///< samples in which the filter spiked at all [m]
    std::vector<std::vector<TopImage>>
        top;  ///< per filter, response descending then sample ascending, only responses > 0

    /// Samples for which no class was predicted.
    int64_t undecided() const { return samples - std::accumulate(predicted.begin(), predicted.end(), int64_t{0}); }
    bool operator==(const ResponseCounts&) const = default;
};

/// The sums of the responses of some samples.
struct ResponseMatrices {
    DoubleArray gram;          ///< G = XXᵀ [m, m]
    DoubleArray correlation;   ///< B = XLᵀ [m, classes], L one-hot of the predicted class
    DoubleArray response_sum;  ///< [m]
    bool operator==(const ResponseMatrices&) const = default;
};

/// What interpretation knows of the whole data set.
struct Responses : ResponseCounts, ResponseMatrices {
    bool operator==(const Responses&) const = default;
};

/// Sums in fixed point: sum i is high[i]·2^-28 + low[i]·2^-90, 0 ≤ low[i] < 2^62. Integers are added, so that the order
/// in which parts arrive cannot matter.
struct FixedSums {
    std::vector<int64_t> high, low;
    bool operator==(const FixedSums&) const = default;
};

/// The sums over consecutive samples, in a form that goes on, is kept and is merged without a difference in a bit.
///
/// A sample is a row of c = m + k + 1 numbers: its m responses, the one-hot row of its predicted class among k, and 1.
/// The products of every two columns, summed over samples, hold G, B and the sum of responses. Samples are cut into
/// blocks by their number in the data set. Within a block a sum is float64 in sample order: products of two float32 are
/// exact in it. Sums of whole blocks are cut off behind 2^-90 and added in fixed point. Of the block under way the rows
/// are kept. Up to one block this is the plain sum in sample order. Memory: 8·c² bytes, and 4·c for each row of a
/// block, whatever the number of samples.
struct ResponseSums : ResponseCounts {
    int64_t first = 0;    ///< sample; a multiple of the block
    int64_t block = 0;    ///< samples
    int64_t longest = 0;  ///< how long a list of top images may be
    FixedSums whole;      ///< of whole blocks: the upper triangle, row after row [c·(c + 1)/2]
    FloatArray rows;      ///< of the block under way [end % block, c]

    int64_t end() const { return first + samples; }
    bool operator==(const ResponseSums&) const = default;
};

/// Throws InputError unless sums, rows and lists are such as the samples, the block and the filters can have.
void check_sums(const ResponseSums& sums);

/// The matrices of all samples in `sums`. Cost: O(c²·(rows + 1)). `execution` gives threads and the kernel.
Responses finished(const ResponseSums& sums, const Execution& execution = {});

/// The sums over all samples from those over consecutive ranges, in order: the same bits as of one run. Throws
/// InputError unless every range begins where the one before it ends, at a border of blocks, and all have the same
/// filters, classes and options.
ResponseSums merge(std::span<const ResponseSums> parts);

/// Responses of one batch, [N, m], from a simulation's counts. `recording` must hold counts of every layer of
/// response_filters (InputError otherwise). Sums of squared counts are exact integers.
FloatArray batch_responses(const Network& network, const Recording& recording, ResponseKind kind,
                           const Execution& execution = {});

struct ResponseOptions {
    ResponseKind kind = ResponseKind::energy;
    int top_images = 100;
    int chunk = 2000;              ///< samples between two calls of `after_chunk`; it does not change the result
    int block = 2000;              ///< samples that are summed in order (ResponseSums); it decides the last bits
    int64_t first = 0;             ///< sample; a multiple of the block
    std::optional<int64_t> end{};  ///< sample after the last; none: all samples
};

/// Streams samples through the engine and adds them up: from options.first, or where loaded sums end, to options.end.
/// The result is the same to the bit however often it was interrupted. `after_chunk` may save the sums, or throw to
/// stop: `sums` then holds whole batches and can be resumed. Throws InputError when the images do not have the
/// network's shape, the network has no filters to interpret, an option is out of range, the samples are more than 2^34,
/// or the sums do not fit. Cost beside the simulation: O(N·c²/2) multiplications.
void accumulate_responses(const Engine& engine, const SampleSource& samples, const ResponseOptions& options,
                          ResponseSums& sums, const std::function<void(const ResponseSums&)>& after_chunk = {});

}  // namespace spikelens
