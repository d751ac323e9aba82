#include <algorithm>
#include <cmath>

#include "spikelens/attribute/method.h"
#include "spikelens/core/error.h"

namespace spikelens {
namespace {

float seen(float value, View view) {
    switch (view) {
        case View::natural:
            return value;
        case View::absolute:
            return std::abs(value);
        case View::positive:
            return std::max(0.0F, value);
        case View::negative:
            return std::max(0.0F, -value);
    }
    return value;
}

/// An attribution as [N, T, C, pixels], T = 1 when it does not tell time apart.
struct Extents {
    int64_t samples, steps, channels, height, width;

    explicit Extents(const Shape& shape) {
        if (shape.size() != 4 && shape.size() != 5)
            throw InputError("an attribution has shape " + shape_text(shape) +
                             ", expected [N, C, H, W] or [N, T, C, H, W]");
        const size_t channel_axis = shape.size() - 3;
        samples = shape[0];
        steps = channel_axis == 2 ? shape[1] : 1;
        channels = shape[channel_axis];
        height = shape[channel_axis + 1];
        width = shape[channel_axis + 2];
    }

    int64_t pixels() const { return height * width; }
    int64_t step_size() const { return channels * pixels(); }
};

/// Whole steps and channels of one sample, added up in double, then viewed.
void add_up(std::span<const float> values, View view, std::span<float> map) {
    std::vector<double> sum(map.size());
    for (size_t i = 0; i < values.size(); ++i) sum[i % map.size()] += values[i];
    for (size_t pixel = 0; pixel < map.size(); ++pixel) map[pixel] = seen(static_cast<float>(sum[pixel]), view);
}

}  // namespace

FloatArray pixel_maps(const FloatArray& attribution, View view) {
    const Extents extents(attribution.shape);
    FloatArray maps({extents.samples, extents.height, extents.width});
    for (int64_t n = 0; n < extents.samples; ++n) add_up(attribution.row(n), view, maps.row(n));
    return maps;
}

FloatArray window_maps(const FloatArray& attribution, View view, int64_t windows) {
    if (attribution.shape.size() != 5)
        throw InputError("an attribution of shape " + shape_text(attribution.shape) +
                         " does not tell time apart, expected [N, T, C, H, W]");
    const Extents extents(attribution.shape);
    if (windows < 1 || windows > extents.steps)
        throw InputError("an attribution over " + std::to_string(extents.steps) + " steps has 1 to " +
                         std::to_string(extents.steps) + " time windows, not " + std::to_string(windows));
    FloatArray maps({extents.samples, windows, extents.height, extents.width});
    for (int64_t n = 0; n < extents.samples; ++n)
        for (int64_t w = 0; w < windows; ++w) {
            const int64_t first = w * extents.steps / windows, end = (w + 1) * extents.steps / windows;
            add_up(attribution.row(n).subspan(first * extents.step_size(), (end - first) * extents.step_size()), view,
                   maps.row(n).subspan(w * extents.pixels(), extents.pixels()));
        }
    return maps;
}

FloatArray spike_scores(const FloatArray& attribution, View view, const Shape& spikes) {
    const Extents from(attribution.shape), to(spikes);
    const bool fits = spikes.size() == 5 && from.samples == to.samples && from.height == to.height &&
                      from.width == to.width && (from.channels == to.channels || from.channels == 1) &&
                      (attribution.shape.size() == 4 || from.steps == to.steps);
    if (!fits)
        throw InputError("an attribution of shape " + shape_text(attribution.shape) + " does not fit spikes of shape " +
                         shape_text(spikes));
    FloatArray scores(spikes);
    const bool timed = attribution.shape.size() == 5;
    int64_t out = 0;
    for (int64_t n = 0; n < to.samples; ++n)
        for (int64_t t = 0; t < to.steps; ++t)
            for (int64_t c = 0; c < to.channels; ++c)
                for (int64_t i = 0; i < to.pixels(); ++i, ++out) {
                    const int64_t frame = n * from.steps + (timed ? t : 0);
                    const int64_t channel = from.channels == 1 ? 0 : c;
                    scores.data[out] =
                        seen(attribution.data[(frame * from.channels + channel) * from.pixels() + i], view);
                }
    return scores;
}

}  // namespace spikelens
