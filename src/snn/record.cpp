#include "record.h"

#include <bit>

namespace spikelens {

LayerRecording make_recording(const Layer& layer, int index, const RecordRequest& request, int64_t samples, int steps) {
    LayerRecording recording;
    recording.layer = index;
    const Shape full = {samples, layer.out_channels, layer.out_height, layer.out_width};
    Shape timed = full;
    timed.insert(timed.begin(), steps);
    if (request.counts) recording.counts = Array<uint16_t>(full);
    if (request.pooled_counts)
        recording.pooled_counts = Array<uint16_t>({samples, layer.out_channels, layer.pooled_height, layer.pooled_width});
    if (request.spikes) recording.spikes = Array<uint8_t>(timed);
    if (request.potentials) recording.potentials = FloatArray(timed);
    return recording;
}

void record_spikes(const SpikeMap& spikes, int64_t sample, Array<uint8_t>& out) {
    const int64_t pixels = int64_t{spikes.height} * spikes.width, samples = out.extent(1);
    for (int step = 0; step < spikes.steps; ++step) {
        uint8_t* frame = out.data.data() + (int64_t{step} * samples + sample) * spikes.channels * pixels;
        for (int64_t pixel = 0; pixel < pixels; ++pixel) {
            const uint64_t* words =
                spikes.at(static_cast<int>(pixel / spikes.width), static_cast<int>(pixel % spikes.width), step);
            for (int word = 0; word < spikes.words_per_plane(); ++word)
                for (uint64_t bits = words[word]; bits != 0; bits &= bits - 1)
                    frame[(word * 64 + std::countr_zero(bits)) * pixels + pixel] = 1;
        }
    }
}

void record_counts(const SpikeMap& spikes, std::span<uint16_t> out) {
    const int64_t pixels = int64_t{spikes.height} * spikes.width;
    for (int64_t pixel = 0; pixel < pixels; ++pixel)
        for (int step = 0; step < spikes.steps; ++step) {
            const uint64_t* words =
                spikes.at(static_cast<int>(pixel / spikes.width), static_cast<int>(pixel % spikes.width), step);
            for (int plane = 0; plane < spikes.planes; ++plane)
                for (int word = 0; word < spikes.words_per_plane(); ++word)
                    for (uint64_t bits = words[plane * spikes.words_per_plane() + word]; bits != 0; bits &= bits - 1)
                        out[(word * 64 + std::countr_zero(bits)) * pixels + pixel] += static_cast<uint16_t>(1U << plane);
        }
}

}  // namespace spikelens
