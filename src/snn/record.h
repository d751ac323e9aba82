#pragma once

#include <cstdint>
#include <span>

#include "spikelens/snn/simulate.h"

#include "spike_maps.h"

namespace spikelens {

/// An empty recording of a layer: the arrays asked for, zeroed.
LayerRecording make_recording(const Layer& layer, int index, const RecordRequest& request, int64_t samples, int steps);

/// Writes a sample's spikes into [T, C, H, W], which is zero.
void record_spikes(const SpikeMap& spikes, std::span<uint8_t> out);

/// Adds up a sample's spikes (or whole numbers) over time into [C, H, W].
void record_counts(const SpikeMap& spikes, std::span<uint16_t> out);

/// [pixel][padded] → [channel][pixel]
void unpack_channels(const float* packed, int64_t pixels, int padded, int channels, float* out);
void unpack_channels(const uint16_t* packed, int64_t pixels, int padded, int channels, uint16_t* out);

}  // namespace spikelens
