#pragma once

#include <cstdint>
#include <string>

#include "layer_pass.h"

namespace spikelens {

/// Bytes that one worker needs to take samples through the network: buffers, maps and lists of the kernels.
struct SampleMemory {
    int64_t shared = 0;     ///< of it, what samples that are taken together share
    int64_t plain = 0;      ///< with the maps of two layers
    int64_t all_maps = 0;   ///< with those of all layers
    int64_t ablations = 0;  ///< and what is kept of them
};
/// "12 KB", "3 MB": in whole KB or MB, rounded down, where there are 10 of them.
std::string size_text(int64_t bytes);

SampleMemory sample_memory(const RunSettings& settings, const RecordRequest& request, int steps, int input_planes);

}  // namespace spikelens
