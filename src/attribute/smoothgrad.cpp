#include <algorithm>

#include "methods.h"
#include "noisy_copy.h"

namespace spikelens {
namespace {

/// A gradient method on noisy copies of the input: the mean of its maps, or their variance.
class OverNoise final : public AttributionMethod {
  public:
    OverNoise(std::string name, bool variance, MethodOptions& options)
        : variance_(variance),
          copies_(options.integer("copies", 25, 2, 100000, "noisy copies of the input")),
          sigma_(options.number(
              "sigma", 0.1, 0, 1,
              "noise: of images σ·(max − min of the channel)·N(0, 1), of spikes the share that is dropped")),
          inner_(inner_of(options)) {
        info_ = inner_->info();
        info_.name = std::move(name);
        info_.title =
            (variance ? "Variance of " : "Mean of ") + inner_->info().name + " over noisy copies of the input";
        info_.meaning = variance ? "0 and above: how much the value changes under noise" : inner_->info().meaning;
        info_.cost = std::to_string(copies_) + " times " + inner_->info().name + ": " + inner_->info().cost;
        info_.source = variance ? "Adebayo, Gilmer, Goodfellow, Kim, arXiv:1810.03307, 2018"
                                : "Smilkov, Thorat, Kim, Viégas, Wattenberg, arXiv:1706.03825, 2017";
        if (!variance) return;
        info_.unit = Unit::own;
        info_.signed_values = false;
    }

    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        std::vector<double> sum, squares;
        FloatArray maps;
        for (int64_t copy = 0; copy < copies_; ++copy) {
            context.engine->execution().stop_if_cancelled();
            const Input noisy = noisy_copy(request.input, request.samples, copy, sigma_, context.seed);
            maps = inner_->attribute(context, {noisy, request.targets, request.samples});
            sum.resize(maps.data.size());
            squares.resize(maps.data.size());
            for (size_t i = 0; i < sum.size(); ++i) {
                sum[i] += maps.data[i];
                squares[i] += double{maps.data[i]} * maps.data[i];
            }
        }
        const auto count = static_cast<double>(copies_);
        for (size_t i = 0; i < sum.size(); ++i) {
            const double mean = sum[i] / count;
            maps.data[i] = static_cast<float>(variance_ ? std::max(0.0, squares[i] / count - mean * mean) : mean);
        }
        return maps;
    }

  private:
    static MethodPointer inner_of(MethodOptions& options) {
        using Make = MethodPointer (*)(MethodOptions&);
        const auto make = options.choice<Make>("of",
                                               {{"grad2d", make_grad2d},
                                                {"grad3d", make_grad3d},
                                                {"ig2d", make_ig2d},
                                                {"ig3d", make_ig3d},
                                                {"gradcam", make_gradcam}},
                                               "the gradient method, which brings its own options in");
        options.brings("of=ig2d or of=ig3d", "steps");
        options.brings("of=ig2d or of=ig3d", "baseline");
        options.brings("of=gradcam", "layer");
        for (const char* const option : {"path", "order", "draws"}) options.brings("of=ig3d", option);
        return make(options);
    }

    bool variance_;
    int64_t copies_;
    double sigma_;
    MethodPointer inner_;
};

}  // namespace

MethodPointer make_smoothgrad(MethodOptions& options) {
    return std::make_unique<OverNoise>("smoothgrad", false, options);
}

MethodPointer make_vargrad(MethodOptions& options) { return std::make_unique<OverNoise>("vargrad", true, options); }

}  // namespace spikelens
