#include "relevance_sweep.h"

#include <algorithm>
#include <numeric>

#include "spikelens/core/error.h"

namespace spikelens {
namespace {

double total(std::span<const float> values) { return std::accumulate(values.begin(), values.end(), 0.0); }

/// Calls visit(window, the places of its neurons, row-major) for each window of a layer's pool.
template <class Visit>
void for_each_window(const Layer& layer, const Visit& visit) {
    const Pool& pool = layer.pool;
    const int64_t windows = int64_t{layer.pooled_height} * layer.pooled_width;
    std::vector<int64_t> places;
    for (int64_t w = 0; w < layer.out_channels * windows; ++w) {
        const int64_t row = w / windows * layer.out_height + w % windows / layer.pooled_width * pool.stride;
        const int64_t column = w % layer.pooled_width * pool.stride;
        places.clear();
        for (int64_t y = row; y < row + pool.size; ++y)
            for (int64_t x = column; x < column + pool.size; ++x) places.push_back(y * layer.out_width + x);
        visit(w, places);
    }
}

/// What a layer sends after its pool, of spikes at one step.
std::vector<float> pooled(const Layer& layer, std::span<const float> spikes) {
    if (layer.pool.kind == PoolKind::none) return {spikes.begin(), spikes.end()};
    std::vector<float> sent(int64_t{layer.out_channels} * layer.pooled_height * layer.pooled_width);
    const auto unit = static_cast<float>(pooled_unit(layer.pool));
    for_each_window(layer, [&](int64_t w, std::span<const int64_t> places) {
        for (const int64_t place : places)
            sent[w] = layer.pool.kind == PoolKind::max ? std::max(sent[w], spikes[place]) : sent[w] + unit * spikes[place];
    });
    return sent;
}

/// To the winner of a max-pool, the first of equals; else in proportion. `spikes`: at a step, or their number.
std::vector<float> unpooled(const Layer& layer, std::span<const float> relevance, std::span<const float> spikes) {
    if (layer.pool.kind == PoolKind::none) return {relevance.begin(), relevance.end()};
    std::vector<float> result(spikes.size());
    for_each_window(layer, [&](int64_t w, std::span<const int64_t> places) {
        if (relevance[w] == 0) return;
        if (layer.pool.kind == PoolKind::max) {
            const auto winner = std::ranges::max_element(places, {}, [&](int64_t place) { return spikes[place]; });
            result[*winner] += relevance[w];
            return;
        }
        double sum = 0;
        for (const int64_t place : places) sum += spikes[place];
        for (const int64_t place : places) result[place] += static_cast<float>(relevance[w] * (spikes[place] / sum));
    });
    return result;
}

double above_zero(double value) { return std::max(0.0, value); }

/// Back in time through what keeps a part of itself: relevance of each step in, relevance of what came in at the step out.
/// kept[t]: of the state before; came[t]: at this step.
void pass_back(std::span<double> relevance, std::span<const double> kept, std::span<const double> came, std::span<double> back,
               std::span<double> lost) {
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

}  // namespace

RelevanceSweep::RelevanceSweep(const Network& network, AlphaBeta::Rule rule) : network_(network) {
    require_chain(network, "relevance");
    const Layer& last = network.layers.back();
    if (!last.neuron && last.pool.kind != PoolKind::none)
        throw InputError("relevance: the readout " + last.name + " pools currents, which relevance does not pass");
    for (const Layer& layer : network.layers) maps_.emplace_back(layer, rule);
}

RecordRequest RelevanceSweep::request() const {
    RecordRequest request{.layers = {}, .spikes = true, .potentials = true};
    for (size_t i = 0; i < network_.layers.size(); ++i)
        if (network_.layers[i].neuron) request.layers.push_back(static_cast<int>(i));
    return request;
}

/// One sample on its way down.
class RelevanceSweep::Walk {
  public:
    Walk(const RelevanceSweep& sweep, const Recording& recording, const Input& input, int64_t n, int64_t steps)
        : sweep_(sweep), network_(sweep.network_), recording_(recording), input_(input), n_(n), steps_(steps) {}

