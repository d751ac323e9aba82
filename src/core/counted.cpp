#include "spikelens/core/counted.h"

#include <algorithm>
#include <array>

namespace spikelens {

std::string counted(int64_t number, std::string_view noun) {
    constexpr std::array<std::string_view, 5> hissing = {"s", "x", "z", "ch", "sh"};
    const bool hisses = std::ranges::any_of(hissing, [&](std::string_view end) { return noun.ends_with(end); });
    return std::to_string(number) + " " + std::string(noun) + (number == 1 ? "" : hisses ? "es" : "s");
}

}  // namespace spikelens
