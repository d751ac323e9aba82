#include "spike_copies.h"

#include <algorithm>

#include "spikelens/core/error.h"

namespace spikelens {
std::vector<int64_t> spike_places(const Array<uint8_t>& spikes, int64_t sample) {
    const std::vector<uint8_t> recording = sequence_of(spikes, sample).data;
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

FloatArray scores_without(const Engine& engine, const Array<uint8_t>& spikes, int64_t sample, int64_t count,
                          const std::function<std::vector<int64_t>(int64_t k)>& removed) {
    const int64_t steps = spikes.extent(0), size = spikes.row_size() / spikes.extent(1);
    const std::vector<uint8_t> recording = sequence_of(spikes, sample).data;
    FloatArray scores({count, engine.network().class_count()});
    const int64_t at_once = std::min(count, copies_at_once(steps * size));
    for (int64_t first = 0; first < count; first += at_once) {
        Shape shape = spikes.shape;
        shape[1] = std::min(at_once, count - first);
        Array<uint8_t> copies(shape);
        for (int64_t t = 0; t < steps; ++t)
            for (int64_t k = 0; k < shape[1]; ++k)
                std::copy_n(recording.begin() + t * size, size, copies.data.begin() + (t * shape[1] + k) * size);
        for (int64_t k = 0; k < shape[1]; ++k)
            for (int64_t place : removed(first + k)) copies.data[(place / size * shape[1] + k) * size + place % size] = 0;
        std::ranges::copy(engine.run(copies).scores.data, scores.row(first).begin());
    }
    return scores;
}

FloatArray spikes_over_time(const Array<uint8_t>& spikes) {
    FloatArray sum(Shape(spikes.shape.begin() + 1, spikes.shape.end()));
    for (int64_t i = 0; i < spikes.size(); ++i) sum.data[i % sum.size()] += static_cast<float>(spikes.data[i]);
    return sum;
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
