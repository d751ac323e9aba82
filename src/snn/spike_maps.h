#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/snn/network.h"

#include "kernels/layer_plan.h"

namespace spikelens {

/// Spikes of one sample between two layers, as the kernels read them: [row][column][step][plane][word].
struct SpikeMap {
    int channels = 0, height = 0, width = 0, steps = 0, planes = 1;
    std::vector<uint64_t> words;

    int words_per_plane() const { return (channels + 63) / 64; }
    int64_t words_per_step() const { return int64_t{planes} * words_per_plane(); }
    void reset(int new_channels, int new_height, int new_width, int new_steps, int new_planes);
    uint64_t* at(int row, int column, int step) {
        return &words[((int64_t{row} * width + column) * steps + step) * words_per_step()];
    }
    const uint64_t* at(int row, int column, int step) const {
        return &words[((int64_t{row} * width + column) * steps + step) * words_per_step()];
    }
    /// The share of bits that are set, estimated from some dozens of places: only speed depends on it.
    double density() const;
    /// The whole number at this place.
    int value(int row, int column, int step, int channel) const;
};

/// Pools whole numbers: the maximum; sum and average keep the window's sum, in binary over planes (after an average the
/// next layer divides). They fit `planes`.
void pool_spikes(const SpikeMap& in, const Layer& layer, int planes, SpikeMap& out);
/// Only these pixels of `out`, which is of its size already, and zero there.
void pool_spikes(const SpikeMap& in, const Pool& pool, std::span<const kernels::PixelSpan> pixels, SpikeMap& out);

/// Adds numbers to those of a map of the same size, where their sums fit.
void add_numbers(const SpikeMap& from, SpikeMap& sums);

/// The numbers of one pixel and step, times `factor`, in channels from `channel` on, are added to others, where their
/// sums fit.
void add_numbers(const SpikeMap& from, const uint64_t* numbers, int64_t factor, int channel, SpikeMap& map,
                 uint64_t* sums);

/// Whole numbers of one sample, [T, C, H, W], as a spike map.
void pack_spikes(const ArrayView<uint8_t>& values, int planes, SpikeMap& out);

}  // namespace spikelens
