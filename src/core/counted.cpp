#include "spikelens/core/counted.h"

namespace spikelens {

std::string counted(int64_t number, std::string_view noun) {
    return std::to_string(number) + " " + std::string(noun) + (number == 1 ? "" : noun.ends_with('s') ? "es" : "s");
}

}  // namespace spikelens
