#include "spikelens/evaluate/decision_time.h"

#include <algorithm>

#include "spikelens/core/error.h"
#include "spikelens/snn/decision.h"

#include "attribute/shapley_values.h"
#include "attribute/spike_copies.h"

namespace spikelens {
namespace {

constexpr int64_t kMostWindows = 8;

/// A readout without a neuron gets one that never fires: its membrane is the readout so far.
Network watched(Network network) {
    Layer& last = network.layers.back();
    if (!can_watch(network))
        throw InputError("when a decision falls is not known where the readout pools, as " + last.name + " does");
    if (last.neuron) return network;
    last.neuron =
        Neuron{.beta = last.readout_beta, .threshold = 1e30F, .reset = Reset::none, .alpha = last.readout_alpha};
    last.readout_beta = 1, last.readout_alpha = 0;
    return network;
}

int64_t steps_until_decided(const std::vector<int>& predicted) {
    if (predicted.back() == kUndecided) return 0;
    auto decided = static_cast<int64_t>(predicted.size());
    while (decided > 1 && predicted[decided - 2] == predicted.back()) --decided;
    return decided;
}

}  // namespace

bool can_watch(const Network& network) {
    const Layer& last = network.layers.back();
    return last.pool.kind == PoolKind::none && last.out_height == 1 && last.out_width == 1;
}

DecisionWatch::DecisionWatch(const Network& network, const Execution& execution)
    : simulator_(Simulator::without_weights(watched(network), execution)),
      counts_spikes_(network.layers.back().neuron.has_value()) {}

std::vector<DecisionTime> DecisionWatch::watch(const Input& input) const {
    const auto last = static_cast<int>(simulator_.network().layers.size()) - 1;
    const RecordRequest request{.layers = {last}, .spikes = counts_spikes_, .potentials = !counts_spikes_};
    const Recording recording = simulator_.run(input, request);
    const LayerRecording& readout = recording.layer(last);
    const int64_t classes = simulator_.network().class_count();
    std::vector<DecisionTime> all(input.samples());
    for (int64_t n = 0; n < input.samples(); ++n) {
        const int64_t steps = (counts_spikes_ ? readout.spikes.shape : readout.potentials.shape)[1];
        DecisionTime& time = all[n];
        time.scores = FloatArray({steps, classes});
        std::vector<double> potential(classes);
        for (int64_t t = 0; t < steps; ++t) {
            for (int64_t c = 0; c < classes; ++c) {
                if (counts_spikes_)
                    potential[c] += readout.spikes.sub(n).row(t)[c];
                else
                    potential[c] = readout.potentials.sub(n).row(t)[c];
                time.scores.row(t)[c] = static_cast<float>(potential[c] / static_cast<double>(t + 1));
            }
        }
        time.predicted = decisions(time.scores);
        time.decided = steps_until_decided(time.predicted);
    }
    return all;
}

std::vector<TimeShare> time_shares(const Engine& engine, const ArrayView<uint8_t>& recording, int target,
                                   int64_t windows) {
    if (windows < 1 || windows > kMostWindows)
        throw InputError("shares of time are of 1 to " + std::to_string(kMostWindows) + " windows, not " +
                         std::to_string(windows));
    const int64_t steps = recording.extent(0);
    windows = std::min(windows, steps);
    const auto per_step = static_cast<int64_t>(recording.data.size()) / steps;
    const std::vector<int64_t> places = spike_places(recording.data);
    const auto window_of = [&](int64_t step) { return step * windows / steps; };
    const Game game{windows, [&](const Array<uint8_t>& coalitions) {
                        const FloatArray scores =
                            scores_without(engine, recording, coalitions.extent(0), [&](int64_t k) {
                                std::vector<int64_t> out;
                                for (const int64_t place : places)
                                    if (coalitions.row(k)[window_of(place / per_step)] == 0) out.push_back(place);
                                return out;
                            });
                        std::vector<double> values;
                        for (int64_t k = 0; k < scores.extent(0); ++k) values.push_back(scores.row(k)[target]);
                        return values;
                    }};
    std::vector<TimeShare> shares(windows);
    const std::vector<double> values = exact_shapley(game);
    for (int64_t t = steps; t-- > 0;) shares[window_of(t)].first = t;
    for (int64_t w = 0; w < windows; ++w) {
        shares[w].end = w + 1 < windows ? shares[w + 1].first : steps;
        shares[w].share = values[w];
    }
    return shares;
}

}  // namespace spikelens
