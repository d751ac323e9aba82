#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace spikelens {

/// A number and its noun: "1 neuron", "2 neurons", "0 classes". The plural adds s, or es behind an s.
std::string counted(int64_t number, std::string_view noun);

}  // namespace spikelens
