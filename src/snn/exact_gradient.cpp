#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <utility>

#include "gradient_pass.h"
#include "lower.h"
#include "record.h"
#include "sample_walk.h"
#include "simulator_plan.h"

namespace spikelens {
namespace {

/// [step][row][column][padded] to [T, C, H, W]
void unpack(const float* packed, int64_t steps, int64_t pixels, int padded, int channels, std::span<float> out) {
    for (int64_t step = 0; step < steps; ++step)
        unpack_channels(packed + step * pixels * padded, pixels, padded, channels,
                        out.data() + step * channels * pixels);
}

/// Room for so many values, whatever they are.
float* room(AlignedVector<float>& buffer, int64_t size) {
    if (static_cast<int64_t>(buffer.size()) < size) buffer.resize(size);
    return buffer.data();
}

class ExactPass final : public GradientPass {
  public:
    ExactPass(const Simulator::Plan& plan, const std::vector<LayerAdjoint>& adjoints, int threads)
        : settings_(plan.settings({})),
          adjoints_(adjoints),
          worker_(settings_, threads),
          maps_(settings_.slot_count()),
          potentials_(adjoints.size()),
          flows_(adjoints.size() + 1) {}

    /// Whole numbers are spikes: their currents are exact sums too.
    void forward(const ShownSample& shown, std::span<float> scores) override {
        shown_ = shown;
        Sample sample{0, shown.values, nullptr, shown.steps, !shown.constant};
        if (!shown.constant && counts_spikes(shown.values)) {
            pack(shown);
            sample = {0, {}, &worker_.packed, shown.steps};
        }
        SampleWalk walk(worker_, sample, maps_);
        for (size_t l = 0; l < adjoints_.size(); ++l) {
            worker_.keeps_potentials = !fires_again(l);
            AlignedVector<float>& kept = fires_again(l) ? worker_.currents : worker_.potentials;
            std::swap(kept, potentials_[l]);
            walk.layer(static_cast<int>(l), scores, nullptr);
            std::swap(kept, potentials_[l]);
            if (!layer(l).neuron && layer(l).pool.kind == PoolKind::max) keep_pooled_values(l);
        }
    }

    void input_gradient(int target, std::span<float> gradient) override {
        down_to(0, target);
        const Network& network = settings_.network;
        unpack(flows_[0].data(), shown_.constant ? 1 : shown_.steps, int64_t{network.height} * network.width,
               network.channels, network.channels, gradient);
    }

    void spike_gradient(int target, int index, std::span<float> spikes, std::span<float> gradient) override {
        down_to(index + 1, target);
        const auto l = static_cast<size_t>(index);
        const int64_t pixels = int64_t{layer(l).out_height} * layer(l).out_width;
        const int padded = settings_.layers[l].padded(), channels = layer(l).out_channels;
        unpack(unpooled(l), shown_.steps, pixels, padded, channels, gradient);
        unpack(potentials_[l].data(), shown_.steps, pixels, padded, channels, spikes);
        const float fire_above = lower_neuron<float>(*layer(l).neuron).fire_above;
        for (float& value : spikes) value = value > fire_above ? 1.0F : 0.0F;
    }

  private:
    const Layer& layer(size_t l) const { return settings_.network.layers[l]; }
    /// Of what a layer sends, or of the network's input.
    AlignedVector<float>& flow(int from) { return flows_[from + 1]; }
    bool image(int from) const { return from == kNetworkInput && shown_.constant; }
    /// Whether a layer's currents are kept in place of its potentials: they are the same at every step.
    bool fires_again(size_t l) const {
        return layer(l).weighted() && image(layer(l).inputs[0]) && !settings_.general[l].needed() &&
               adjoints_[l].can_fire_again() && shown_.layer != static_cast<int>(l);
    }

    void pack(const ShownSample& shown) {
        const Network& network = settings_.network;
        const std::vector<uint8_t> counts(shown.values.begin(), shown.values.end());
        const unsigned most = *std::ranges::max_element(counts);
        pack_spikes({{shown.steps, network.channels, network.height, network.width}, counts},
                    std::max(1, static_cast<int>(std::bit_width(most))), worker_.packed);
    }

    /// What a max-pool chose from, where it is no spikes of neurons, in place of potentials.
    void keep_pooled_values(size_t l) {
        const LayerMaps& maps = maps_[settings_.slots[l]];
        CurrentMap numbers;
        const bool currents = settings_.signals[l].fired.currents;
        if (!currents) {
            numbers.reset(layer(l).output_shape(), shown_.steps, settings_.layers[l].padded());
            add_as_currents(maps.spikes, 1, 0, numbers);
        }
        const AlignedVector<float>& values = currents ? maps.currents.values : numbers.values;
        potentials_[l].clear();
        while (static_cast<int64_t>(potentials_[l].size()) < shown_.steps * adjoints_[l].frame())
            potentials_[l].insert(potentials_[l].end(), values.begin(), values.end());
    }

