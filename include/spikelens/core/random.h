#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

namespace spikelens {

/// Randomness is an address, not a state: the value at (seed, stream, a, b, …) is always the same, whatever was drawn
/// before, in whichever thread or process. Streams keep purposes apart.
enum class Stream : uint64_t {
    initial_weights = 1,
    epoch_order,
    tie_breaking,
    random_map,
    random_filters,
    bootstrap,
    sampling,
    coding,
    test,
    masks,
    spike_order,
    subsets,
    squares,
    imputation,
    other_class,
    retiming,
    coalitions,
    noise,
    mosaics,
    augmentation
};

/// Which of a layer's numbers, after the layer in addresses of Stream::initial_weights.
enum class WeightDraw : uint64_t { weight, bias, new_order, recurrent, new_recurrent_order };
/// What for, first in addresses of Stream::sampling; the choice of samples to evaluate has none.
enum class SampleDraw : uint64_t { gallery = 1, image_noise, moved_spikes, direction };

/// 64 well mixed bits (SplitMix64 finaliser chained over the address; Steele, Lea, Flood 2014).
uint64_t random_bits(uint64_t seed, Stream stream, std::initializer_list<uint64_t> address);

/// Uniform in [0, 1), 53 bits.
double random_uniform(uint64_t seed, Stream stream, std::initializer_list<uint64_t> address);

/// random_uniform at (address…, i) for many i, at a fraction of the cost.
class RandomRow {
  public:
    RandomRow(uint64_t seed, Stream stream, std::initializer_list<uint64_t> address)
        : state_(random_bits(seed, stream, address)) {}
    double uniform(uint64_t i) const;

  private:
    uint64_t state_;
};

/// Standard normal (Box–Muller on two addressed uniforms).
double random_normal(uint64_t seed, Stream stream, std::initializer_list<uint64_t> address);

/// A permutation of 0..n-1, the same for the same address. O(n).
std::vector<int64_t> random_permutation(int64_t n, uint64_t seed, Stream stream,
                                        std::initializer_list<uint64_t> address);

}  // namespace spikelens
