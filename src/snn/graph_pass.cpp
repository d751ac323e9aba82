#include <algorithm>
#include <vector>

#include "gradient_pass.h"
#include "graph_trace.h"

namespace spikelens {
namespace {

class GraphPass final : public GradientPass {
  public:
    GraphPass(const Network& network, const GradientOptions& options, const Simulator* simulator)
        : network_(network), simulator_(simulator), trace_(network, options) {
        request_.potentials = true;
        for (int l = 0; l < static_cast<int>(network.layers.size()); ++l)
            if (network.layers[l].neuron) request_.layers.push_back(l);
    }

    void forward(const ShownSample& shown, std::span<float> scores) override {
        const bool exact = simulator_ && (shown.constant || counts_spikes(shown.values));
        if (!exact) return trace_.forward(shown.values, shown.steps, {}, scores);
        const Recording recording = simulated(shown);
        std::vector<std::span<const float>> potentials(network_.layers.size());
        for (const LayerRecording& layer : recording.layers) potentials[layer.layer] = layer.potentials.data;
        trace_.forward(shown.values, shown.steps, potentials, scores);
        std::ranges::copy(recording.scores.data, scores.begin());
    }

    void input_gradient(int target, std::span<float> gradient) override {
        const GraphTrace::Values by_step = trace_.input_gradient(target);
        std::vector<double> sum(gradient.size());  // of an image over its steps
        for (size_t i = 0; i < by_step.size(); ++i) sum[i % sum.size()] += by_step[i];
        std::ranges::copy(sum, gradient.begin());
    }

    void spike_gradient(int target, int layer, std::span<float> spikes, std::span<float> gradient) override {
        std::ranges::copy(trace_.fired_gradient(target, layer), gradient.begin());
        std::ranges::copy(trace_.fired(layer), spikes.begin());
    }

  private:
    Recording simulated(const ShownSample& shown) const {
        Shape shape = network_.input_shape();
        if (!shown.constant) shape.insert(shape.begin(), shown.steps);
        shape.insert(shape.begin(), 1);
        if (shown.constant)
            return simulator_->run(FloatArray(shape, {shown.values.begin(), shown.values.end()}), request_);
        return simulator_->run_spikes(Array<uint8_t>(shape, {shown.values.begin(), shown.values.end()}), request_);
    }

    const Network& network_;
    const Simulator* simulator_;
    RecordRequest request_;
    GraphTrace trace_;
};

}  // namespace

std::unique_ptr<GradientPass> make_graph_pass(const Network& network, const GradientOptions& options,
                                              const Simulator* simulator) {
    return std::make_unique<GraphPass>(network, options, simulator);
}

}  // namespace spikelens
