#include <algorithm>

#include "spikelens/core/random.h"
#include "spikelens/core/resize.h"
#include "spikelens/snn/decision.h"

#include "methods.h"
#include "spike_copies.h"

namespace spikelens {
namespace {

constexpr int64_t kMasksAtOnce = 256;

/// images[k] = image ⊙ mask k, for the masks first … first + count − 1.
FloatArray masked(std::span<const float> image, const Shape& shape, const FloatArray& masks) {
    FloatArray images({masks.shape[0], shape[1], shape[2], shape[3]});
    for (int64_t k = 0; k < masks.shape[0]; ++k) {
        const auto mask = masks.row(k);
        const auto copy = images.row(k);
        for (size_t i = 0; i < image.size(); ++i) copy[i] = image[i] * mask[i % mask.size()];
    }
    return images;
}

class Rise final : public AttributionMethod {
  public:
    explicit Rise(MethodOptions& options)
        : masks_(options.integer("masks", 1000, 1, 1000000, "random masks averaged")),
          grid_(options.integer("grid", 7, 1, 1000, "cells along a side of a mask")),
          p_(options.number("p", 0.5, 0, 1, "probability that a cell shows the image")),
          by_expected_(options.choice<bool>("divide", {{"shown", false}, {"expected", true}},
                                            "by the sum of the masks at the pixel, or by n·p as in the paper")) {
        info_ = {.name = "rise",
                 .title = "RISE: random masks",
                 .meaning =
                     "0 and above: mean softmax probability of the class over the masks that show the pixel; of spikes "
                     "a mask keeps all at the pixels where it is 0.5 or more",
                 .cost = std::to_string(masks_) + " forward",
                 .source = "Petsiuk, Das, Saenko, BMVC 2018",
                 .unit = Unit::probability,
                 .on_spikes = true};
    }

    /// All samples share the masks, which are addressed by (seed, mask).
    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const Network& network = context.engine->network();
        const Input& input = request.input;
        FloatArray maps({input.samples(), 1, network.height, network.width});
        std::vector<double> sums(maps.size()), shown(maps.row_size());
        for (int64_t first = 0; first < masks_; first += kMasksAtOnce) {
            const int64_t count = std::min(kMasksAtOnce, masks_ - first);
            FloatArray masks = draw_masks(context.seed, first, count, network.height, network.width);
            if (input.spiking()) make_binary(masks);
            for (int64_t i = 0; i < masks.size(); ++i) shown[i % maps.row_size()] += masks.data[i];
            for (int64_t n = 0; n < input.samples(); ++n) {
                const FloatArray scores = input.spiking()
                                              ? scores_of_spikes(*context.engine, input.spikes.sub(n), masks)
                                              : scores_of_image(*context.engine, input.images, n, masks);
                add_weighted(masks, scores, request.targets[n],
                             std::span(sums).subspan(n * shown.size(), shown.size()));
            }
        }
        for (size_t i = 0; i < sums.size(); ++i)
            maps.data[i] = normalised(sums[i], by_expected_ ? expected() : shown[i % shown.size()]);
        return maps;
    }

  private:
    /// S = Σ_k p_c(x ⊙ M_k)·M_k / (n·p)
    double expected() const { return static_cast<double>(masks_) * p_; }

    /// S = Σ_k p_c(x ⊙ M_k)·M_k / Σ_k M_k, 0 where no mask shows the pixel: a mean, whatever a pixel's own masks are.
    static float normalised(double sum, double shown) { return shown > 0 ? static_cast<float>(sum / shown) : 0.0F; }

    static void make_binary(FloatArray& masks) {
        for (float& value : masks.data) value = value >= 0.5F ? 1.0F : 0.0F;
    }

    static FloatArray scores_of_image(const Engine& engine, const FloatArray& images, int64_t n,
                                      const FloatArray& masks) {
        return engine.run(masked(images.row(n), images.shape, masks)).scores;
    }

    static FloatArray scores_of_spikes(const Engine& engine, const ArrayView<uint8_t>& recording,
                                       const FloatArray& masks) {
        const std::vector<int64_t> places = spike_places(recording.data);
        return scores_without(engine, recording, masks.shape[0], [&](int64_t k) {
            std::vector<int64_t> hidden;
            for (int64_t place : places) {
                if (masks.row(k)[place % masks.row_size()] == 0) hidden.push_back(place);
            }
            return hidden;
        });
    }

    static void add_weighted(const FloatArray& masks, const FloatArray& scores, int target, std::span<double> sum) {
        for (int64_t k = 0; k < masks.shape[0]; ++k) {
            const double probability = softmax_probability(scores.row(k), target);
            const auto mask = masks.row(k);
            for (size_t i = 0; i < mask.size(); ++i) sum[i] += probability * mask[i];
        }
    }

    FloatArray draw_masks(uint64_t seed, int64_t first, int64_t count, int64_t height, int64_t width) const {
        FloatArray masks({count, height, width});
        for (int64_t k = 0; k < count; ++k)
            draw_mask(seed, static_cast<uint64_t>(first + k), height, width, masks.row(k));
        return masks;
    }

    /// A Bernoulli(p) grid s × s, enlarged to (s + 1)·⌈H/s⌉ × (s + 1)·⌈W/s⌉, cropped at a random shift below one cell.
    void draw_mask(uint64_t seed, uint64_t mask, int64_t height, int64_t width, std::span<float> out) const {
        FloatArray cells({1, grid_, grid_});
        for (uint64_t i = 0; i < cells.data.size(); ++i) {
            cells.data[i] = random_uniform(seed, Stream::masks, {mask, 0, i}) < p_ ? 1.0F : 0.0F;
        }
        const int64_t cell_height = (height + grid_ - 1) / grid_, cell_width = (width + grid_ - 1) / grid_;
        const FloatArray large = resize_bilinear(cells, (grid_ + 1) * cell_height, (grid_ + 1) * cell_width);
        const auto shift = [&](uint64_t axis, int64_t below) {
            return static_cast<int64_t>(random_uniform(seed, Stream::masks, {mask, 1, axis}) *
                                        static_cast<double>(below));
        };
        const int64_t down = shift(0, cell_height), right = shift(1, cell_width);
        for (int64_t y = 0; y < height; ++y) {
            const float* row = large.data.data() + (y + down) * large.shape[2] + right;
            std::copy(row, row + width, out.begin() + y * width);
        }
    }

    int64_t masks_, grid_;
    double p_;
    bool by_expected_;
};

}  // namespace

MethodPointer make_rise(MethodOptions& options) { return std::make_unique<Rise>(options); }

}  // namespace spikelens
