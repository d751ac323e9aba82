#include "relevance_sweep.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "spikelens/core/error.h"

#include "backflow.h"
#include "snn/pool_windows.h"

namespace spikelens {
namespace {

double total(std::span<const float> values) { return std::accumulate(values.begin(), values.end(), 0.0); }

double above_zero(double value) { return std::max(0.0, value); }

/// Back in time through what keeps a part of itself: relevance of each step in, relevance of what came in at the step
/// out. kept[t]: of the state before; came[t]: at this step.
void pass_back(std::span<double> relevance, std::span<const double> kept, std::span<const double> came,
               std::span<double> back, std::span<double> lost) {
    double from_later = 0;
    for (size_t t = relevance.size(); t-- > 0;) {
        const double arrived = relevance[t] + from_later, sum = above_zero(kept[t]) + above_zero(came[t]);
        from_later = sum > 0 ? arrived * (above_zero(kept[t]) / sum) : 0;
        relevance[t] = sum > 0 ? arrived - from_later : 0;
        back[t] += from_later;
        if (sum == 0) lost[t] += arrived;
    }
}

/// What is left at each step of one neuron's membrane after the reset of the step before.
std::vector<double> carried(const Neuron& neuron, std::span<const double> potentials, std::span<const double> spikes) {
    std::vector<double> result(potentials.size());
    for (size_t t = 1; t < potentials.size(); ++t) {
        const double before = potentials[t - 1], fired = spikes[t - 1], beta = neuron.beta;
        result[t] = beta * before;
        if (fired == 0) continue;
        if (neuron.reset == Reset::zero) result[t] = beta * neuron.v_reset;
        if (neuron.reset == Reset::subtract) result[t] -= (neuron.delay ? 1.0 : beta) * neuron.threshold;
    }
    return result;
}

/// The αβ-rule for a sum of terms of weight 1: what one of them gets of the relevance of the sum.
class Sum {
  public:
    /// Of numbers, none of which is below 0, the positive terms alone count.
    Sum(AlphaBeta::Rule rule, bool numbers) : alpha_(numbers ? 1 : rule.alpha) {}

    void add(double term) { (term > 0 ? above_ : below_) += term; }
    double part(double term) const {
        const double sum = term > 0 ? above_ : below_, factor = term > 0 ? alpha_ : 1 - alpha_;
        return sum == 0 ? 0 : factor * (term / sum);
    }
    /// What no term gets.
    double lost() const { return (above_ > 0 ? 0 : alpha_) + (below_ < 0 ? 0 : 1 - alpha_); }

  private:
    double alpha_, above_ = 0, below_ = 0;
};

void require_positive_gains(const Network& network) {
    for (const Layer& layer : network.layers) {
        if (!layer.weighted() && layer.neuron && input_scale<float>(*layer.neuron) < 0)
            throw InputError("relevance: layer " + layer.name +
                             ", a sum, has a gain below 0; expected a gain of at least 0");
        for (const NeuronValue& value : layer.values)
            if (value.field == "gain" && std::ranges::any_of(value.values.data, [](float gain) { return gain < 0; }))
                throw InputError("relevance: neurons of layer " + layer.name +
                                 " have gains below 0 that differ; expected one gain, or gains of at least 0");
    }
}

}  // namespace

RelevanceSweep::RelevanceSweep(const Network& network, AlphaBeta::Rule rule)
    : network_(network),
      rule_(rule),
      weights_(network),
      numbers_(layers_with_numbers(network)),
      maps_(network.layers.size()) {
    require_no_recurrence(network, "relevance", "what its own spikes brought is not part of the method");
    require_no_norms(network, "relevance",
                     "a rule for its factors and terms is not part of the method; shares have one");
    require_positive_gains(network);
    for (size_t l = 0; l < network.layers.size(); ++l)
        if (network.layers[l].weighted()) maps_[l].emplace(network.layers[l], rule);
}

RecordRequest RelevanceSweep::request() const {
    RecordRequest request{.layers = {}, .spikes = true, .potentials = true};
    for (size_t i = 0; i < network_.layers.size(); ++i)
        if (network_.layers[i].neuron) request.layers.push_back(static_cast<int>(i));
    return request;
}

/// One sample on its way down: in frames, which are the steps, or one of their mean.
class RelevanceSweep::Walk {
  public:
    Walk(const RelevanceSweep& sweep, const Recording& recording, const Input& input, int64_t n, int64_t steps,
         bool timed)
        : sweep_(sweep),
          network_(sweep.network_),
          recording_(recording),
          input_(input),
          n_(n),
          steps_(steps),
          timed_(timed),
          values_(network_, sweep.weights_, recording, input, n, 0, steps),
          means_(2 * network_.layers.size()),
          back_(network_) {}

