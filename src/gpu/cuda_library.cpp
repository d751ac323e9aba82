#include "core/module.h"
#include "cuda/cuda_device.h"
#include "device.h"

namespace spikelens::gpu {

std::unique_ptr<Device> cuda_device() {
    const auto make = reinterpret_cast<decltype(&spikelens_gpu)>(
        load_module("gpu", SPIKELENS_GPU_STAMP, "the engine gpu needs Spikelens' GPU library"));
    return std::unique_ptr<Device>(make());
}

}  // namespace spikelens::gpu
