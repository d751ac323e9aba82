#include "share_sweep.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

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

std::vector<float> summed_over_steps(std::span<const float> values, int64_t steps) {
    const size_t count = values.size() / static_cast<size_t>(steps);
    std::vector<float> sums(count);
    for (size_t i = 0; i < values.size(); ++i) sums[i % count] += values[i];
    return sums;
}

}  // namespace

ShareSweep::ShareSweep(const Network& network, bool soft)
    : network_(network), soft_(soft), maps_(network), numbers_(layers_with_numbers(network)) {
    require_fixed_thresholds(network, "shares");
}

RecordRequest ShareSweep::request() const {
    RecordRequest request{.layers = {}, .spikes = true, .potentials = true};
    for (size_t i = 0; i < network_.layers.size(); ++i)
        if (network_.layers[i].neuron) request.layers.push_back(static_cast<int>(i));
    return request;
}

/// The adjoint of what the last layer gives at each step [T·classes]: its currents, or its spikes.
std::vector<float> ShareSweep::of_readout(int64_t steps, std::span<const float> start) const {
    const std::vector<double> kept = kept_by_readout(network_.layers.back(), steps);
    std::vector<float> share(steps * start.size());
    for (int64_t t = 0; t < steps; ++t)
        for (size_t c = 0; c < start.size(); ++c)
            share[t * start.size() + c] = static_cast<float>(kept[t] / static_cast<double>(steps) * start[c]);
    return share;
}

/// Of a sum or an average: every place under a window gets the same.
std::vector<float> ShareSweep::unpool(const Layer& layer, int64_t steps, std::span<const float> pooled) {
    const auto unit = static_cast<float>(pooled_unit(layer.pool));
    std::vector<float> share(steps * element_count(layer.output_shape()));
    const float* from = pooled.data();
    for (int64_t plane = 0; plane < steps * layer.out_channels; ++plane)
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
    return share;
}

std::vector<float> ShareSweep::unpool_max(const Layer& layer, std::span<const float> pooled,
                                          const std::vector<float>& values, bool numbers) {
    std::vector<float> share(values.size());
    const int64_t windows = element_count(layer.pooled_shape()), size = element_count(layer.output_shape());
    for (int64_t w = 0; w < static_cast<int64_t>(pooled.size()); ++w) {
        if (pooled[w] == 0) continue;
        const int64_t window = w % windows;
        float* const to = &share[w / windows * size];
        const float* const from = &values[w / windows * size];
        const float most = from[first_maximum(layer, window, from)];
        if (numbers && most == 0) continue;
        int equal = 0;
        for_each_in_window(layer, window, [&](int64_t i) { equal += from[i] == most ? 1 : 0; });
        for_each_in_window(layer, window, [&](int64_t i) {
            if (from[i] == most) to[i] += pooled[w] / static_cast<float>(equal);
        });
    }
    return share;
}

/// One step back in time of a layer's neurons. `now` holds the adjoint of their spikes before, of their potentials
/// after; of these, where what the membrane keeps is carried behind the weights, what the spikes alone add.
class ShareSweep::Step {
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
/// what is carried behind its weights. What its biases and resets brought is added to `bias`.
ShareSweep::Carried ShareSweep::to_currents(int layer, std::span<float> share, const LayerRecording& recorded,
                                            int64_t n, int64_t steps, bool constant, double& bias) const {
    const Layer& of = network_.layers[layer];
    const LinearMap* const recurrence = maps_.recurrence(layer);
    const bool behind =
        !(constant && of.inputs[0] == kNetworkInput) && !soft_ && !recurrence && of.values.empty() && of.weighted();
    const auto count = static_cast<int64_t>(share.size()) / steps;
    Step step(of, soft_, behind, count);
    std::vector<float> synapse(count);
    std::vector<double> sum(of.bias.empty() || of.kind == LayerKind::norm ? 0 : count);
    for (int64_t t = steps; t-- > 0;) {
        const auto now = share.subspan(t * count, count);
        if (recurrence && t + 1 < steps) recurrence->add_transposed(share.subspan((t + 1) * count, count), now);
        step.back(recorded.spikes.row(n).subspan(t * count, count),
                  recorded.potentials.row(n).subspan(t * count, count), now, bias);
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
    if (of.kind == LayerKind::norm) bias += bias_share(of, std::span<const float>(share));
    if (!sum.empty()) bias += bias_share(of, std::span<const double>(sum));
    return behind ? Carried{of.neuron->beta, of.neuron->alpha} : Carried{};
}

void ShareSweep::through_weights(int layer, std::span<const float> currents, int64_t steps, bool constant,
                                 Carried carried, Backflow& back) const {
    const LinearMap& map = maps_.weights(layer);
    const int from = network_.layers[layer].inputs[0];
    if (constant && from == kNetworkInput)
        return back.add(from, map.apply_transposed(summed_over_steps(currents, steps)));
    const int64_t size = map.inputs();
    std::vector<float> before(steps * size);
    for (int64_t t = 0; t < steps; ++t)
        map.add_transposed(currents.subspan(t * map.outputs(), map.outputs()),
                           std::span(before).subspan(t * size, size));
    for (const float kept : {carried.membrane, carried.synapse})
        for (int64_t i = (steps - 1) * size; kept != 0 && i-- > 0;) before[i] += kept * before[i + size];
    back.add(from, std::move(before));
}

ShareSweep::Result ShareSweep::sweep(const Recording& recording, const Input& input, int64_t n,
                                     std::span<const float> start, const Visit& visit) const {
    const int64_t steps = input.spiking() ? input.steps() : network_.steps;
    LayerValues values(network_, maps_, recording, input, n, 0, steps);
    Result result;
    Backflow back(network_);
    back.add(static_cast<int>(network_.layers.size()) - 1, of_readout(steps, start));
    for (int l = static_cast<int>(network_.layers.size()); l-- > 0;) {
        const Layer& layer = network_.layers[l];
        std::vector<float> share = back.take(l);
        if (layer.pool.kind == PoolKind::max)
            share = unpool_max(layer, share, values.before_pool(l), numbers_[l]);
        else if (layer.pool.kind != PoolKind::none)
            share = unpool(layer, steps, share);
        Carried carried;
        const bool constant = !input.spiking();
        if (layer.neuron) {
            if (visit) visit({l, share, recording.layer(l).spikes.row(n), result.bias});
            carried = to_currents(l, share, recording.layer(l), n, steps, constant, result.bias);
        } else {
            result.bias += bias_share(layer, std::span<const float>(share));
        }
        if (layer.weighted())
            through_weights(l, share, steps, constant, carried, back);
        else
            hand_on(network_, l, share, part_at_each_step(network_, l, values), back);
    }
    result.share = back.take(kNetworkInput);
    return result;
}

}  // namespace spikelens