    /// The flows become those of what goes into layer `end`, or comes out of the last one.
    void down_to(size_t end, int target) {
        for (AlignedVector<float>& one : flows_)
            if (!one.empty()) spare_.push_back(std::exchange(one, {}));
        const size_t last = adjoints_.size() - 1;
        const bool reads_out = layer(last).weighted() && !layer(last).neuron && layer(last).pool.kind == PoolKind::none;
        if (!reads_out) start(last, target);
        for (size_t l = adjoints_.size(); l-- > end;) {
            if (l == last && reads_out)
                through_readout(l, target);
            else if (!flow(static_cast<int>(l)).empty())
                through(l);
        }
        if (end == 0) reach(kNetworkInput);
    }

    void start(size_t last, int target) {
        const std::vector<double> shares = shares_of_steps(layer(last), shown_.steps);
        float* const gradient = room_for(static_cast<int>(last), shown_.steps * adjoints_[last].output_size());
        std::fill_n(gradient, shown_.steps * adjoints_[last].output_size(), 0.0F);
        for (int64_t step = 0; step < shown_.steps; ++step)
            gradient[step * adjoints_[last].output_size() + target] =
                layer(last).neuron ? 1.0F / static_cast<float>(shown_.steps) : static_cast<float>(shares[step]);
    }

    /// Zeros, where nothing has come.
    void reach(int from) {
        if (!flow(from).empty()) return;
        const Network& network = settings_.network;
        const int64_t size =
            from == kNetworkInput ? element_count(network.input_shape()) : adjoints_[from].output_size();
        flow(from).assign((image(from) ? 1 : shown_.steps) * size, 0.0F);
    }

    /// Where a gradient of so many values is to be written that goes to `from`; and what adds it there.
    float* room_for(int from, int64_t size) {
        AlignedVector<float>& to = flow(from);
        if (!to.empty()) return room(more_, size);
        if (!spare_.empty()) to = std::move(spare_.back()), spare_.pop_back();
        to.resize(size);
        return to.data();
    }
    void release(size_t l) { spare_.push_back(std::exchange(flow(static_cast<int>(l)), {})); }
    void bring(int from, const float* gradient, int64_t size) {
        float* __restrict to = flow(from).data();
        if (gradient == to) return;
        for (int64_t i = 0; i < size; ++i) to[i] += gradient[i];
    }

    void through(size_t l) {
        const LayerAdjoint& adjoint = adjoints_[l];
        const bool constant = layer(l).weighted() && image(layer(l).inputs[0]);
        const float* gradient = layer(l).neuron ? potentials_[l].data() : unpooled(l);
        if (layer(l).neuron) {
            const float* const output = flow(static_cast<int>(l)).data();
            if (fires_again(l))
                adjoint.unfire_again(shown_.steps, potentials_[l].data(), output);
            else
                adjoint.unfire(shown_.steps, constant, potentials_[l].data(), output, to_spikes_);
            release(l);
        } else if (constant) {
            float* const sum = room(potentials_[l], adjoint.frame());
            for (int64_t i = 0; i < adjoint.frame(); ++i) sum[i] = gradient[i];
            for (int64_t i = adjoint.frame(); i < shown_.steps * adjoint.frame(); ++i)
                sum[i % adjoint.frame()] += gradient[i];
            gradient = sum;
        }
        int channel = 0;
        for (const int from : layer(l).inputs) {
            const int64_t steps = constant ? 1 : shown_.steps;
            const int64_t size = steps * (layer(l).weighted() ? adjoint.input_size() : adjoints_[from].output_size());
            float* const to = room_for(from, size);
            if (layer(l).weighted())
                adjoint.unweigh(steps, gradient, to);
            else
                adjoint.unjoin(steps, gradient, channel, layer(from).out_channels, to);
            bring(from, to, size);
            if (layer(l).kind == LayerKind::concat) channel += layer(from).out_channels;
        }
        if (!layer(l).neuron) release(l);
    }

