#include "share_sweep.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <numbers>
#include <utility>

#include "spikelens/core/parallel.h"

#include "snn/lower.h"
#include "snn/pool_windows.h"

namespace spikelens {
namespace {

/// What of the membrane after a spike came from before it, per unit of the potential that spiked.
float kept_by_spike(const Neuron& neuron, float potential) {
    switch (neuron.reset) {
        case Reset::subtract:
            return neuron.delay ? neuron.beta - neuron.threshold / potential
                                : neuron.beta * (1 - neuron.threshold / potential);
        case Reset::zero:
            return 0;
        case Reset::none:
            return neuron.beta;
    }
    return 0;
}

float softness(const Neuron& neuron, float potential) {
    const float distance = std::numbers::pi_v<float> * (potential / neuron.threshold - 1);
    return 0.3F / (1 + distance * distance);
}

/// What a layer's biases brought, of the adjoint of its currents at some steps [C·H·W]; of `norm` at all of them.
template <class Real>
double bias_share(const Layer& layer, std::span<const Real> currents) {
    if (layer.bias.empty()) return 0;
    const int64_t pixels = int64_t{layer.out_height} * layer.out_width;
    double sum = 0;
    for (size_t i = 0; i < currents.size(); ++i)
        sum += double{currents[i]} * layer.bias.data[i / pixels % layer.bias.data.size()];
    return sum;
}

/// Neurons spiked where their potentials [T·C·H·W] passed the threshold.
std::vector<uint8_t> spikes_of(const Layer& layer, std::span<const float> potentials) {
    const LayerNeurons neurons(layer);
    std::vector<float> fire_above;
    for (int64_t i = 0; i < neurons.count(); ++i) fire_above.push_back(lower_neuron<float>(neurons[i]).fire_above);
    std::vector<uint8_t> spikes(potentials.size());
    if (fire_above.size() == 1)
        for (size_t i = 0; i < spikes.size(); ++i) spikes[i] = potentials[i] > fire_above[0] ? 1 : 0;
    else
        for (size_t i = 0; i < spikes.size(); ++i)
            spikes[i] = potentials[i] > fire_above[i % fire_above.size()] ? 1 : 0;
    return spikes;
}

std::vector<float> summed_over_steps(std::span<const float> values, int64_t steps) {
    const size_t count = values.size() / static_cast<size_t>(steps);
    std::vector<float> sums(count);
    for (size_t i = 0; i < values.size(); ++i) sums[i % count] += values[i];
    return sums;
}

/// The values of one step, of [T·C·H·W].
template <class Values>
std::vector<float> at_step(const Values& values, int64_t step, int64_t size) {
    const auto first = values.begin() + step * size;
    return {first, first + size};
}

}  // namespace

ShareSweep::ShareSweep(const Network& network, bool soft)
    : network_(network), soft_(soft), maps_(network), numbers_(layers_with_numbers(network)) {
    require_fixed_thresholds(network, "shares");
}

ShareSweep::Walk::Walk(const ShareSweep& sweep, const Input& input, int64_t n, std::span<const float> start,
                       Execution execution, Visit visit)
    : sweep_(sweep),
      network_(sweep.network_),
      input_(input),
      n_(n),
      steps_(input.spiking() ? input.steps() : network_.steps),
      constant_(!input.spiking()),
      execution_(std::move(execution)),
      visit_(std::move(visit)),
      back_(network_),
      next_(static_cast<int>(network_.layers.size())) {
    back_.add(next_ - 1, of_readout(start));
}

/// The adjoint of what the last layer gives at each step [T·classes]: its currents, or its spikes.
std::vector<float> ShareSweep::Walk::of_readout(std::span<const float> start) const {
    const std::vector<double> kept = kept_by_readout(network_.layers.back(), steps_);
    std::vector<float> share(steps_ * start.size());
    for (int64_t t = 0; t < steps_; ++t)
        for (size_t c = 0; c < start.size(); ++c)
            share[t * start.size() + c] = static_cast<float>(kept[t] / static_cast<double>(steps_) * start[c]);
    return share;
}

void ShareSweep::Walk::for_each_step(const std::function<void(int64_t)>& body) const {
    parallel_for(steps_, execution_, [&](int64_t t, int) { body(t); });
}

/// Of a sum or an average: every place under a window gets the same.
std::vector<float> ShareSweep::Walk::unpool(const Layer& layer, std::span<const float> pooled) const {
    const auto unit = static_cast<float>(pooled_unit(layer.pool));
    const int64_t planes = layer.out_channels, windows = element_count(layer.pooled_shape());
    std::vector<float> share(steps_ * element_count(layer.output_shape()));
    for_each_step([&](int64_t t) {
        const float* from = &pooled[t * windows];
        for (int64_t plane = t * planes; plane < (t + 1) * planes; ++plane)
            for (int row = 0; row < layer.pooled_height; ++row, from += layer.pooled_width) {
                const PoolSide rows = rows_under(layer.pool, row, layer.out_height);
                for (int y = rows.first; y < rows.end; ++y) {
                    float* const to = &share[(plane * layer.out_height + y) * layer.out_width];
                    for (int column = 0; column < layer.pooled_width; ++column) {
                        const PoolSide columns = columns_under(layer.pool, column, layer.out_width);
                        for (int x = columns.first; x < columns.end; ++x) to[x] += unit * from[column];
                    }
                }
            }
    });
    return share;
}

std::vector<float> ShareSweep::Walk::unpool_max(int l, std::span<const float> pooled,
                                                const ValuesOfStep& values) const {
    const Layer& layer = network_.layers[l];
    const int64_t windows = element_count(layer.pooled_shape()), size = element_count(layer.output_shape());
    std::vector<float> share(steps_ * size);
    for_each_step([&](int64_t t) {
        float* const to = &share[t * size];
        const std::vector<float> from = values(t);
        for (int64_t window = 0; window < windows; ++window) {
            const float brought = pooled[t * windows + window];
            if (brought == 0) continue;
            const float most = from[first_maximum(layer, window, from.data())];
            if (sweep_.numbers_[l] && most == 0) continue;
            int equal = 0;
            for_each_in_window(layer, window, [&](int64_t i) { equal += from[i] == most ? 1 : 0; });
            for_each_in_window(layer, window, [&](int64_t i) {
                if (from[i] == most) to[i] += brought / static_cast<float>(equal);
            });
        }
    });
    return share;
}

/// One step back in time of a layer's neurons. `now` holds the adjoint of their spikes before, of their potentials
/// after; of these, where what the membrane keeps is carried behind the weights, what the spikes alone add.
class ShareSweep::Walk::Step {
  public:
    Step(const Layer& layer, bool soft, bool behind, int64_t count)
        : neurons_(layer), uniform_(layer.values.empty()), soft_(soft), behind_(behind), later_(count) {}

