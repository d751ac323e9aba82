#include <algorithm>
#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"

#include "attribute/share_out.h"
#include "attribute/share_plan.h"
#include "attribute/share_sweep.h"
#include "graph_activity.h"
#include "small_network.h"
#include "spiking_input.h"

namespace spikelens {
namespace {

using test::Matrix;
using test::Vector;
using Frames = std::vector<Vector>;

/// Follows one contribution forwards through any graph, in double and with dense matrices: what it makes of every
/// current, potential and spike. Shares no code with the sweep, which goes backwards.
class Forwards {
  public:
    Forwards(const Network& network, const Recording& recording, const Input& input, int64_t n, int64_t steps,
             bool soft)
        : network_(network),
          recording_(recording),
          n_(n),
          steps_(steps),
          soft_(soft),
          truth_(network, recording, n, test::frames_of(input, n, steps)) {
        for (const Layer& layer : network.layers) {
            weights_.push_back(layer.weighted() ? test::dense(layer) : Matrix(0, 0));
            recurrences_.push_back(test::dense_recurrence(layer));
        }
    }

    /// Part of each score that the input `frames` [T][C·H·W] brings.
    Vector of_input(const Frames& frames) const { return follow(frames, -1, -1); }
    /// That a layer's biases bring, and its resets to v_reset.
    Vector of_bias(int layer) const { return follow(silence(), layer, -1); }
    Vector of_resets(int layer) const { return follow(silence(), -1, layer); }

  private:
    Frames silence() const { return Frames(steps_, Vector(element_count(network_.input_shape()))); }

    Vector follow(const Frames& input, int biased, int resetting) const {
        std::vector<Frames> sent;
        for (int l = 0; l < static_cast<int>(network_.layers.size()); ++l) {
            Frames parts;
            for (int64_t t = 0; t < steps_; ++t) parts.push_back(operation(l, t, input, sent, l == biased));
            if (network_.layers[l].neuron) parts = through(l, parts, l == resetting);
            sent.push_back(pooled(l, parts));
        }
        Vector score(network_.class_count()), current(score.size());
        for (const Vector& step : sent.back())
            for (size_t c = 0; c < score.size(); ++c) {
                current[c] = double{network_.layers.back().readout_alpha} * current[c] + step[c];
                score[c] = double{network_.layers.back().readout_beta} * score[c] + current[c];
            }
        for (double& value : score) value /= static_cast<double>(steps_);
        return score;
    }

    Vector operation(int l, int64_t t, const Frames& input, const std::vector<Frames>& sent, bool biased) const {
        const Layer& layer = network_.layers[l];
        const auto from = [&](size_t i) {
            return layer.inputs[i] == kNetworkInput ? input[t] : sent[layer.inputs[i]][t];
        };
        const auto truth = [&](size_t i) { return truth_.sent[layer.inputs[i]][t]; };
        if (layer.kind == LayerKind::norm) return naive::normalised(layer, from(0), t, biased);
        Vector out = layer.weighted() ? product(weights_[l], from(0)) : from(0);
        for (size_t i = 0; biased && !layer.bias.empty() && i < out.size(); ++i)
            out[i] += layer.bias.data[i / (layer.out_height * layer.out_width)];
        for (size_t i = 1; i < layer.inputs.size(); ++i) {
            const Vector next = from(i);
            if (layer.kind == LayerKind::concat) out.insert(out.end(), next.begin(), next.end());
            for (size_t j = 0; layer.kind != LayerKind::concat && j < out.size(); ++j)
                out[j] = layer.kind == LayerKind::except ? (truth(1)[j] == 0 ? out[j] : 0) : out[j] + next[j];
        }
        for (size_t j = 0; layer.kind == LayerKind::both && j < out.size(); ++j)
            out[j] *= truth_.operated[l][t][j] == 1 ? 1.0 / static_cast<double>(layer.inputs.size()) : 0;
        return out;
    }

    bool spiked(int layer, int64_t t, size_t i) const { return recording_.layer(layer).spikes.sub(n_).row(t)[i] != 0; }