    /// A readout is linear: one step backward, in its share of the score, stands for all.
    void through_readout(size_t l, int target) {
        const int64_t size = adjoints_[l].input_size();
        const std::vector<double> shares = shares_of_steps(layer(l), shown_.steps);
        const int from = layer(l).inputs[0];
        std::vector<float> score(adjoints_[l].frame());
        score[target] = 1;
        if (image(from)) {
            score[target] = static_cast<float>(std::accumulate(shares.begin(), shares.end(), 0.0));
            return adjoints_[l].unweigh(1, score.data(), room_for(from, size));
        }
        std::vector<float> row(size);
        adjoints_[l].unweigh(1, score.data(), row.data());
        float* const all = room_for(from, shown_.steps * size);
        for (int64_t step = 0; step < shown_.steps; ++step)
            for (int64_t i = 0; i < size; ++i) all[step * size + i] = static_cast<float>(shares[step]) * row[i];
    }

    /// The gradient of a layer's spikes, or of what it has in their place, from that of its output.
    const float* unpooled(size_t l) {
        reach(static_cast<int>(l));
        const float* const gradient = flow(static_cast<int>(l)).data();
        if (!adjoints_[l].pools()) return gradient;
        float* const to_spikes = room(to_spikes_, shown_.steps * adjoints_[l].frame());
        adjoints_[l].unpool(shown_.steps, potentials_[l].data(), gradient, to_spikes);
        return to_spikes;
    }

    RunSettings settings_;
    const std::vector<LayerAdjoint>& adjoints_;
    Worker worker_;
    std::vector<LayerMaps> maps_;
    ShownSample shown_;
    /// Of the layers with neurons, then the gradients of their currents; currents where fires_again; of others what a
    /// max-pool chooses from.
    std::vector<AlignedVector<float>> potentials_;
    std::vector<AlignedVector<float>> flows_;  ///< of the network's input first; empty where nothing has come
    std::vector<AlignedVector<float>> spare_;  ///< those that have been used
    AlignedVector<float> more_, to_spikes_;
};

}  // namespace

bool counts_spikes(std::span<const float> values) {
    return std::ranges::all_of(values,
                               [](float value) { return value >= 0 && value <= 255 && value == std::trunc(value); });
}

std::vector<double> shares_of_steps(const Layer& readout, int steps) {
    std::vector<double> shares = kept_by_readout(readout, steps);
    for (double& share : shares) share /= steps;
    return shares;
}

ExactGradient::ExactGradient(const Simulator::Plan& plan, const Surrogate& surrogate) : plan_(plan) {
    const std::vector<Layer>& layers = plan.network->layers;
    for (size_t l = 0; l < layers.size(); ++l)
        adjoints_.emplace_back(layers[l], plan.layers[l], *plan.kernels, surrogate);
}

bool ExactGradient::can(const Network& network) { return std::ranges::all_of(network.layers, LayerAdjoint::can); }

namespace {

/// The most that flows hold at once, in values of one step.
int64_t largest_flows(const Network& network, const std::vector<LayerAdjoint>& adjoints) {
    std::vector<int64_t> flows(adjoints.size() + 1);
    int64_t held = flows.back() = adjoints.back().output_size(), most = held;
    for (size_t l = adjoints.size(); l-- > 0;) {
        if (network.layers[l].neuron) held -= std::exchange(flows[l + 1], 0);
        int64_t more = 0;
        for (const int from : network.layers[l].inputs) {
            int64_t& flow = flows[from + 1];
            const int64_t size =
                from == kNetworkInput ? element_count(network.input_shape()) : adjoints[from].output_size();
            if (flow > 0) more = std::max(more, size);
            held += size - std::exchange(flow, size);
        }
        most = std::max(most, held + more + adjoints[l].frame());
        held -= std::exchange(flows[l + 1], 0);
    }
    return most;
}

}  // namespace

/// Potentials of all neurons, the gradients on all sides of the layers, and the lists of what is not zero of some
/// pixels.
int64_t ExactGradient::bytes(int steps, int planes) const {
    int64_t kept = largest_flows(*plan_.network, adjoints_), lists = 0;
    for (size_t l = 0; l < adjoints_.size(); ++l) {
        const Layer& layer = plan_.network->layers[l];
        if (layer.neuron || layer.pool.kind == PoolKind::max) kept += adjoints_[l].frame();
        lists = std::max<int64_t>(lists, 4 * kernels::kSpreadPixels * (plan_.layers[l].padded() + 16));
    }
    const int64_t currents = planes > 0 ? adjoints_.front().frame() : 0;  // of a sequence that is no spikes
    return sample_memory(plan_.settings({}), {}, steps, planes).plain + 4 * steps * (kept + currents) + lists;
}

std::unique_ptr<GradientPass> ExactGradient::make_pass(int threads) const {
    return std::make_unique<ExactPass>(plan_, adjoints_, threads);
}

}  // namespace spikelens
