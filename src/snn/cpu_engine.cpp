#include <mutex>
#include <utility>

#include "engines.h"

namespace spikelens {

struct CpuEngine::Parts {
    std::shared_ptr<const Simulator> simulator;
    GradientOptions options;
    std::once_flag prepared;
    std::unique_ptr<const GradientNetwork> gradients_when_asked;

    const GradientNetwork& gradients() {
        std::call_once(prepared,
                       [&] { gradients_when_asked = std::make_unique<const GradientNetwork>(simulator, options); });
        return *gradients_when_asked;
    }
};

CpuEngine::CpuEngine(std::shared_ptr<const Network> network, Execution execution, GradientOptions gradients)
    : parts_(std::make_unique<Parts>()) {
    parts_->simulator = std::make_shared<const Simulator>(std::move(network), std::move(execution));
    parts_->options = gradients;
}

CpuEngine::CpuEngine(Network network, Execution execution, GradientOptions gradients)
    : CpuEngine(std::make_shared<const Network>(std::move(network)), std::move(execution), gradients) {}

CpuEngine::~CpuEngine() = default;
CpuEngine::CpuEngine(CpuEngine&&) noexcept = default;
CpuEngine& CpuEngine::operator=(CpuEngine&&) noexcept = default;

const Network& CpuEngine::network() const { return parts_->simulator->network(); }
const Simulator& CpuEngine::simulator() const { return *parts_->simulator; }
const Execution& CpuEngine::execution() const { return parts_->simulator->execution(); }

Recording CpuEngine::run(const Input& input, const RecordRequest& request, std::span<const FilterIndex> ablated) const {
    return parts_->simulator->run(input, request, ablated);
}

FloatArray CpuEngine::run_ablations(const Input& input, std::span<const std::vector<FilterIndex>> sets) const {
    return parts_->simulator->run_ablations(input, sets);
}

InputGradient CpuEngine::gradient(const Input& input, std::span<const int> targets) const {
    return parts_->gradients().gradient(input, targets);
}

InputGradient CpuEngine::sequence_gradient(const FloatArray& sequence, std::span<const int> targets) const {
    return parts_->gradients().sequence_gradient(sequence, targets);
}

SpikeGradient CpuEngine::spike_gradient(const Input& input, std::span<const int> targets, int layer) const {
    return parts_->gradients().spike_gradient(input, targets, layer);
}

std::vector<std::string> CpuEngine::describe() const { return parts_->simulator->describe_kernels(); }

EnginePointer make_cpu_engine(std::shared_ptr<const Network> network, Execution execution, GradientOptions gradients) {
    return std::make_unique<const CpuEngine>(std::move(network), std::move(execution), gradients);
}

}  // namespace spikelens
