#pragma once

#include <cstdint>
#include <functional>

#include "spikelens/core/execution.h"

namespace spikelens {

/// Cores this process may use (its affinity mask).
int available_threads();

/// Calls `body(index, worker)` once for each index in 0..count-1, on `threads` workers (0: all cores), `worker` in
/// 0..threads-1. Indices are handed out in order as workers become free. When all workers have stopped, the exception
/// of the lowest index that threw is rethrown: the one that a single thread meets. Where the system starts no more
/// threads, fewer do the work. Nested calls run in the calling thread.
void parallel_for(int64_t count, int threads, const std::function<void(int64_t index, int worker)>& body);

/// The same on execution.threads workers. Throws Cancelled, before the next index, when the work was asked to stop.
void parallel_for(int64_t count, const Execution& execution,
                  const std::function<void(int64_t index, int worker)>& body);

}  // namespace spikelens