    Result averaged(int target);
    Result timed(int target);

  private:
    std::vector<float> spikes_at(size_t layer, int64_t step) const {
        const auto spikes = recording_.layer(static_cast<int>(layer)).spikes.sub(n_).row(step);
        return {spikes.begin(), spikes.end()};
    }

    /// What the layer reads at a step.
    std::vector<float> inputs_at(size_t layer, int64_t step) const {
        if (layer > 0) return pooled(network_.layers[layer - 1], spikes_at(layer - 1, step));
        if (!input_.spiking()) return {input_.images.row(n_).begin(), input_.images.row(n_).end()};
        const auto spikes = input_.spikes.sub(n_).row(step);
        return {spikes.begin(), spikes.end()};
    }

    template <class At>
    std::vector<float> mean_over_steps(const At& at) const {
        std::vector<double> sum;
        for (int64_t t = 0; t < steps_; ++t) {
            const std::vector<float> step = at(t);
            sum.resize(step.size());
            for (size_t i = 0; i < step.size(); ++i) sum[i] += step[i];
        }
        std::vector<float> mean;
        for (const double value : sum) mean.push_back(static_cast<float>(value / static_cast<double>(steps_)));
        return mean;
    }

    void from_score(int target);
    void through_neurons(size_t layer);
    void through_weights(size_t layer);
    void through_pool(size_t layer);
    void count(const Passed& passed);
    std::vector<std::vector<double>> readout_currents(size_t layer) const;

    std::span<float> at(int64_t step) {
        const auto size = relevance_.size() / static_cast<size_t>(steps_);
        return std::span(relevance_).subspan(static_cast<size_t>(step) * size, size);
    }

