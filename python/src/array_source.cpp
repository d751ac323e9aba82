#include "array_source.h"

namespace spikelens::python {
namespace {

/// Spikes [T, C, H, W] summed over time, divided by the largest sum.
void sum_over_time(std::span<const uint8_t> spikes, std::span<float> image) {
    for (size_t i = 0; i < spikes.size(); ++i) image[i % image.size()] += spikes[i];
    const float largest = *std::ranges::max_element(image);
    if (largest > 0)
        for (float& value : image) value /= largest;
}

}  // namespace

FloatArray ArraySource::images(std::span<const int64_t> indices) const {
    const Input some = samples_.select(indices);
    if (!some.spiking()) return some.images;
    Shape all = shape();
    all.insert(all.begin(), some.samples());
    FloatArray images(all);
    for (int64_t n = 0; n < some.samples(); ++n) sum_over_time(some.spikes.row(n), images.row(n));
    return images;
}

}  // namespace spikelens::python
