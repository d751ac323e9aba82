#pragma once

#include <cstdint>
#include <memory>

#include "layer_plan.h"
#include "membranes.h"

namespace spikelens::kernels {
namespace {

/// An output that an input pixel reaches: through which weights, and where its sums begin.
struct ReachedOutput {
    int64_t weights, sums;
};

/// A spike that has come or gone: its weights and its sums, as offsets.
struct SpikeChange {
    int32_t row, step;
};

/// Spikes that have come are added to the sums of all outputs they reach, those that have gone are taken away: each is
/// looked at once, however many outputs see it.
template <class Isa, int N>
class ChangedSums {
  public:
    explicit ChangedSums(const ChangeTask& task)
        : task_(task),
          plan_(*task.plan),
          reached_(new ReachedOutput[static_cast<size_t>(plan_.taps())]),
          most_(int64_t{task.steps} * plan_.in_words * 64),
          come_(new SpikeChange[most_]),
          gone_(new SpikeChange[most_]) {}

    void run() {
        const int64_t size = int64_t{task_.steps} * task_.planes * plan_.in_words;
        const uint64_t* before = task_.before;
        for (const auto& [row, first, end] : task_.pixels)
            for (int column = first; column < end; ++column, before += size) {
                find_reached(row, column);
                const uint64_t* now = task_.spikes + (int64_t{row} * plan_.in_width + column) * size;
                for (int plane = 0; plane < task_.planes; ++plane) change_plane(before, now, plane);
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

    void change_plane(const uint64_t* before, const uint64_t* now, int plane) {
        list_changes(before, now, plane);
        if (come_count_ + gone_count_ == 0) return;
        const int64_t block_weights = int64_t{plan_.taps()} * plan_.in_channels * plan_.lanes;
        const ReachedOutput *const first = reached_.get(), *const end = first + count_;
        for (int block = 0; block < plan_.blocks; ++block)
            for (int lane = 0; lane < plan_.lanes; lane += kLanes) {
                const int32_t* const weights = plan_.weights.data() + block * block_weights + lane;
                int32_t* const sums = task_.sums + block * plan_.lanes + lane;
                for (const ReachedOutput* output = first; output != end; ++output) {
                    add<1>(come_.get(), come_count_, plane, weights + output->weights, sums + output->sums);
                    add<-1>(gone_.get(), gone_count_, plane, weights + output->weights, sums + output->sums);
                }
            }
    }

    void list_changes(const uint64_t* before, const uint64_t* now, int plane) {
        come_count_ = gone_count_ = 0;
        const int words = plan_.in_words, lanes = plan_.lanes, padded = plan_.padded();
        const auto list = [&](uint64_t bits, int word, int step, SpikeChange* to, int64_t& count) {
            for (; bits != 0; bits &= bits - 1)
                to[count++] = {(word * 64 + __builtin_ctzll(bits)) * lanes, step * padded};
        };
        for (int step = 0; step < task_.steps; ++step)
            for (int word = 0; word < words; ++word) {
                const int64_t at = (int64_t{step} * task_.planes + plane) * words + word;
                list(now[at] & ~before[at], word, step, come_.get(), come_count_);
                list(before[at] & ~now[at], word, step, gone_.get(), gone_count_);
            }
    }

    template <int kSign>
    static void add(const SpikeChange* change, int64_t count, int plane, const int32_t* weights, int32_t* sums) {
        for (const SpikeChange* const end = change + count; change != end; ++change) {
            const int32_t* const from = weights + change->row;
            int32_t* const to = sums + change->step;
            for (int i = 0; i < N; ++i) {
                const Ints weight = load<Ints>(from + i * kWidth) << plane, sum = load<Ints>(to + i * kWidth);
                store(to + i * kWidth, kSign > 0 ? sum + weight : sum - weight);
            }
        }
    }

    const ChangeTask& task_;
    const LayerPlan& plan_;
    std::unique_ptr<ReachedOutput[]> reached_;  // by one pixel
    int64_t most_;
    std::unique_ptr<SpikeChange[]> come_, gone_;  // of one pixel and plane
    int64_t come_count_ = 0, gone_count_ = 0;
    int count_ = 0;
};

}  // namespace
}  // namespace spikelens::kernels
