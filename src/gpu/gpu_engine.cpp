#include <algorithm>
#include <mutex>
#include <utility>

#include "spikelens/core/error.h"
#include "spikelens/snn/engine.h"

#include "batch.h"
#include "chain_weights.h"
#include "snn/engines.h"
#include "snn/sample_memory.h"
#include "snn/simulator_plan.h"

namespace spikelens {
namespace {

using gpu::AblationSet;
using gpu::Batch;
using gpu::ChainWeights;
using gpu::Device;
using gpu::Workspace;

/// Simulates chains on a device. Gradients are the CpuEngine's.
class GpuEngine final : public Engine {
  public:
    GpuEngine(std::string_view name, std::unique_ptr<Device> device, std::shared_ptr<const Network> network,
              Execution execution, GradientOptions gradients)
        : cpu_(std::move(network), std::move(execution), gradients),
          device_(std::move(device)),
          weights_(cpu_.simulator().plan(), *device_, name),
          space_(weights_),
          budget_(device_->free_bytes() / 10 * 9) {}

    const Network& network() const override { return cpu_.network(); }
    const Execution& execution() const override { return cpu_.execution(); }
    Recording run(const Input& input, const RecordRequest& request,
                  std::span<const FilterIndex> ablated) const override;
    FloatArray run_ablations(const Input& input, std::span<const std::vector<FilterIndex>> sets) const override;
    InputGradient gradient(const Input& input, std::span<const int> targets) const override {
        return cpu_.gradient(input, targets);
    }
    InputGradient sequence_gradient(const FloatArray& sequence, std::span<const int> targets) const override {
        return cpu_.sequence_gradient(sequence, targets);
    }
    SpikeGradient spike_gradient(const Input& input, std::span<const int> targets, int layer) const override {
        return cpu_.spike_gradient(input, targets, layer);
    }
    std::vector<std::string> describe() const override;

  private:
    RunInput taken(const Input& input) const;
    template <class Run>
    void by_batches(const RunInput& input, const RecordRequest& request, const Run& run) const;

    CpuEngine cpu_;
    std::unique_ptr<Device> device_;
    ChainWeights weights_;
    mutable std::mutex mutex_;  ///< one at a time has the device
    mutable Workspace space_;
    int64_t budget_;
};

RunInput GpuEngine::taken(const Input& input) const {
    const RunInput result = checked(network(), input);
    weights_.check_input(result);
    return result;
}

/// As many samples at once as the device has memory for.
template <class Run>
void GpuEngine::by_batches(const RunInput& input, const RecordRequest& request, const Run& run) const {
    const int64_t each = Batch::bytes_each(weights_, input, request);
    if (each > budget_)
        throw InputError("one sample takes " + size_text(each) + " on the GPU while it is simulated, more than the " +
                         size_text(budget_) + " that it has free");
    const int64_t batch = std::min({input.samples, budget_ / each, Batch::most_samples(weights_, input)});
    for (int64_t first = 0; first < input.samples; first += batch) {
        execution().stop_if_cancelled();
        run(Batch(weights_, space_, input, first, std::min(batch, input.samples - first)));
    }
}

Recording GpuEngine::run(const Input& input, const RecordRequest& request, std::span<const FilterIndex> ablated) const {
    const RunInput samples = taken(input);
    check_request(network(), request, ablated);
    Recording recording = make_result(network(), request, samples);
    const std::lock_guard lock(mutex_);
    const uint8_t* const mask = space_.mask.hold(weights_.mask(ablated));
    by_batches(samples, request, [&](Batch batch) { batch.run(mask, recording); });
    return recording;
}

FloatArray GpuEngine::run_ablations(const Input& input, std::span<const std::vector<FilterIndex>> sets) const {
    const RunInput samples = taken(input);
    FloatArray scores({static_cast<int64_t>(sets.size()), samples.samples, network().class_count()});
    if (!Batch::at_once(samples)) {
        for (size_t set = 0; set < sets.size(); ++set)
            std::ranges::copy(run(input, {}, sets[set]).scores.data, scores.row(static_cast<int64_t>(set)).begin());
        return scores;
    }
    std::vector<uint8_t> masks = weights_.mask({});
    for (const auto& set : sets) {
        check_request(network(), {}, set);
        const std::vector<uint8_t> mask = weights_.mask(set);
        masks.insert(masks.end(), mask.begin(), mask.end());
    }
    const std::lock_guard lock(mutex_);
    const uint8_t* const on_device = space_.mask.hold(masks);
    std::vector<AblationSet> ablations;
    for (const auto& set : sets) {
        const auto first = std::ranges::min_element(set, {}, &FilterIndex::layer);
        ablations.push_back({first == set.end() ? static_cast<int>(network().layers.size()) : first->layer,
                             on_device + static_cast<int64_t>(ablations.size() + 1) * weights_.mask_bytes()});
    }
    by_batches(samples, {}, [&](Batch batch) { batch.run_ablations(on_device, ablations, scores); });
    return scores;
}

std::vector<std::string> GpuEngine::describe() const {
    std::vector<std::string> lines;
    for (const Layer& layer : network().layers)
        lines.push_back(layer.name + ": " + (lines.empty() ? "images once in float32, spikes as " : "") +
                        "exact integer sums of int8 slices, " + device_->name());
    return lines;
}

}  // namespace

EnginePointer make_gpu_engine(std::shared_ptr<const Network> network, Execution execution, GradientOptions gradients) {
    return std::make_unique<const GpuEngine>("gpu", gpu::cuda_device(), std::move(network), std::move(execution),
                                             gradients);
}

EnginePointer make_gpu_emulated_engine(std::shared_ptr<const Network> network, Execution execution,
                                       GradientOptions gradients) {
    auto device = gpu::emulated_device(execution.threads, execution.memory);
    return std::make_unique<const GpuEngine>("gpu_emulated", std::move(device), std::move(network),
                                             std::move(execution), gradients);
}

}  // namespace spikelens
