#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"

#include "attribute/share_sweep.h"
#include "gate_reference.h"
#include "small_network.h"

namespace spikelens {
namespace {

using test::Matrix;
using test::Vector;

/// Follows one contribution forwards, in double and with dense matrices: what it makes of every current, potential and spike.
/// Shares no code with the sweep, which goes backwards.
class Forwards {
  public:
    Forwards(const Network& network, const Recording& recording, int64_t n, int64_t steps, bool soft)
        : network_(network), recording_(recording), n_(n), steps_(steps), soft_(soft) {
        for (const Layer& layer : network.layers) weights_.push_back(test::dense(layer));
    }

    /// Part of each score that the input `frames` [T][C·H·W] brings.
    Vector of_input(const std::vector<Vector>& frames) const {
        std::vector<Vector> currents;
        for (const Vector& frame : frames) currents.push_back(product(weights_[0], frame));
        return from(0, currents);
    }

    /// Part of each score that a layer's biases bring.
    Vector of_bias(size_t layer) const {
        const Layer& of = network_.layers[layer];
        Vector current(weights_[layer].rows);
        const int64_t pixels = weights_[layer].rows / of.out_channels;
        for (int64_t i = 0; of.has_bias && i < weights_[layer].rows; ++i) current[i] = of.bias.data[i / pixels];
        return from(layer, std::vector<Vector>(steps_, current));
    }

    /// Part of each score that a layer's resets to v_reset bring.
    Vector of_resets(size_t layer) const {
        std::vector<Vector> none(steps_, Vector(weights_[layer].rows));
        return from(layer, none, true);
    }

  private:
    Vector from(size_t layer, std::vector<Vector> currents, bool resets = false) const {
        for (size_t l = layer; l < network_.layers.size(); ++l) {
            const Layer& of = network_.layers[l];
            if (!of.neuron) return readout(of, currents);
            std::vector<Vector> spikes = through(of, static_cast<int>(l), currents, resets && l == layer);
            if (l + 1 == network_.layers.size()) return counted(spikes);
            spikes = pooled(of, static_cast<int>(l), spikes);
            currents.clear();
            for (const Vector& step : spikes) currents.push_back(product(weights_[l + 1], step));
        }
        return {};
    }

    bool spiked(int layer, int64_t t, size_t i) const { return recording_.layer(layer).spikes.sub(n_).row(t)[i] != 0; }

    std::vector<Vector> through(const Layer& layer, int index, const std::vector<Vector>& currents, bool resets) const {
        const Neuron& neuron = *layer.neuron;
        const double beta = neuron.beta, threshold = neuron.threshold;
        const ArrayView<float> potentials = recording_.layer(index).potentials.sub(n_);
        std::vector<Vector> spikes(steps_, Vector(currents[0].size()));
        for (size_t i = 0; i < currents[0].size(); ++i) {
            double synapse = 0, membrane = 0;  // after the step
            for (int64_t t = 0; t < steps_; ++t) {
                const double scale = neuron.gain * (neuron.decay_input ? 1 - beta : 1);
                synapse = neuron.alpha * synapse + scale * currents[t][i];
                const double potential = potentials.row(t)[i];
                const double part = membrane + synapse;
                const double distance = std::numbers::pi * (potential / threshold - 1);
                const double soft = soft_ && !spiked(index, t, i) ? 0.3 / (1 + distance * distance) : 0;
                spikes[t][i] = spiked(index, t, i) ? part / potential : soft * part / threshold;
                membrane = beta * (1 - soft) * part;
                if (!spiked(index, t, i)) continue;
                const double share = part / potential;
                if (neuron.reset == Reset::subtract)
                    membrane = neuron.delay ? beta * part - threshold * share : beta * (part - threshold * share);
                if (neuron.reset == Reset::zero) membrane = resets ? beta * double{neuron.v_reset} : 0;
            }
        }
        return spikes;
    }

