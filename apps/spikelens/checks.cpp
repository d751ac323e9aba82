#include "checks.h"

#include <string>
#include <vector>

#include "spikelens/core/error.h"

namespace spikelens::app {

void check_memory(const Engine& engine, const SampleSource& samples) {
    if (samples.size() == 0) return;
    RecordRequest request;
    request.counts = true;
    const std::vector<Layer>& layers = engine.network().layers;
    for (int l = 0; l < static_cast<int>(layers.size()); ++l)
        if (layers[l].neuron) request.layers.push_back(l);
    const Input first = samples.input(std::vector<int64_t>{0});
    try {
        engine.run(first, request);
        engine.run_ablations(first, {});
    } catch (const InputError& error) {
        throw InputError(std::string(error.what()) + " (--memory)");
    }
}

}  // namespace spikelens::app
