#include "sequence.h"

#include <algorithm>

namespace spikelens {

FloatArray spike_values(const Array<uint8_t>& spikes) {
    return {spikes.shape, {spikes.data.begin(), spikes.data.end()}};
}

FloatArray as_sequence(const Input& input, int steps) {
    if (input.spiking()) return spike_values(input.spikes);
    Shape shape = input.shape();
    shape.insert(shape.begin() + 1, steps);
    FloatArray sequence;
    sequence.shape = shape;
    sequence.data.reserve(element_count(shape));
    for (int64_t n = 0; n < input.samples(); ++n) {
        const auto image = input.images.row(n);
        for (int t = 0; t < steps; ++t) sequence.data.insert(sequence.data.end(), image.begin(), image.end());
    }
    return sequence;
}

FloatArray sum_over_time(const FloatArray& sequence) {
    Shape shape = sequence.shape;
    shape.erase(shape.begin() + 1);
    FloatArray result(shape);
    for (int64_t n = 0; n < result.extent(0); ++n) {
        std::vector<double> sum(result.row_size());
        const auto values = sequence.row(n);
        for (size_t i = 0; i < values.size(); ++i) sum[i % sum.size()] += values[i];
        std::ranges::transform(sum, result.row(n).begin(), [](double value) { return static_cast<float>(value); });
    }
    return result;
}

}  // namespace spikelens
