#include "general_plan.h"

#include <algorithm>
#include <bit>

namespace spikelens {

template <class Sum>
void SumPlan::add(const SpikeMap& spikes, int row, int column, int first, int end, Sum* sums) const {
    const int words = spikes.words_per_plane(), outputs = out_channels / groups, inputs = in_channels / groups;
    for (int tap = 0; tap < rows.kernel * columns.kernel; ++tap) {
        const int y = rows.place(row, tap / columns.kernel), x = columns.place(column, tap % columns.kernel);
        if (!rows.inside(y) || !columns.inside(x)) continue;
        const int32_t* const of_tap = &weights[int64_t{tap} * in_channels * outputs];
        const uint64_t* word = spikes.at(y, x, first);
        Sum* of_step = sums;
        for (int step = first; step < end; ++step, of_step += out_channels)
            for (int plane = 0; plane < spikes.planes; ++plane)
                for (int i = 0; i < words; ++i, ++word)
                    for (uint64_t bits = *word; bits != 0; bits &= bits - 1) {
                        const int channel = i * 64 + std::countr_zero(bits);
                        const int32_t* const weight = of_tap + int64_t{channel} * outputs;
                        Sum* const to = of_step + (groups == 1 ? 0 : channel / inputs * outputs);
                        for (int o = 0; o < outputs; ++o) to[o] += Sum{weight[o]} << plane;
                    }
    }
}

void SumPlan::sum(const SpikeMap& spikes, int row, int column, int first, int end, int64_t* sums) const {
    const int64_t size = int64_t{end - first} * out_channels;
    std::fill_n(sums, size, int64_t{0});
    if (largest_total > (INT32_MAX >> spikes.planes)) return add(spikes, row, column, first, end, sums);
    std::vector<int32_t> narrow(size);
    add(spikes, row, column, first, end, narrow.data());
    std::ranges::copy(narrow, sums);
}

bool needs_own_sums(const Layer& layer) {
    return layer.weighted() && (layer.groups != 1 || layer.dilation != 1 || layer.dilation_columns() != 1 ||
                                layer.stride_columns() != layer.stride || layer.padding_columns() != layer.padding);
}

}  // namespace spikelens
