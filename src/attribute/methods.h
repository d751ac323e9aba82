#pragma once

#include <memory>

#include "spikelens/attribute/method.h"

#include "options.h"

/// Every method, in the order of tables and of `spikelens methods`: one line each, and a function make_<name>() in the
/// file beside this one that computes it.
#define SPIKELENS_METHODS(method)                                                                                      \
    method(svebi) method(grad2d) method(grad3d) method(ig2d) method(ig3d) method(smoothgrad) method(vargrad)           \
        method(gradcam) method(conductance) method(sam) method(tsa_s) method(tsa_ns) method(gate) method(gate_path)    \
            method(gate3d) method(share) method(share_path) method(share3d) method(rescale) method(slrp) method(sltrp) \
                method(probe) method(occlusion) method(spike_occlusion) method(rise) method(lime) method(shapley)      \
                    method(shapley3d) method(random) method(uniform) method(input) method(sobel)

namespace spikelens {

using MethodPointer = std::unique_ptr<const AttributionMethod>;

#define SPIKELENS_DECLARE_METHOD(name) MethodPointer make_##name(MethodOptions& options);
SPIKELENS_METHODS(SPIKELENS_DECLARE_METHOD)
#undef SPIKELENS_DECLARE_METHOD

}  // namespace spikelens
