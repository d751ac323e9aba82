#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "spikelens/attribute/baseline.h"
#include "spikelens/attribute/method.h"
#include "spikelens/snn/engine.h"

namespace spikelens {

// A place of a recording is where a spike can be, numbered in the order of its [T, C, H, W].

/// The places of a recording that hold spikes, ascending.
std::vector<int64_t> spike_places(std::span<const uint8_t> recording);

/// Copies of a sample of this many values that are scored together: 64 MiB of them, at most 256.
int64_t copies_at_once(int64_t bytes);

/// Scores [count, classes] of a recording [T, C, H, W], each time without the spikes at removed(k).
FloatArray scores_without(const Engine& engine, const ArrayView<uint8_t>& recording, int64_t count,
                          const std::function<std::vector<int64_t>(int64_t k)>& removed);

/// [N, T, C, H, W] → [N, C, H, W]
FloatArray spikes_over_time(const Array<uint8_t>& spikes);

/// Spikes have one absence, silence: throws InputError for a baseline other than black.
void require_silence(const std::string& method, Baseline baseline);

/// What integration starts from: the baseline of each image, or silence.
OwnBaseline start_of(const Input& input, Baseline baseline);

}  // namespace spikelens
