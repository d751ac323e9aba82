#include <algorithm>
#include <cmath>
#include <optional>

#include "spikelens/core/error.h"
#include "spikelens/core/resize.h"

#include "methods.h"
#include "recorded_layers.h"

namespace spikelens {
namespace {

/// Spikes of a class's relevant filters in one layer, summed over filters and steps: whole numbers, so that equal pixels
/// are exactly equal. Counts stay below 2^24 and are exact in float.
struct LayerEvidence {
    FloatArray sum;           ///< [1, h, w]
    int64_t most_spikes = 0;  ///< of its most active relevant filter
    int64_t neurons = 0;      ///< of one filter
    bool relevant = false;    ///< the class has a relevant filter here
};

LayerEvidence layer_evidence(const Recording& recording, const Layer& layer, int index, int64_t n,
                             const std::vector<RelevantFilters::Weighted>& relevant) {
    LayerEvidence evidence;
    evidence.neurons = int64_t{layer.out_height} * layer.out_width;
    evidence.sum = FloatArray({1, layer.out_height, layer.out_width});
    for (const RelevantFilters::Weighted& weighted : relevant) {
        if (weighted.filter.layer != index) continue;
        evidence.relevant = true;
        const auto counts =
            recording.layer(index).counts.row(n).subspan(weighted.filter.filter * evidence.neurons, evidence.neurons);
        int64_t spikes = 0;
        for (int64_t i = 0; i < evidence.neurons; ++i) {
            evidence.sum.data[i] += static_cast<float>(counts[i]);
            spikes += counts[i];
        }
        evidence.most_spikes = std::max(evidence.most_spikes, spikes);
    }
    return evidence;
}

/// To [0, 1]. A constant map says nothing about where, so it becomes zero, like an all-zero one.
void stretch(std::vector<float>& map) {
    const auto [least, most] = std::minmax_element(map.begin(), map.end());
    const float low = *least, range = *most - low;
    for (float& value : map) value = range > 0 ? (value - low) / range : 0.0F;
}

std::vector<float> heat(const LayerEvidence& evidence, const Network& network) {
    FloatArray map = resize_bilinear(evidence.sum, network.height, network.width);
    stretch(map.data);
    return std::move(map.data);
}

/// The layer of the most active relevant filter: highest mean firing rate spikes / (neurons · T), compared in whole
/// numbers; the first of equals.
const LayerEvidence* most_active(const std::vector<LayerEvidence>& layers) {
    const LayerEvidence* best = nullptr;
    for (const LayerEvidence& layer : layers) {
        if (!layer.relevant) continue;
        if (!best || layer.most_spikes * best->neurons > best->most_spikes * layer.neurons) best = &layer;
    }
    return best;
}

std::vector<float> combined(const std::vector<LayerEvidence>& layers, const Network& network) {
    std::vector<float> sum(int64_t{network.height} * network.width);
    for (const LayerEvidence& layer : layers) {
        const std::vector<float> map = heat(layer, network);
        for (size_t i = 0; i < sum.size(); ++i) sum[i] += map[i];
    }
    stretch(sum);
    return sum;
}

class Svebi final : public AttributionMethod {
  public:
    explicit Svebi(MethodOptions& options) : layer_(options.take_text("layer", "auto")) {
        const double mu = options.take_number("mu", 0, 0, 1e12);
        if (mu > 0) mu_ = mu;
        info_.name = "svebi";
        info_.title = "SVEBI: spikes of the class's relevant filters";
        info_.meaning = "0 to 1: where the filters relevant to the class spiked most, summed over time without weights";
        info_.cost = "1 forward";
        info_.source = "De Laet, Behzadi-Khormouji, Deckers, Oramas, ECML-PKDD 2025, Sec. 4.2";
        info_.options = "layer=auto|combined|<conv layer>, mu=<budget, default the chosen one>";
        info_.needs_relevant = true;
    }

    const MethodInfo& info() const override { return info_; }

    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const Network& network = context.simulator->network();
        const std::vector<int> layers = chosen_layers(network);
        if (context.relevant->filters != response_filters(network)) {
            throw InputError("svebi: the relevant filters are of another network: run spikelens interpret on this one");
        }
        const double mu = budget(*context.relevant);
        const Recording recording = context.simulator->run(request.images, {.layers = layers, .counts = true});
        FloatArray maps({request.images.shape[0], 1, network.height, network.width});
        for (int64_t n = 0; n < maps.shape[0]; ++n) {
            const auto relevant = filters_of(*context.relevant, request.targets[n], mu);
            std::vector<LayerEvidence> evidence;
            for (int layer : layers) evidence.push_back(layer_evidence(recording, network.layers[layer], layer, n, relevant));
            std::ranges::copy(map_of(evidence, network), maps.row(n).begin());
        }
        return maps;
    }

  private:
    std::vector<int> chosen_layers(const Network& network) const {
        const bool every = layer_ == "auto" || layer_ == "combined";
        return every ? filter_layers(network, "svebi")
                     : std::vector{named_layer(network, "svebi", layer_, {"auto", "combined"})};
    }

    double budget(const RelevantFilters& relevant) const {
        const double mu = mu_.value_or(relevant.chosen_mu);
        if (std::ranges::find(relevant.budgets, mu) != relevant.budgets.end()) return mu;
        std::string known;
        for (double budget : relevant.budgets) known += (known.empty() ? "" : ", ") + number_text(budget);
        throw InputError("svebi: mu=" + number_text(mu) + " was not among the budgets of the interpretation, which are " +
                         known);
    }

    static std::vector<RelevantFilters::Weighted> filters_of(const RelevantFilters& relevant, int target, double mu) {
        if (target < 0 || target >= static_cast<int>(relevant.classes.size())) {
            throw InputError("svebi: the relevant filters are of " + std::to_string(relevant.classes.size()) +
                             " classes, class " + std::to_string(target) + " is not among them");
        }
        return relevant.of(target, mu);
    }

    std::vector<float> map_of(const std::vector<LayerEvidence>& evidence, const Network& network) const {
        if (layer_ == "combined") return combined(evidence, network);
        const LayerEvidence* layer = most_active(evidence);
        return layer ? heat(*layer, network) : std::vector<float>(int64_t{network.height} * network.width);
    }

    std::string layer_;
    std::optional<double> mu_;
    MethodInfo info_;
};

}  // namespace

MethodPointer make_svebi(MethodOptions& options) { return std::make_unique<Svebi>(options); }

}  // namespace spikelens
