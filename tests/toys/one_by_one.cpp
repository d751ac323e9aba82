#include <algorithm>
#include <utility>

#include "engines.h"

namespace spikelens {
namespace {

/// An engine that is added by its file and one line. It runs the scalar reference, one sample at a time.
class OneByOne final : public Engine {
  public:
    OneByOne(std::shared_ptr<const Network> network, Execution execution, GradientOptions gradients)
        : scalar_(std::move(network), {.threads = 1, .kernel = "scalar"}, std::move(gradients)),
          execution_(std::move(execution)) {}

    const Network& network() const override { return scalar_.network(); }
    const Execution& execution() const override { return execution_; }
    Recording run(const Input& input, const RecordRequest& request,
                  std::span<const FilterIndex> ablated) const override {
        return scalar_.run(input, request, ablated);
    }
    FloatArray run_ablations(const Input& input, std::span<const std::vector<FilterIndex>> sets) const override {
        FloatArray scores({static_cast<int64_t>(sets.size()), input.samples(), network().class_count()});
        for (size_t s = 0; s < sets.size(); ++s)
            std::ranges::copy(scalar_.run(input, {}, sets[s]).scores.data, scores.row(static_cast<int64_t>(s)).begin());
        return scores;
    }
    InputGradient gradient(const Input& input, std::span<const int> targets) const override {
        return scalar_.gradient(input, targets);
    }
    InputGradient sequence_gradient(const FloatArray& sequence, std::span<const int> targets) const override {
        return scalar_.sequence_gradient(sequence, targets);
    }
    SpikeGradient spike_gradient(const Input& input, std::span<const int> targets, int layer) const override {
        return scalar_.spike_gradient(input, targets, layer);
    }
    std::vector<std::string> describe() const override { return scalar_.describe(); }

  private:
    CpuEngine scalar_;
    Execution execution_;
};

}  // namespace

EnginePointer make_one_by_one_engine(std::shared_ptr<const Network> network, Execution execution,
                                     GradientOptions gradients) {
    return std::make_unique<const OneByOne>(std::move(network), std::move(execution), std::move(gradients));
}

}  // namespace spikelens
