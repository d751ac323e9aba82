#include <algorithm>
#include <numeric>

#include "spikelens/attribute/evidence.h"
#include "spikelens/core/error.h"
#include "spikelens/core/resize.h"

#include "methods.h"
#include "recorded_layers.h"

namespace spikelens {
namespace {

/// Weights over time, w_t in place of 1/T.
enum class TimeWeights { uniform, exponential, first };

/// Whose spikes are shown.
enum class Shown { relevant, share, all };

using Filters = std::vector<RelevantFilters::Weighted>;

/// Spikes of the filters shown in one layer, weighted and summed over filters and steps. Under uniform and
/// first weights these are whole numbers (w_t = 1 in place of 1/T: the map is scaled afterwards), so that equal pixels
/// are exactly equal; counts stay below 2^24 and are exact in float.
struct LayerEvidence {
    FloatArray sum;          ///< [1, h, w]
    double most_spikes = 0;  ///< of its most active filter, weighted
    int64_t neurons = 0;     ///< of one filter
    bool shown = false;      ///< a filter is shown here
};

/// Weighted spikes of single neurons.
class SpikeWeights {
  public:
    SpikeWeights(TimeWeights kind, double decay) : kind_(kind), decay_(decay) {}

    RecordRequest request(const std::vector<int>& layers) const {
        const bool timed = kind_ == TimeWeights::exponential;
        return {.layers = layers, .counts = !timed, .spikes = timed};
    }

    /// Σ_t w_t·Σ_f S, neuron by neuron of some filters of a layer.
    std::vector<double> sums(const LayerRecording& recorded, int64_t n, std::span<const int> filters,
                             int64_t neurons) const {
        if (kind_ == TimeWeights::exponential) return decayed(recorded.spikes.sub(n), filters, neurons);
        std::vector<double> sum(neurons);
        for (int filter : filters) {
            const auto counts = recorded.counts.row(n).subspan(filter * neurons, neurons);
            for (int64_t i = 0; i < neurons; ++i)
                sum[i] += kind_ == TimeWeights::first ? std::min<int>(counts[i], 1) : counts[i];
        }
        return sum;
    }

  private:
    /// Horner: Σ_t decay^(T−1−t)·Σ_f S_t, divided by Σ_t decay^(T−1−t). Neurons with as many spikes in every step are
    /// equal.
    std::vector<double> decayed(const ArrayView<uint8_t>& spikes, std::span<const int> filters, int64_t neurons) const {
        std::vector<double> sum(neurons);
        double total = 0;
        for (int64_t t = 0; t < spikes.shape[0]; ++t) {
            std::vector<int> now(neurons);
            for (int filter : filters) {
                const auto frame = spikes.row(t).subspan(filter * neurons, neurons);
                for (int64_t i = 0; i < neurons; ++i) now[i] += frame[i];
            }
            for (int64_t i = 0; i < neurons; ++i) sum[i] = decay_ * sum[i] + now[i];
            total = decay_ * total + 1;
        }
        for (double& value : sum) value /= total;
        return sum;
    }

