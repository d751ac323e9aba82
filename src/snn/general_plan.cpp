#include "general_plan.h"

#include <bit>

namespace spikelens {

void SumPlan::add(const SpikeMap& spikes, int row, int column, int step, int64_t factor, int64_t* sums) const {
    const int words = spikes.words_per_plane(), outputs = out_channels / groups, inputs = in_channels / groups;
    for (int tap = 0; tap < rows.kernel * columns.kernel; ++tap) {
        const int y = rows.place(row, tap / columns.kernel), x = columns.place(column, tap % columns.kernel);
        if (!rows.inside(y) || !columns.inside(x)) continue;
        const uint64_t* const bits_at = spikes.at(y, x, step);
        for (int plane = 0; plane < spikes.planes; ++plane)
            for (int word = 0; word < words; ++word)
                for (uint64_t bits = bits_at[plane * words + word]; bits != 0; bits &= bits - 1) {
                    const int channel = word * 64 + std::countr_zero(bits);
                    const int32_t* const weight = &weights[(int64_t{tap} * in_channels + channel) * outputs];
                    int64_t* const to = sums + channel / inputs * outputs;
                    const int64_t times = factor << plane;
                    if (times == 1)
                        for (int o = 0; o < outputs; ++o) to[o] += weight[o];
                    else
                        for (int o = 0; o < outputs; ++o) to[o] += times * weight[o];
                }
    }
}

bool needs_own_sums(const Layer& layer) {
    return layer.weighted() && (layer.groups != 1 || layer.dilation != 1 || layer.dilation_columns() != 1 ||
                                layer.stride_columns() != layer.stride || layer.padding_columns() != layer.padding);
}

}  // namespace spikelens