    Result run(int target);

  private:
    int64_t frames() const { return timed_ ? steps_ : 1; }
    std::vector<float> start(int target);
    /// A frame of values [T, …] that change over time; `kept` holds their mean.
    std::span<const float> frame_of(const std::vector<float>& values, int64_t frame, std::vector<float>& kept) const;
    std::span<const float> before_pool(int layer, int64_t frame) {
        return frame_of(values_.before_pool(layer), frame, means_[2 * layer]);
    }
    std::span<const float> sent(int layer, int64_t frame);
    std::span<const float> from_input(int64_t frame);

    void through_pool(int layer);
    void through_time(int layer);
    void through_weights(int layer);
    void through_sum(int layer);
    void through_join(int layer);
    void count();

    std::span<float> at(int64_t frame) {
        const auto size = relevance_.size() / static_cast<size_t>(frames());
        return std::span(relevance_).subspan(static_cast<size_t>(frame) * size, size);
    }

    const RelevanceSweep& sweep_;
    const Network& network_;
    const Recording& recording_;
    const Input& input_;
    int64_t n_, steps_;
    bool timed_;
    LayerValues values_;
    std::vector<std::vector<float>> means_;  ///< of each layer before its pool and after it
    std::vector<float> mean_input_;
    Backflow back_;
    std::vector<float> relevance_;  ///< [frame, …] of the layer at work
    std::vector<Passed> passed_;    ///< likewise
    Result result_;
};

RelevanceSweep::Result RelevanceSweep::Walk::run(int target) {
    result_.whole = recording_.scores.row(n_)[target];
    const int last = static_cast<int>(network_.layers.size()) - 1;
    back_.add(last, start(target));
    for (int l = last; l >= 0; --l) {
        relevance_ = back_.take(l);
        passed_.assign(frames(), {.layer = l});
        for (int64_t f = 0; f < frames(); ++f) passed_[f].step = f, passed_[f].in = total(at(f));
        if (network_.layers[l].pool.kind != PoolKind::none) through_pool(l);
        if (timed_ && (network_.layers[l].neuron || l == last)) through_time(l);
        if (network_.layers[l].weighted())
            through_weights(l);
        else if (network_.layers[l].kind == LayerKind::add)
            through_sum(l);
        else
            through_join(l);
        count();
    }
    result_.relevance = back_.take(kNetworkInput);
    return std::move(result_);
}

void RelevanceSweep::Walk::count() {
    for (int64_t f = frames(); f-- > 0;) {
        result_.passed.push_back(passed_[f]);
        result_.bias += passed_[f].bias;
        result_.lost += passed_[f].lost;
    }
}

/// The score; where there are steps an equal part for each output spike, or the score at the readout's last step.
std::vector<float> RelevanceSweep::Walk::start(int target) {
    const int last = static_cast<int>(network_.layers.size()) - 1;
    const int64_t classes = network_.class_count();
    std::vector<float> relevance(frames() * classes);
    if (!timed_ || !network_.layers[last].neuron) {
        relevance[(frames() - 1) * classes + target] = static_cast<float>(result_.whole);
        return relevance;
    }
    for (int64_t t = 0; t < steps_; ++t)
        relevance[t * classes + target] = sent(last, t)[target] / static_cast<float>(steps_);
    return relevance;
}

std::span<const float> RelevanceSweep::Walk::frame_of(const std::vector<float>& values, int64_t frame,
                                                      std::vector<float>& kept) const {
    const size_t size = values.size() / static_cast<size_t>(steps_);
    if (timed_) return std::span(values).subspan(static_cast<size_t>(frame) * size, size);
    if (!kept.empty()) return kept;
    std::vector<double> sum(size);
    for (size_t i = 0; i < values.size(); ++i) sum[i % size] += values[i];
    for (const double value : sum) kept.push_back(static_cast<float>(value / static_cast<double>(steps_)));
    return kept;
}

std::span<const float> RelevanceSweep::Walk::sent(int layer, int64_t frame) {
    if (layer == kNetworkInput) return from_input(frame);
    return frame_of(values_.sent(layer), frame, means_[2 * layer + 1]);
}

std::span<const float> RelevanceSweep::Walk::from_input(int64_t frame) {
    if (!input_.spiking()) return input_.images.row(n_);
    const auto spikes = input_.spikes.row(n_);
    if (timed_) {
        const auto step = input_.spikes.sub(n_).row(frame);
        mean_input_.assign(step.begin(), step.end());
        return mean_input_;
    }
    return frame_of({spikes.begin(), spikes.end()}, frame, mean_input_);
}

/// To the winner of a max-pool, the first of equals; else as a sum.
void RelevanceSweep::Walk::through_pool(int layer) {
    const Layer& of = network_.layers[layer];
    const int64_t size = element_count(of.output_shape());
    std::vector<float> all(frames() * size);
    for (int64_t f = 0; f < frames(); ++f) {
        const std::span<const float> values = before_pool(layer, f), from = at(f);
        float* const to = &all[f * size];
        for (int64_t w = 0; w < static_cast<int64_t>(from.size()); ++w) {
            if (from[w] == 0) continue;
            if (of.pool.kind == PoolKind::max) {
                to[first_maximum(of, w, values.data())] += from[w];
                continue;
            }
            Sum sum(sweep_.rule_, sweep_.numbers_[layer]);
            for_each_in_window(of, w, [&](int64_t place) { sum.add(values[place]); });
            for_each_in_window(
                of, w, [&](int64_t place) { to[place] += static_cast<float>(from[w] * sum.part(values[place])); });
            passed_[f].lost += from[w] * sum.lost();
        }
    }
    relevance_ = std::move(all);
}

/// From the layer's spikes (or the score) to what it was given.
void RelevanceSweep::Walk::through_time(int layer) {
    const Layer& of = network_.layers[layer];
    const std::optional<LayerNeurons> neurons = of.neuron ? std::optional<LayerNeurons>(of) : std::nullopt;
    const Neuron readout{.beta = of.readout_beta, .reset = Reset::none, .alpha = of.readout_alpha};
    std::vector<double> came(steps_), kept, potentials(steps_), spikes(steps_), back(steps_), lost(steps_),
        values(steps_);
    const auto count = static_cast<int64_t>(relevance_.size()) / steps_;
    for (int64_t i = 0; i < count; ++i) {
        for (int64_t t = 0; t < steps_; ++t) values[t] = at(t)[i];
        if (std::ranges::all_of(values, [](double value) { return value == 0; })) continue;
        const Neuron& neuron = neurons ? (*neurons)[i] : readout;
        double current = 0;  // of a readout
        for (int64_t t = 0; t < steps_; ++t) {
            const float before = before_pool(layer, t)[i];
            spikes[t] = of.neuron ? before : 0;
            current = neuron.alpha * current + before;
            potentials[t] = of.neuron ? recording_.layer(layer).potentials.sub(n_).row(t)[i]
                                      : current + (t > 0 ? neuron.beta * potentials[t - 1] : 0);
        }
        kept = carried(neuron, potentials, spikes);
        for (int64_t t = 0; t < steps_; ++t) came[t] = potentials[t] - kept[t];
        pass_back(values, kept, came, back, lost);
        if (neuron.alpha > 0) {  // came is the synapse's current, of which a part stems from the step before
            for (int64_t t = steps_; t-- > 0;) kept[t] = t > 0 ? neuron.alpha * came[t - 1] : 0;
            for (int64_t t = 0; t < steps_; ++t) came[t] -= kept[t];
            pass_back(values, kept, came, back, lost);
        }
        for (int64_t t = 0; t < steps_; ++t) at(t)[i] = static_cast<float>(values[t]);
    }
    for (int64_t t = 0; t < steps_; ++t) {
        passed_[t].lost += lost[t];
        passed_[t].out += back[t];
        if (t + 1 < steps_) passed_[t].in += back[t + 1];
    }
}

void RelevanceSweep::Walk::through_weights(int layer) {
    const int from = network_.layers[layer].inputs[0];
    std::vector<float> all;
    for (int64_t f = 0; f < frames(); ++f) {
        const auto [relevance, bias, lost] = sweep_.maps_[layer]->pass(at(f), sent(from, f));
        passed_[f].out += total(relevance);
        passed_[f].bias += bias;
        passed_[f].lost += lost;
        all.insert(all.end(), relevance.begin(), relevance.end());
    }
    back_.add(from, std::move(all));
}

void RelevanceSweep::Walk::through_sum(int layer) {
    const std::vector<int>& inputs = network_.layers[layer].inputs;
    const bool numbers = std::ranges::none_of(inputs, [&](int input) { return sweep_.sends_currents(input); });
    std::vector<std::vector<float>> parts(inputs.size());
    for (int64_t f = 0; f < frames(); ++f) {
        const std::span<const float> from = at(f);
        for (std::vector<float>& part : parts) part.resize(part.size() + from.size());
        for (size_t i = 0; i < from.size(); ++i) {
            if (from[i] == 0) continue;
            Sum sum(sweep_.rule_, numbers);
            for (const int input : inputs) sum.add(sent(input, f)[i]);
            for (size_t k = 0; k < inputs.size(); ++k) {
                const double part = from[i] * sum.part(sent(inputs[k], f)[i]);
                parts[k][f * from.size() + i] = static_cast<float>(part);
                passed_[f].out += part;
            }
            passed_[f].lost += from[i] * sum.lost();
        }
    }
    for (size_t k = 0; k < inputs.size(); ++k) back_.add(inputs[k], std::move(parts[k]));
}

/// Channels to the input that they are of; an equal part to all inputs of `and`, all to the first of `iand`.
void RelevanceSweep::Walk::through_join(int layer) {
    const Layer& of = network_.layers[layer];
    for (int64_t f = 0; f < frames(); ++f) passed_[f].out += total(at(f));
    const auto part = [&](size_t input, size_t) {
        if (of.kind == LayerKind::except) return input == 0 ? 1.0F : 0.0F;
        return 1.0F / static_cast<float>(of.inputs.size());
    };
    hand_on(network_, layer, relevance_, part, back_);
}

bool RelevanceSweep::sends_currents(int layer) const { return !numbers_[layer]; }

RelevanceSweep::Result RelevanceSweep::averaged(const Recording& recording, const Input& input, int64_t n,
                                                int64_t steps, int target) const {
    return Walk(*this, recording, input, n, steps, false).run(target);
}

RelevanceSweep::Result RelevanceSweep::timed(const Recording& recording, const Input& input, int64_t n, int64_t steps,
                                             int target) const {
    require_fixed_thresholds(network_, "relevance back in time");
    return Walk(*this, recording, input, n, steps, true).run(target);
}

}  // namespace spikelens
