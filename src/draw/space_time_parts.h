#pragma once

#include <string>
#include <vector>

#include "space_time_canvas.h"
#include "space_time_ink.h"

namespace spikelens::space_time {

/// A place with spikes.
struct Spot {
    int64_t x = 0, y = 0, t = 0, channel = 0;
    int64_t count = 0;
    double score = 0;
};

struct Recording {
    int64_t steps = 0, channels = 0, height = 0, width = 0;
    std::vector<Spot> spots;  ///< in the order of the array
    bool scored = false, signed_values = false;
};

/// The parts of the picture; `letter` is the height of a capital letter.
void draw_cloud(Canvas& canvas, const Recording& recording, const Area& area, double letter);
void draw_sums(Canvas& canvas, const Recording& recording, const Area& area, double letter);
/// What the colours mean.
void draw_key(Canvas& canvas, const Recording& recording, const Area& area, double letter);

/// Scores of all spots.
ScoreInk score_ink(const Recording& recording);

/// Round numbers 0, step, 2·step … up to `end`, about `wanted` of them.
std::vector<int64_t> ticks(int64_t end, int wanted);

constexpr Rgb kLetterGrey = {0.36F, 0.35F, 0.33F}, kEdgeGrey = {0.70F, 0.69F, 0.67F};

}  // namespace spikelens::space_time
