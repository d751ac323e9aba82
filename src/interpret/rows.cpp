#include "rows.h"

#include <algorithm>

#include "spikelens/core/error.h"

namespace spikelens {

std::vector<LayerRows> layer_rows(const Network& network) {
    std::vector<LayerRows> rows;
    int64_t row = 0;
    for (const FilterIndex& filter : response_filters(network)) {
        if (rows.empty() || rows.back().layer != filter.layer) rows.push_back({filter.layer, row, 0});
        ++rows.back().count;
        ++row;
    }
    if (rows.empty()) throw InputError("the network has no hidden spiking layer, so there are no filters to interpret");
    return rows;
}

RecordRequest counts_of(const std::vector<LayerRows>& rows) {
    RecordRequest request;
    request.counts = true;
    for (const LayerRows& layer : rows) request.layers.push_back(layer.layer);
    return request;
}

int64_t images_per_batch(const Engine& engine, const std::vector<LayerRows>& recorded) {
    const Network& network = engine.network();
    const int64_t most_bytes = std::min(int64_t{1} << 29, engine.execution().memory);
    constexpr int64_t most_images = 256;
    int64_t bytes = element_count(network.input_shape()) * int64_t{sizeof(float)};
    for (const LayerRows& rows : recorded) {
        const Layer& layer = network.layers[rows.layer];
        bytes += int64_t{layer.out_channels} * layer.out_height * layer.out_width * int64_t{sizeof(uint16_t)};
    }
    return std::clamp(most_bytes / bytes, int64_t{1}, most_images);
}

void check_samples(const Network& network, const SampleSource& samples) {
    if (samples.shape() == network.input_shape()) return;
    throw InputError("the images have shape " + shape_text(samples.shape()) + ", but the network expects " +
                     shape_text(network.input_shape()));
}

}  // namespace spikelens
