#include "spike_copies.h"

#include <algorithm>

#include "spikelens/core/error.h"

namespace spikelens {

std::vector<int64_t> spike_places(std::span<const uint8_t> recording) {
    std::vector<int64_t> places;
    for (size_t place = 0; place < recording.size(); ++place) {
        if (recording[place] > 0) places.push_back(static_cast<int64_t>(place));
    }
    return places;
}

int64_t copies_at_once(int64_t bytes) {
    constexpr int64_t budget = int64_t{64} << 20, most = 256;
    return std::clamp<int64_t>(budget / std::max<int64_t>(1, bytes), 1, most);
}

FloatArray scores_without(const Engine& engine, const ArrayView<uint8_t>& recording, int64_t count,
                          const std::function<std::vector<int64_t>(int64_t k)>& removed) {
    FloatArray scores({count, engine.network().class_count()});
    const int64_t at_once = std::min(count, copies_at_once(recording.size()));
    for (int64_t first = 0; first < count; first += at_once) {
        Shape shape = recording.shape;
        shape.insert(shape.begin(), std::min(at_once, count - first));
        Array<uint8_t> copies(shape);
        for (int64_t k = 0; k < shape[0]; ++k) {
            const auto copy = copies.row(k);
            std::ranges::copy(recording.data, copy.begin());
            for (int64_t place : removed(first + k)) copy[place] = 0;
        }
        std::ranges::copy(engine.run(copies).scores.data, scores.row(first).begin());
    }
    return scores;
}

FloatArray spikes_over_time(const Array<uint8_t>& spikes) {
    Shape shape = spikes.shape;
    shape.erase(shape.begin() + 1);
    FloatArray result(shape);
    for (int64_t n = 0; n < result.extent(0); ++n) {
        const auto values = spikes.row(n);
        const auto sum = result.row(n);
        for (size_t i = 0; i < values.size(); ++i) sum[i % sum.size()] += static_cast<float>(values[i]);
    }
    return result;
}

void require_silence(const std::string& method, Baseline baseline) {
    if (baseline == Baseline::black) return;
    throw InputError(method + ": baseline=" + baseline_text(baseline) +
                     " is for images; of spikes only silence can be the baseline, which is black");
}

OwnBaseline start_of(const Input& input, Baseline baseline) {
    if (input.spiking()) return {"silence", Array<uint8_t>(input.spikes.shape)};
    return {baseline_text(baseline), baseline_images(input.images, baseline)};
}

}  // namespace spikelens
