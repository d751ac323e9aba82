// The GPU, by CUDA: every task of tasks.h as a kernel, products on tensor cores. Compiled without contraction
// (-fmad=false), so that floats are the CPU's.
#include <string>

#include <cuda_runtime.h>

#include "spikelens/core/error.h"

#include "gpu/cuda/cuda_device.h"
#include "gpu/device.h"

namespace spikelens::gpu {
namespace {

constexpr int kThreads = 256;
constexpr int kLeastMajor = 8;  // mma of bytes in this shape, copies into a block's memory, 100 KB of it

void check(cudaError_t error, const char* what) {
    if (error != cudaSuccess)
        throw RunError(std::string("the GPU could not ") + what + ": " + cudaGetErrorString(error));
}

template <class Task>
__global__ void __launch_bounds__(kThreads) run_parts(const Task task) {
    const int64_t count = task.count(), stride = int64_t{gridDim.x} * kThreads;
    for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count; i += stride) task(i);
}

/// A thread's 16 × 32 bytes of a matrix, or two of 8 × 32, from a block's memory.
__device__ inline void load_fragment(uint32_t (&to)[4], const uint8_t* from) {
    const auto at = static_cast<uint32_t>(__cvta_generic_to_shared(from));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(at));
}

__device__ inline void multiply_bytes(int32_t (&sums)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    asm volatile(
        "mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
        "%3};"
        : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/// A block of threads.
template <class Shape>
class CudaTeam {
  public:
    template <class T>
    class Own {
      public:
        __device__ T& operator[](int) { return of_; }
        __device__ const T& operator[](int) const { return of_; }

      private:
        T of_;
    };

    __device__ uint8_t* memory() {
        extern __shared__ __align__(128) uint8_t shared[];
        return shared;
    }
    template <class F>
    __device__ void each(const F& f) {
        f(static_cast<int>(threadIdx.x));
    }
    __device__ void sync() { __syncthreads(); }
    __device__ void commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
    template <int kPending>
    __device__ void wait() {
        asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
    }

    /// What neighbouring pixels and taps copy again stays in the first-level cache.
    __device__ static void copy_reused(uint8_t* to, const uint8_t* from, bool there) {
        const auto at = static_cast<uint32_t>(__cvta_generic_to_shared(to));
        asm volatile("cp.async.ca.shared.global [%0], [%1], 16, %2;" ::"r"(at), "l"(from), "r"(there ? 16 : 0)
                     : "memory");
    }
    __device__ static void copy_once(uint8_t* to, const int8_t* from) {
        const auto at = static_cast<uint32_t>(__cvta_generic_to_shared(to));
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(at), "l"(from) : "memory");
    }

    __device__ static void multiply(int thread, const uint8_t* input, const uint8_t* weights, Sums& sums) {
        const int lane = thread % 32, square = lane / 8, line = lane % 8;
        const int first_row = warp_row(thread), first_column = warp_column(thread);
        SPIKELENS_UNROLL for (int half = 0; half < kDepth / 32; ++half) {
            uint32_t a[4][4], b[4][4];
            SPIKELENS_UNROLL for (int i = 0; i < 4; ++i) load_fragment(
                a[i], input + part_place(first_row + i * 16 + square % 2 * 8 + line, 2 * half + square / 2));
            SPIKELENS_UNROLL for (int j = 0; j < 4; ++j) load_fragment(
                b[j], weights + part_place(first_column + (2 * j + square / 2) * 8 + line, 2 * half + square % 2));
            SPIKELENS_UNROLL for (int i = 0; i < 4; ++i) {
                SPIKELENS_UNROLL for (int j = 0; j < 8; ++j)
                    multiply_bytes(sums.of[i][j], a[i], b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
            }
        }
    }
};

template <class Shape>
__global__ void __launch_bounds__(Shape::kThreads, 256 / Shape::kThreads)
    run_product(const __grid_constant__ ProductTask task) {
    CudaTeam<Shape> team;
    Product<Shape, CudaTeam<Shape>>(task, blockIdx.x, team).run();
}

class CudaDevice final : public Device {
  public:
    CudaDevice() {
        int devices = 0;
        if (const cudaError_t error = cudaGetDeviceCount(&devices); error != cudaSuccess || devices == 0)
            throw RunError(std::string("the engine gpu needs a GPU by NVIDIA and its driver, and found none: ") +
                           (error == cudaSuccess ? "there is no device" : cudaGetErrorString(error)));
        check(cudaGetDeviceProperties(&properties_, 0), "be asked for its properties");
        if (properties_.major < kLeastMajor)
            throw RunError(std::string("the engine gpu needs a GPU of compute capability 8.0 or more; ") +
                           properties_.name + " has " + std::to_string(properties_.major) + "." +
                           std::to_string(properties_.minor));
        check(cudaSetDevice(0), "be used");
        allow_memory<Tile<1>>();
        allow_memory<Tile<2>>();
    }

    std::string name() const override { return properties_.name; }
    int64_t free_bytes() const override {
        size_t free = 0, total = 0;
        check(cudaMemGetInfo(&free, &total), "say how much memory is free");
        return static_cast<int64_t>(free);
    }
    void* allocate(int64_t bytes) override {
        check(cudaSetDevice(0), "be used");
        void* memory = nullptr;
        check(cudaMalloc(&memory, static_cast<size_t>(bytes)), "give memory");
        return memory;
    }
    void release(void* memory) noexcept override { cudaFree(memory); }
    void zero(void* to, int64_t bytes) override {
        check(cudaMemsetAsync(to, 0, static_cast<size_t>(bytes)), "clear memory");
    }
    void upload(void* to, const void* from, int64_t bytes) override {
        check(cudaMemcpy(to, from, static_cast<size_t>(bytes), cudaMemcpyHostToDevice), "be given data");
    }
    void download(void* to, const void* from, int64_t bytes) override {
        check(cudaMemcpy(to, from, static_cast<size_t>(bytes), cudaMemcpyDeviceToHost), "finish its work");
    }
#define SPIKELENS_RUN_TASK(Task) \
    void run(const Task& task) override { launch(task); }
    SPIKELENS_GPU_TASKS(SPIKELENS_RUN_TASK)
#undef SPIKELENS_RUN_TASK
    void run(const ProductTask& task, int tile_outputs) override {
        tile_outputs == Tile<2>::kOutputs ? launch_product<Tile<2>>(task) : launch_product<Tile<1>>(task);
    }

  private:
    template <class Shape>
    static void allow_memory() {
        check(
            cudaFuncSetAttribute(run_product<Shape>, cudaFuncAttributeMaxDynamicSharedMemorySize, Shape::kSharedBytes),
            "give a block its memory");
    }
    template <class Task>
    void launch(const Task& task) {
        const int64_t most = int64_t{64} * properties_.multiProcessorCount,
                      blocks = (task.count() + kThreads - 1) / kThreads;
        if (blocks == 0) return;
        run_parts<<<static_cast<unsigned>(blocks < most ? blocks : most), kThreads>>>(task);
        check(cudaGetLastError(), "start a task");
    }
    template <class Shape>
    void launch_product(const ProductTask& task) {
        if (task.blocks() == 0) return;
        run_product<Shape><<<static_cast<unsigned>(task.blocks()), Shape::kThreads, Shape::kSharedBytes>>>(task);
        check(cudaGetLastError(), "start a product");
    }

    cudaDeviceProp properties_{};
};

}  // namespace
}  // namespace spikelens::gpu

extern "C" {
const char spikelens_gpu_stamp[] = SPIKELENS_GPU_STAMP;

spikelens::gpu::Device* spikelens_gpu() { return new spikelens::gpu::CudaDevice; }
}