    Frames through(int l, const Frames& currents, bool resets) const {
        const Layer& layer = network_.layers[l];
        const size_t count = currents[0].size();
        const auto pixels = static_cast<int64_t>(layer.out_height) * layer.out_width;
        Frames spikes(steps_, Vector(count));
        Vector synapse(count), membrane(count);  // after the step
        for (int64_t t = 0; t < steps_; ++t) {
            const Vector again = t > 0 ? product(recurrences_[l], spikes[t - 1]) : Vector(count);
            for (size_t i = 0; i < count; ++i) {
                const auto place = static_cast<int64_t>(i);
                const Neuron neuron = neuron_at(*layer.neuron, layer.values, place / pixels, place % pixels, pixels);
                const double beta = neuron.beta, threshold = neuron.threshold;
                const double scale = neuron.gain * (neuron.decay_input ? 1 - beta : 1);
                synapse[i] = neuron.alpha * synapse[i] + scale * (currents[t][i] + again[i]);
                const double potential = recording_.layer(l).potentials.sub(n_).row(t)[i];
                const double part = membrane[i] + synapse[i];
                const double distance = std::numbers::pi * (potential / threshold - 1);
                const double soft = soft_ && !spiked(l, t, i) ? 0.3 / (1 + distance * distance) : 0;
                spikes[t][i] = spiked(l, t, i) ? part / potential : soft * part / threshold;
                membrane[i] = beta * (1 - soft) * part;
                if (!spiked(l, t, i)) continue;
                const double share = part / potential;
                if (neuron.reset == Reset::subtract)
                    membrane[i] = neuron.delay ? beta * part - threshold * share : beta * (part - threshold * share);
                if (neuron.reset == Reset::zero) membrane[i] = resets ? beta * double{neuron.v_reset} : 0;
            }
        }
        return spikes;
    }

    Frames pooled(int l, const Frames& parts) const {
        const Layer& layer = network_.layers[l];
        if (layer.pool.kind == PoolKind::none) return parts;
        Frames all;
        const int64_t windows = element_count(layer.pooled_shape());
        const auto whole = [](double value) { return value >= 0 && value == std::round(value); };
        const bool numbers =
            std::ranges::all_of(truth_.fired[l], [&](const Vector& step) { return std::ranges::all_of(step, whole); });
        for (int64_t t = 0; t < steps_; ++t) {
            const Vector& truth = truth_.fired[l][t];
            Vector step(windows);
            for (int64_t w = 0; w < windows; ++w) {
                double equal = 0, sum = 0, most = -1e9;
                std::vector<size_t> members;
                for (size_t i = 0; i < truth.size(); ++i)
                    if (test::in_window(layer, w, static_cast<int64_t>(i))) members.push_back(i);
                for (const size_t i : members) most = std::max(most, truth[i]);
                for (const size_t i : members) {
                    const bool largest = std::abs(truth[i] - most) < 1e-9, silent = numbers && most == 0;
                    if (layer.pool.kind == PoolKind::max && (!largest || silent)) continue;
                    sum += parts[t][i];
                    equal += 1;
                }
                if (layer.pool.kind == PoolKind::max && equal > 0) sum /= equal;
                if (layer.pool.kind == PoolKind::average) sum /= static_cast<double>(members.size());
                step[w] = sum;
            }
            all.push_back(step);
        }
        return all;
    }

