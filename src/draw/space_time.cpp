#include "spikelens/draw/space_time.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "spikelens/core/error.h"

#include "space_time_parts.h"

namespace spikelens {
namespace {

using namespace space_time;

void check(const ArrayView<uint8_t>& spikes, const ArrayView<float>& scores, int width, int height) {
    if (spikes.shape.size() != 4 || spikes.empty())
        throw InputError("a picture over space and time needs spikes [T, C, H, W], not " + shape_text(spikes.shape));
    if (!scores.empty() && scores.shape != spikes.shape)
        throw InputError(
            fmt::format("scores {} do not match spikes {}", shape_text(scores.shape), shape_text(spikes.shape)));
    if (width < 240 || width > 4096 || height < 160 || height > 4096)
        throw InputError(fmt::format(
            "a picture over space and time can be 240 to 4096 wide and 160 to 4096 high, not {} × {}", width, height));
}

Recording read(const ArrayView<uint8_t>& spikes, const ArrayView<float>& scores, bool signed_values) {
    Recording recording{spikes.extent(0), spikes.extent(1), spikes.extent(2), spikes.extent(3), {},
                        !scores.empty(),  signed_values};
    const int64_t plane = recording.height * recording.width;
    for (int64_t i = 0; i < spikes.size(); ++i) {
        const auto at = static_cast<size_t>(i);
        if (spikes.data[at] == 0) continue;
        const double score = scores.empty() ? 0 : scores.data[at];
        if (!std::isfinite(score)) throw InputError("a score of a spike is not finite");
        recording.spots.push_back({i % recording.width, i / recording.width % recording.height,
                                   i / plane / recording.channels, i / plane % recording.channels, spikes.data[at],
                                   score});
    }
    return recording;
}

}  // namespace

FloatArray space_time_picture(const ArrayView<uint8_t>& spikes, const ArrayView<float>& scores, bool signed_values,
                              int width, int height) {
    check(spikes, scores, width, height);
    const Recording recording = read(spikes, scores, signed_values);
    Canvas canvas(width, height);
    const double letter = 0.5 * std::min(width / 38.0, height / 21.0), left = 0.66 * width;
    draw_cloud(canvas, recording, {0, 0, left, static_cast<double>(height)}, letter);
    const Area column{left + 1.5 * letter, letter, width - left - 2.5 * letter, height - 2.0 * letter};
    const double key = 4.2 * letter;
    draw_sums(canvas, recording, {column.left, column.top, column.width, column.height - key}, letter);
    draw_key(canvas, recording, {column.left, column.bottom() - key, column.width, key}, letter);
    return canvas.picture();
}

FloatArray window_strip(const FloatArray& maps, Colours colours, int factor) {
    if (maps.shape.size() != 3 || maps.empty())
        throw InputError("a strip of windows needs maps [N, H, W], not " + shape_text(maps.shape));
    constexpr int64_t gap = 2;
    constexpr float gap_grey = 0.75F;
    const int64_t count = maps.extent(0), height = maps.extent(1), width = maps.extent(2);
    const FloatArray frames = enlarge(colour_map({{count * height, width}, maps.data}, colours), factor);
    FloatArray strip({3, factor * height, factor * count * width + gap * (count - 1)}, gap_grey);
    for (int64_t row = 0; row < 3 * count * height * factor; ++row) {
        const int64_t line = row % (height * factor), window = row / (height * factor) % count,
                      colour = row / (height * factor) / count;
        std::copy_n(
            frames.data.begin() + row * width * factor, width * factor,
            strip.data.begin() + (colour * height * factor + line) * strip.extent(2) + window * (width * factor + gap));
    }
    return strip;
}

}  // namespace spikelens
