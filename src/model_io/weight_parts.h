#pragma once

#include <string>

#include "state_dict.h"

namespace spikelens {

/// Puts weights together that pruning (weight_orig, weight_mask) and weight_norm (weight_g, weight_v, or
/// parametrizations.weight.original0 and original1 of these shapes) have split: one tensor stands at the place of the
/// first part. A state dict does not say which parametrisation original0 and original1 are of: that is among its
/// assumptions. Throws InputError, opened by `where`, for parts whose shapes do not fit. Nothing is computed yet.
void join_parts(StateDict& state, const std::string& where);

/// A weight's values as float32; what is composed is computed in double precision and rounded once, as PyTorch's own
/// weight is rounded. The view must be real and without fault, and of a size that may be asked for.
FloatArray weight_values(const StateTensor& tensor);

/// "pruned: 0.weight_orig · 0.weight_mask" of what is composed, else "".
std::string composition_text(const StateTensor& tensor);

}  // namespace spikelens
