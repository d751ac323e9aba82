#include "spikelens/pipeline/check_memory.h"

#include <vector>

namespace spikelens {

void check_memory(const Engine& engine, const SampleSource& samples) {
    if (samples.size() == 0) return;
    RecordRequest request;
    request.counts = true;
    const std::vector<Layer>& layers = engine.network().layers;
    for (int l = 0; l < static_cast<int>(layers.size()); ++l)
        if (layers[l].neuron) request.layers.push_back(l);
    const Input first = samples.input(std::vector<int64_t>{0});
    engine.run(first, request);
    engine.run_ablations(first, {});
}

}  // namespace spikelens
