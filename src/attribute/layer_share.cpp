#include "layer_share.h"

#include "spikelens/core/error.h"
#include "spikelens/core/resize.h"

#include "recorded_layers.h"

namespace spikelens {
namespace {

class LayerShare final : public AttributionMethod {
  public:
    LayerShare(const std::string& name, std::string layer, bool relevant, const ShareOptions& shares, bool timed)
        : layer_(std::move(layer)), relevant_(relevant), shares_(shares) {
        info_ = {
            .name = name,
            .title = "Membrane share of a layer's spikes",
            .meaning = "signed: what the layer's spikes at the place paid for the class score, summed over its filters",
            .cost = "1 forward and 1 backward sweep",
            .source = kShareSource,
            .unit = Unit::score,
            .signed_values = true,
            .on_spikes = true,
            .timed = timed,
            .needs_relevant = relevant};
    }

    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const Network& network = context.engine->network();
        const int index = named_layer(network, info_.name, layer_, {"input"});
        const Layer& layer = network.layers[index];
        const Input& input = request.input;
        const int64_t steps = input.spiking() ? input.steps() : network.steps;
        const int64_t pixels = int64_t{layer.out_height} * layer.out_width;
        FloatArray maps({input.samples(), info_.timed ? steps : 1, 1, layer.out_height, layer.out_width});
        std::vector<std::vector<bool>> shown;
        for (const int target : request.targets) shown.push_back(filters(context, target, index, layer.out_channels));
        const auto add = [&](int64_t n, const ShareSweep::LayerShares& shares) {
            if (shares.layer != index) return;
            std::vector<double> sum(maps.row_size());
            for (size_t i = 0; i < shares.spikes.size(); ++i) {
                const auto place = static_cast<int64_t>(i);
                if (shares.spikes[i] == 0 || !shown[n][place / pixels % layer.out_channels]) continue;
                const int64_t step = info_.timed ? place / pixels / layer.out_channels : 0;
                sum[step * pixels + place % pixels] += shares.share[i];
            }
            for (size_t i = 0; i < sum.size(); ++i) maps.row(n)[i] = static_cast<float>(sum[i]);
        };
        share_out(
            *context.engine, input, request.targets, shares_, [](int64_t, const Shares&) {}, add);
        if (!info_.timed) maps.shape.erase(maps.shape.begin() + 1);
        return resize_bilinear(maps, network.height, network.width);
    }

  private:
    std::vector<bool> filters(const AttributionContext& context, int target, int layer, int count) const {
        std::vector<bool> shown(count, !relevant_);
        if (!relevant_) return shown;
        if (context.relevant->filters != response_filters(context.engine->network()))
            throw InputError(info_.name +
                             ": the relevant filters are of another network: run spikelens interpret on this one");
        for (const RelevantFilters::Weighted& one : context.relevant->of(target))
            if (one.filter.layer == layer) shown[one.filter.filter] = true;
        return shown;
    }

    std::string layer_;
    bool relevant_;
    ShareOptions shares_;
};

}  // namespace

MethodPointer make_layer_share(MethodOptions& options, const ShareOptions& shares, const std::string& name,
                               bool timed) {
    const std::string layer =
        options.layer({"input"}, "whose spikes' shares are shown, summed over filters and resized");
    options.brings("a layer of the network (layer=conv1)", "filters");
    options.brings("layer=input", timed ? "passes" : "baseline");
    if (layer == "input") return nullptr;
    const bool relevant = options.choice<bool>("filters", {{"all", false}, {"relevant", true}},
                                               "which of the layer's filters are summed; relevant: those of the class");
    return std::make_unique<LayerShare>(name, layer, relevant, shares, timed);
}

}  // namespace spikelens
