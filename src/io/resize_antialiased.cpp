#include <algorithm>
#include <cmath>

#include "spikelens/io/photograph.h"

namespace spikelens {
namespace {

constexpr int64_t kColours = 3;
constexpr int kPrecision = 22;  // bits behind the point of a weight: 8 bits of value and 2 to spare in 32

/// What the places of a line are made of: of each one its first source, and the weights of that one and those after it.
struct Taps {
    std::vector<int64_t> first, count;
    std::vector<int32_t> weights;  // `most` for each place
    int64_t most = 0;
};

/// A triangle as wide as two places of the result, or of the source where that is larger, sampled at the middles of
/// pixels. Pillow's order of operations, so that every weight has its bits.
Taps taps_of(int64_t in, int64_t out) {
    const double scale = static_cast<double>(in) / static_cast<double>(out), support = std::max(scale, 1.0);
    Taps taps;
    taps.most = static_cast<int64_t>(std::ceil(support)) * 2 + 1;
    taps.weights.resize(static_cast<size_t>(out * taps.most));
    std::vector<double> shares(static_cast<size_t>(taps.most));
    for (int64_t place = 0; place < out; ++place) {
        const double centre = (static_cast<double>(place) + 0.5) * scale;
        const int64_t first = std::max<int64_t>(static_cast<int64_t>(std::floor(centre - support + 0.5)), 0),
                      end = std::min<int64_t>(static_cast<int64_t>(std::floor(centre + support + 0.5)), in);
        double sum = 0;
        for (int64_t i = first; i < end; ++i) {
            const double distance = std::abs((static_cast<double>(i) - centre + 0.5) * (1.0 / support));
            sum += shares[static_cast<size_t>(i - first)] = distance < 1 ? 1 - distance : 0;
        }
        for (int64_t i = first; i < end; ++i)
            taps.weights[static_cast<size_t>(place * taps.most + i - first)] = static_cast<int32_t>(
                std::floor(0.5 + shares[static_cast<size_t>(i - first)] / sum * (1 << kPrecision)));
        taps.first.push_back(first);
        taps.count.push_back(end - first);
    }
    return taps;
}

/// Resamples lines of places that lie `step` bytes apart: `values` bytes at each place, together.
void resample_line(const Taps& taps, const uint8_t* in, uint8_t* out, int64_t step, int64_t values,
                   std::vector<int32_t>& sums) {
    for (size_t place = 0; place < taps.first.size(); ++place) {
        sums.assign(static_cast<size_t>(values), 1 << (kPrecision - 1));
        const int32_t* const weights = taps.weights.data() + static_cast<int64_t>(place) * taps.most;
        for (int64_t i = 0; i < taps.count[place]; ++i) {
            const uint8_t* const source = in + (taps.first[place] + i) * step;
            for (int64_t v = 0; v < values; ++v) sums[static_cast<size_t>(v)] += source[v] * weights[i];
        }
        for (int64_t v = 0; v < values; ++v)
            out[static_cast<int64_t>(place) * step + v] =
                static_cast<uint8_t>(std::clamp(sums[static_cast<size_t>(v)] >> kPrecision, 0, 255));
    }
}

Array<uint8_t> across(const Array<uint8_t>& picture, int64_t width) {
    const int64_t height = picture.extent(0);
    Array<uint8_t> result({height, width, kColours});
    const Taps taps = taps_of(picture.extent(1), width);
    std::vector<int32_t> sums;
    for (int64_t y = 0; y < height; ++y)
        resample_line(taps, picture.row(y).data(), result.row(y).data(), kColours, kColours, sums);
    return result;
}

Array<uint8_t> down(const Array<uint8_t>& picture, int64_t height) {
    const int64_t line = picture.row_size();
    Array<uint8_t> result({height, picture.extent(1), kColours});
    std::vector<int32_t> sums;
    resample_line(taps_of(picture.extent(0), height), picture.data.data(), result.data.data(), line, line, sums);
    return result;
}

}  // namespace

/// First across, then down, each rounded to bytes; a side that has its length already is left as it is.
Array<uint8_t> resize_antialiased(const Array<uint8_t>& picture, int64_t height, int64_t width) {
    if (picture.extent(1) != width) return resize_antialiased(across(picture, width), height, width);
    return picture.extent(0) == height ? picture : down(picture, height);
}

}  // namespace spikelens
