#include "spikelens/interpret/responses.h"

#include <cmath>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"

#include "rows.h"

namespace spikelens {
namespace {

// Counts, not averages: the factor 1/T cancels in every response, and integer sums are exact.
int64_t energy(std::span<const uint16_t> counts) {
    uint64_t sum = 0;
    for (const uint16_t count : counts) sum += uint32_t{count} * uint32_t{count};
    return static_cast<int64_t>(sum);
}

void energy_shares(std::span<const int64_t> energies, std::span<float> responses) {
    int64_t total = 0;
    for (const int64_t e : energies) total += e;
    for (size_t f = 0; f < energies.size(); ++f)
        responses[f] =
            total == 0 ? 0.0F : static_cast<float>(static_cast<double>(energies[f]) / static_cast<double>(total));
}

void norm_shares(std::span<const int64_t> energies, std::span<float> responses) {
    double total = 0;
    for (const int64_t e : energies) total += std::sqrt(static_cast<double>(e));
    for (size_t f = 0; f < energies.size(); ++f)
        responses[f] = total == 0 ? 0.0F : static_cast<float>(std::sqrt(static_cast<double>(energies[f])) / total);
}

void layer_responses(std::span<const uint16_t> counts, ResponseKind kind, std::span<float> responses) {
    const size_t map = counts.size() / responses.size();
    std::vector<int64_t> energies(responses.size());
    for (size_t f = 0; f < energies.size(); ++f) energies[f] = energy(counts.subspan(f * map, map));
    kind == ResponseKind::energy ? energy_shares(energies, responses) : norm_shares(energies, responses);
}

void check_counts(const Array<uint16_t>& counts, int64_t samples, const LayerRows& rows, const Network& network) {
    if (counts.shape.size() >= 2 && counts.extent(0) == samples && counts.extent(1) == rows.count) return;
    throw InputError("the recording holds counts of shape " + shape_text(counts.shape) + " for layer " +
                     network.layers[rows.layer].name + ", expected " + std::to_string(samples) + " samples of " +
                     std::to_string(rows.count) + " filters");
}

}  // namespace

FloatArray batch_responses(const Network& network, const Recording& recording, ResponseKind kind,
                           const Execution& execution) {
    const std::vector<LayerRows> layers = layer_rows(network);
    const int64_t samples = recording.scores.extent(0);
    for (const LayerRows& rows : layers) check_counts(recording.layer(rows.layer).counts, samples, rows, network);
    FloatArray responses({samples, layers.back().first + layers.back().count});
    parallel_for(samples, execution, [&](int64_t n, int) {
        for (const LayerRows& rows : layers)
            layer_responses(recording.layer(rows.layer).counts.row(n), kind,
                            responses.row(n).subspan(rows.first, rows.count));
    });
    return responses;
}

}  // namespace spikelens
