#include <algorithm>
#include <cmath>
#include <numeric>

#include "gradient_pass.h"
#include "lower.h"
#include "record.h"
#include "simulator_plan.h"

namespace spikelens {
namespace {

/// [step][row][column][padded] to [T, C, H, W]
void unpack(const float* packed, int64_t steps, int64_t pixels, int padded, int channels, std::span<float> out) {
    for (int64_t step = 0; step < steps; ++step)
        unpack_channels(packed + step * pixels * padded, pixels, padded, channels, out.data() + step * channels * pixels);
}

/// Room for so many values, whatever they are.
float* room(AlignedVector<float>& buffer, int64_t size) {
    if (static_cast<int64_t>(buffer.size()) < size) buffer.resize(size);
    return buffer.data();
}

class ExactPass final : public GradientPass {
  public:
    ExactPass(const Simulator::Plan& plan, const std::vector<LayerAdjoint>& adjoints, int threads)
        : settings_(plan.settings({})), adjoints_(adjoints), worker_(settings_, threads), potentials_(adjoints.size()) {}

    /// Whole numbers are spikes: their currents are exact sums too.
    void forward(const ShownSample& shown, std::span<float> scores) override {
        shown_ = shown;
        Sample sample{0, shown.values, nullptr, shown.steps, !shown.constant};
        if (!shown.constant && counts_spikes(shown.values)) {
            pack(shown);
            sample = {0, {}, &worker_.packed, shown.steps};
        }
        const SpikeMap* input = sample.spikes;
        for (size_t l = 0; l < adjoints_.size(); ++l) {
            LayerPass pass(worker_, sample, static_cast<int>(l), input, maps_[l % 2]);
            if (!layer(l).neuron) return pass.read_out(scores);
            pass.fire(room(potentials_[l], shown.steps * adjoints_[l].frame()));
            pass.pool();
            input = &pass.output();
        }
        count_scores(sample, *input, settings_.signals.back().sent, scores);
    }

    void input_gradient(int target, std::span<float> gradient) override {
        down_to(0, target);
        const Network& network = settings_.network;
        unpack(gradient_.data(), shown_.constant ? 1 : shown_.steps, int64_t{network.height} * network.width, network.channels,
               network.channels, gradient);
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

    void pack(const ShownSample& shown) {
        const Network& network = settings_.network;
        const std::vector<uint8_t> counts(shown.values.begin(), shown.values.end());
        const unsigned most = *std::ranges::max_element(counts);
        pack_spikes({{shown.steps, network.channels, network.height, network.width}, counts},
                    std::max(1, static_cast<int>(std::bit_width(most))), worker_.packed);
    }

    /// gradient_ becomes that of what goes into layer `end`, or of what comes out of the last one.
    void down_to(size_t end, int target) {
        const size_t last = adjoints_.size() - 1;
        if (layer(last).neuron) {
            gradient_.assign(shown_.steps * adjoints_[last].output_size(), 0.0F);
            for (int64_t step = 0; step < shown_.steps; ++step)
                gradient_[step * adjoints_[last].output_size() + target] = 1.0F / static_cast<float>(shown_.steps);
        }
        for (size_t l = adjoints_.size(); l-- > end;) layer(l).neuron ? through(l) : through_readout(l, target);
    }

    void through(size_t l) {
        const bool constant = l == 0 && shown_.constant;
        const int64_t steps = constant ? 1 : shown_.steps;
        const float* const to_spikes = unpooled(l);
        adjoints_[l].unfire(shown_.steps, constant, potentials_[l].data(), to_spikes);
        adjoints_[l].unweigh(steps, potentials_[l].data(), room(gradient_, steps * adjoints_[l].input_size()));
    }

    /// A readout is linear: one step backward, in its share of the score, stands for all.
    void through_readout(size_t l, int target) {
        const int64_t size = adjoints_[l].input_size();
        const std::vector<double> shares = shares_of_steps(layer(l), shown_.steps);
        std::vector<float> score(adjoints_[l].frame());
        score[target] = 1;
        if (l == 0 && shown_.constant) {
            score[target] = static_cast<float>(std::accumulate(shares.begin(), shares.end(), 0.0));
            return adjoints_[l].unweigh(1, score.data(), room(gradient_, size));
        }
        std::vector<float> row(size);
        adjoints_[l].unweigh(1, score.data(), row.data());
        float* const all = room(gradient_, shown_.steps * size);
        for (int64_t step = 0; step < shown_.steps; ++step)
            for (int64_t i = 0; i < size; ++i) all[step * size + i] = static_cast<float>(shares[step]) * row[i];
    }

    /// The gradient of a layer's spikes from that of its output.
    const float* unpooled(size_t l) {
        if (layer(l).pool.kind == PoolKind::none && adjoints_[l].frame() == adjoints_[l].output_size()) return gradient_.data();
        float* const to_spikes = room(to_spikes_, shown_.steps * adjoints_[l].frame());
        adjoints_[l].unpool(shown_.steps, potentials_[l].data(), gradient_.data(), to_spikes);
        return to_spikes;
    }

    RunSettings settings_;
    const std::vector<LayerAdjoint>& adjoints_;
    Worker worker_;
    LayerMaps maps_[2];
    ShownSample shown_;
    std::vector<AlignedVector<float>> potentials_;  ///< of the layers with neurons, then the gradients of their currents
    AlignedVector<float> gradient_, to_spikes_;
};

}  // namespace

bool counts_spikes(std::span<const float> values) {
    return std::ranges::all_of(values, [](float value) { return value >= 0 && value <= 255 && value == std::trunc(value); });
}

std::vector<double> shares_of_steps(const Layer& readout, int steps) {
    std::vector<double> shares(steps);
    double share = 1;
    for (int t = steps; t-- > 0; share *= static_cast<double>(readout.readout_beta)) shares[t] = share / steps;
    return shares;
}

ExactGradient::ExactGradient(const Simulator::Plan& plan, const Surrogate& surrogate) : plan_(plan) {
    const std::vector<Layer>& layers = plan.network->layers;
    for (size_t l = 0; l < layers.size(); ++l) adjoints_.emplace_back(layers[l], plan.layers[l], *plan.kernels, surrogate);
}

/// Potentials of all neurons, the gradients on both sides of a layer, and the lists of what is not zero of some pixels.
int64_t ExactGradient::bytes(int steps, int planes) const {
    int64_t kept = 0, largest = 0, lists = 0;
    for (size_t l = 0; l < adjoints_.size(); ++l) {
        const LayerAdjoint& adjoint = adjoints_[l];
        kept += adjoint.frame();
        largest = std::max(largest, adjoint.frame() + std::max(adjoint.input_size(), adjoint.output_size()));
        lists = std::max<int64_t>(lists, 12 * kernels::kSpreadPixels * plan_.layers[l].out_channels);
    }
    const int64_t currents = planes > 0 ? adjoints_.front().frame() : 0;  // of a sequence that is no spikes
    return sample_memory(plan_.settings({}), {}, steps, planes).plain + 4 * steps * (kept + largest + currents) + lists;
}

std::unique_ptr<GradientPass> ExactGradient::make_pass(int threads) const {
    return std::make_unique<ExactPass>(plan_, adjoints_, threads);
}

}  // namespace spikelens
