#include "record.h"

#include <bit>
#include <cstring>

namespace spikelens {

namespace {

template <class T>
void unpack(const T* packed, int64_t first_pixel, int64_t pixels, int padded, int first_channel, int channels, T* out) {
    for (int channel = first_channel; channel < channels; ++channel)
        for (int64_t pixel = first_pixel; pixel < pixels; ++pixel)
            out[channel * pixels + pixel] = packed[pixel * padded + channel];
}

using Eight = uint16_t __attribute__((vector_size(16)));

/// Rows of eight become columns: each pass interleaves the first half with the second.
void transpose(Eight (&rows)[8]) {
    for (int pass = 0; pass < 3; ++pass) {
        Eight next[8];
        for (int i = 0; i < 4; ++i) {
            next[2 * i] = __builtin_shufflevector(rows[i], rows[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
            next[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
        }
        std::memcpy(rows, next, sizeof next);
    }
}

}  // namespace

void unpack_channels(const float* packed, int64_t pixels, int padded, int channels, float* out) {
    unpack(packed, 0, pixels, padded, 0, channels, out);
}

void unpack_channels(const uint16_t* packed, int64_t pixels, int padded, int channels, uint16_t* out) {
    const int64_t whole_pixels = pixels / 8 * 8;
    const int whole_channels = channels / 8 * 8;
    for (int channel = 0; channel < whole_channels; channel += 8)
        for (int64_t pixel = 0; pixel < whole_pixels; pixel += 8) {
            Eight rows[8];
            for (int i = 0; i < 8; ++i) std::memcpy(&rows[i], packed + (pixel + i) * padded + channel, sizeof rows[i]);
            transpose(rows);
            for (int i = 0; i < 8; ++i) std::memcpy(out + (channel + i) * pixels + pixel, &rows[i], sizeof rows[i]);
        }
    unpack(packed, whole_pixels, pixels, padded, 0, whole_channels, out);
    unpack(packed, 0, pixels, padded, whole_channels, channels, out);
}

LayerRecording make_recording(const Layer& layer, int index, const RecordRequest& request, int64_t samples, int steps) {
    LayerRecording recording;
    recording.layer = index;
    const Shape full = {samples, layer.out_channels, layer.out_height, layer.out_width};
    Shape timed = full;
    timed.insert(timed.begin() + 1, steps);
    if (request.counts) recording.counts = Array<uint16_t>(full);
    if (request.pooled_counts)
        recording.pooled_counts =
            Array<uint16_t>({samples, layer.out_channels, layer.pooled_height, layer.pooled_width});
    if (request.spikes) recording.spikes = Array<uint8_t>(timed);
    if (request.potentials) recording.potentials = FloatArray(timed);
    return recording;
}

void record_spikes(const SpikeMap& spikes, std::span<uint8_t> out) {
    const int64_t pixels = int64_t{spikes.height} * spikes.width;
    for (int step = 0; step < spikes.steps; ++step) {
        uint8_t* frame = out.data() + step * spikes.channels * pixels;
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
                        out[(word * 64 + std::countr_zero(bits)) * pixels + pixel] +=
                            static_cast<uint16_t>(1U << plane);
        }
}

}  // namespace spikelens
