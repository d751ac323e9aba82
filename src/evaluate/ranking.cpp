#include "ranking.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <tuple>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/evaluate/perturbation.h"

namespace spikelens {

std::vector<int64_t> rank_places(std::span<const float> map, std::span<const int64_t> places, uint64_t seed,
                                 int64_t sample) {
    struct Place {
        float value;
        uint64_t tie;
        int64_t index;
    };
    std::vector<Place> ranked;
    for (const int64_t index : places) {
        const auto address = static_cast<uint64_t>(index);
        const uint64_t tie = random_bits(seed, Stream::tie_breaking, {static_cast<uint64_t>(sample), address});
        ranked.push_back({map[address], tie, index});
    }
    std::sort(ranked.begin(), ranked.end(), [](const Place& a, const Place& b) {
        return std::tie(b.value, a.tie, a.index) < std::tie(a.value, b.tie, b.index);
    });
    std::vector<int64_t> order;
    for (const Place& place : ranked) order.push_back(place.index);
    return order;
}

std::vector<int64_t> ranking(std::span<const float> map, uint64_t seed, int64_t sample) {
    for (size_t i = 0; i < map.size(); ++i)
        if (std::isnan(map[i]))
            throw InputError("the map of sample " + std::to_string(sample) + " has no number (NaN) at pixel " +
                             std::to_string(i));
    std::vector<int64_t> pixels(map.size());
    std::iota(pixels.begin(), pixels.end(), int64_t{0});
    return rank_places(map, pixels, seed, sample);
}

}  // namespace spikelens
