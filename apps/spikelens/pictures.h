#pragma once

#include "spikelens/core/array.h"

namespace spikelens::app {

/// Pictures have one channel or three: the polarities of a recording [2, H, W] become red (brighter) and blue (darker).
FloatArray drawable(const FloatArray& picture);

}  // namespace spikelens::app
