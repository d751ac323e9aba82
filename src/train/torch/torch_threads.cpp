#include "torch_threads.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include <dlfcn.h>
#include <sys/mman.h>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"

namespace spikelens {
namespace {

constexpr size_t kBuffer = size_t{128} << 20;  // what OpenBLAS takes
constexpr size_t kSpare = size_t{32} << 20;    // for everything else
constexpr int kMostBuffers = 64;               // beyond them OpenBLAS has few left for all its callers

/// Whether so much address space could be had.
bool room_for(size_t bytes) {
    void* place = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED) return false;
    ::munmap(place, bytes);
    return true;
}

/// OpenBLAS's own pool of buffers, one for each thread that computes; it keeps what it has once taken.
class BlasBuffers {
  public:
    /// Takes at most so many at a time and gives them back to the pool. Returns how many there are.
    int reserve(int wanted) {
        const std::lock_guard lock(mutex_);
        if (!take_ || !give_back_ || reserved_ >= wanted) return wanted;
        std::vector<void*> buffers;
        while (static_cast<int>(buffers.size()) < wanted) {
            if (static_cast<int>(buffers.size()) >= reserved_ && !room_for(kBuffer + kSpare)) break;
            buffers.push_back(take_(0));
        }
        for (void* buffer : buffers) give_back_(buffer);
        reserved_ = std::max(reserved_, static_cast<int>(buffers.size()));
        return static_cast<int>(buffers.size());
    }

  private:
    using Take = void* (*)(int);
    using GiveBack = void (*)(void*);
    // LibTorch's BLAS is whichever the system chose: only OpenBLAS has these functions.
    Take take_ = reinterpret_cast<Take>(::dlsym(RTLD_DEFAULT, "blas_memory_alloc"));
    GiveBack give_back_ = reinterpret_cast<GiveBack>(::dlsym(RTLD_DEFAULT, "blas_memory_free"));
    std::mutex mutex_;
    int reserved_ = 0;
};

}  // namespace

int threads_with_room(int wanted, int64_t work, const std::string& task) {
    static BlasBuffers buffers;  // the pool is the process's
    const int threads = static_cast<int>(std::clamp<int64_t>(work, 1, wanted > 0 ? wanted : available_threads()));
    const int room = buffers.reserve(std::min(threads, kMostBuffers));
    if (room == 0) throw RunError("not enough memory for " + task + ": not even one thread has room for its 128 MB");
    return room < std::min(threads, kMostBuffers) ? room : threads;
}

}  // namespace spikelens
