#include <algorithm>
#include <numeric>

#include "spikelens/core/parallel.h"

#include "backflow.h"
#include "methods.h"
#include "sequence.h"
#include "snn/pool_windows.h"
#include "spike_copies.h"

namespace spikelens {
namespace {

/// A sample and its baseline, each simulated, and what the change from one to the other is made of. Of a neuron, from
/// the last step down, with ΔU, ΔS the change of potential and spike, g the multiplier of the spike and λ' that of the
/// next potential:
///     λ[t] = (ΔS/ΔU)·g + the multiplier of the reset · λ'
/// That of the reset is β − (θβ)·ΔS/ΔU under subtraction (delayed: θ in place of θβ), βΔV/ΔU to a value, β without one.
/// ΔU = 0 leaves the spike as it is, so 0/0 is 0 and nothing is lost. A pool or a join that chooses gives its change in
/// equal parts to the inputs whose own change went its way.
class Rescale final : public AttributionMethod {
  public:
    explicit Rescale(MethodOptions& options)
        : baseline_(options.baseline("what images are compared with; spikes with black, silence")) {
        info_ = {.name = "rescale",
                 .title = "DeepLIFT's rescale rule on the network unrolled in time",
                 .meaning = "signed: the pixel's share of the class score's change from the baseline to the image",
                 .cost = "2 forward and 1 backward sweep",
                 .source = "Shrikumar, Greenside, Kundaje, ICML 2017",
                 .unit = Unit::score,
                 .signed_values = true,
                 .on_spikes = true};
    }

    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override;
    std::optional<OwnBaseline> own_baseline(const Input& input) const override { return start_of(input, baseline_); }

  private:
    Baseline baseline_;
};

struct Run {
    const Recording& recording;
    LayerValues values;
};

class Sweep {
  public:
    Sweep(const Network& network, const LinearMaps& maps, Run& sample, Run& baseline, int64_t n, int64_t steps,
          bool constant)
        : network_(network),
          maps_(maps),
          sample_(sample),
          baseline_(baseline),
          n_(n),
          steps_(steps),
          constant_(constant),
          back_(network) {}

    /// Multipliers of the input: of an image [C·H·W], of spikes [T·C·H·W].
    std::vector<float> of_class(int target);

  private:
    std::vector<float> of_readout(int target) const;
    std::vector<float> unpool(int layer, std::vector<float> pooled);
    void to_currents(int layer, std::span<float> values) const;
    void through_weights(int layer, std::span<const float> currents);
    PartOfInput parts(int layer);

