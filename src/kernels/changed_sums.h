#pragma once

#include <cstdint>
#include <memory>

#include "spikelens/kernels/layer_plan.h"

#include "membranes.h"

namespace spikelens::kernels {
namespace {

/// An output that an input pixel reaches: through which weights, and where its sums begin.
struct ReachedOutput {
    int64_t weights, sums;
};

/// A spike that has come or gone: its weights and its sums, as offsets; sign is −1 if it has gone, else 0.
struct SpikeChange {
    int32_t row, step, plane, sign;
};

/// Spikes that have come are added to the sums of all outputs they reach, those that have gone are taken away: each is looked
/// at once, however many outputs see it.
template <class Isa, int N>
class ChangedSums {
  public:
    explicit ChangedSums(const ChangeTask& task)
        : task_(task),
          plan_(*task.plan),
          reached_(new ReachedOutput[static_cast<size_t>(plan_.taps())]),
          changes_(new SpikeChange[static_cast<size_t>(task.steps) * task.planes * plan_.in_words * 64]) {}

    void run() {
        const int64_t size = int64_t{task_.steps} * task_.planes * plan_.in_words;
        const uint64_t* before = task_.before;
        for (const auto& [row, first, end] : task_.pixels)
            for (int column = first; column < end; ++column, before += size) {
                find_reached(row, column);
                change_pixel(before, task_.spikes + (int64_t{row} * plan_.in_width + column) * size);
            }
    }

  private:
    using Ints = typename Isa::Ints;
    static constexpr int kWidth = Isa::kBytes / 4, kLanes = N * kWidth;

    void find_reached(int row, int column) {
        count_ = 0;
        const int stride = plan_.stride, y = row + plan_.padding, x = column + plan_.padding;
        const int first_ky = y % stride, last_row = y / stride, first_kx = x % stride, last_column = x / stride;
        for (int ky = first_ky, out_row = last_row; ky < plan_.kernel_height && out_row >= 0; ky += stride, --out_row) {
            if (out_row >= plan_.out_height) continue;
            for (int kx = first_kx, out = last_column; kx < plan_.kernel_width && out >= 0; kx += stride, --out) {
                if (out >= plan_.out_width) continue;
                reached_[count_++] = {int64_t{ky * plan_.kernel_width + kx} * plan_.in_channels * plan_.lanes,
                                      (int64_t{out_row} * plan_.out_width + out) * task_.steps * plan_.padded()};
            }
        }
    }

    void change_pixel(const uint64_t* before, const uint64_t* now) {
        const SpikeChange *const changes = changes_.get(), *const end_changes = list_changes(before, now);
        if (changes == end_changes) return;
        const int64_t block_weights = int64_t{plan_.taps()} * plan_.in_channels * plan_.lanes;
        const ReachedOutput *const first = reached_.get(), *const end = first + count_;
        for (int block = 0; block < plan_.blocks; ++block)
            for (int lane = 0; lane < plan_.lanes; lane += kLanes) {
                const int32_t* const weights = plan_.weights.data() + block * block_weights + lane;
                int32_t* const sums = task_.sums + block * plan_.lanes + lane;
                for (const ReachedOutput* output = first; output != end; ++output)
                    add(changes, end_changes, weights + output->weights, sums + output->sums);
            }
    }

    const SpikeChange* list_changes(const uint64_t* before, const uint64_t* now) const {
        SpikeChange* change = changes_.get();
        const int steps = task_.steps, planes = task_.planes, words = plan_.in_words;
        const int lanes = plan_.lanes, padded = plan_.padded();
        for (int step = 0; step < steps; ++step)
            for (int plane = 0; plane < planes; ++plane)
                for (int word = 0; word < words; ++word, ++before, ++now)
                    for (uint64_t bits = *before ^ *now; bits != 0; bits &= bits - 1) {
                        const int bit = __builtin_ctzll(bits);
                        *change++ = {(word * 64 + bit) * lanes, step * padded, plane,
                                     static_cast<int32_t>((*now >> bit) & 1) - 1};
                    }
        return change;
    }

    static void add(const SpikeChange* change, const SpikeChange* end, const int32_t* weights, int32_t* sums) {
        for (; change != end; ++change) {
            const Ints sign = Ints{} + change->sign;  // (w ^ −1) − −1 = −w
            const int32_t* const from = weights + change->row;
            int32_t* const to = sums + change->step;
            for (int i = 0; i < N; ++i) {
                const Ints weight = ((load<Ints>(from + i * kWidth) ^ sign) - sign) << change->plane;
                store(to + i * kWidth, load<Ints>(to + i * kWidth) + weight);
            }
        }
    }

    const ChangeTask& task_;
    const LayerPlan& plan_;
    std::unique_ptr<ReachedOutput[]> reached_;  // by one pixel
    std::unique_ptr<SpikeChange[]> changes_;    // of one pixel
    int count_ = 0;
};

}  // namespace
}  // namespace spikelens::kernels
