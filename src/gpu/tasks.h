#pragma once

// Work of which every part is done by itself: task(i) for each i from 0 to count() − 1, on a GPU by as many threads.

#include "neurons.h"

namespace spikelens::gpu {

/// Counts the parts of a task that has fewer than kMostParts, and what they are made of: 32 bits divide faster.
using Index = uint32_t;
constexpr int64_t kMostParts = INT32_MAX;

/// Sixteen neighbouring channels.
struct alignas(kGranule) Granule {
    uint32_t words[4];
};

/// Rows and columns of the input that a layer's kernel sees.
struct Window {
    int in_height = 0, in_width = 0, in_channels = 0;
    int out_height = 0, out_width = 0;
    int kernel_height = 1, kernel_width = 1, stride = 1, padding = 0;

    constexpr int taps() const { return kernel_height * kernel_width; }
};

/// Currents of a layer of images [sample][C][H][W] → [sample][pixel][padded]: Σ over rows, columns and channels of the
/// kernel in that order in float32, then the bias, as the scalar kernel has it.
struct RealCurrents {
    Window window;
    int lanes = 0, padded = 0;  ///< LayerPlan's
    int64_t samples = 0;
    const float* images = nullptr;
    const float* weights = nullptr;  ///< LayerPlan::real_weights
    const float* bias = nullptr;
    float* currents = nullptr;

    constexpr int64_t count() const { return samples * window.out_height * window.out_width * padded; }
    SPIKELENS_DEVICE void operator()(int64_t part) const {
        const auto i = static_cast<Index>(part);
        const Index output = i % padded, place = i / padded;
        const Index out_width = window.out_width, pixels = window.out_height * out_width, pixel = place % pixels;
        const int64_t in_pixels = int64_t{window.in_height} * window.in_width;
        const float* const image = images + place / pixels * window.in_channels * in_pixels;
        const float* from =
            weights + int64_t{output / lanes} * window.taps() * window.in_channels * lanes + output % lanes;
        const int first_row = static_cast<int>(pixel / out_width) * window.stride - window.padding;
        const int first_column = static_cast<int>(pixel % out_width) * window.stride - window.padding;
        float sum = 0;
        for (int row = first_row; row < first_row + window.kernel_height; ++row)
            for (int column = first_column; column < first_column + window.kernel_width; ++column) {
                const bool inside = row >= 0 && row < window.in_height && column >= 0 && column < window.in_width;
                const float* value = image + int64_t{row} * window.in_width + column;
                for (int channel = 0; channel < window.in_channels; ++channel, value += in_pixels, from += lanes)
                    if (inside) sum = sum + *from * *value;
            }
        currents[i] = sum + bias[output];
    }
};

/// Four neurons each, whose currents [sample][pixel][stride] are the same at every step.
struct FireConstant {
    Neurons neurons;
    int64_t samples = 0;
    const float* currents = nullptr;
    int stride = 0;

    constexpr int64_t count() const { return samples * neurons.pixels * neurons.padded / kTogether; }
    SPIKELENS_DEVICE void operator()(int64_t part) const {
        const auto i = static_cast<Index>(part);
        const Index quads = neurons.padded / kTogether, place = i / quads;
        const int output = static_cast<int>(i % quads) * kTogether;
        const float* const current = currents + int64_t{place} * stride + output;
        NeuronRun run[kTogether] = {{neurons, place, output},
                                    {neurons, place, output + 1},
                                    {neurons, place, output + 2},
                                    {neurons, place, output + 3}};
        for (int step = 0; step < neurons.steps; ++step) {
            uint32_t sent = 0;
            SPIKELENS_UNROLL for (int n = 0; n < kTogether; ++n) sent |= (run[n].step(step, current[n]) ? 1U : 0U)
                                                                         << (8 * n);
            if (neurons.spikes)
                std::memcpy(neurons.spikes + (int64_t{place} * neurons.steps + step) * neurons.padded + output, &sent,
                            kTogether);
        }
        run[0].finish(), run[1].finish(), run[2].finish(), run[3].finish();
    }

  private:
    static constexpr int kTogether = 4;
};

/// Some steps of an input of spikes [sample][step of all][C][H][W] become a map.
struct PackSpikes {
    const uint8_t* values = nullptr;
    int all_steps = 0, first_step = 0;
    Map map;

