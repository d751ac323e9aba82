#include "spikelens/core/resize.h"

#include <algorithm>
#include <cmath>

#include "spikelens/core/error.h"

namespace spikelens {
namespace {

/// The two source pixels between which one target pixel's centre lies, and how far it is on the way to the second.
struct Between {
    int64_t first, second;
    float part;
};

std::vector<Between> source_positions(int64_t in, int64_t out) {
    std::vector<Between> positions(static_cast<size_t>(out));
    for (int64_t i = 0; i < out; ++i) {
        const double exact = (static_cast<double>(i) + 0.5) * static_cast<double>(in) / static_cast<double>(out) - 0.5;
        const double centre = std::max(exact, 0.0);
        const auto first = std::min(static_cast<int64_t>(centre), in - 1);
        const int64_t second = std::min(first + 1, in - 1);
        positions[i] = {first, second, static_cast<float>(centre - static_cast<double>(first))};
    }
    return positions;
}

// std::lerp keeps constants exact and never leaves the range of its ends.
float blend(const float* row, Between x) { return std::lerp(row[x.first], row[x.second], x.part); }

void check(const FloatArray& maps, int64_t height, int64_t width) {
    const size_t rank = maps.shape.size();
    if (rank < 2)
        throw InputError("cannot resize an array of shape " + shape_text(maps.shape) +
                         ", expected [..., height, width]");
    if (maps.shape[rank - 2] < 1 || maps.shape[rank - 1] < 1)
        throw InputError("cannot resize the empty maps of an array of shape " + shape_text(maps.shape));
    if (height < 1 || width < 1)
        throw InputError("cannot resize to " + std::to_string(height) + " x " + std::to_string(width) +
                         ", expected at least 1 x 1");
}

}  // namespace

FloatArray resize_bilinear(const FloatArray& maps, int64_t height, int64_t width) {
    check(maps, height, width);
    const size_t rank = maps.shape.size();
    const int64_t in_height = maps.shape[rank - 2], in_width = maps.shape[rank - 1];
    Shape shape = maps.shape;
    shape[rank - 2] = height;
    shape[rank - 1] = width;
    FloatArray resized(shape);
    const std::vector<Between> rows = source_positions(in_height, height), columns = source_positions(in_width, width);
    const int64_t count = maps.size() / (in_height * in_width);
    float* target = resized.data.data();
    for (int64_t map = 0; map < count; ++map) {
        const float* source = maps.data.data() + map * in_height * in_width;
        for (const Between y : rows) {
            const float* upper = source + y.first * in_width;
            const float* lower = source + y.second * in_width;
            for (const Between x : columns) *target++ = std::lerp(blend(upper, x), blend(lower, x), y.part);
        }
    }
    return resized;
}

}  // namespace spikelens
