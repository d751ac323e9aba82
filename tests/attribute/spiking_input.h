#pragma once

#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/core/random.h"
#include "spikelens/core/samples.h"

namespace spikelens::test {

/// Spikes [N, T, C, H, W] at this share of the places; a fifth of them come in pairs.
inline Array<uint8_t> test_spikes(int64_t steps, int64_t count, const Shape& shape, double share = 0.3,
                                  uint64_t seed = 1) {
    Array<uint8_t> spikes({count, steps, shape[0], shape[1], shape[2]});
    for (int64_t i = 0; i < spikes.size(); ++i) {
        const double u = random_uniform(seed, Stream::test, {5, static_cast<uint64_t>(i)});
        spikes.data[i] = static_cast<uint8_t>(u < share / 5 ? 2 : u < share ? 1 : 0);
    }
    return spikes;
}

/// One sample of an input as a network receives it: its [C, H, W] at every step, an image `steps` times.
inline std::vector<std::vector<double>> frames_of(const Input& input, int64_t n, int64_t steps) {
    std::vector<std::vector<double>> frames;
    if (!input.spiking()) {
        const auto image = input.images.row(n);
        frames.assign(steps, {image.begin(), image.end()});
        return frames;
    }
    const ArrayView<uint8_t> recording = input.spikes.sub(n);
    for (int64_t t = 0; t < recording.extent(0); ++t)
        frames.emplace_back(recording.row(t).begin(), recording.row(t).end());
    return frames;
}

}  // namespace spikelens::test
