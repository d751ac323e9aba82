#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "spikelens/core/aligned.h"
#include "spikelens/snn/network.h"

#include "spike_maps.h"

namespace spikelens {

/// Currents of one sample between two layers, [step][row][column][padded] as the kernels leave and take them; one step
/// alone where they do not change in time.
struct CurrentMap {
    int channels = 0, height = 0, width = 0, steps = 0, padded = 0;
    AlignedVector<float> values;

    void reset(const Shape& shape, int new_steps, int padded_channels);
    int64_t frame() const { return int64_t{height} * width * padded; }
    /// How far one step is from the next, as kernels have it.
    int64_t step_distance() const { return steps > 1 ? frame() : 0; }
    float* at(int row, int column, int step) { return values.data() + offset(row, column, step); }
    const float* at(int row, int column, int step) const { return values.data() + offset(row, column, step); }

  private:
    int64_t offset(int row, int column, int step) const {
        return step * step_distance() + (int64_t{row} * width + column) * padded;
    }
};

/// Pools every step of what a layer has: of each channel the maximum, the sum or the mean of the window in row-major
/// order, rounded at every operation.
void pool_currents(const CurrentMap& in, const Layer& layer, CurrentMap& out);

/// Adds numbers, each of them times `unit` and rounded to float, to the channels from `channel` on.
void add_as_currents(const SpikeMap& numbers, double unit, int channel, CurrentMap& out);

/// Times a `norm` layer's factor of each channel and step, plus its term, rounded at both.
void normalise(const Layer& layer, CurrentMap& currents);

/// The same of currents.
void add_currents(const CurrentMap& from, int channel, CurrentMap& out);

}  // namespace spikelens
