#include "spikelens/core/error.h"
#include "spikelens/core/resize.h"

#include "gradient_path.h"
#include "methods.h"
#include "recorded_layers.h"
#include "spike_copies.h"

namespace spikelens {
namespace {

/// Integrated gradients of a layer: Σ_k ∂y_c/∂S(x_k) ⊙ (S(x_k) − S(x_{k−1})), S the layer's spikes and x_0, x_1, … a
/// path of inputs from the baseline. Their sum would be the change of the score if the gradient were that of the step.
class Conductance final : public AttributionMethod {
  public:
    explicit Conductance(MethodOptions& options)
        : layer_(options.layer({"last"}, "whose spikes are followed along the path")),
          steps_(options.integer("steps", 16, 1, 100000, "points on the path")),
          baseline_(options.baseline("where the path begins; of spikes black, silence")) {
        const std::string passes = std::to_string(steps_);
        info_ = {
            .name = "conductance",
            .title = "Conductance: integrated gradients of a layer",
            .meaning =
                "signed: the part of the layer's spikes at the place in the class score's change from the baseline, "
                "summed over filters and steps",
            .cost = passes + " forward and " + passes + " backward",
            .source = "Dhamdhere, Sundararajan, Yan, ICLR 2019",
            .unit = Unit::score,
            .signed_values = true,
            .on_spikes = true,
            .needs_gradient = true};
    }

    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const Engine& engine = *context.engine;
        const Network& network = engine.network();
        const int layer = layer_ == "last" ? filter_layers(network, "conductance").back()
                                           : named_layer(network, "conductance", layer_, {"last"});
        if (request.input.spiking()) require_silence("conductance", baseline_);
        FloatArray maps(
            {request.input.samples(), 1, network.layers[layer].out_height, network.layers[layer].out_width});
        for (int64_t n = 0; n < maps.extent(0); ++n)
            add_sample(engine, request.input.select({&n, 1}), request.targets.subspan(n, 1), layer, maps.row(n));
        return resize_bilinear(maps, network.height, network.width);
    }

  private:
    /// Point k of the path: of spikes the first k/steps of the places that hold some, in order of time.
    Input point(const Input& input, const FloatArray& baseline, int64_t k) const {
        if (!input.spiking()) return path_point(input.images, baseline, k, steps_);
        Array<uint8_t> some(input.spikes.shape);
        const std::vector<int64_t> places = spike_places(input.spikes.row(0));
        const auto count = static_cast<int64_t>(places.size()) * k / steps_;
        for (int64_t i = 0; i < count; ++i) some.data[places[i]] = input.spikes.data[places[i]];
        return some;
    }

    void add_sample(const Engine& engine, const Input& input, std::span<const int> target, int layer,
                    std::span<float> map) const {
        const FloatArray baseline = input.spiking() ? FloatArray() : baseline_images(input.images, baseline_);
        FloatArray before = engine.spike_gradient(point(input, baseline, 0), target, layer).spikes;
        std::vector<double> sum(map.size());
        for (int64_t k = 1; k <= steps_; ++k) {
            SpikeGradient at = engine.spike_gradient(point(input, baseline, k), target, layer);
            for (int64_t i = 0; i < before.size(); ++i)
                sum[i % static_cast<int64_t>(sum.size())] +=
                    static_cast<double>(at.gradient.data[i]) * (at.spikes.data[i] - before.data[i]);
            before = std::move(at.spikes);
        }
        for (size_t i = 0; i < map.size(); ++i) map[i] = static_cast<float>(sum[i]);
    }

    std::string layer_;
    int64_t steps_;
    Baseline baseline_;
};

}  // namespace

MethodPointer make_conductance(MethodOptions& options) { return std::make_unique<Conductance>(options); }

}  // namespace spikelens