    const LayerNeurons& neurons() const { return neurons_; }
    /// The adjoint of the potentials at the step that was gone back last.
    std::span<const float> adjoint() const { return later_; }

    void back(std::span<const uint8_t> spikes, std::span<const float> potentials, std::span<float> now, double& bias) {
        constexpr size_t together = 8;
        const auto count = now.size();
        for (size_t i = 0; i < count; i += together) {
            uint64_t any = 1;
            if (uniform_ && !soft_ && i + together <= count) std::memcpy(&any, &spikes[i], sizeof any);
            if (any == 0)
                silent(&later_[i], &now[i]);
            else
                for (size_t j = i; j < std::min(count, i + together); ++j)
                    one(j, spikes[j] != 0, potentials[j], now[j], bias);
        }
    }

  private:
    /// Eight of one kind.
    void silent(float* __restrict later, float* __restrict now) const {
        const float beta = neurons_[0].beta;
        for (int i = 0; i < 8; ++i) {
            later[i] *= beta;
            now[i] = behind_ ? 0 : later[i];
        }
    }

    void one(size_t i, bool spiked, float potential, float& now, double& bias) {
        const Neuron& neuron = neurons_[static_cast<int64_t>(i)];
        const float after = later_[i];
        float& later = later_[i];
        float added = 0;  // beside β·after
        if (spiked) {
            if (neuron.reset == Reset::zero) bias += double{neuron.beta} * neuron.v_reset * after;
            added = now / potential + (kept_by_spike(neuron, potential) - neuron.beta) * after;
        } else if (soft_) {
            const float p = softness(neuron, potential);
            added = p * (now / neuron.threshold - neuron.beta * after);
        }
        later = neuron.beta * after + added;
        now = behind_ ? added : later;
    }

