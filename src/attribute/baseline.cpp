#include "spikelens/attribute/baseline.h"

#include <array>
#include <cmath>
#include <span>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"

namespace spikelens {
namespace {

constexpr int kBlurRadius = 5;
constexpr double kBlurSigma = 5.0;
using BlurWeights = std::array<double, 2 * kBlurRadius + 1>;

BlurWeights blur_weights() {
    BlurWeights weights{};
    double sum = 0;
    for (int i = -kBlurRadius; i <= kBlurRadius; ++i) {
        sum += weights[i + kBlurRadius] = std::exp(-0.5 * i * i / (kBlurSigma * kBlurSigma));
    }
    for (double& weight : weights) weight /= sum;
    return weights;
}

/// … 2 1 | 0 1 2 … n−1 | n−2 …, as often as a small image needs.
int64_t reflect(int64_t index, int64_t extent) {
    if (extent == 1) return 0;
    const int64_t period = 2 * (extent - 1);
    const int64_t place = ((index % period) + period) % period;
    return place < extent ? place : period - place;
}

/// Blurs `extent` values that lie `stride` apart.
void blur_line(const double* in, double* out, int64_t extent, int64_t stride, const BlurWeights& weights) {
    for (int64_t i = 0; i < extent; ++i) {
        double sum = 0;
        for (int64_t k = -kBlurRadius; k <= kBlurRadius; ++k)
            sum += weights[k + kBlurRadius] * in[reflect(i + k, extent) * stride];
        out[i * stride] = sum;
    }
}

void blur_plane(std::span<const float> plane, std::span<float> result, int64_t height, int64_t width) {
    const BlurWeights weights = blur_weights();
    const std::vector<double> values(plane.begin(), plane.end());
    std::vector<double> rows(values.size()), blurred(values.size());
    for (int64_t y = 0; y < height; ++y)
        blur_line(values.data() + y * width, rows.data() + y * width, width, 1, weights);
    for (int64_t x = 0; x < width; ++x) blur_line(rows.data() + x, blurred.data() + x, height, width, weights);
    for (size_t i = 0; i < blurred.size(); ++i) result[i] = static_cast<float>(blurred[i]);
}

void fill_with_mean(std::span<const float> plane, std::span<float> result) {
    double sum = 0;
    for (float value : plane) sum += value;
    for (float& value : result) value = static_cast<float>(sum / static_cast<double>(plane.size()));
}

}  // namespace

Baseline parse_baseline(std::string_view text) {
    std::vector<std::string> names;
    for (Baseline baseline : {Baseline::black, Baseline::blur, Baseline::mean}) {
        if (text == baseline_text(baseline)) return baseline;
        names.push_back(baseline_text(baseline));
    }
    throw InputError("there is no baseline '" + std::string(text) + "'" + suggestion(text, names));
}

std::string baseline_text(Baseline baseline) {
    switch (baseline) {
        case Baseline::black:
            return "black";
        case Baseline::blur:
            return "blur";
        case Baseline::mean:
            return "mean";
    }
    return "";
}

FloatArray baseline_images(const ArrayView<float>& images, Baseline baseline) {
    if (images.shape.size() != 4)
        throw InputError("images have shape " + shape_text(images.shape) + ", expected [N, C, H, W]");
    FloatArray result(images.shape);
    const int64_t height = images.shape[2], width = images.shape[3], pixels = height * width;
    if (baseline == Baseline::black || pixels == 0) return result;
    for (int64_t plane = 0; plane < images.shape[0] * images.shape[1]; ++plane) {
        const std::span in(images.data.data() + plane * pixels, pixels);
        const std::span out(result.data.data() + plane * pixels, pixels);
        if (baseline == Baseline::blur) {
            blur_plane(in, out, height, width);
        } else {
            fill_with_mean(in, out);
        }
    }
    return result;
}

}  // namespace spikelens
