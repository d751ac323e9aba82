#pragma once

#include "spikelens/encode/coding.h"

namespace spikelens {

/// Throws InputError when a number that this kind of coding uses is out of its range.
void check_coding(const Coding& coding);

}  // namespace spikelens
