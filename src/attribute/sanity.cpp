#include <algorithm>
#include <cmath>

#include "spikelens/core/random.h"

#include "methods.h"
#include "spike_copies.h"

namespace spikelens {
namespace {

/// A map [H, W] of one image: no network, no class.
using PixelMap = void (*)(std::span<const float> image, const Shape& shape, uint64_t seed, int64_t sample,
                          std::span<float> map);

/// What any explanation must beat. They differ in one function, so they share one class.
class SanityBaseline final : public AttributionMethod {
  public:
    SanityBaseline(std::string name, std::string title, std::string meaning, std::string source, PixelMap draw)
        : draw_(draw) {
        info_ = {.name = std::move(name),
                 .title = std::move(title),
                 .meaning = std::move(meaning),
                 .cost = "no pass through the network",
                 .source = std::move(source),
                 .class_specific = false,
                 .on_spikes = true,
                 .needs_engine = false,
                 .sanity_baseline = true};
    }

    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const FloatArray summed = request.input.spiking() ? spikes_over_time(request.input.spikes) : FloatArray();
        const FloatArray& pictures = request.input.spiking() ? summed : request.input.images;
        const Shape& shape = pictures.shape;
        FloatArray maps({shape[0], 1, shape[2], shape[3]});
        for (int64_t n = 0; n < shape[0]; ++n)
            draw_(pictures.row(n), shape, context.seed, request.samples[n], maps.row(n));
        return maps;
    }

  private:
    PixelMap draw_;
};

void draw_random(std::span<const float>, const Shape&, uint64_t seed, int64_t sample, std::span<float> map) {
    for (size_t pixel = 0; pixel < map.size(); ++pixel) {
        map[pixel] =
            static_cast<float>(random_uniform(seed, Stream::random_map, {static_cast<uint64_t>(sample), pixel}));
    }
}

void draw_uniform(std::span<const float>, const Shape&, uint64_t, int64_t, std::span<float> map) {
    std::ranges::fill(map, 1.0F);
}

void draw_intensity(std::span<const float> image, const Shape&, uint64_t, int64_t, std::span<float> map) {
    for (size_t i = 0; i < image.size(); ++i) map[i % map.size()] += std::abs(image[i]);
}

std::vector<float> channel_mean(std::span<const float> image, int64_t channels) {
    std::vector<float> mean(image.size() / channels);
    for (size_t i = 0; i < image.size(); ++i) mean[i % mean.size()] += image[i];
    for (float& value : mean) value /= static_cast<float>(channels);
    return mean;
}

/// Sobel, Feldman 1968: length of the 3×3 gradient, the border's pixels repeated beyond it.
void draw_edges(std::span<const float> image, const Shape& shape, uint64_t, int64_t, std::span<float> map) {
    const int64_t height = shape[2], width = shape[3];
    const std::vector<float> mean = channel_mean(image, shape[1]);
    for (int64_t y = 0; y < height; ++y) {
        for (int64_t x = 0; x < width; ++x) {
            const auto at = [&](int64_t dy, int64_t dx) {
                return mean[std::clamp(y + dy, int64_t{0}, height - 1) * width +
                            std::clamp(x + dx, int64_t{0}, width - 1)];
            };
            const float right = (at(-1, 1) + 2 * at(0, 1) + at(1, 1)) - (at(-1, -1) + 2 * at(0, -1) + at(1, -1));
            const float down = (at(1, -1) + 2 * at(1, 0) + at(1, 1)) - (at(-1, -1) + 2 * at(-1, 0) + at(-1, 1));
            map[y * width + x] = std::sqrt(right * right + down * down);
        }
    }
}

}  // namespace

MethodPointer make_random(MethodOptions&) {
    return std::make_unique<SanityBaseline>(
        "random", "Random map", "noise in [0, 1), addressed by seed, sample and pixel", "sanity baseline", draw_random);
}

MethodPointer make_uniform(MethodOptions&) {
    return std::make_unique<SanityBaseline>("uniform", "Uniform map",
                                            "the same value everywhere: what ties alone are worth", "sanity baseline",
                                            draw_uniform);
}

MethodPointer make_input(MethodOptions&) {
    return std::make_unique<SanityBaseline>("input", "The input's own intensity",
                                            "sum over channels of the absolute pixel value; of spikes their number",
                                            "sanity baseline", draw_intensity);
}

MethodPointer make_sobel(MethodOptions&) {
    return std::make_unique<SanityBaseline>("sobel", "Edge filter",
                                            "length of the Sobel gradient of the channels' mean",
                                            "sanity baseline; Adebayo et al., NeurIPS 2018", draw_edges);
}

}  // namespace spikelens
