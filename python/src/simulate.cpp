#include <algorithm>
#include <map>

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "spikelens/snn/decision.h"

#include "arrays.h"
#include "network.h"

namespace spikelens::python {
namespace {

constexpr int64_t kAtOnce = 256;

/// Indices of the layers whose counts, spikes and potentials are kept.
struct Kept {
    std::vector<int> counts, spikes, potentials;

    RecordRequest request() const {
        RecordRequest request;
        for (const auto* layers : {&counts, &spikes, &potentials})
            request.layers.insert(request.layers.end(), layers->begin(), layers->end());
        std::ranges::sort(request.layers);
        request.layers.erase(std::ranges::unique(request.layers).begin(), request.layers.end());
        request.counts = !counts.empty();
        request.spikes = !spikes.empty();
        request.potentials = !potentials.empty();
        return request;
    }
};

struct Kind {
    FloatArray scores;
    std::map<int, Array<uint16_t>> counts;
    std::map<int, Array<uint8_t>> spikes;
    std::map<int, FloatArray> potentials;
};

/// Samples at once: what is recorded of them takes at most a quarter of the memory.
int64_t batch_size(const Network& network, const RecordRequest& request, int64_t steps, int64_t memory) {
    int64_t bytes = 1;
    for (int layer : request.layers) {
        const int64_t neurons = element_count(network.layers[layer].output_shape());
        bytes += neurons * (2 * request.counts + steps * (request.spikes + 4 * request.potentials));
    }
    return std::clamp<int64_t>(memory / 4 / bytes, 1, kAtOnce);
}

template <class T>
void keep(std::map<int, Array<T>>& kept, const std::vector<int>& layers, const Recording& part,
          Array<T> LayerRecording::*member) {
    for (int layer : layers) kept[layer].append(part.layer(layer).*member);
}

Kind simulate(const Engine& engine, const Samples& samples, const Kept& kept) {
    const RecordRequest request = kept.request();
    const int64_t steps = samples.spiking() ? samples.shape()[1] : engine.network().steps;
    const int64_t step = batch_size(engine.network(), request, steps, engine.execution().memory);
    Kind all;
    for (int64_t first = 0; first < samples.count() || first == 0; first += step) {
        const int64_t count = std::min(step, samples.count() - first);
        engine.execution().report("simulating", first, samples.count());
        const Recording part = engine.run(samples.batch(first, count), request);
        all.scores.append(part.scores);
        keep(all.counts, kept.counts, part, &LayerRecording::counts);
        keep(all.spikes, kept.spikes, part, &LayerRecording::spikes);
        keep(all.potentials, kept.potentials, part, &LayerRecording::potentials);
    }
    return all;
}

template <class T>
nb::dict by_layer(const Network& network, std::map<int, Array<T>>& arrays) {
    nb::dict named;
    for (auto& [layer, array] : arrays) named[network.layers[layer].name.c_str()] = numpy_array(std::move(array));
    return named;
}

nb::dict simulate_samples(NetworkHandle& handle, const nb::object& samples, const std::vector<int>& counts,
                          const std::vector<int>& spikes, const std::vector<int>& potentials,
                          const Settings& settings) {
    const Samples seen = samples_of(samples);
    const NetworkHandle::Lease lease(handle, settings, "");
    Kind all = call(lease.line(), settings, [&] {
        return simulate(lease.engine(), seen, {counts, spikes, potentials});
    });
    const std::vector<int> predicted = predictions(all.scores);
    std::vector<uint8_t> open;
    for (int64_t n = 0; n < all.scores.extent(0); ++n) open.push_back(undecided(all.scores.row(n)));
    nb::dict result;
    result["predictions"] = numpy_array(Array<int64_t>({all.scores.extent(0)}, {predicted.begin(), predicted.end()}));
    result["undecided"] = numpy_array(Array<uint8_t>({all.scores.extent(0)}, std::move(open)));
    result["scores"] = numpy_array(std::move(all.scores));
    result["counts"] = by_layer(*handle.network, all.counts);
    result["spikes"] = by_layer(*handle.network, all.spikes);
    result["potentials"] = by_layer(*handle.network, all.potentials);
    return result;
}

}  // namespace

void bind_simulate(nb::module_& module) {
    module.def("simulate", &simulate_samples, nb::arg("network"), nb::arg("samples"), nb::arg("counts"),
               nb::arg("spikes"), nb::arg("potentials"), nb::arg("settings"),
               "Scores and what else is asked for, by index of the layers: a dict of arrays.");
}

}  // namespace spikelens::python
