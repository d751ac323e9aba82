#include "spikelens/train/calibrate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <vector>

#include "spikelens/core/error.h"
#include "spikelens/snn/engine.h"

namespace spikelens {
namespace {

/// Neurons whose potential is their input: they forget at once, and never fire.
Neuron listener(Neuron neuron) {
    neuron.beta = 0;
    neuron.reset = Reset::none;
    neuron.delay = false;
    neuron.threshold = std::numeric_limits<float>::max();
    return neuron;
}

/// What a share of the inputs reaches.
float upper_quantile(std::span<float> inputs) {
    const auto above = static_cast<int64_t>(kBalancedShare * static_cast<double>(inputs.size()));
    const auto place = inputs.begin() + above;
    std::nth_element(inputs.begin(), place, inputs.end(), std::greater<>());
    return *place;
}

/// The largest of all samples. Samples are simulated as many at a time as fit into memory.
float largest_quantile(const Engine& engine, int layer, const SampleSource& samples, int64_t count) {
    const Network& network = engine.network();
    const int64_t steps = samples.steps() > 0 ? samples.steps() : network.steps;
    const int64_t bytes = 4 * steps * element_count(network.layers[layer].output_shape());
    const int64_t batch = std::clamp<int64_t>(engine.execution().memory / bytes, 1, 32);
    float largest = -std::numeric_limits<float>::infinity();
    for (int64_t first = 0; first < count; first += batch) {
        std::vector<int64_t> indices(std::min(batch, count - first));
        std::iota(indices.begin(), indices.end(), first);
        Recording recording = engine.run(samples.input(indices), {.layers = {layer}, .potentials = true});
        FloatArray& inputs = recording.layers[0].potentials;
        for (int64_t n = 0; n < inputs.extent(0); ++n) largest = std::max(largest, upper_quantile(inputs.row(n)));
        engine.execution().report("balancing the threshold of " + network.layers[layer].name,
                                  first + static_cast<int64_t>(indices.size()), count);
    }
    return largest;
}

/// Lets the layer's neurons listen meanwhile, however it ends.
float balanced_threshold(Network& network, int layer, const SampleSource& samples, int64_t count,
                         const Execution& execution) {
    struct Listening {
        std::optional<Neuron>& neuron;
        Neuron own;
        explicit Listening(std::optional<Neuron>& of) : neuron(of), own(*of) { neuron = listener(own); }
        ~Listening() { neuron = own; }
    } listening(network.layers[layer].neuron);
    const CpuEngine engine(std::shared_ptr<const Network>(std::shared_ptr<const Network>(), &network), execution);
    return largest_quantile(engine, layer, samples, count);
}

}  // namespace

void balance_thresholds(Network& network, const SampleSource& samples, int64_t count, const Execution& execution) {
    check_network(network, "balancing thresholds");
    require_chain(network, "balancing thresholds");
    count = std::min(count, samples.size());
    if (count < 1) throw InputError("thresholds are balanced on 1 sample or more, not " + std::to_string(count));
    for (int l = 0; l < static_cast<int>(network.layers.size()); ++l) {
        Layer& layer = network.layers[l];
        if (!layer.neuron) continue;
        const float threshold = balanced_threshold(network, l, samples, count, execution);
        if (!(threshold > 0) || !std::isfinite(threshold))
            throw InputError("the threshold of " + layer.name +
                             " cannot be balanced: nearly none of its inputs is above 0 on " + std::to_string(count) +
                             " samples");
        layer.neuron->threshold = threshold;
    }
}

}  // namespace spikelens
