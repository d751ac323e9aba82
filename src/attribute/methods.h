#pragma once

#include <memory>

#include "spikelens/attribute/method.h"

#include "options.h"

namespace spikelens {

using MethodPointer = std::unique_ptr<const AttributionMethod>;

// One factory per method, each in the file that computes it; the registry is the only caller.
MethodPointer make_svebi(MethodOptions& options);
MethodPointer make_grad2d(MethodOptions& options);
MethodPointer make_grad3d(MethodOptions& options);
MethodPointer make_ig2d(MethodOptions& options);
MethodPointer make_ig3d(MethodOptions& options);
MethodPointer make_gradcam(MethodOptions& options);
MethodPointer make_sam(MethodOptions& options);
MethodPointer make_tsa_s(MethodOptions& options);
MethodPointer make_tsa_ns(MethodOptions& options);
MethodPointer make_gate(MethodOptions& options);
MethodPointer make_gate_path(MethodOptions& options);
MethodPointer make_gate3d(MethodOptions& options);
MethodPointer make_probe(MethodOptions& options);
MethodPointer make_occlusion(MethodOptions& options);
MethodPointer make_spike_occlusion(MethodOptions& options);
MethodPointer make_rise(MethodOptions& options);
MethodPointer make_lime(MethodOptions& options);
MethodPointer make_random(MethodOptions& options);
MethodPointer make_uniform(MethodOptions& options);
MethodPointer make_input(MethodOptions& options);
MethodPointer make_sobel(MethodOptions& options);

}  // namespace spikelens
