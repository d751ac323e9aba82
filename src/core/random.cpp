#include "spikelens/core/random.h"

#include <cmath>
#include <numbers>
#include <numeric>

namespace spikelens {
namespace {

__extension__ using Wide = unsigned __int128;

uint64_t mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

double to_uniform(uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1.0p-53; }

}  // namespace

uint64_t random_bits(uint64_t seed, Stream stream, std::initializer_list<uint64_t> address) {
    uint64_t state = mix(mix(seed) ^ static_cast<uint64_t>(stream));
    for (uint64_t part : address) state = mix(state ^ mix(part));
    return state;
}

double random_uniform(uint64_t seed, Stream stream, std::initializer_list<uint64_t> address) {
    return to_uniform(random_bits(seed, stream, address));
}

double RandomRow::uniform(uint64_t i) const { return to_uniform(mix(state_ ^ mix(i))); }

double random_normal(uint64_t seed, Stream stream, std::initializer_list<uint64_t> address) {
    const uint64_t bits = random_bits(seed, stream, address);
    const double radius = std::sqrt(-2.0 * std::log(1.0 - to_uniform(bits)));
    return radius * std::cos(2.0 * std::numbers::pi * to_uniform(mix(bits)));
}

std::vector<int64_t> random_permutation(int64_t n, uint64_t seed, Stream stream,
                                        std::initializer_list<uint64_t> address) {
    std::vector<int64_t> order(n);
    std::iota(order.begin(), order.end(), int64_t{0});
    const uint64_t base = random_bits(seed, stream, address);
    for (int64_t i = n - 1; i > 0; --i) {
        // The high half of a 64x64 product: uniform on 0..i up to 2^-64·i.
        const auto wide = static_cast<Wide>(mix(base ^ mix(static_cast<uint64_t>(i)))) * static_cast<uint64_t>(i + 1);
        std::swap(order[i], order[static_cast<int64_t>(wide >> 64)]);
    }
    return order;
}

}  // namespace spikelens