    TimeWeights kind_;
    double decay_;
};

LayerEvidence layer_evidence(const Recording& recording, const Layer& layer, int index, int64_t n, const Filters& shown,
                             const SpikeWeights& weights, bool scaled) {
    LayerEvidence evidence;
    evidence.neurons = int64_t{layer.out_height} * layer.out_width;
    std::vector<int> filters;
    for (const RelevantFilters::Weighted& weighted : shown) {
        if (weighted.filter.layer == index) filters.push_back(weighted.filter.filter);
    }
    evidence.shown = !filters.empty();
    for (int filter : filters) {
        const std::vector<double> spikes = weights.sums(recording.layer(index), n, {&filter, 1}, evidence.neurons);
        evidence.most_spikes = std::max(evidence.most_spikes, std::accumulate(spikes.begin(), spikes.end(), 0.0));
    }
    std::vector<double> sum(evidence.neurons);
    if (!scaled) sum = weights.sums(recording.layer(index), n, filters, evidence.neurons);
    for (const RelevantFilters::Weighted& one : shown) {
        if (!scaled || one.filter.layer != index) continue;
        const std::vector<double> spikes =
            weights.sums(recording.layer(index), n, {&one.filter.filter, 1}, evidence.neurons);
        for (int64_t i = 0; i < evidence.neurons; ++i) sum[i] += one.weight * spikes[i];
    }
    evidence.sum = FloatArray({1, layer.out_height, layer.out_width}, std::vector<float>(sum.begin(), sum.end()));
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

/// The layer of the most active filter: highest mean firing rate spikes / (neurons · T); the first of equals.
/// Products of whole numbers are exact in double.
const LayerEvidence* most_active(const std::vector<LayerEvidence>& layers) {
    const LayerEvidence* best = nullptr;
    for (const LayerEvidence& layer : layers) {
        if (!layer.shown) continue;
        const auto spread = [](const LayerEvidence& over) { return static_cast<double>(over.neurons); };
        if (!best || layer.most_spikes * spread(*best) > best->most_spikes * spread(layer)) best = &layer;
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
    explicit Svebi(MethodOptions& options)
        : layer_(options.layer({"auto", "combined"},
                               "whose spikes are shown; auto takes that of the most active filter shown")),
          shown_(shown_of(options)),
          weights_(weights_of(options)),
          scaled_(
              shown_ != Shown::all &&
              options.choice<bool>("scale", {{"none", false}, {"weight", true}},
                                   "weight counts each filter by its weight in the μ-lasso, or by its share, beyond "
                                   "the paper")),
          mu_(shown_ == Shown::relevant
                  ? options.number("mu", 0, 0, 1e12,
                                   "the budget whose filters are relevant; the interpretation's choice unless told")
                  : 0) {
        info_ = {.name = "svebi",
                 .title = "SVEBI: spikes of the class's relevant filters",
                 .meaning = "0 to 1: where the filters relevant to the class spiked most, summed over time",
                 .cost = "1 forward",
                 .source = "De Laet, Behzadi-Khormouji, Deckers, Oramas, ECML-PKDD 2025, Sec. 4.2",
                 .class_specific = shown_ != Shown::all,
                 .on_spikes = true,
                 .needs_relevant = shown_ == Shown::relevant};
        if (shown_ == Shown::relevant) return;
        info_.title = "SVEBI without its selection: spikes of filters";
        info_.meaning = "0 to 1: where filters spiked most, summed over time";
        if (shown_ == Shown::all) return;
        info_.title = "SVEBI by share: spikes of the filters that brought something to the score";
        info_.meaning =
            "0 to 1: where the filters that brought something to the class score spiked most, summed over time";
        info_.cost = "2 forward and 1 backward sweep";
    }

    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const Network& network = context.engine->network();
        const std::vector<int> layers = chosen_layers(network);
        const std::vector<Filters> shown = filters(context, request);
        const Recording recording = context.engine->run(request.input, weights_.request(layers));
        FloatArray maps({request.input.samples(), 1, network.height, network.width});
        for (int64_t n = 0; n < maps.shape[0]; ++n) {
            std::vector<LayerEvidence> evidence;
            for (int layer : layers)
                evidence.push_back(
                    layer_evidence(recording, network.layers[layer], layer, n, shown[n], weights_, scaled_));
            std::ranges::copy(map_of(evidence, network), maps.row(n).begin());
        }
        return maps;
    }

  private:
    static Shown shown_of(MethodOptions& options) {
        const auto shown = options.choice<Shown>(
            "filters", {{"relevant", Shown::relevant}, {"share", Shown::share}, {"all", Shown::all}},
            "whose spikes are shown, beyond the paper: share, of those whose spikes brought something to the sample's "
            "score; all, whatever the class");
        options.brings("filters=relevant", "mu");
        options.brings("filters=relevant or filters=share", "scale");
        return shown;
    }

    static SpikeWeights weights_of(MethodOptions& options) {
        using enum TimeWeights;
        const auto kind = options.choice<TimeWeights>(
            "weights", {{"uniform", uniform}, {"exponential", exponential}, {"first", first}},
            "of time; exponential brings the option decay; first takes each neuron's first spike alone");
        options.brings("weights=exponential", "decay");
        return {kind, kind == exponential ? options.number("decay", 0.9, 0, 1, "per step back from the last") : 1};
    }

    std::vector<int> chosen_layers(const Network& network) const {
        const bool every = layer_ == "auto" || layer_ == "combined";
        return every ? filter_layers(network, "svebi")
                     : std::vector{named_layer(network, "svebi", layer_, {"auto", "combined"})};
    }

    double budget(const RelevantFilters& relevant) const {
        const double mu = mu_ > 0 ? mu_ : relevant.chosen_mu;
        if (std::ranges::find(relevant.budgets, mu) != relevant.budgets.end()) return mu;
        std::string known;
        for (double budget : relevant.budgets) known += (known.empty() ? "" : ", ") + number_text(budget);
        throw InputError("svebi: mu=" + number_text(mu) +
                         " was not among the budgets of the interpretation, which are " + known);
    }

    /// Of each sample, with their weights.
    std::vector<Filters> filters(const AttributionContext& context, const AttributionRequest& request) const {
        const int64_t samples = request.input.samples();
        const std::vector<FilterIndex> known = response_filters(context.engine->network());
        std::vector<Filters> shown(samples);
        if (shown_ == Shown::relevant) {
            if (context.relevant->filters != known)
                throw InputError(
                    "svebi: the relevant filters are of another network: run spikelens interpret on this one");
            const double mu = budget(*context.relevant);
            for (int64_t n = 0; n < samples; ++n) shown[n] = filters_of(*context.relevant, request.targets[n], mu);
            return shown;
        }
        DoubleArray evidence;
        if (shown_ == Shown::share)
            evidence = filter_evidence(*context.engine, request.input, request.targets, EvidenceRule::share);
        for (int64_t n = 0; n < samples; ++n)
            for (size_t i = 0; i < known.size(); ++i) {
                const double weight = shown_ == Shown::share ? evidence.row(n)[i] : 1;
                if (weight > 0) shown[n].push_back({known[i], weight});
            }
        return shown;
    }

    static Filters filters_of(const RelevantFilters& relevant, int target, double mu) {
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
    Shown shown_;
    SpikeWeights weights_;
    bool scaled_;
    double mu_;  ///< 0: the chosen one
};

}  // namespace

MethodPointer make_svebi(MethodOptions& options) { return std::make_unique<Svebi>(options); }

}  // namespace spikelens
