#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>

#include "layer_plan.h"
#include "membranes.h"

namespace spikelens::kernels {
namespace {

inline constexpr int kGroup = 16;                  ///< lanes of weights that go to neighbouring places
inline constexpr int64_t kNearWeights = 6 * 1024;  ///< they stay in the first-level cache

/// The adjoint of a layer's weights (spread.h) for kernels of 3 × 3 with few outputs: a sweep over the columns of the
/// gradient holds what lies under the kernel in registers. Ops::Floats are Ops::kWidth lanes; Ops::mask as there.
template <class Ops>
class ColumnSweep {
  public:
    /// Whether a kernel's weights to a register of channels stay in the first-level cache, for all outputs.
    static bool can(const SpreadTask& task) {
        return task.kernel_height == kSwept && task.kernel_width == kSwept && task.stride == 1 &&
               task.in_channels % kGroup == 0 && kTaps * kGroup * task.out_channels <= kNearWeights;
    }

    explicit ColumnSweep(const SpreadTask& task) : task_(task) {}

    /// Some channels after the other, whose weights are taken near: [output][tap][Ops::kWidth].
    void run() {
        const std::unique_ptr<Line[]> lines(new Line[kTaps * Ops::kWidth * task_.out_channels / kGroup + 1]);
        float* const near = lines[0].lane;
        for (int channel = 0; channel < task_.in_channels; channel += Ops::kWidth) {
            float* to = near;
            for (int output = 0; output < task_.out_channels; ++output)
                for (int tap = 0; tap < kTaps; ++tap, to += Ops::kWidth)
                    std::copy_n(task_.weights + output * task_.row_length + tap * task_.in_channels + channel,
                                Ops::kWidth, to);
            for (int step = 0; step < task_.steps; ++step)
                for (int row = 0; row < task_.out_height; ++row) sweep_row(step, row, channel, near);
        }
    }

  private:
    struct alignas(64) Line {
        float lane[kGroup];
    };

    /// What a row of the gradient brings to some channels: first all columns that an input column sees, then it is
    /// added.
    [[gnu::noinline]] void sweep_row(int step, int row, int channel, const float* near) {
        using Floats = typename Ops::Floats;
        const float* gradient =
            task_.gradient + (int64_t{step} * task_.out_height + row) * task_.out_width * task_.padded;
        const int64_t next = task_.in_channels;
        int column = -task_.padding;  // of the input, under the kernel's first one
        float* to[kSwept];            // there, in each row under the kernel
        for (int ky = 0; ky < kSwept; ++ky) {
            const int y = row - task_.padding + ky;
            const int64_t place = ((int64_t{step} * task_.in_height + y) * task_.in_width + column) * next + channel;
            to[ky] = y < 0 || y >= task_.in_height ? nullptr : task_.input_gradient + place;
        }
        Floats sum[kSwept][kSwept] = {};
        const auto add_first = [&]() __attribute__((always_inline)) {
#pragma GCC unroll 3
            for (int ky = 0; ky < kSwept; ++ky) {
                if (to[ky] && column >= 0 && column < task_.in_width) store(to[ky], load<Floats>(to[ky]) + sum[ky][0]);
                if (to[ky]) to[ky] += next;
#pragma GCC unroll 3
                for (int kx = 1; kx < kSwept; ++kx) sum[ky][kx - 1] = sum[ky][kx];
                sum[ky][kSwept - 1] = Floats{};
            }
            ++column;
        };
        for (int i = 0; i < task_.out_width; ++i, gradient += task_.padded) {
            uint64_t bits = 0;
            Ops::mask(gradient, task_.padded, &bits);
            for (; bits != 0; bits &= bits - 1) {
                const int output = std::countr_zero(bits);
                const float value = gradient[output];
                const float* const weights = near + output * (kTaps * Ops::kWidth);
#pragma GCC unroll 3
                for (int ky = 0; ky < kSwept; ++ky)
#pragma GCC unroll 3
                    for (int kx = 0; kx < kSwept; ++kx)
                        sum[ky][kx] = sum[ky][kx] + value * load<Floats>(weights + (ky * kSwept + kx) * Ops::kWidth);
            }
            add_first();
        }
#pragma GCC unroll 3
        for (int kx = 1; kx < kSwept; ++kx) add_first();
    }

    static constexpr int kSwept = 3, kTaps = kSwept * kSwept;

    const SpreadTask task_;
};

}  // namespace
}  // namespace spikelens::kernels
