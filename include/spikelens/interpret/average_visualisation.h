#pragma once

#include <functional>
#include <vector>

#include "spikelens/core/execution.h"
#include "spikelens/core/samples.h"
#include "spikelens/interpret/responses.h"

namespace spikelens {

/// What a filter sees (SVEBI Sec. 4.1): the mean of the crops where it answered most.
struct FilterVisualisation {
    FilterIndex filter;
    FloatArray average;  ///< [C, H, W], resized to the input; empty for a filter that never spiked
    FloatArray crops;  ///< [K, C, r, r], the strongest few as they were cut, r the receptive field (at most the input)
    std::vector<int64_t> samples;  ///< where these crops come from
    int64_t averaged = 0;          ///< number of crops in the average
    double spread = 0;             ///< mean over pixels of the standard deviation across the averaged crops
};

/// For each of `filters` (row indices of responses): crops of the receptive field centred on the maximum activation,
/// padded with the image's mean (per channel) beyond the border, averaged, resized to the input (bilinear, pixel
/// centres). Along an axis where the field is larger than the image, the crop is the whole image. Throws InputError
/// when the images or responses do not fit the network, or a filter does not exist.
std::vector<FilterVisualisation> average_visualisations(const Network& network, const SampleSource& samples,
                                                        const Responses& responses, const std::vector<int>& filters,
                                                        int kept_crops = 9, const Execution& execution = {});

/// The same, given to `take` one after the other in the order of `filters`. About execution.memory bytes of them are
/// held, or one picture: so a network of thousands of filters needs no more memory than a small one.
using TakeVisualisation = std::function<void(FilterVisualisation)>;
void average_visualisations(const Network& network, const SampleSource& samples, const Responses& responses,
                            const std::vector<int>& filters, int kept_crops, const Execution& execution,
                            const TakeVisualisation& take);

}  // namespace spikelens
