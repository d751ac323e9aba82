#pragma once

#include <cstdint>
#include <cstring>

// What is marked so is compiled for GPUs where nvcc compiles it, and for this machine's cores everywhere else: the same
// text.
#ifdef __CUDACC__
#define SPIKELENS_DEVICE __device__
#define SPIKELENS_UNROLL _Pragma("unroll")
#else
#define SPIKELENS_DEVICE
#define SPIKELENS_UNROLL
#endif

namespace spikelens::gpu {

/// Channels of a map are filled up to a multiple: what one thread copies at once.
constexpr int kGranule = 16;

constexpr int64_t rounded_up(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

/// Whole numbers of spikes of some samples, bytes [sample][row][column][step][padded].
struct Map {
    uint8_t* data = nullptr;
    int64_t samples = 0;
    int height = 0, width = 0, steps = 0, channels = 0;

    constexpr int padded() const { return static_cast<int>(rounded_up(channels, kGranule)); }
    constexpr int64_t pixels() const { return int64_t{height} * width; }
    constexpr int64_t bytes() const { return samples * pixels() * steps * padded(); }
    /// Where the channels of a step begin; `place` counts the pixels of all samples.
    constexpr int64_t at(int64_t place, int step) const { return (place * steps + step) * padded(); }
};

}  // namespace spikelens::gpu
