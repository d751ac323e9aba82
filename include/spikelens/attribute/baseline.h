#pragma once

#include <string>
#include <string_view>

#include "spikelens/core/array.h"

namespace spikelens {

/// The absence of evidence: what attributions are measured from, and what evaluation removes pixels to.
enum class Baseline { black, blur, mean };

/// "black", "blur" or "mean". Throws InputError that names the nearest.
Baseline parse_baseline(std::string_view text);
std::string baseline_text(Baseline baseline);

/// black: 0 at the network's input, which is the mean colour where images are normalised. blur: Gaussian of 11 × 11
/// pixels, σ = 5, weights summing to 1, border reflected without repeating the edge pixel (RISE's choice for natural
/// images, Petsiuk et al. 2018). mean: each image's own channel means. [N, C, H, W] → same shape; each image for
/// itself. Throws InputError for another rank.
FloatArray baseline_images(const ArrayView<float>& images, Baseline baseline);

}  // namespace spikelens
