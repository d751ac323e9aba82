#include <algorithm>
#include <cmath>
#include <functional>

#include "gradient_path.h"
#include "layer_share.h"
#include "methods.h"
#include "sequence.h"
#include "share_out.h"
#include "spike_copies.h"

namespace spikelens {
namespace {

/// What each spike brought [N, T, C, H, W].
FloatArray shares_of_spikes(const Engine& engine, const Array<uint8_t>& spikes, std::span<const int> targets,
                            const Array<uint8_t>& read, const ShareOptions& options) {
    FloatArray result(spikes.shape);
    share_out(engine, spikes, targets, options, [&](int64_t n, const Shares& shares) {
        std::ranges::transform(shares.parts.share, read.row(n), result.row(n).begin(),
                               [](float one, uint8_t times) { return one * static_cast<float>(times); });
    });
    return result;
}

/// What biases and resets brought, beside what was shared out.
std::vector<Remainder> remainders(const Engine& engine, const AttributionRequest& request,
                                  const ShareOptions& options) {
    std::vector<Remainder> all(request.targets.size());
    share_out(engine, request.input, request.targets, options, [&](int64_t n, const Shares& shares) {
        all[n].whole = shares.whole;
        all[n].bias = shares.parts.bias;
    });
    return all;
}

/// g_x of images, added to `sum`.
void add_shares_of_images(const Engine& engine, const Input& images, std::span<const int> targets,
                          const ShareOptions& options, FloatArray& sum) {
    share_out(engine, images, targets, options, [&](int64_t n, const Shares& shares) {
        std::ranges::transform(sum.row(n), shares.parts.share, sum.row(n).begin(), std::plus());
    });
}

std::string cost_text(int64_t times) {
    const std::string number = std::to_string(times);
    return number + " forward and " + number + (times == 1 ? " backward sweep" : " backward sweeps");
}

/// One point on the path is the share itself.
class Share final : public AttributionMethod {
  public:
    Share(std::string name, std::string title, bool on_spikes, ShareOptions options, Baseline baseline, int64_t points)
        : options_(options), baseline_(baseline), points_(points) {
        info_ = {.name = std::move(name),
                 .title = std::move(title),
                 .meaning =
                     "signed: what the pixel paid for the class score, as each neuron's potential paid for its spikes",
                 .cost = cost_text(points),
                 .source = kShareSource,
                 .unit = Unit::score,
                 .signed_values = true,
                 .on_spikes = on_spikes};
    }

    /// Images: (x − b) ⊙ the mean of g_x over b + (x − b)·k/points. Spikes: g_x at each, summed over steps.
    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const Input& input = request.input;
        if (input.spiking()) {
            require_silence(info_.name, baseline_);
            return sum_over_time(
                shares_of_spikes(*context.engine, input.spikes, request.targets, input.spikes, options_));
        }
        const FloatArray baseline = baseline_images(input.images, baseline_);
        FloatArray result(input.images.shape);
        for (int64_t k = 1; k <= points_; ++k)
            add_shares_of_images(*context.engine, path_point(input.images, baseline, k, points_), request.targets,
                                 options_, result);
        for (int64_t i = 0; i < result.size(); ++i)
            result.data[i] *= (input.images.data[i] - baseline.data[i]) / static_cast<float>(points_);
        return result;
    }

    bool accounts(const Input& input) const override {
        return !options_.soft && points_ == 1 && (input.spiking() || baseline_ == Baseline::black);
    }

    std::vector<Remainder> remainder(const AttributionContext& context,
                                     const AttributionRequest& request) const override {
        return remainders(*context.engine, request, options_);
    }

  private:
    ShareOptions options_;
    Baseline baseline_;
    int64_t points_;
};

double mean_size(std::span<const float> values) {
    double sum = 0;
    for (const float value : values) sum += std::abs(value);
    return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

class Share3D final : public AttributionMethod {
  public:
    Share3D(ShareOptions options, int64_t passes) : options_(options), passes_(passes) {
        info_ = {.name = "share3d",
                 .title = "Membrane share of every spike",
                 .meaning =
                     "signed: what the spike paid for the class score, as each neuron's potential paid for its spikes",
                 .cost = cost_text(passes),
                 .source = kShareSource,
                 .unit = passes == 1 ? Unit::score : Unit::own,
                 .signed_values = true,
                 .on_images = false,
                 .on_spikes = true,
                 .timed = true};
    }

    /// Of two passes: A₁/mean|A₁| + A₂/(2·mean|A₂|), where A₂ is of the recording without the best tenth of its spikes,
    /// read at all of them.
    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const Array<uint8_t>& spikes = request.input.spikes;
        FloatArray first = shares_of_spikes(*context.engine, spikes, request.targets, spikes, options_);
        if (passes_ == 1) return first;
        Array<uint8_t> left = spikes;
        for (int64_t n = 0; n < spikes.extent(0); ++n) take_best_tenth(left.row(n), first.row(n));
        const FloatArray second = shares_of_spikes(*context.engine, left, request.targets, spikes, options_);
        for (int64_t n = 0; n < spikes.extent(0); ++n) {
            const double size = mean_size(first.row(n)), second_size = mean_size(second.row(n));
            const auto of_first = static_cast<float>(size > 0 ? 1 / size : 0);
            const auto of_second = static_cast<float>(second_size > 0 ? 0.5 / second_size : 0);
            for (size_t i = 0; i < first.row(n).size(); ++i)
                first.row(n)[i] = of_first * first.row(n)[i] + of_second * second.row(n)[i];
        }
        return first;
    }

    bool accounts(const Input&) const override { return !options_.soft && passes_ == 1; }

    std::vector<Remainder> remainder(const AttributionContext& context,
                                     const AttributionRequest& request) const override {
        return remainders(*context.engine, request, options_);
    }

  private:
    /// Ties by their place.
    static void take_best_tenth(std::span<uint8_t> spikes, std::span<const float> share) {
        std::vector<int64_t> places = spike_places(spikes);
        std::ranges::stable_sort(places, [&](int64_t a, int64_t b) { return share[a] > share[b]; });
        const size_t best = (places.size() + 9) / 10;
        for (size_t i = 0; i < best; ++i) spikes[places[i]] = 0;
    }

    ShareOptions options_;
    int64_t passes_;
};

}  // namespace

MethodPointer make_share(MethodOptions& options) {
    const ShareOptions chosen = share_options(options);
    if (MethodPointer of_layer = make_layer_share(options, chosen, "share", false)) return of_layer;
    return std::make_unique<Share>(
        "share", "Membrane share: who paid for the spikes that made the score", true, chosen,
        options.baseline("what shares of images are measured from; of spikes black, silence"), 1);
}

MethodPointer make_share_path(MethodOptions& options) {
    const ShareOptions chosen = share_options(options);
    const int64_t steps = options.integer("steps", 4, 1, 100000, "points on the path from the baseline");
    return std::make_unique<Share>("share_path", "Membrane share, averaged along the path from the baseline", false,
                                   chosen, options.baseline("where the path begins"), steps);
}

MethodPointer make_share3d(MethodOptions& options) {
    const ShareOptions chosen = share_options(options);
    if (MethodPointer of_layer = make_layer_share(options, chosen, "share3d", true)) return of_layer;
    return std::make_unique<Share3D>(
        chosen, options.integer("passes", 1, 1, 2, "2 looks again without the best tenth of the spikes, in no unit"));
}

}  // namespace spikelens
