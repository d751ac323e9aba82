#include <algorithm>
#include <cmath>

#include "spikelens/core/random.h"
#include "spikelens/core/resize.h"

#include "methods.h"

namespace spikelens {
namespace {

constexpr int64_t masks_at_once = 256;

double softmax_probability(std::span<const float> scores, int target) {
    const double highest = *std::ranges::max_element(scores);
    double sum = 0;
    for (float score : scores) sum += std::exp(score - highest);
    return std::exp(scores[target] - highest) / sum;
}

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
        : masks_(options.take_integer("masks", 1000, 1, 1000000)),
          grid_(options.take_integer("grid", 7, 1, 1000)),
          p_(options.take_number("p", 0.5, 0, 1)) {
        info_.name = "rise";
        info_.title = "RISE: random masks";
        info_.meaning = "0 and above: mean softmax probability of the class over the masks that show the pixel";
        info_.cost = std::to_string(masks_) + " forward";
        info_.source = "Petsiuk, Das, Saenko, BMVC 2018";
        info_.options = "masks=1000, grid=7, p=0.5";
    }

    const MethodInfo& info() const override { return info_; }

    /// S = Σ_k p_c(x ⊙ M_k)·M_k / (n·p). All samples share the masks, which are addressed by (seed, mask).
    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const Shape& shape = request.images.shape;
        const int64_t pixels = shape[2] * shape[3];
        std::vector<double> sums(shape[0] * pixels);
        for (int64_t first = 0; first < masks_; first += masks_at_once) {
            const FloatArray masks =
                draw_masks(context.seed, first, std::min(masks_at_once, masks_ - first), shape[2], shape[3]);
            for (int64_t n = 0; n < shape[0]; ++n) {
                const FloatArray scores = context.simulator->run(masked(request.images.row(n), shape, masks)).scores;
                add_weighted(masks, scores, request.targets[n], std::span(sums).subspan(n * pixels, pixels));
            }
        }
        FloatArray maps({shape[0], 1, shape[2], shape[3]});
        const double expected = static_cast<double>(masks_) * p_;
        for (size_t i = 0; i < sums.size(); ++i) maps.data[i] = static_cast<float>(sums[i] / expected);
        return maps;
    }

  private:
    static void add_weighted(const FloatArray& masks, const FloatArray& scores, int target, std::span<double> sum) {
        for (int64_t k = 0; k < masks.shape[0]; ++k) {
            const double probability = softmax_probability(scores.row(k), target);
            const auto mask = masks.row(k);
            for (size_t i = 0; i < mask.size(); ++i) sum[i] += probability * mask[i];
        }
    }

    FloatArray draw_masks(uint64_t seed, int64_t first, int64_t count, int64_t height, int64_t width) const {
        FloatArray masks({count, height, width});
        for (int64_t k = 0; k < count; ++k) draw_mask(seed, static_cast<uint64_t>(first + k), height, width, masks.row(k));
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
            return static_cast<int64_t>(random_uniform(seed, Stream::masks, {mask, 1, axis}) * static_cast<double>(below));
        };
        const int64_t down = shift(0, cell_height), right = shift(1, cell_width);
        for (int64_t y = 0; y < height; ++y) {
            const float* row = large.data.data() + (y + down) * large.shape[2] + right;
            std::copy(row, row + width, out.begin() + y * width);
        }
    }

    int64_t masks_, grid_;
    double p_;
    MethodInfo info_;
};

}  // namespace

MethodPointer make_rise(MethodOptions& options) { return std::make_unique<Rise>(options); }

}  // namespace spikelens
