#pragma once

namespace spikelens::gpu {
class Device;
}

/// What the GPU library gives: a device, which the caller deletes, and the build that it belongs to.
extern "C" {
spikelens::gpu::Device* spikelens_gpu();
extern const char spikelens_gpu_stamp[];
}
