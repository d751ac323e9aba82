#pragma once

#include <cstdint>
#include <string>

#include "spikelens/core/samples.h"

namespace spikelens {

/// The address (core/random.h) of a sample that is no part of a data set, made of nothing but its content, as a network
/// sees it: equal samples draw the same random numbers in any order, batch or folder. The first 62 bits of the SHA-256
/// of "images" or "spikes", the shape ([1, C, H, W], of spikes [T, 1, C, H, W]) and the values (little-endian; images
/// as float32, spikes as bytes), with bit 62 set: between 2⁶² and 2⁶³ − 1, so never the index of a sample of a data
/// set. `sample` holds one sample.
int64_t content_address(const Input& sample);

/// Ten hexadecimal digits of a content address, for names.
std::string address_text(int64_t address);

}  // namespace spikelens
