#include "noisy_copy.h"

#include <algorithm>

#include "spikelens/core/random.h"

namespace spikelens {
namespace {

void add_noise(FloatArray& images, std::span<const int64_t> samples, uint64_t copy, double sigma, uint64_t seed) {
    const int64_t channels = images.extent(1), pixels = images.extent(2) * images.extent(3);
    for (int64_t n = 0; n < images.extent(0); ++n)
        for (int64_t c = 0; c < channels; ++c) {
            const auto channel = images.row(n).subspan(c * pixels, pixels);
            const auto [low, high] = std::ranges::minmax(channel);
            const double size = sigma * (double{high} - low);
            for (uint64_t i = 0; i < channel.size(); ++i) {
                const uint64_t place = static_cast<uint64_t>(c * pixels) + i;
                const double drawn =
                    random_normal(seed, Stream::noise, {static_cast<uint64_t>(samples[n]), copy, place});
                channel[i] += static_cast<float>(size * drawn);
            }
        }
}

void drop_spikes(Array<uint8_t>& spikes, std::span<const int64_t> samples, uint64_t copy, double sigma, uint64_t seed) {
    for (int64_t n = 0; n < spikes.extent(0); ++n) {
        const RandomRow random(seed, Stream::noise, {static_cast<uint64_t>(samples[n]), copy});
        const auto row = spikes.row(n);
        for (size_t i = 0; i < row.size(); ++i)
            if (row[i] != 0 && random.uniform(i) < sigma) row[i] = 0;
    }
}

}  // namespace

Input noisy_copy(const Input& input, std::span<const int64_t> samples, int64_t copy, double sigma, uint64_t seed) {
    Input noisy = input;
    if (input.spiking())
        drop_spikes(noisy.spikes, samples, static_cast<uint64_t>(copy), sigma, seed);
    else
        add_noise(noisy.images, samples, static_cast<uint64_t>(copy), sigma, seed);
    return noisy;
}

}  // namespace spikelens
