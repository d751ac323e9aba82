#include <algorithm>

#include "methods.h"
#include "spike_copies.h"

namespace spikelens {
namespace {

constexpr int64_t kImagesAtOnce = 256;

struct Patch {
    int64_t top, left, bottom, right;
};

/// Starts 0, stride, … until the patch reaches the end of the axis.
std::vector<int64_t> starts(int64_t extent, int64_t size, int64_t stride) {
    std::vector<int64_t> result{0};
    while (result.back() + size < extent) result.push_back(result.back() + stride);
    return result;
}

std::vector<Patch> patches(int64_t height, int64_t width, int64_t size, int64_t stride) {
    std::vector<Patch> result;
    for (int64_t top : starts(height, size, stride)) {
        for (int64_t left : starts(width, size, stride)) {
            result.push_back({top, left, std::min(top + size, height), std::min(left + size, width)});
        }
    }
    return result;
}

template <class Visit>
void for_each_pixel(const Patch& patch, int64_t width, Visit visit) {
    for (int64_t y = patch.top; y < patch.bottom; ++y) {
        for (int64_t x = patch.left; x < patch.right; ++x) visit(y * width + x);
    }
}

/// The image once per patch, all channels of the patch replaced by the baseline's.
FloatArray occluded(std::span<const float> image, std::span<const float> baseline, const Shape& shape,
                    std::span<const Patch> some) {
    const int64_t pixels = shape[2] * shape[3];
    FloatArray images({static_cast<int64_t>(some.size()), shape[1], shape[2], shape[3]});
    for (size_t i = 0; i < some.size(); ++i) {
        const auto copy = images.row(static_cast<int64_t>(i));
        std::ranges::copy(image, copy.begin());
        for (int64_t c = 0; c < shape[1]; ++c) {
            for_each_pixel(some[i], shape[3], [&](int64_t p) { copy[c * pixels + p] = baseline[c * pixels + p]; });
        }
    }
    return images;
}

/// Places of spikes by the pixel they are at.
std::vector<std::vector<int64_t>> places_by_pixel(const ArrayView<uint8_t>& recording) {
    const int64_t pixels = recording.shape[2] * recording.shape[3];
    std::vector<std::vector<int64_t>> result(pixels);
    for (int64_t place : spike_places(recording.data)) result[place % pixels].push_back(place);
    return result;
}

class Occlusion final : public AttributionMethod {
  public:
    explicit Occlusion(MethodOptions& options)
        : size_(options.integer("size", 4, 1, 100000, "pixels along a side of the patch")),
          stride_(options.integer("stride", std::min<int64_t>(2, size_), 1, size_, "pixels between patches")),
          baseline_(options.baseline("what the patch shows; of spikes black, silence")) {
        info_ = {
            .name = "occlusion",
            .title = "Occlusion by square patches",
            .meaning = "signed: drop of the class score when the pixel is covered, mean over the patches that cover it",
            .cost = "1 forward per patch: about H·W/stride² + 1",
            .source = "Zeiler, Fergus, ECCV 2014",
            .unit = Unit::score,
            .signed_values = true,
            .on_spikes = true};
    }

    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const Network& network = context.engine->network();
        const Input& input = request.input;
        if (input.spiking()) require_silence(info_.name, baseline_);
        const FloatArray baseline = input.spiking() ? FloatArray() : baseline_images(input.images, baseline_);
        const FloatArray scores = context.engine->run(input).scores;
        const std::vector<Patch> all = patches(network.height, network.width, size_, stride_);
        FloatArray maps({input.samples(), 1, network.height, network.width});
        for (int64_t n = 0; n < input.samples(); ++n) {
            const FloatArray left = input.spiking()
                                        ? scores_of_spikes(*context.engine, input.spikes.sub(n), all)
                                        : scores_of_images(*context.engine, input.images, baseline.row(n), n, all);
            const int target = request.targets[n];
            std::vector<double> drops;
            for (int64_t i = 0; i < left.shape[0]; ++i) {
                drops.push_back(static_cast<double>(scores.row(n)[target]) - left.row(i)[target]);
            }
            spread(all, drops, network.width, maps.row(n));
        }
        return maps;
    }

  private:
    /// [patches, classes]: with each patch covered.
    static FloatArray scores_of_images(const Engine& engine, const FloatArray& images, std::span<const float> baseline,
                                       int64_t n, const std::vector<Patch>& all) {
        FloatArray scores({static_cast<int64_t>(all.size()), engine.network().class_count()});
        for (size_t begin = 0; begin < all.size(); begin += kImagesAtOnce) {
            const auto some = std::span(all).subspan(begin, std::min<size_t>(kImagesAtOnce, all.size() - begin));
            const FloatArray covered = occluded(images.row(n), baseline, images.shape, some);
            std::ranges::copy(engine.run(covered).scores.data, scores.row(static_cast<int64_t>(begin)).begin());
        }
        return scores;
    }

    /// The same, without the patch's spikes of all steps and channels.
    static FloatArray scores_of_spikes(const Engine& engine, const ArrayView<uint8_t>& recording,
                                       const std::vector<Patch>& all) {
        const std::vector<std::vector<int64_t>> places = places_by_pixel(recording);
        return scores_without(engine, recording, static_cast<int64_t>(all.size()), [&](int64_t k) {
            std::vector<int64_t> inside;
            for_each_pixel(all[k], recording.shape[3], [&](int64_t pixel) {
                inside.insert(inside.end(), places[pixel].begin(), places[pixel].end());
            });
            return inside;
        });
    }

    static void spread(const std::vector<Patch>& all, const std::vector<double>& drops, int64_t width,
                       std::span<float> map) {
        std::vector<double> sum(map.size()), covers(map.size());
        for (size_t i = 0; i < all.size(); ++i) {
            for_each_pixel(all[i], width, [&](int64_t pixel) {
                sum[pixel] += drops[i];
                covers[pixel] += 1;
            });
        }
        for (size_t pixel = 0; pixel < map.size(); ++pixel) map[pixel] = static_cast<float>(sum[pixel] / covers[pixel]);
    }

    int64_t size_, stride_;
    Baseline baseline_;
};

}  // namespace

MethodPointer make_occlusion(MethodOptions& options) { return std::make_unique<Occlusion>(options); }

}  // namespace spikelens
