#include "sequence.h"

#include <algorithm>

namespace spikelens {

FloatArray spike_values(const Array<uint8_t>& spikes) { return {spikes.shape, {spikes.data.begin(), spikes.data.end()}}; }

FloatArray as_sequence(const Input& input, int steps) {
    if (input.spiking()) return spike_values(input.spikes);
    Shape shape = input.shape();
    shape.insert(shape.begin(), steps);
    FloatArray sequence(shape);
    for (int64_t t = 0; t < steps; ++t) std::ranges::copy(input.images.data, sequence.row(t).begin());
    return sequence;
}

FloatArray sum_over_time(const FloatArray& sequence) {
    std::vector<double> sum(sequence.row_size());
    for (int64_t t = 0; t < sequence.extent(0); ++t) {
        const auto frame = sequence.row(t);
        for (size_t i = 0; i < sum.size(); ++i) sum[i] += frame[i];
    }
    return {Shape(sequence.shape.begin() + 1, sequence.shape.end()), {sum.begin(), sum.end()}};
}

}  // namespace spikelens
