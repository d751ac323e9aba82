#include "checks.h"

#include <string>
#include <vector>

#include "spikelens/core/error.h"

namespace spikelens::app {

void check_memory(const Simulator& simulator, const SampleSource& samples) {
    if (samples.size() == 0) return;
    RecordRequest request;
    request.counts = true;
    const std::vector<Layer>& layers = simulator.network().layers;
    for (int l = 0; l < static_cast<int>(layers.size()); ++l)
        if (layers[l].neuron) request.layers.push_back(l);
    const Input first = samples.input(std::vector<int64_t>{0});
    try {
        simulator.run(first, request);
        simulator.run_ablations(first, {});
    } catch (const InputError& error) {
        throw InputError(std::string(error.what()) + " (--memory)");
    }
}

}  // namespace spikelens::app