    std::vector<Vector> pooled(const Layer& layer, int index, const std::vector<Vector>& spikes) const {
        if (layer.pool.kind == PoolKind::none) return spikes;
        std::vector<Vector> all;
        const int64_t windows = int64_t{layer.out_channels} * layer.pooled_height * layer.pooled_width;
        for (int64_t t = 0; t < steps_; ++t) {
            Vector step(windows);
            for (int64_t w = 0; w < windows; ++w) {
                double spiking = 0, sum = 0;
                for (size_t i = 0; i < spikes[t].size(); ++i) {
                    if (!test::in_window(layer, w, static_cast<int64_t>(i))) continue;
                    const bool counts = layer.pool.kind != PoolKind::max || spiked(index, t, i);
                    if (counts) sum += spikes[t][i];
                    spiking += spiked(index, t, i) ? 1 : 0;
                }
                if (layer.pool.kind == PoolKind::max && spiking > 0) sum /= spiking;
                if (layer.pool.kind == PoolKind::average) sum /= layer.pool.size * layer.pool.size;
                step[w] = sum;
            }
            all.push_back(step);
        }
        return all;
    }

    Vector readout(const Layer& layer, const std::vector<Vector>& currents) const {
        Vector score(currents[0].size());
        for (int64_t t = 0; t < steps_; ++t)
            for (size_t c = 0; c < score.size(); ++c) score[c] = double{layer.readout_beta} * score[c] + currents[t][c];
        for (double& value : score) value /= static_cast<double>(steps_);
        return score;
    }

    Vector counted(const std::vector<Vector>& spikes) const {
        Vector score(spikes[0].size());
        for (const Vector& step : spikes)
            for (size_t c = 0; c < score.size(); ++c) score[c] += step[c] / static_cast<double>(steps_);
        return score;
    }