    const RelevanceSweep& sweep_;
    const Network& network_;
    const Recording& recording_;
    const Input& input_;
    int64_t n_, steps_;
    std::vector<float> relevance_;  ///< [T, …] of what the sweep has reached
    std::vector<Passed> passed_;    ///< of the layer at work, one for each step
    Result result_;
};

void RelevanceSweep::Walk::count(const Passed& passed) {
    result_.passed.push_back(passed);
    result_.bias += passed.bias;
    result_.lost += passed.lost;
}

RelevanceSweep::Result RelevanceSweep::Walk::averaged(int target) {
    result_.whole = recording_.scores.row(n_)[target];
    relevance_.assign(network_.class_count(), 0);
    relevance_[target] = static_cast<float>(result_.whole);
    for (size_t l = network_.layers.size(); l-- > 0;) {
        if (network_.layers[l].neuron)
            relevance_ = unpooled(network_.layers[l], relevance_, mean_over_steps([&](int64_t t) { return spikes_at(l, t); }));
        const std::vector<float> inputs = mean_over_steps([&](int64_t t) { return inputs_at(l, t); });
        const double in = total(relevance_);
        auto [relevance, bias, lost] = sweep_.maps_[l].pass(relevance_, inputs);
        relevance_ = std::move(relevance);
        count({static_cast<int>(l), 0, in, total(relevance_), bias, lost});
    }
    result_.relevance = std::move(relevance_);
    return std::move(result_);
}

RelevanceSweep::Result RelevanceSweep::Walk::timed(int target) {
    result_.whole = recording_.scores.row(n_)[target];
    from_score(target);
    for (size_t l = network_.layers.size(); l-- > 0;) {
        if (network_.layers[l].neuron) through_pool(l);
        passed_.assign(steps_, {});
        through_neurons(l);
        through_weights(l);
        for (int64_t t = steps_; t-- > 0;) count(passed_[t]);
    }
    result_.relevance = std::move(relevance_);
    return std::move(result_);
}

/// An equal part for each output spike, or the score at the readout's last step.
void RelevanceSweep::Walk::from_score(int target) {
    const int64_t classes = network_.class_count();
    relevance_.assign(steps_ * classes, 0);
    const size_t last = network_.layers.size() - 1;
    if (!network_.layers[last].neuron) {
        at(steps_ - 1)[target] = static_cast<float>(result_.whole);
        return;
    }
    for (int64_t t = 0; t < steps_; ++t)
        at(t)[target] = pooled(network_.layers[last], spikes_at(last, t))[target] / static_cast<float>(steps_);
}

void RelevanceSweep::Walk::through_pool(size_t layer) {
    std::vector<float> all;
    for (int64_t t = 0; t < steps_; ++t) {
        const std::vector<float> step = unpooled(network_.layers[layer], at(t), spikes_at(layer, t));
        all.insert(all.end(), step.begin(), step.end());
    }
    relevance_ = std::move(all);
}

/// [outputs][T]
std::vector<std::vector<double>> RelevanceSweep::Walk::readout_currents(size_t layer) const {
    std::vector<std::vector<double>> currents(network_.class_count(), std::vector<double>(steps_));
    for (int64_t t = 0; t < steps_; ++t) {
        const std::vector<double> step = sweep_.maps_[layer].currents(inputs_at(layer, t));
        for (size_t c = 0; c < step.size(); ++c) currents[c][t] = step[c];
    }
    return currents;
}

/// From the layer's spikes (or the score) to its currents.
void RelevanceSweep::Walk::through_neurons(size_t layer) {
    const Layer& of = network_.layers[layer];
    const Neuron neuron = of.neuron.value_or(Neuron{.beta = of.readout_beta, .reset = Reset::none});
    const std::vector<std::vector<double>> of_readout =
        of.neuron ? std::vector<std::vector<double>>() : readout_currents(layer);
    std::vector<double> came(steps_), kept, potentials(steps_), spikes(steps_), back(steps_), lost(steps_), values(steps_);
    const auto count = relevance_.size() / static_cast<size_t>(steps_);
    for (size_t i = 0; i < count; ++i) {
        for (int64_t t = 0; t < steps_; ++t) values[t] = at(t)[i];
        if (std::ranges::all_of(values, [](double value) { return value == 0; })) continue;
        for (int64_t t = 0; t < steps_; ++t) {
            passed_[t].in += values[t];
            if (of.neuron) {
                const LayerRecording& recorded = recording_.layer(static_cast<int>(layer));
                potentials[t] = recorded.potentials.sub(n_).row(t)[i];
                spikes[t] = recorded.spikes.sub(n_).row(t)[i];
            } else {
                potentials[t] = of_readout[i][t] + (t > 0 ? neuron.beta * potentials[t - 1] : 0);
            }
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
        passed_[t].layer = static_cast<int>(layer);
        passed_[t].step = t;
        passed_[t].lost += lost[t];
        passed_[t].out += back[t];
        if (t + 1 < steps_) passed_[t].in += back[t + 1];
    }
}

void RelevanceSweep::Walk::through_weights(size_t layer) {
    std::vector<float> all;
    for (int64_t t = 0; t < steps_; ++t) {
        const auto [relevance, bias, lost] = sweep_.maps_[layer].pass(at(t), inputs_at(layer, t));
        passed_[t].out += total(relevance);
        passed_[t].bias += bias;
        passed_[t].lost += lost;
        all.insert(all.end(), relevance.begin(), relevance.end());
    }
    relevance_ = std::move(all);
}

RelevanceSweep::Result RelevanceSweep::averaged(const Recording& recording, const Input& input, int64_t n, int64_t steps,
                                                int target) const {
    return Walk(*this, recording, input, n, steps).averaged(target);
}

RelevanceSweep::Result RelevanceSweep::timed(const Recording& recording, const Input& input, int64_t n, int64_t steps,
                                             int target) const {
    return Walk(*this, recording, input, n, steps).timed(target);
}

}  // namespace spikelens
