#include "spikelens/core/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#include <sched.h>

namespace spikelens {
namespace {

thread_local bool inside_parallel_for = false;

}  // namespace

int available_threads() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) return std::max(1U, std::thread::hardware_concurrency());
    return std::max(1, CPU_COUNT(&set));
}

void parallel_for(int64_t count, int threads, const std::function<void(int64_t, int)>& body) {
    if (threads <= 0) threads = available_threads();
    threads = static_cast<int>(std::min<int64_t>(threads, count));
    if (threads <= 1 || inside_parallel_for) {
        for (int64_t index = 0; index < count; ++index) body(index, 0);
        return;
    }
    std::atomic<int64_t> next{0};
    std::exception_ptr failure;
    int64_t failed_at = count;
    std::mutex failure_mutex;
    const auto work = [&](int worker) {
        inside_parallel_for = true;
        int64_t index = next++;
        try {
            for (; index < count; index = next++) body(index, worker);
        } catch (...) {
            const std::lock_guard lock(failure_mutex);
            if (index < failed_at) failure = std::current_exception();
            failed_at = std::min(failed_at, index);
            next = count;
        }
        inside_parallel_for = false;
    };
    {
        std::vector<std::jthread> workers;
        try {
            for (int worker = 1; worker < threads; ++worker) workers.emplace_back(work, worker);
        } catch (const std::system_error&) {  // the system starts no more: those that run do the work
        } catch (const std::bad_alloc&) {
        }
        work(0);
    }
    if (failure) std::rethrow_exception(failure);
}

void parallel_for(int64_t count, const Execution& execution, const std::function<void(int64_t, int)>& body) {
    if (!execution.cancelled) return parallel_for(count, execution.threads, body);
    parallel_for(count, execution.threads, [&](int64_t index, int worker) {
        execution.stop_if_cancelled();
        body(index, worker);
    });
}

}  // namespace spikelens