    const Network& network_;
    const Recording& recording_;
    int64_t n_, steps_;
    bool soft_;
    test::GraphActivity truth_;
    std::vector<Matrix> weights_, recurrences_;
};

/// Every kind of neuron, reset, pool and readout, random shapes.
const std::vector<std::string> kNetworks = {
    "3C3-LIF-MP2-4F-LIF-3F",
    "3C3b0-LIF(beta=0.8,delay)-AP2-4F-LIF(delay)-3F",
    "2C3s2-LIF(reset=zero)-3C3-LIF(reset=zero,v_reset=-0.3,delay)-SP2-3F-LI(beta=0.7)",
    "4C3-LIF(reset=none,threshold=0.7)-MP3s2-3F-LIF",
    "3C1-LIF(alpha=0.6,decay_input,gain=3)-MP2-5F-IF-3F",
    "2C3-LIF(alpha=0.4,reset=zero,v_reset=0.2,ge)-AP2-2C3-IF(delay)-3F-LIF(reset=zero)",
    "6F-LIF-5F-LIF(beta=0.5)-3F-LI(beta=0.5,alpha=0.75)",
    // Sums of spikes and of currents, concatenation, recurrence of every kind, neurons that differ, pools of currents.
    "3C3-LIF-[3C3-LIF-3C3-LIF|]add-MP2-4F-LIF-3F",
    "3C3-LIF(beta=0.7)-[3C3-LIF-3C3|]add-LIF(reset=zero,v_reset=0.1)-AP2-3F-LI(beta=0.8)",
    "[2C3|2C1]add-LIF(decay_input,gain=4)-[2C3-LIF|3C1x3-IF(delay)|]cat-MP2x1-3F-LIF",
    "3C3-R1-LIF-3C3-RC3-LIF(beta=0.8,alpha=0.3)-5F-R-LIF(reset=zero)-3F",
    "4C3g2-LIF(beta=*,threshold=**)-4C3d2-MP2-LIF-[4C3-IF|]and-[|4C3-IF]iand-3C1-GAP",
    "3C3-MP2-LIF-[3C3-IF|]add-[3C1-IF|]add-MP2-3F",
    "3C3-R1-IF-AP2-[3F|3F-LIF-3F]add",
    // Factors and terms of each step.
    "3C3b0-BN7-LIF-AP2-4F-BN7-LIF(alpha=0.4,gain=2,reset=zero)-3F",
    "2C3-BN7-MP2-LIF(delay)-[2C3-BN7|]add-LIF(threshold=**)-3F-BN7-LI(beta=0.7)",
};
/// Pools that reach beyond their map, of spikes and of currents; the slow reference does not know them.
const std::vector<std::string> kReachingPools = {
    "3C3-LIF-AP3s2p1-4F-LIF-3F",
    "3C3-AP3s2p1-LIF-SP3s2c-3F",
    "3C3-LIF(reset=zero)-SP3s2c-3F-LIF",
    "2C3-MP3s2p1-LIF-MP3s2c-3F",
};
constexpr int64_t kSteps = 7;

Input input_of(bool spiking) {
    const Shape shape{2, 7, 6};
    if (spiking) return test::test_spikes(kSteps, 2, shape, 0.4);
    return test::test_images(2, shape);
}

/// All spikes and potentials, as the slow reference needs them.
RecordRequest all_of(const Network& network) {
    RecordRequest request{.layers = {}, .spikes = true, .potentials = true};
    for (size_t l = 0; l < network.layers.size(); ++l)
        if (network.layers[l].neuron) request.layers.push_back(static_cast<int>(l));
    return request;
}

/// Of sample n, of a recording of all.
ShareSweep::Result swept(const ShareSweep& sweep, const Recording& recording, const Input& input, int64_t n,
                         std::span<const float> start) {
    ShareSweep::Walk walk(sweep, input, n, start, {.threads = 1});
    walk.down({}, recording);
    return walk.result();
}

TEST(ShareSweep, PaysOutTheScoreExactly) {
    int spiking_networks = 0;
    std::vector<std::string> networks = kNetworks;
    networks.insert(networks.end(), kReachingPools.begin(), kReachingPools.end());
    for (const std::string& text : networks)
        for (const bool spiking : {false, true}) {
            const Network network = test::small_network(text, {2, 7, 6}, kSteps);
            const CpuEngine engine(network);
            const ShareSweep sweep(network);
            const Input input = input_of(spiking);
            const Recording recording = engine.run(input, all_of(network));
            for (int64_t n = 0; n < 2; ++n)
                for (int c = 0; c < 3; ++c) {
                    std::vector<float> start(3);
                    start[c] = 1;
                    const auto [share, bias] = swept(sweep, recording, input, n, start);
                    double sum = bias, size = 0;
                    for (size_t i = 0; i < share.size(); ++i) {
                        const double part =
                            double{share[i]} * (spiking ? input.spikes.row(n)[i] : input.images.row(n)[i]);
                        sum += part;
                        size += std::abs(part);
                    }
                    const double score = recording.scores.row(n)[c];
                    EXPECT_NEAR(sum, score, 1e-5 * std::max(std::abs(score), size))
                        << text << (spiking ? " spikes " : " image ") << c;
                    spiking_networks += score != 0;
                }
        }
    EXPECT_GT(spiking_networks, 120);
}

TEST(ShareSweep, EqualsEveryContributionFollowedForwards) {
    for (const std::string& text : kNetworks)
        for (const bool spiking : {false, true})
            for (const bool soft : {false, true}) {
                const Network network = test::small_network(text, {2, 7, 6}, kSteps);
                const CpuEngine engine(network);
                const ShareSweep sweep(network, soft);
                const Input input = input_of(spiking);
                const Recording recording = engine.run(input, all_of(network));
                const Forwards forwards(network, recording, input, 1, kSteps, soft);
                std::vector<ShareSweep::Result> results;
                for (int c = 0; c < 3; ++c) {
                    std::vector<float> start(3);
                    start[c] = 1;
                    results.push_back(swept(sweep, recording, input, 1, start));
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
                for (int l = 0; l < static_cast<int>(network.layers.size()); ++l) {
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
    const Recording recording = engine.run(input, all_of(network));
    ASSERT_EQ(recording.layer(0).spikes.data, (std::vector<uint8_t>{0, 1, 1}));
    const auto [share, bias] = swept(sweep, recording, input, 0, std::vector<float>{1});
    const double last = 1 / 1.2, first = 1 / 1.2 + 0.5 * (1 - 1 / 1.2) * last;
    EXPECT_NEAR(share[2], 0.1 * last / 3, 1e-6);
    EXPECT_NEAR(share[1], 0.1 * first / 3, 1e-6);
    EXPECT_NEAR(share[0], 0.1 * 0.5 * first / 3, 1e-6);
    EXPECT_EQ(bias, 0);
    EXPECT_NEAR(6 * share[0] + 9 * share[1] + 11 * share[2], 2.0 / 3, 1e-6);
}

/// A neuron that feeds itself: 0.6·2 = 1.2 spikes and leaves 0.2; then 0.1 + 1.5 from itself = 1.6 spikes without any
/// input.
TEST(ShareSweep, FollowsRecurrenceBackInTime) {
    Network network = parse_network("1Fb0-R1-LIF(beta=0.5)-1Fb0", {1, 1, 1}, 2);
    network.layers[0].weight.data = {0.6F};
    network.layers[0].recurrence.weight.data = {1.5F};
    network.layers[1].weight.data = {1};
    const CpuEngine engine(network);
    const ShareSweep sweep(network);
    const Input input = Array<uint8_t>({1, 2, 1, 1, 1}, {2, 0});
    const Recording recording = engine.run(input, all_of(network));
    ASSERT_EQ(recording.layer(0).spikes.data, (std::vector<uint8_t>{1, 1}));
    const auto [share, bias] = swept(sweep, recording, input, 0, std::vector<float>{1});
    const double second = 0.5 / 1.6;                                                 // λ[1], of half a score
    const double first = (0.5 + 1.5 * second) / 1.2 + 0.5 * (1 - 1 / 1.2) * second;  // λ[0]
    EXPECT_NEAR(share[0], 0.6 * first, 1e-6);
    EXPECT_NEAR(2 * share[0], 1, 1e-6);  // all of both spikes
    EXPECT_EQ(bias, 0);
}

/// Simulates with all the memory there is, for those that are to do with little.
class Tight final : public Engine {
  public:
    Tight(const Engine& engine, Execution execution) : engine_(engine), execution_(std::move(execution)) {}

    int runs() const { return runs_; }

    const Network& network() const override { return engine_.network(); }
    const Execution& execution() const override { return execution_; }
    Recording run(const Input& input, const RecordRequest& request,
                  std::span<const FilterIndex> ablated) const override {
        ++runs_;
        return engine_.run(input, request, ablated);
    }
    FloatArray run_ablations(const Input& input, std::span<const std::vector<FilterIndex>> sets) const override {
        return engine_.run_ablations(input, sets);
    }
    InputGradient gradient(const Input& input, std::span<const int> targets) const override {
        return engine_.gradient(input, targets);
    }
    InputGradient sequence_gradient(const FloatArray& sequence, std::span<const int> targets) const override {
        return engine_.sequence_gradient(sequence, targets);
    }
    SpikeGradient spike_gradient(const Input& input, std::span<const int> targets, int layer) const override {
        return engine_.spike_gradient(input, targets, layer);
    }
    std::vector<std::string> describe() const override { return engine_.describe(); }

  private:
    const Engine& engine_;
    Execution execution_;
    mutable int runs_ = 0;
};

/// All that share_out says: of each sample the whole, shares and biases, then those of its layers' spikes.
std::vector<std::vector<double>> all_shares(const Engine& engine, const Input& input, std::span<const int> targets,
                                            bool soft) {
    std::vector<std::vector<double>> all(input.samples());
    std::vector<std::vector<double>> layers(input.samples());
    share_out(
        engine, input, targets, {.soft = soft},
        [&](int64_t n, const Shares& shares) {
            all[n] = {shares.whole, shares.parts.bias};
            all[n].insert(all[n].end(), shares.parts.share.begin(), shares.parts.share.end());
        },
        [&](int64_t n, const ShareSweep::LayerShares& shares) {
            layers[n].push_back(shares.layer);
            layers[n].push_back(shares.above);
            layers[n].insert(layers[n].end(), shares.share.begin(), shares.share.end());
            layers[n].insert(layers[n].end(), shares.spikes.begin(), shares.spikes.end());
        });
    for (size_t n = 0; n < all.size(); ++n) all[n].insert(all[n].end(), layers[n].begin(), layers[n].end());
    return all;
}

TEST(ShareOut, SaysTheSameForAnyMemoryAndThreads) {
    int cases = 0, in_parts = 0;
    for (const std::string& text : kNetworks)
        for (const bool spiking : {false, true})
            for (const bool soft : {false, true}) {
                const Network network = test::small_network(text, {2, 7, 6}, kSteps);
                const CpuEngine engine(network, {.threads = 2});
                const std::vector<int> targets{2, 0};
                const Input input = input_of(spiking);
                const auto expected = all_shares(engine, input, targets, soft);
                for (const int threads : {1, 3}) {
                    const SharePlan least = plan_shares(network, kSteps, !spiking, threads, 0);
                    for (const int64_t memory : {least.bytes, least.bytes * 5 / 4, least.bytes * 4}) {
                        const Tight tight(engine, {.threads = threads, .memory = memory});
                        EXPECT_EQ(all_shares(tight, input, targets, soft), expected) << text << ' ' << memory;
                        if (memory != least.bytes) continue;
                        ++cases;
                        in_parts += tight.runs() > input.samples() ? 1 : 0;
                    }
                    const Tight none(engine, {.threads = threads, .memory = least.bytes - 1});
                    EXPECT_THROW(all_shares(none, input, targets, soft), InputError);
                }
            }
    EXPECT_GT(in_parts, cases / 2) << "the least memory takes several simulations of a sample";
}

/// Of 3 layers of 100, 100 and 10 neurons, 4 steps: all at once, then one at a time.
TEST(SharePlan, HasFewerPartsWithMoreMemory) {
    const Network network = parse_network("4C1-LIF-4C1-LIF-10F", {1, 5, 5}, 4);
    const SharePlan one = plan_shares(network, 4, true, 1, 1 << 20);
    ASSERT_EQ(one.parts.size(), 1U);
    EXPECT_EQ(one.parts[0].first, 0);
    EXPECT_EQ(one.parts[0].request.layers, (std::vector<int>{0, 1}));
    EXPECT_TRUE(one.parts[0].request.potentials);
    EXPECT_FALSE(one.parts[0].request.spikes) << "potentials say which they are";
    EXPECT_GE(one.bytes, 2 * 4 * 4 * 100 + 2 * 4 * 4 * 100) << "two recordings, a share and what comes of it";
    const SharePlan each = plan_shares(network, 4, true, 1, 0);
    ASSERT_EQ(each.parts.size(), 3U);
    EXPECT_LT(each.bytes, one.bytes);
    size_t before = 3;
    for (int64_t memory = 0; memory <= one.bytes; memory += 100) {
        const SharePlan plan = plan_shares(network, 4, true, 1, memory);
        EXPECT_LE(plan.parts.size(), before);
        EXPECT_LE(plan.bytes, std::max(memory, each.bytes));
        before = plan.parts.size();
    }
    EXPECT_GT(plan_shares(network, 4, true, 1, one.bytes - 1).parts.size(), 1U);
}

}  // namespace
}  // namespace spikelens