    const Network& network_;
    const LinearMaps& maps_;
    Run &sample_, &baseline_;
    int64_t n_, steps_;
    bool constant_;
    Backflow back_;
};

std::vector<float> Sweep::of_readout(int target) const {
    const int64_t classes = network_.class_count();
    std::vector<float> values(steps_ * classes);
    const std::vector<double> kept = kept_by_readout(network_.layers.back(), steps_);
    for (int64_t t = 0; t < steps_; ++t)
        values[t * classes + target] = static_cast<float>(kept[t] / static_cast<double>(steps_));
    return values;
}

std::vector<float> Sweep::unpool(int layer, std::vector<float> pooled) {
    const Layer& of = network_.layers[layer];
    if (of.pool.kind == PoolKind::none) return pooled;
    const std::vector<float>&now = sample_.values.before_pool(layer), &before = baseline_.values.before_pool(layer);
    const int64_t windows = element_count(of.pooled_shape()), size = element_count(of.output_shape());
    const auto unit = static_cast<float>(of.pool.kind == PoolKind::max ? 0 : pooled_unit(of.pool));
    std::vector<float> values(steps_ * size);
    for (int64_t w = 0; w < std::ssize(pooled); ++w) {
        const int64_t window = w % windows, first = w / windows * size;
        if (of.pool.kind != PoolKind::max) {
            for_each_in_window(of, window, [&](int64_t i) { values[first + i] += unit * pooled[w]; });
            continue;
        }
        const float change = now[first + first_maximum(of, window, &now[first])] -
                             before[first + first_maximum(of, window, &before[first])];
        if (change == 0) continue;
        const auto went = [&](int64_t i) { return (now[first + i] - before[first + i]) * change > 0; };
        int together = 0;
        for_each_in_window(of, window, [&](int64_t i) { together += went(i) ? 1 : 0; });
        for_each_in_window(of, window, [&](int64_t i) {
            if (went(i))
                values[first + i] +=
                    pooled[w] * change / (static_cast<float>(together) * (now[first + i] - before[first + i]));
        });
    }
    return values;
}

/// The multiplier of a potential, of those of its spike and of the next potential.
float through_neuron(const Neuron& neuron, float potential, float other, bool spiked, bool other_spiked, float spike,
                     float later) {
    const float change = potential - other;
    const float steep = change == 0 ? 0 : static_cast<float>(int{spiked} - int{other_spiked}) / change;
    switch (neuron.reset) {
        case Reset::subtract:
            return steep * (spike - (neuron.delay ? 1 : neuron.beta) * neuron.threshold * later) + neuron.beta * later;
        case Reset::zero: {
            const float kept = spiked ? neuron.v_reset : potential, other_kept = other_spiked ? neuron.v_reset : other;
            return steep * spike + (change == 0 ? 0 : neuron.beta * (kept - other_kept) / change * later);
        }
        case Reset::none:
            return steep * spike + neuron.beta * later;
    }
    return 0;
}

/// In: multipliers of a layer's spikes. Out: of its currents.
void Sweep::to_currents(int layer, std::span<float> values) const {
    const Layer& of = network_.layers[layer];
    const LinearMap* const recurrence = maps_.recurrence(layer);
    const LayerRecording &now = sample_.recording.layer(layer), &before = baseline_.recording.layer(layer);
    const LayerNeurons neurons(of);
    const int64_t count = std::ssize(values) / steps_;
    std::vector<float> later(count), synapse(count);
    for (int64_t t = steps_; t-- > 0;) {
        const auto at = values.subspan(t * count, count);
        if (recurrence && t + 1 < steps_) recurrence->add_transposed(values.subspan((t + 1) * count, count), at);
        for (int64_t i = 0, j = t * count; i < count; ++i, ++j) {
            const Neuron& neuron = neurons[i];
            later[i] = through_neuron(neuron, now.potentials.row(n_)[j], before.potentials.row(n_)[j],
                                      now.spikes.row(n_)[j] != 0, before.spikes.row(n_)[j] != 0, at[i], later[i]);
            synapse[i] = later[i] + neuron.alpha * synapse[i];
            at[i] = input_scale<float>(neuron) * synapse[i];
        }
    }
}

void Sweep::through_weights(int layer, std::span<const float> currents) {
    const LinearMap& map = maps_.weights(layer);
    const int from = network_.layers[layer].inputs[0];
    const int64_t outputs = map.outputs(), inputs = map.inputs();
    if (constant_ && from == kNetworkInput) {
        std::vector<float> sums(outputs);
        for (int64_t i = 0; i < std::ssize(currents); ++i) sums[i % outputs] += currents[i];
        return back_.add(from, map.apply_transposed(sums));
    }
    std::vector<float> values(steps_ * inputs);
    for (int64_t t = 0; t < steps_; ++t)
        map.add_transposed(currents.subspan(t * outputs, outputs), std::span(values).subspan(t * inputs, inputs));
    back_.add(from, std::move(values));
}

/// `and` rises with both inputs, `iand` with the first and falls with the second; `norm` has its factors.
PartOfInput Sweep::parts(int layer) {
    const Layer& of = network_.layers[layer];
    if (of.kind == LayerKind::norm) return part_at_each_step(network_, layer, sample_.values);
    const bool except = of.kind == LayerKind::except;
    const auto change = [this, &of](size_t input, size_t index) {
        return sample_.values.sent(of.inputs[input])[index] - baseline_.values.sent(of.inputs[input])[index];
    };
    const auto result = [&of, except](LayerValues& values, size_t index) {
        float all = 1;
        for (size_t i = 0; i < of.inputs.size(); ++i) {
            const float one = values.sent(of.inputs[i])[index];
            all *= except && i > 0 ? 1 - one : one;
        }
        return all;
    };
    return [this, &of, except, change, result](size_t input, size_t index) {
        const float whole = result(sample_.values, index) - result(baseline_.values, index);
        const auto went = [&](size_t i) { return whole * change(i, index) * (except && i > 0 ? -1.0F : 1.0F) > 0; };
        if (whole == 0 || !went(input)) return 0.0F;
        int together = 0;
        for (size_t i = 0; i < of.inputs.size(); ++i) together += went(i) ? 1 : 0;
        return whole / (static_cast<float>(together) * change(input, index));
    };
}

std::vector<float> Sweep::of_class(int target) {
    back_.add(static_cast<int>(network_.layers.size()) - 1, of_readout(target));
    for (int l = static_cast<int>(network_.layers.size()); l-- > 0;) {
        const Layer& layer = network_.layers[l];
        std::vector<float> values = unpool(l, back_.take(l));
        if (layer.neuron) to_currents(l, values);
        if (layer.weighted())
            through_weights(l, values);
        else
            hand_on(network_, l, values, parts(l), back_);
    }
    return back_.take(kNetworkInput);
}

/// (input − baseline) times the multipliers of sample n.
void explain_sample(const Input& input, const Input& baseline, int64_t n, std::span<const float> multipliers,
                    std::span<float> out) {
    for (size_t i = 0; i < out.size(); ++i)
        out[i] = multipliers[i] * (input.spiking() ? static_cast<float>(input.spikes.row(n)[i])
                                                   : input.images.row(n)[i] - baseline.images.row(n)[i]);
}

FloatArray Rescale::attribute(const AttributionContext& context, const AttributionRequest& request) const {
    const Engine& engine = *context.engine;
    const Network& network = engine.network();
    require_fixed_thresholds(network, "rescale");
    const Input& input = request.input;
    if (input.spiking()) require_silence("rescale", baseline_);
    const LinearMaps maps(network);
    RecordRequest wanted{.layers = {}, .spikes = true, .potentials = true};
    for (size_t l = 0; l < network.layers.size(); ++l)
        if (network.layers[l].neuron) wanted.layers.push_back(static_cast<int>(l));
    const int64_t steps = input.spiking() ? input.steps() : network.steps;
    const int threads = engine.execution().threads;
    const int64_t at_once = threads > 0 ? threads : available_threads();
    FloatArray result(input.shape());
    for (int64_t first = 0; first < input.samples(); first += at_once) {
        std::vector<int64_t> samples(std::min(at_once, input.samples() - first));
        std::iota(samples.begin(), samples.end(), first);
        const Input part = input.select(samples), other = start_of(part, baseline_).input;
        const Recording recording = engine.run(part, wanted), silent = engine.run(other, wanted);
        parallel_for(part.samples(), engine.execution(), [&](int64_t n, int) {
            Run sample{recording, {network, maps, recording, part, n, 0, steps}};
            Run baseline{silent, {network, maps, silent, other, n, 0, steps}};
            Sweep sweep(network, maps, sample, baseline, n, steps, !input.spiking());
            explain_sample(part, other, n, sweep.of_class(request.targets[first + n]), result.row(first + n));
        });
    }
    return input.spiking() ? sum_over_time(result) : result;
}

}  // namespace

MethodPointer make_rescale(MethodOptions& options) { return std::make_unique<Rescale>(options); }

}  // namespace spikelens
