#include "general_plan.h"

#include <algorithm>
#include <array>
#include <bit>

#include "wide.h"

namespace spikelens {

namespace {

constexpr int kTogether = 16;  // a number known here becomes vector registers

/// Adds the weights of one input to the sums of its group.
template <class Sum>
void add_weights(const int32_t* __restrict weights, int outputs, int plane, Sum* __restrict sums) {
    int o = 0;
    for (; o + kTogether <= outputs; o += kTogether)
        for (int lane = 0; lane < kTogether; ++lane) sums[o + lane] += Sum{weights[o + lane]} << plane;
    for (; o < outputs; ++o) sums[o] += Sum{weights[o]} << plane;
}

/// Adds the weights of a word's spikes, each to the sum of its own channel: all of them, so that no branch is left.
template <class Sum>
void add_to_own(uint64_t bits, const int32_t* __restrict weights, int channels, int plane, Sum* __restrict sums) {
    int i = 0;
    for (; i + kTogether <= channels; i += kTogether, bits >>= kTogether) {
        const auto spikes = static_cast<uint32_t>(bits);
        for (int lane = 0; lane < kTogether; ++lane)
            sums[i + lane] += Sum{weights[i + lane]} * static_cast<Sum>((spikes >> lane & 1U) << plane);
    }
    for (; i < channels; ++i, bits >>= 1) sums[i] += Sum{weights[i]} * static_cast<Sum>((bits & 1U) << plane);
}

}  // namespace

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
                for (int i = 0; i < words; ++i, ++word) {
                    if (*word == 0) continue;
                    if (inputs == 1 && outputs == 1) {
                        add_to_own(*word, of_tap + int64_t{i} * 64, std::min(64, out_channels - i * 64), plane,
                                   of_step + int64_t{i} * 64);
                        continue;
                    }
                    for (uint64_t bits = *word; bits != 0; bits &= bits - 1) {
                        const int channel = i * 64 + std::countr_zero(bits);
                        add_weights(of_tap + int64_t{channel} * outputs, outputs, plane,
                                    of_step + (groups == 1 ? 0 : channel / inputs * outputs));
                    }
                }
    }
}

SPIKELENS_WIDE void SumPlan::sum(const SpikeMap& spikes, int row, int column, int first, int end, int64_t* sums) const {
    const int64_t size = int64_t{end - first} * out_channels;
    std::fill_n(sums, size, int64_t{0});
    if (largest_total > (INT32_MAX >> spikes.planes)) return add(spikes, row, column, first, end, sums);
    std::array<int32_t, 2048> few;  // most layers' sums at one pixel
    std::vector<int32_t> many(size > std::ssize(few) ? size : 0);
    int32_t* const narrow = many.empty() ? few.data() : many.data();
    std::fill_n(narrow, size, 0);
    add(spikes, row, column, first, end, narrow);
    std::copy_n(narrow, size, sums);
}

bool kernels_fire(const Layer& layer) {
    return layer.neuron && layer.values.empty() && !adapts(*layer.neuron, layer.values);
}

bool needs_own_sums(const Layer& layer) {
    return layer.weighted() && (layer.groups != 1 || layer.dilation != 1 || layer.dilation_columns() != 1 ||
                                layer.stride_columns() != layer.stride || layer.padding_columns() != layer.padding);
}

}  // namespace spikelens
