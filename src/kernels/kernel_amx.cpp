#if defined(__x86_64__)
#include "kernel_sets.h"
#include "sliced_layer.h"

namespace spikelens::kernels {
namespace {

void amx_layer(const LayerTask& task) {
    const bool sliced = task.spikes != nullptr && task.listing == Listing::slices;
    sliced ? SlicedLayer::layer(task) : avx512_kernels.layer(task);
}

}  // namespace

const KernelSet amx_kernels = {"amx",
                               amx_layer,
                               avx512_kernels.change,
                               avx512_kernels.readout,
                               avx512_kernels.real_currents,
                               avx512_kernels.products,
                               avx512_kernels.spread,
                               {0.2, 60}};

}  // namespace spikelens::kernels
#endif
