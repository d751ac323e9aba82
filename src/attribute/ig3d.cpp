#include <algorithm>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"

#include "gradient_path.h"
#include "methods.h"
#include "sequence.h"
#include "spike_copies.h"

namespace spikelens {
namespace {

/// Places that hold spikes in the order of their insertion, as indices into [T, C, H, W] of one sample.
struct Insertion {
    std::vector<int64_t> order;
    int64_t groups = 0;  ///< parts of it as equal as can be; no more than there are places

    /// Of each of `places` places the group that brings its spikes, from 1; beyond the last where there are none.
    std::vector<int64_t> group_of(int64_t places) const {
        std::vector<int64_t> group(places, groups + 1);
        const auto count = static_cast<int64_t>(order.size());
        for (int64_t i = 0; i < count; ++i) group[order[i]] = i * groups / count + 1;
        return group;
    }
};

class IntegratedGradients3D final : public AttributionMethod {
  public:
    explicit IntegratedGradients3D(MethodOptions& options)
        : steps_(options.integer("steps", 32, 1, 100000, "points on the path")),
          path_(options.word(
              "path", "", {"binary", "linear"},
              "binary puts in spikes as a whole, as spikes are unless told; linear scales all, as images are")),
          order_(options.word("order", "", {"time", "random"},
                              "in which the binary path puts in spikes; time unless told")),
          draws_(options.integer("draws", 1, 1, 100000, "random orders averaged")),
          baseline_(options.baseline("where the path of an image begins")) {
        if (path_ == "linear" && !order_.empty())
            throw InputError("ig3d: the linear path inserts all spikes together, so it has no order");
        if (draws_ > 1 && order_ != "random")
            throw InputError("ig3d: several draws are averaged with order=random only");
        const std::string passes = std::to_string(steps_ * draws_);
        info_ = {
            .name = "ig3d",
            .title = "Integrated gradients at every step",
            .meaning =
                "signed: the share of the place and step in the class score's change from the baseline, by surrogate "
                "gradients",
            .cost = passes + " forward and " + passes + " backward",
            .source =
                "Bitar, Rosales, Paulitsch, Front. Neurosci. 17:1153999, 2023; Sundararajan, Taly, Yan, ICML 2017",
            .unit = Unit::score,
            .signed_values = true,
            .on_spikes = true,
            .timed = true,
            .needs_gradient = true};
    }

    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        check(request.input);
        const int steps = context.engine->network().steps;
        const FloatArray sequence = as_sequence(request.input, steps);
        if (!request.input.spiking()) {
            const FloatArray baseline = as_sequence(baseline_images(request.input.images, baseline_), steps);
            return integrate_linear(*context.engine, sequence, baseline, request.targets, steps_);
        }
        if (path_ == "linear")
            return integrate_linear(*context.engine, sequence, FloatArray(sequence.shape), request.targets, steps_);
        return integrate_binary(context, sequence, request);
    }

    std::optional<OwnBaseline> own_baseline(const Input& input) const override { return start_of(input, baseline_); }

  private:
    void check(const Input& input) const {
        if (input.spiking()) return require_silence("ig3d", baseline_);
        if (path_ == "binary") throw InputError("ig3d: path=binary inserts spikes, and images have none");
        if (!order_.empty()) throw InputError("ig3d: order=" + order_ + " is of inserted spikes, and images have none");
    }

    /// Σ_k g(x_k) ⊙ (x_k − x_{k−1}), x_k holding the spikes of groups 1 … k: every place's spikes times the gradient
    /// right after their insertion; mean over the draws.
    FloatArray integrate_binary(const AttributionContext& context, const FloatArray& sequence,
                                const AttributionRequest& request) const {
        FloatArray result(sequence.shape);
        for (int64_t n = 0; n < sequence.extent(0); ++n) {
            std::vector<double> sum(sequence.row_size());
            for (int64_t draw = 0; draw < draws_; ++draw) {
                const Insertion insertion = insert(context, request, n, draw);
                if (insertion.groups > 0)
                    add_draw(*context.engine, sequence.sub(n), insertion, request.targets[n], sum);
            }
            std::ranges::transform(sum, result.row(n).begin(), [&](double value) {
                return static_cast<float>(value / static_cast<double>(draws_));
            });
        }
        return result;
    }

    static void add_draw(const Engine& engine, const ArrayView<float>& spikes, const Insertion& insertion, int target,
                         std::vector<double>& sum) {
        const std::vector<int64_t> group = insertion.group_of(spikes.size());
        GradientPath path{spikes.shape, insertion.groups, {}, {}};
        path.place = [&](int64_t k, std::span<float> point) {
            for (size_t i = 0; i < point.size(); ++i) point[i] = group[i] <= k ? spikes.data[i] : 0.0F;
        };
        path.take = [&](int64_t k, std::span<const float> gradient) {
            for (size_t i = 0; i < gradient.size(); ++i)
                if (group[i] == k) sum[i] += static_cast<double>(spikes.data[i]) * gradient[i];
        };
        follow(path, engine, target);
    }

    Insertion insert(const AttributionContext& context, const AttributionRequest& request, int64_t n,
                     int64_t draw) const {
        Insertion insertion;
        insertion.order = spike_places(request.input.spikes.row(n));
        const auto count = static_cast<int64_t>(insertion.order.size());
        insertion.groups = std::min(steps_, count);
        if (order_ != "random") return insertion;
        const std::vector<int64_t> in_time = insertion.order;
        const auto order = random_permutation(count, context.seed, Stream::spike_order,
                                              {static_cast<uint64_t>(request.samples[n]), static_cast<uint64_t>(draw)});
        std::ranges::transform(order, insertion.order.begin(), [&](int64_t i) { return in_time[i]; });
        return insertion;
    }

    int64_t steps_;
    std::string path_, order_;
    int64_t draws_;
    Baseline baseline_;
};

}  // namespace

MethodPointer make_ig3d(MethodOptions& options) { return std::make_unique<IntegratedGradients3D>(options); }

}  // namespace spikelens
