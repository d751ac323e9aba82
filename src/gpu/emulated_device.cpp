#include <algorithm>
#include <cstring>
#include <vector>

#include "spikelens/core/aligned.h"
#include "spikelens/core/parallel.h"

#include "device.h"

namespace spikelens::gpu {
namespace {

/// A block of threads, one after the other. What the GPU copies ahead of use is there at once; products are the
/// definition.
template <class Shape>
class EmulatedTeam {
  public:
    template <class T>
    class Own {
      public:
        T& operator[](int thread) { return of_[thread]; }
        const T& operator[](int thread) const { return of_[thread]; }

      private:
        std::vector<T> of_ = std::vector<T>(Shape::kThreads);
    };

    uint8_t* memory() { return memory_.data(); }
    template <class F>
    void each(const F& f) {
        for (int thread = 0; thread < Shape::kThreads; ++thread) f(thread);
    }
    void sync() {}
    void commit() {}
    template <int kPending>
    void wait() {}

    static void copy_reused(uint8_t* to, const uint8_t* from, bool there) {
        there ? std::memcpy(to, from, kGranule) : std::memset(to, 0, kGranule);
    }
    static void copy_once(uint8_t* to, const int8_t* from) { std::memcpy(to, from, kGranule); }

    /// Adds a stage's products to a thread's sums.
    static void multiply(int thread, const uint8_t* input, const uint8_t* weights, Sums& sums) {
        for (int i = 0; i < 4; ++i)
            for (int j = 0; j < 8; ++j)
                for (int e = 0; e < 4; ++e)
                    sums.of[i][j][e] += product(input, sum_row(thread, i, e), weights, sum_column(thread, j, e));
    }

  private:
    static int32_t product(const uint8_t* input, int row, const uint8_t* weights, int column) {
        int32_t sum = 0;
        for (int part = 0; part < Shape::kParts; ++part) {
            const uint8_t* const x = input + part_place(row, part);
            const uint8_t* const w = weights + part_place(column, part);
            for (int byte = 0; byte < kGranule; ++byte) sum += int32_t{x[byte]} * static_cast<int8_t>(w[byte]);
        }
        return sum;
    }

    AlignedVector<uint8_t> memory_ = AlignedVector<uint8_t>(Shape::kSharedBytes, 0xA5);
};

class EmulatedDevice final : public Device {
  public:
    EmulatedDevice(int threads, int64_t memory)
        : threads_(threads > 0 ? threads : available_threads()), memory_(memory) {}

    std::string name() const override { return "emulated"; }
    int64_t free_bytes() const override { return memory_; }
    /// As on a GPU, memory holds anything at first.
    void* allocate(int64_t bytes) override {
        void* const memory = ::operator new (static_cast<size_t>(bytes), std::align_val_t{64});
        std::memset(memory, 0xA5, static_cast<size_t>(bytes));
        return memory;
    }
    void release(void* memory) noexcept override { ::operator delete (memory, std::align_val_t{64}); }
    void zero(void* to, int64_t bytes) override { std::memset(to, 0, static_cast<size_t>(bytes)); }
    void upload(void* to, const void* from, int64_t bytes) override {
        std::memcpy(to, from, static_cast<size_t>(bytes));
    }
    void download(void* to, const void* from, int64_t bytes) override {
        std::memcpy(to, from, static_cast<size_t>(bytes));
    }
#define SPIKELENS_RUN_TASK(Task) \
    void run(const Task& task) override { run_parts(task); }
    SPIKELENS_GPU_TASKS(SPIKELENS_RUN_TASK)
#undef SPIKELENS_RUN_TASK
    void run(const ProductTask& task, int tile_outputs) override {
        tile_outputs == Tile<2>::kOutputs ? run_blocks<Tile<2>>(task) : run_blocks<Tile<1>>(task);
    }

  private:
    template <class Task>
    void run_parts(const Task& task) const {
        constexpr int64_t kAtOnce = 4096;
        parallel_for((task.count() + kAtOnce - 1) / kAtOnce, threads_, [&](int64_t part, int) {
            for (int64_t i = part * kAtOnce; i < std::min(task.count(), (part + 1) * kAtOnce); ++i) task(i);
        });
    }
    template <class Shape>
    void run_blocks(const ProductTask& task) const {
        parallel_for(task.blocks(), threads_, [&](int64_t block, int) {
            EmulatedTeam<Shape> team;
            Product<Shape, EmulatedTeam<Shape>>(task, block, team).run();
        });
    }

    int threads_;
    int64_t memory_;
};

}  // namespace

std::unique_ptr<Device> emulated_device(int threads, int64_t memory) {
    return std::make_unique<EmulatedDevice>(threads, memory);
}

}  // namespace spikelens::gpu
