#include "spikelens/evaluate/overlap.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "spikelens/core/error.h"
#include "spikelens/evaluate/perturbation.h"

namespace spikelens {

double top_overlap(std::span<const float> a, std::span<const float> b, double share, uint64_t seed, int64_t sample) {
    if (a.empty() || a.size() != b.size())
        throw InputError("an overlap needs two maps of the same size, not of " + std::to_string(a.size()) + " and " +
                         std::to_string(b.size()) + " pixels");
    if (!(share > 0 && share <= 1)) throw InputError("the share of best pixels must be above 0 and at most 1");
    const int64_t count = std::max<int64_t>(1, std::llround(share * static_cast<double>(a.size())));
    const std::vector<int64_t> best_a = ranking(a, seed, sample), best_b = ranking(b, seed, sample);
    std::vector<bool> chosen(a.size());
    for (int64_t i = 0; i < count; ++i) chosen[best_a[i]] = true;
    const int64_t shared =
        std::count_if(best_b.begin(), best_b.begin() + count, [&](int64_t pixel) { return chosen[pixel]; });
    return static_cast<double>(shared) / static_cast<double>(2 * count - shared);
}

}  // namespace spikelens
