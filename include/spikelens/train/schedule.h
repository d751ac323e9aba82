#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace spikelens {

/// How the learning rate η changes while a network trains. An update is a step of the optimiser, one for each batch.
///  constant          η
///  cosine(E)         η·(1 + cos(π·u))/2, u from 0 after the warm-up to 1 at the end of epoch E; without E, of the last
///  step(E,factor)    η·factor^⌊epochs done / E⌋
/// Before that the rate is multiplied by (k + 1)/K in update k of the K updates of the warm-up, from k = 0.
struct Schedule {
    enum class Kind { constant, cosine, step };
    Kind kind = Kind::constant;
    int epochs = 0;     ///< E; of cosine 0: all epochs
    double factor = 1;  ///< of step, in (0, 1]

    bool operator==(const Schedule&) const = default;
};

/// Reads "constant", "cosine", "cosine(30)" or "step(10,0.1)". Throws InputError for other texts.
Schedule parse_schedule(std::string_view text);

std::string schedule_text(const Schedule& schedule);

/// What the learning rate is multiplied by in an update, counted from 0 over all epochs. `warm_up` and `epochs`, the
/// training's, are in epochs. A cosine ends at 0 and stays there.
double schedule_factor(const Schedule& schedule, int warm_up, int epochs, int64_t update, int64_t updates_per_epoch);

}  // namespace spikelens
