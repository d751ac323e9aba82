#include "masks.h"

#include <algorithm>

#include "spikelens/core/error.h"

namespace spikelens {

std::vector<std::vector<Place>> masked_places(const MetricContext& context, const ExplainedSamples& explained,
                                              const std::string& who) {
    if (!context.masks) throw InputError(who + " needs masks of the test samples, and none are given");
    const Array<uint8_t> masks = context.masks(explained.samples);
    const Shape& sample = explained.input.shape();
    const Shape expected = {explained.input.samples(), sample[sample.size() - 2], sample.back()};
    if (masks.shape != expected)
        throw InputError(who + ": the masks have the shape " + shape_text(masks.shape) + ", expected " +
                         shape_text(expected));
    std::vector<std::vector<Place>> places;
    for (int64_t n = 0; n < masks.extent(0); ++n) {
        std::vector<Place>& of_sample = places.emplace_back();
        for (const uint8_t value : masks.row(n)) of_sample.push_back(value > 0 ? Place::inside : Place::outside);
        const auto inside = std::ranges::count(of_sample, Place::inside);
        if (inside == 0 || inside == std::ssize(of_sample))
            throw InputError(
                who + ": the mask of test sample " + std::to_string(explained.samples[n]) + " has " +
                (inside == 0 ? "nothing" : "everything") +
                " inside, so every map would score alike; leave the sample out of the data, or draw its mask anew");
    }
    return places;
}

}  // namespace spikelens
