#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "spikelens/core/samples.h"

namespace spikelens {

/// What training changes of its samples, anew in every epoch:
///  flip     left and right change places, in every second sample on average
///  crop=P   the sample is moved by up to P pixels along each side, every whole number of them alike. Images repeat the
///           pixel at their edge where nothing was, spikes have none there.
struct Augmentation {
    bool flip = false;
    int crop = 0;

    bool any() const { return flip || crop > 0; }
    bool operator==(const Augmentation&) const = default;
};

/// Reads "none", "flip", "crop=4" or "flip,crop=4". Throws InputError for other texts.
Augmentation parse_augmentation(std::string_view text);
std::string augmentation_text(const Augmentation& augmentation);

/// Changes the samples of `input`, which have these indices in their set. What becomes of a sample has the address
/// (seed, epoch, index), whatever the batch. All steps of a recording are changed alike. The crop must be below height
/// and width.
void augment(Input& input, std::span<const int64_t> indices, const Augmentation& augmentation, uint64_t seed,
             int epoch);

}  // namespace spikelens
