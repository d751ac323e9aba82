#pragma once

#include "attribute/methods.h"

// The list of src/attribute/methods.h with the toy in it, and without methods that its conformance tests do not name.
#undef SPIKELENS_METHODS
#define SPIKELENS_METHODS(method)                                                                                 \
    method(svebi) method(ig2d) method(ig3d) method(smoothgrad) method(vargrad) method(gradcam) method(sam)        \
        method(gate) method(gate_path) method(share) method(share3d) method(slrp) method(sltrp) method(occlusion) \
            method(shapley) method(shapley3d) method(grad_input) method(random) method(uniform) method(input)     \
                method(sobel)

namespace spikelens {

MethodPointer make_grad_input(MethodOptions& options);

}  // namespace spikelens
