#pragma once

#include <cstdint>
#include <string>

namespace spikelens {

/// How many threads may compute with LibTorch side by side: at most `wanted` (0: all cores), no more than there is work
/// for, and no more than there is room for. OpenBLAS takes 128 MB of address space for each and, where there is none,
/// asks again for ever; here each gets its room before. Throws RunError that names `task` when there is no room for
/// one.
int threads_with_room(int wanted, int64_t work, const std::string& task);

}  // namespace spikelens
