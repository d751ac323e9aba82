#include "recordings.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "spikelens/draw/space_time.h"

namespace spikelens::report_test {
namespace {

constexpr int64_t steps = 60, windows = 8;

/// A ring that moves and turns; its front is on, its back off.
Array<uint8_t> spikes_of(const FixtureOptions& options, size_t index) {
    const int64_t side = options.side;
    Array<uint8_t> spikes({steps, 2, side, side});
    for (int64_t i = 0; i < spikes.size(); ++i) {
        const double t = static_cast<double>(i / (2 * side * side)) / steps,
                     x = static_cast<double>(i % side) / static_cast<double>(side),
                     y = static_cast<double>(i / side % side) / static_cast<double>(side);
        const double cx = 0.35 + 0.3 * t, cy = 0.5 + 0.2 * std::sin(6.28 * t + static_cast<double>(index));
        const double ring = std::abs(std::hypot(x - cx, y - cy) - 0.22),
                     front = (x - cx) * (i / (side * side) % 2 == 1 ? 1 : -1);
        const bool chosen = (i * 2654435761 + static_cast<int64_t>(index) * 97) % 7 < 2;
        spikes.data[static_cast<size_t>(i)] = ring < 0.03 && front > 0 && chosen ? 1 : 0;
    }
    return spikes;
}

FloatArray scores_of(const Array<uint8_t>& spikes, bool signed_values) {
    FloatArray scores(spikes.shape);
    const int64_t side = spikes.extent(3);
    for (int64_t i = 0; i < scores.size(); ++i) {
        const double t = static_cast<double>(i / (2 * side * side)) / steps,
                     y = static_cast<double>(i / side % side) / static_cast<double>(side);
        const double value = std::exp(-20 * (t - 0.4) * (t - 0.4)) * (signed_values ? y - 0.4 : y);
        scores.data[static_cast<size_t>(i)] = spikes.data[static_cast<size_t>(i)] ? static_cast<float>(value) : 0.0F;
    }
    return scores;
}

/// Sums over channels and the steps of each window.
template <class T>
FloatArray summed(const Array<T>& values) {
    const int64_t plane = values.extent(2) * values.extent(3);
    FloatArray sums({windows, values.extent(2), values.extent(3)});
    for (int64_t w = 0; w < windows; ++w)
        for (int64_t t = w * steps / windows; t < (w + 1) * steps / windows; ++t)
            for (int64_t i = 0; i < 2 * plane; ++i)
                sums.data[static_cast<size_t>(w * plane + i % plane)] +=
                    static_cast<float>(values.row(t)[static_cast<size_t>(i)]);
    return sums;
}

}  // namespace

void add_recordings(const FixtureOptions& options, ReportData& data) {
    data.input_kind = "recordings";
    data.steps = static_cast<int>(steps);
    data.window_steps = (steps + windows - 1) / windows;
    for (size_t k = 0; k < data.images.size(); ++k) {
        ReportImage& image = data.images[k];
        const Array<uint8_t> spikes = spikes_of(options, k);
        image.cloud = space_time_picture(spikes, {}, false, 720, 480);
        const FloatArray counts = summed(spikes);
        for (int64_t w = 0; w < windows; ++w) {
            const auto row = counts.row(w);
            image.spikes_per_window.push_back(static_cast<int64_t>(std::accumulate(row.begin(), row.end(), 0.0F)));
        }
        image.clouds.resize(data.methods.size());
        image.windows.resize(data.methods.size());
        for (size_t m = 1; m <= 3; ++m) {
            const FloatArray scores = scores_of(spikes, data.methods[m].signed_values);
            image.clouds[m] = space_time_picture(spikes, scores, data.methods[m].signed_values, 720, 480);
            image.windows[m] = summed(scores);
        }
        if (options.broken && k == 1) std::fill(image.windows[1].data.begin(), image.windows[1].data.end(), 0.0F);
        if (options.broken && k == 2) image.windows[1].data[7] = std::nanf("");
    }
}

}  // namespace spikelens::report_test
