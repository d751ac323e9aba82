#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>

#include "product.h"

/// All work of single parts (tasks.h, product.h).
#define SPIKELENS_GPU_TASKS(task)                                                                              \
    task(RealCurrents) task(FireConstant) task(PackSpikes) task(UnpackSpikes) task(PoolNumbers) task(SumSteps) \
        task(MaskChannels) task(SliceWeights)

namespace spikelens::gpu {

/// Where tasks run, one after the other, and the memory they work on. Throws RunError when it fails.
class Device {
  public:
    virtual ~Device() = default;
    /// "NVIDIA H100", for people.
    virtual std::string name() const = 0;
    /// What may still be taken.
    virtual int64_t free_bytes() const = 0;
    virtual void* allocate(int64_t bytes) = 0;
    virtual void release(void* memory) noexcept = 0;
    virtual void zero(void* to, int64_t bytes) = 0;
    virtual void upload(void* to, const void* from, int64_t bytes) = 0;
    /// After all tasks before it.
    virtual void download(void* to, const void* from, int64_t bytes) = 0;
#define SPIKELENS_DECLARE_TASK(Task) virtual void run(const Task& task) = 0;
    SPIKELENS_GPU_TASKS(SPIKELENS_DECLARE_TASK)
#undef SPIKELENS_DECLARE_TASK
    /// With tiles of this many outputs: 16 or 32.
    virtual void run(const ProductTask& task, int tile_outputs) = 0;
};

/// The same work on this machine's cores, which may take so many bytes.
std::unique_ptr<Device> emulated_device(int threads, int64_t memory);

/// The GPU, through the library that alone is built with CUDA. Throws RunError where there is none.
std::unique_ptr<Device> cuda_device();

/// Memory of a device, which must outlive it. Growing forgets what it held.
class Buffer {
  public:
    explicit Buffer(Device& device) : device_(&device) {}
    Buffer(Buffer&& other) noexcept : device_(other.device_), data_(other.data_), bytes_(other.bytes_) {
        other.data_ = nullptr;
    }
    Buffer& operator=(Buffer&&) = delete;
    ~Buffer() { clear(); }

    /// At least this many bytes.
    void* need(int64_t bytes) {
        if (bytes <= bytes_) return data_;
        clear();
        data_ = device_->allocate(bytes);
        bytes_ = bytes;
        return data_;
    }
    template <class T>
    T* need_many(int64_t count) {
        return static_cast<T*>(need(count * static_cast<int64_t>(sizeof(T))));
    }
    /// What it holds.
    template <class T>
    T* as() const {
        return static_cast<T*>(data_);
    }
    template <class Range>
    auto* hold(const Range& values) {
        using T = std::remove_cv_t<typename Range::value_type>;
        T* const to = need_many<T>(static_cast<int64_t>(values.size()));
        device_->upload(to, values.data(), static_cast<int64_t>(values.size() * sizeof(T)));
        return to;
    }
    void clear() noexcept {
        if (data_) device_->release(data_);
        data_ = nullptr;
        bytes_ = 0;
    }

  private:
    Device* device_;
    void* data_ = nullptr;
    int64_t bytes_ = 0;
};

}  // namespace spikelens::gpu