    const Network& network_;
    const Recording& recording_;
    int64_t n_, steps_;
    bool soft_;
    std::vector<Matrix> weights_;
};

/// Every kind of neuron, reset, pool and readout, random shapes.
const std::vector<std::string> kNetworks = {
    "3C3-LIF-MP2-4F-LIF-3F",
    "3C3b0-LIF(beta=0.8,delay)-AP2-4F-LIF(delay)-3F",
    "2C3s2-LIF(reset=zero)-3C3-LIF(reset=zero,v_reset=-0.3,delay)-SP2-3F-LI(beta=0.7)",
    "4C3-LIF(reset=none,threshold=0.7)-MP3s2-3F-LIF",
    "3C1-LIF(alpha=0.6,decay_input,gain=3)-MP2-5F-IF-3F",
    "2C3-LIF(alpha=0.4,reset=zero,v_reset=0.2,ge)-AP2-2C3-IF(delay)-3F-LIF(reset=zero)",
    "6F-LIF-5F-LIF(beta=0.5)-3F-LI(beta=0)",
};
constexpr int64_t kSteps = 7;

Input input_of(bool spiking) {
    const Shape shape{2, 7, 6};
    if (spiking) return test::test_spikes(kSteps, 2, shape, 0.4);
    return test::test_images(2, shape);
}

TEST(ShareSweep, PaysOutTheScoreExactly) {
    int spiking_networks = 0;
    for (const std::string& text : kNetworks)
        for (const bool spiking : {false, true}) {
            const Network network = test::small_network(text, {2, 7, 6}, kSteps);
            const CpuEngine engine(network);
            const ShareSweep sweep(network);
            const Input input = input_of(spiking);
            const Recording recording = engine.run(input, sweep.request());
            for (int64_t n = 0; n < 2; ++n)
                for (int c = 0; c < 3; ++c) {
                    std::vector<float> start(3);
                    start[c] = 1;
                    const auto [share, bias] = sweep.sweep(recording, n, kSteps, !spiking, start);
                    double sum = bias, size = 0;
                    for (size_t i = 0; i < share.size(); ++i) {
                        const double part = double{share[i]} * (spiking ? input.spikes.row(n)[i] : input.images.row(n)[i]);
                        sum += part;
                        size += std::abs(part);
                    }
                    const double score = recording.scores.row(n)[c];
                    EXPECT_NEAR(sum, score, 1e-5 * std::max(1.0, size)) << text << (spiking ? " spikes " : " image ") << c;
                    spiking_networks += score != 0;
                }
        }
    EXPECT_GT(spiking_networks, 60);
}

TEST(ShareSweep, EqualsEveryContributionFollowedForwards) {
    for (const std::string& text : kNetworks)
        for (const bool spiking : {false, true})
            for (const bool soft : {false, true}) {
                const Network network = test::small_network(text, {2, 7, 6}, kSteps);
                const CpuEngine engine(network);
                const ShareSweep sweep(network, soft);
                const Input input = input_of(spiking);
                const Recording recording = engine.run(input, sweep.request());
                const Forwards forwards(network, recording, 1, kSteps, soft);
                std::vector<ShareSweep::Result> results;
                for (int c = 0; c < 3; ++c) {
                    std::vector<float> start(3);
                    start[c] = 1;
                    results.push_back(sweep.sweep(recording, 1, kSteps, !spiking, start));
                }
                constexpr int64_t units = 2 * 7 * 6;
                for (int64_t i = 0; i < (spiking ? units * kSteps : units); i += 5) {
                    std::vector<Vector> frames(kSteps, Vector(units));
                    for (int64_t t = 0; t < kSteps; ++t)
                        if (!spiking || i / units == t) frames[t][i % units] = 1;
                    const Vector expected = forwards.of_input(frames);
                    for (int c = 0; c < 3; ++c)
                        EXPECT_NEAR(results[c].share[i], expected[c], 2e-5 * std::max(1.0, std::abs(expected[c])))
                            << text << (spiking ? " spike " : " pixel ") << i << (soft ? " soft" : "");
                }
                Vector bias(3);
                for (size_t l = 0; l < network.layers.size(); ++l) {
                    const Vector brought = forwards.of_bias(l);
                    for (int c = 0; c < 3; ++c) bias[c] += brought[c];
                    if (!network.layers[l].neuron) continue;
                    const Vector resets = forwards.of_resets(l);
                    for (int c = 0; c < 3; ++c) bias[c] += resets[c];
                }
                for (int c = 0; c < 3; ++c)
                    EXPECT_NEAR(results[c].bias, bias[c], 2e-5 * std::max(1.0, std::abs(bias[c]))) << text;
            }
}

/// U: 0.6, then 0.5·0.6 + 0.9 = 1.2, which spikes and leaves 0.2; then 0.1 + 1.1 = 1.2, which spikes again.
TEST(ShareSweep, OfOneNeuronIsWhatTheHandSays) {
    Network network = parse_network("1F-LIF(beta=0.5)-1F", {1, 1, 1}, 3);
    network.layers[0].weight.data = {1};
    network.layers[0].bias.data = {0};
    network.layers[1].weight.data = {1};
    network.layers[1].bias.data = {0};
    network.layers[0].weight.data = {0.1F};
    const CpuEngine engine(network);
    const ShareSweep sweep(network);
    const Input input = Array<uint8_t>({1, 3, 1, 1, 1}, {6, 9, 11});
    const Recording recording = engine.run(input, sweep.request());
    ASSERT_EQ(recording.layer(0).spikes.data, (std::vector<uint8_t>{0, 1, 1}));
    const auto [share, bias] = sweep.sweep(recording, 0, 3, false, std::vector<float>{1});
    const double last = 1 / 1.2, first = 1 / 1.2 + 0.5 * (1 - 1 / 1.2) * last;
    EXPECT_NEAR(share[2], 0.1 * last / 3, 1e-6);
    EXPECT_NEAR(share[1], 0.1 * first / 3, 1e-6);
    EXPECT_NEAR(share[0], 0.1 * 0.5 * first / 3, 1e-6);
    EXPECT_EQ(bias, 0);
    EXPECT_NEAR(6 * share[0] + 9 * share[1] + 11 * share[2], 2.0 / 3, 1e-6);
}

TEST(ShareSweep, RefusesNetworksThatAreNoChains) {
    const Network graph = test::small_network("4C3-LIF-[4C3-LIF|]add-3F", {2, 7, 6}, kSteps);
    EXPECT_THROW(ShareSweep{graph}, InputError);
}

}  // namespace
}  // namespace spikelens
