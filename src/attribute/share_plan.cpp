#include "share_plan.h"

#include <algorithm>
#include <utility>

namespace spikelens {
namespace {

/// What the layers of a part look at beside what comes back to them.
class Looks {
  public:
    Looks(const Network& network, int64_t steps)
        : network_(&network), steps_(steps), recorded_(network.layers.size()), computed_(network.layers.size()) {}

    void add(int l) {
        const Layer& layer = network_->layers[l];
        const bool logic = layer.kind == LayerKind::both || layer.kind == LayerKind::except;
        const bool chooses = !layer.neuron && layer.pool.kind == PoolKind::max;
        recorded_[l] = recorded_[l] || layer.neuron;
        computed_[l] = computed_[l] || chooses;
        for (const int input : layer.inputs)
            if (logic || chooses) add_values(input);
    }

    RecordRequest request() const {
        RecordRequest request{.layers = {}, .spikes = spikes_, .potentials = true};
        for (size_t l = 0; l < recorded_.size(); ++l)
            if (recorded_[l]) request.layers.push_back(static_cast<int>(l));
        return request;
    }

    /// Of recordings and of computed values.
    int64_t bytes() const {
        int64_t sum = 0;
        for (size_t l = 0; l < recorded_.size(); ++l) {
            const Layer& layer = network_->layers[l];
            const int64_t size = steps_ * element_count(layer.output_shape());
            if (recorded_[l]) sum += (spikes_ ? 5 : 4) * size;
            if (computed_[l]) sum += 4 * (size + steps_ * element_count(layer.pooled_shape()));
        }
        return sum;
    }

    /// Of the simulation that records: a layer's potentials once more, and spikes as bits.
    int64_t simulation_bytes() const {
        int64_t most = 0;
        for (size_t l = 0; l < recorded_.size(); ++l)
            if (recorded_[l]) most = std::max(most, element_count(network_->layers[l].output_shape()));
        return steps_ * most * 9 / 2;
    }

  private:
    /// Of what a layer sends.
    void add_values(int l) {
        if (l == kNetworkInput || computed_[l]) return;
        computed_[l] = true;
        if (network_->layers[l].neuron) {
            recorded_[l] = spikes_ = true;
            return;
        }
        for (const int input : network_->layers[l].inputs) add_values(input);
    }

    const Network* network_;
    int64_t steps_;
    std::vector<bool> recorded_, computed_;
    bool spikes_ = false;
};

/// Follows the bytes of what comes back, from layer to layer down.
class Flows {
  public:
    Flows(const Network& network, int64_t steps, bool constant, int threads)
        : network_(&network), steps_(steps), constant_(constant), threads_(threads), flows_(network.layers.size() + 1) {
        held_ = flows_.back() = 4 * steps * element_count(network.layers.back().pooled_shape());
    }

    int64_t held() const { return held_; }

    /// Goes through the next layer. What is held meanwhile, at most.
    int64_t through(int l) {
        const Layer& layer = network_->layers[l];
        const int64_t size = element_count(layer.output_shape()), all = 4 * steps_ * size;
        const int64_t pooled = std::exchange(flows_[l + 1], 0);
        held_ -= pooled;
        int64_t most = held_ + all + (layer.pool.kind != PoolKind::none ? pooled : 0);
        if (layer.neuron) most = std::max(most, held_ + all + (steps_ + 16) * size);  // spikes, and sums over steps
        for (const int from : layer.inputs) {
            const int64_t inputs = from == kNetworkInput ? element_count(network_->input_shape())
                                                         : element_count(network_->layers[from].pooled_shape());
            const int64_t flow = 4 * inputs * (from == kNetworkInput && constant_ ? 1 : steps_);
            const int64_t turned = layer.weighted() ? 4 * threads_ * (size + 2 * inputs) : 0;  // of one step
            most = std::max(most, held_ + all + flow + turned);
            held_ += flow - std::exchange(flows_[from + 1], flow);
        }
        return most;
    }

  private:
    const Network* network_;
    int64_t steps_;
    bool constant_;
    int threads_;
    std::vector<int64_t> flows_;  ///< of the network's input first
    int64_t held_ = 0;
};

}  // namespace

SharePlan plan_shares(const Network& network, int64_t steps, bool constant, int threads, int64_t memory) {
    SharePlan plan;
    Flows flows(network, steps, constant, threads);
    for (int end = static_cast<int>(network.layers.size()); end > 0; end = plan.parts.back().first) {
        SharePart part;
        Looks looks(network, steps);
        const int64_t before = flows.held();
        int64_t bytes = 0, work = 0;
        for (int l = end; l-- > 0;) {
            Looks more = looks;
            Flows after = flows;
            more.add(l);
            const int64_t most = std::max(work, after.through(l));
            const int64_t sum = more.bytes() + std::max(most, before + more.simulation_bytes());
            if (l + 1 < end && sum > memory) break;
            looks = std::move(more), flows = std::move(after);
            work = most, bytes = sum, part.first = l;
        }
        part.request = looks.request();
        plan.parts.push_back(std::move(part));
        plan.bytes = std::max(plan.bytes, bytes);
    }
    return plan;
}

}  // namespace spikelens