    constexpr int64_t count() const { return map.bytes(); }
    SPIKELENS_DEVICE void operator()(int64_t i) const {
        const int channel = static_cast<int>(i % map.padded()), step = static_cast<int>(i / map.padded() % map.steps);
        const int64_t place = i / map.padded() / map.steps, pixels = map.pixels();
        const int64_t frame = place / pixels * all_steps + first_step + step;
        map.data[i] = channel < map.channels ? values[(frame * map.channels + channel) * pixels + place % pixels] : 0;
    }
};

/// A map's numbers into [sample][step of all][C][H][W].
struct UnpackSpikes {
    Map map;
    int all_steps = 0, first_step = 0;
    uint8_t* values = nullptr;

    constexpr int64_t count() const { return map.samples * map.steps * map.channels * map.pixels(); }
    SPIKELENS_DEVICE void operator()(int64_t i) const {
        const int64_t pixels = map.pixels(), pixel = i % pixels;
        const int channel = static_cast<int>(i / pixels % map.channels);
        const int step = static_cast<int>(i / pixels / map.channels % map.steps);
        const int64_t sample = i / pixels / map.channels / map.steps, frame = sample * all_steps + first_step + step;
        values[(frame * map.channels + channel) * pixels + pixel] =
            map.data[map.at(sample * pixels + pixel, step) + channel];
    }
};

/// The numbers of four neighbouring channels at once: their largest, or their sum, which fits a byte.
SPIKELENS_DEVICE inline uint32_t pooled_bytes(uint32_t a, uint32_t b, bool largest) {
#ifdef __CUDA_ARCH__
    return largest ? __vmaxu4(a, b) : __vadd4(a, b);
#else
    uint32_t result = 0;
    for (int shift = 0; shift < 32; shift += 8) {
        const uint32_t x = (a >> shift) & 255, y = (b >> shift) & 255, larger = x > y ? x : y;
        result |= ((largest ? larger : x + y) & 255) << shift;
    }
    return result;
#endif
}

/// Pools a map: the maximum of each window, or its sum; kGranule channels each.
struct PoolNumbers {
    Map from, to;
    int height = 1, width = 1, stride = 1, stride_width = 1;
    bool largest = true;

    constexpr int64_t count() const { return to.bytes() / kGranule; }
    SPIKELENS_DEVICE void operator()(int64_t part) const {
        const auto i = static_cast<Index>(part);
        const Index granules = to.padded() / kGranule, steps = to.steps, to_width = to.width,
                    pixels = to.height * to_width;
        const Index granule = i % granules, step = i / granules % steps, place = i / granules / steps;
        const Index row = place % pixels / to_width * stride, column = place % to_width * stride_width;
        const int64_t corner = int64_t{place / pixels} * from.pixels() + int64_t{row} * from.width + column;
        Granule result{};
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x) {
                const int64_t at = from.at(corner + int64_t{y} * from.width + x, static_cast<int>(step));
                const Granule more = *reinterpret_cast<const Granule*>(from.data + at + granule * kGranule);
                SPIKELENS_UNROLL for (int word = 0; word < 4; ++word) result.words[word] =
                    pooled_bytes(result.words[word], more.words[word], largest);
            }
        *reinterpret_cast<Granule*>(to.data + int64_t{i} * kGranule) = result;
    }
};

/// Sums of a map's numbers over its steps are added to counts [sample][channel][pixel], or to totals
/// [sample][pixel][padded].
struct SumSteps {
    Map map;
    uint16_t* counts = nullptr;
    int64_t* totals = nullptr;

    constexpr int64_t count() const { return map.samples * map.pixels() * map.padded(); }
    SPIKELENS_DEVICE void operator()(int64_t i) const {
        const int channel = static_cast<int>(i % map.padded());
        const int64_t place = i / map.padded(), pixels = map.pixels();
        if (channel >= map.channels) return;
        int64_t sum = 0;
        for (int step = 0; step < map.steps; ++step) sum += map.data[map.at(place, step) + channel];
        if (totals) totals[i] += sum;
        if (!counts) return;
        uint16_t& sums = counts[(place / pixels * map.channels + channel) * pixels + place % pixels];
        sums = static_cast<uint16_t>(sums + sum);
    }
};

/// A map without the numbers of ablated channels.
struct MaskChannels {
    Map from, to;
    const uint8_t* keep = nullptr;  ///< [padded]

    constexpr int64_t count() const { return to.bytes(); }
    SPIKELENS_DEVICE void operator()(int64_t i) const {
        to.data[i] = keep[i % to.padded()] != 0 ? from.data[i] : uint8_t{0};
    }
};

}  // namespace spikelens::gpu
