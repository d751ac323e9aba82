#include <algorithm>

#include "spikelens/core/resize.h"

#include "methods.h"
#include "recorded_layers.h"

namespace spikelens {
namespace {

/// α_k of one sample's gradient [T, K, H, W]: the mean over places and steps of channel k.
std::vector<double> channel_weights(const ArrayView<float>& gradient) {
    const int64_t channels = gradient.extent(1), pixels = gradient.extent(2) * gradient.extent(3);
    std::vector<double> weights(channels);
    for (int64_t i = 0; i < gradient.size(); ++i) weights[i / pixels % channels] += gradient.data[i];
    for (double& weight : weights) weight /= static_cast<double>(gradient.extent(0) * pixels);
    return weights;
}

class GradCam final : public AttributionMethod {
  public:
    explicit GradCam(MethodOptions& options) : layer_(options.layer({"last"}, "whose filters are weighted")) {
        info_ = {
            .name = "gradcam",
            .title = "SNN Grad-CAM at every step",
            .meaning =
                "0 and above: spikes of the layer's filters, weighted by what the class score gains from the filter",
            .cost = "1 forward and 1 backward",
            .source = "Kim, Panda, Sci. Rep. 11:19037, 2021; Selvaraju et al., ICCV 2017",
            .on_spikes = true,
            .timed = true,
            .needs_gradient = true};
    }

    /// G_t = max(0, Σ_k α_k A_k,t), before it is resized
    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const Network& network = context.engine->network();
        const int layer = layer_ == "last" ? filter_layers(network, "gradcam").back()
                                           : named_layer(network, "gradcam", layer_, {"last"});
        const auto [scores, spikes, gradient] = context.engine->spike_gradient(request.input, request.targets, layer);
        const Shape& shape = spikes.shape;
        const int64_t pixels = shape[3] * shape[4];
        FloatArray maps({shape[0], shape[1], 1, shape[3], shape[4]});
        for (int64_t n = 0; n < shape[0]; ++n) {
            const std::vector<double> weights = channel_weights(gradient.sub(n));
            const ArrayView<float> fired = spikes.sub(n);
            for (int64_t t = 0; t < shape[1]; ++t)
                weigh(fired.row(t), weights, maps.row(n).subspan(t * pixels, pixels));
        }
        return resize_bilinear(maps, network.height, network.width);
    }

  private:
    static void weigh(std::span<const float> spikes, const std::vector<double>& weights, std::span<float> map) {
        std::vector<double> sum(map.size());
        for (size_t i = 0; i < spikes.size(); ++i) sum[i % map.size()] += weights[i / map.size()] * spikes[i];
        for (size_t i = 0; i < map.size(); ++i) map[i] = static_cast<float>(std::max(0.0, sum[i]));
    }

    std::string layer_;
};

}  // namespace

MethodPointer make_gradcam(MethodOptions& options) { return std::make_unique<GradCam>(options); }

}  // namespace spikelens