    LayerNeurons neurons_;
    bool uniform_, soft_, behind_;
    std::vector<float> later_;
};

/// In: the adjoint of a layer's spikes [T·C·H·W]. Out: of its currents, before the gain of weights and biases, less
/// what is carried behind its weights. What its biases and resets brought is added to the result's.
ShareSweep::Walk::Carried ShareSweep::Walk::to_currents(int layer, std::span<float> share,
                                                        std::span<const uint8_t> spikes,
                                                        std::span<const float> potentials) {
    const Layer& of = network_.layers[layer];
    const LinearMap* const recurrence = sweep_.maps_.recurrence(layer);
    const bool behind = !(constant_ && of.inputs[0] == kNetworkInput) && !sweep_.soft_ && !recurrence &&
                        of.values.empty() && of.weighted();
    const auto count = static_cast<int64_t>(share.size()) / steps_;
    Step step(of, sweep_.soft_, behind, count);
    std::vector<float> synapse(count);
    std::vector<double> sum(of.bias.empty() || of.kind == LayerKind::norm ? 0 : count);
    for (int64_t t = steps_; t-- > 0;) {
        const auto now = share.subspan(t * count, count);
        if (recurrence && t + 1 < steps_) recurrence->add_transposed(share.subspan((t + 1) * count, count), now);
        step.back(spikes.subspan(t * count, count), potentials.subspan(t * count, count), now, result_.bias);
        const auto through_synapse = [&, later = step.adjoint().data()](int64_t i, float scale, float alpha) {
            synapse[i] = later[i] + alpha * synapse[i];
            if (!sum.empty()) sum[i] += double{scale * synapse[i]};
            now[i] = scale * (behind ? now[i] : synapse[i]);
        };
        if (!of.values.empty()) {
            for (int64_t i = 0; i < count; ++i)
                through_synapse(i, input_scale<float>(step.neurons()[i]), step.neurons()[i].alpha);
            continue;
        }
        const float scale = input_scale<float>(*of.neuron), alpha = of.neuron->alpha;
        if (behind && sum.empty() && scale == 1) continue;  // what the spikes add is there
        for (int64_t i = 0; i < count; ++i) through_synapse(i, scale, alpha);
    }
    if (of.kind == LayerKind::norm) result_.bias += bias_share(of, std::span<const float>(share));
    if (!sum.empty()) result_.bias += bias_share(of, std::span<const double>(sum));
    return behind ? Carried{of.neuron->beta, of.neuron->alpha} : Carried{};
}

void ShareSweep::Walk::through_weights(int layer, std::span<const float> currents, Carried carried) {
    const LinearMap& map = sweep_.maps_.weights(layer);
    const int from = network_.layers[layer].inputs[0];
    if (constant_ && from == kNetworkInput)
        return back_.add(from, map.apply_transposed(summed_over_steps(currents, steps_)));
    const int64_t size = map.inputs();
    std::vector<float> before(steps_ * size);
    for_each_step([&](int64_t t) {
        map.add_transposed(currents.subspan(t * map.outputs(), map.outputs()),
                           std::span(before).subspan(t * size, size));
    });
    for (const float kept : {carried.membrane, carried.synapse})
        for (int64_t i = (steps_ - 1) * size; kept != 0 && i-- > 0;) before[i] += kept * before[i + size];
    back_.add(from, std::move(before));
}

void ShareSweep::Walk::through(int l, const Recording& recording, LayerValues& values) {
    const Layer& layer = network_.layers[l];
    std::span<const float> potentials;
    std::vector<uint8_t> spikes;
    if (layer.neuron) {
        potentials = recording.layer(l).potentials.row(n_);
        spikes = spikes_of(layer, potentials);
    }
    std::vector<float> share = back_.take(l);
    const int64_t size = element_count(layer.output_shape());
    if (layer.pool.kind == PoolKind::max && layer.neuron)
        share = unpool_max(l, share, [&](int64_t t) { return at_step(spikes, t, size); });
    else if (layer.pool.kind == PoolKind::max)
        share = unpool_max(l, share, [&, &all = values.before_pool(l)](int64_t t) { return at_step(all, t, size); });
    else if (layer.pool.kind != PoolKind::none)
        share = unpool(layer, share);
    Carried carried;
    if (layer.neuron) {
        if (visit_) visit_({l, share, spikes, result_.bias});
        carried = to_currents(l, share, spikes, potentials);
        std::vector<uint8_t>().swap(spikes);
    } else {
        result_.bias += bias_share(layer, std::span<const float>(share));
    }
    if (layer.weighted())
        through_weights(l, share, carried);
    else
        hand_on(network_, l, share, part_at_each_step(network_, l, values), back_);
}

void ShareSweep::Walk::down(const SharePart& part, const Recording& recording) {
    LayerValues values(network_, sweep_.maps_, recording, input_, n_, 0, steps_);
    while (next_ > part.first) through(--next_, recording, values);
}

ShareSweep::Result ShareSweep::Walk::result() {
    assert(next_ == 0);
    result_.share = back_.take(kNetworkInput);
    return std::move(result_);
}

}  // namespace spikelens
