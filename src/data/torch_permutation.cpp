#include <numeric>
#include <random>
#include <utility>

#include "spikelens/core/error.h"
#include "spikelens/data/pictures.h"

namespace spikelens {

/// torch's generator is MT19937 with the seed's lower 32 bits, which the standard library has too.
std::vector<int64_t> torch_permutation(int64_t n, uint64_t seed) {
    constexpr int64_t drawn_otherwise = 4294967295 / 20;
    if (n < 0 || n >= drawn_otherwise)
        throw InputError("torch's order of " + std::to_string(n) + " numbers is not known here, only of 0 to " +
                         std::to_string(drawn_otherwise - 1));
    std::mt19937 generator(static_cast<uint32_t>(seed));
    std::vector<int64_t> order(static_cast<size_t>(n));
    std::iota(order.begin(), order.end(), int64_t{0});
    for (int64_t i = 0; i < n - 1; ++i) {
        const auto ahead = static_cast<int64_t>(generator() % static_cast<uint64_t>(n - i));
        std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(i + ahead)]);
    }
    return order;
}

}  // namespace spikelens
