#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "layer_plan.h"
#include "membranes.h"

namespace spikelens::kernels {
namespace {

/// The input under the kernels of one row of outputs, column by column: the spikes that a column of kernel rows sees,
/// as bits side by side, [column][step][plane][word]. Bit p is channel p mod C of kernel row ⌊p / C⌋.
class KernelColumns {
  public:
    KernelColumns(const LayerTask& task, int first, int end)
        : task_(task),
          plan_(*task.plan),
          first_(first),
          end_(end),
          words_((plan_.kernel_height * plan_.in_channels + 63) / 64),
          size_(int64_t{end - first} * task.steps * task.planes * words_),
          bits_(new uint64_t[size_]) {}

    int first() const { return first_; }
    int end() const { return end_; }
    int words() const { return words_; }
    const uint64_t* at(int column, int step, int plane = 0) const {
        return &bits_[((int64_t{column - first_} * task_.steps + step) * task_.planes + plane) * words_];
    }

    void look_at(int out_row) {
        std::fill_n(bits_.get(), size_, uint64_t{0});
        for (int ky = 0; ky < plan_.kernel_height; ++ky) {
            const int row = out_row * plan_.stride - plan_.padding + ky;
            if (row < 0 || row >= plan_.in_height) continue;
            for (int word = 0; word < plan_.in_words; ++word)
                for (int column = first_; column < end_; ++column) put(row, column, word, ky);
        }
    }

    /// The most spikes that a column shows in one step, each as often as its plane counts.
    int64_t most() const {
        int64_t most = 0;
        for (int column = first_; column < end_; ++column)
            for (int step = 0; step < task_.steps; ++step) {
                int64_t count = 0;
                for (int plane = 0; plane < task_.planes; ++plane)
                    for (int word = 0; word < words_; ++word)
                        count += int64_t{std::popcount(at(column, step, plane)[word])} << plane;
                most = std::max(most, count);
            }
        return most;
    }

  private:
    /// One word of an input pixel's channels, of all steps.
    void put(int row, int column, int word, int ky) {
        const int bit = ky * plan_.in_channels + word * 64, shift = bit % 64;
        const int64_t count = int64_t{task_.steps} * task_.planes, words = words_, from_words = plan_.in_words;
        const uint64_t* __restrict from =
            task_.spikes + (int64_t{row} * plan_.in_width + column) * count * from_words + word;
        uint64_t* __restrict to = &bits_[int64_t{column - first_} * count * words + bit / 64];
        if (words == 1 && from_words == 1) {
            for (int64_t i = 0; i < count; ++i) to[i] |= from[i] << shift;
            return;
        }
        const bool spills = shift > 0 && bit / 64 + 1 < words_;
        for (int64_t i = 0; i < count; ++i) {
            to[i * words] |= from[i * from_words] << shift;
            if (spills) to[i * words + 1] |= from[i * from_words] >> (64 - shift);
        }
    }

    const LayerTask& task_;
    const LayerPlan& plan_;
    int first_, end_, words_;
    int64_t size_;
    std::unique_ptr<uint64_t[]> bits_;
};

/// The event-driven convolution for few spikes and few outputs, where listing the spikes under every output would cost
/// more than adding them. A sweep goes over the columns of the input and holds the sums of the outputs that its column
/// reaches: kernel column r + j·stride takes a spike in column x to output ⌊u/stride⌋ − j, where u = x + padding and
/// r = u mod stride. A sum is given out when the sweep has left its kernel.
template <class Isa, int N, class Stepper>
class RowSums {
  public:
    /// For columns of this task from `first_column` on.
    RowSums(const LayerTask& task, int first_column)
        : task_(task),
          plan_(*task.plan),
          fits_(plan_.sums_fit_int32(task.planes)),
          first_column_(first_column),
          end_column_(std::min(task.pixels[0].end_column, first_column + kMostColumns)),
          chunk_(chunk_of(task.steps, columns())),
          input_(task, std::max(0, first_column * plan_.stride - plan_.padding),
                 std::min(plan_.in_width, (end_column_ - 1) * plan_.stride - plan_.padding + plan_.kernel_width)),
          currents_(int64_t{columns()} * chunk_ * kLanes / 16),
          states_(columns()),
          rows_(new uint32_t[input_.words() * 64]) {
        const int channels = plan_.in_channels;
        for (int bit = 0; bit < input_.words() * 64; ++bit)
            rows_[bit] = (bit / channels * plan_.kernel_width * channels + bit % channels) * plan_.lanes;
    }

    int end_column() const { return end_column_; }

    /// False where so many spikes meet that their sum might not fit int32, and where a spike reaches too many columns.
    bool run(int row, int first_offset, int end_offset) {
        if (plan_.reached_columns() > kMostReached) return false;
        input_.look_at(row);
        if (!fits_ && input_.most() * plan_.kernel_width > kMostRows) return false;
        for (int offset = first_offset; offset < end_offset; offset += kLanes)
            run_outputs(Stepper(task_, offset), row, offset);
        return true;
    }

  private:
    using State = typename Stepper::State;
    using Ints = typename Isa::Ints;
    using Floats = typename Isa::Floats;
    struct alignas(64) CurrentLine {
        float lane[16];
    };
    struct alignas(64) WeightLine {
        int32_t lane[16];
    };
    static constexpr int kWidth = Isa::kBytes / 4, kLanes = N * kWidth;
    static constexpr int kPixels = kPixelsTogether<Isa, N>;
    static constexpr int kCacheLanes = 6 * 1024;                   ///< of currents: they stay in the first-level cache
    static constexpr int kMostColumns = kCacheLanes / kLanes / 8;  ///< of at least 8 steps

    int columns() const { return end_column_ - first_column_; }

    /// Steps whose currents are held at once.
    static int chunk_of(int steps, int columns) {
        const int most = kCacheLanes / (kLanes * columns), chunks = (steps + most - 1) / most;
        return (steps + chunks - 1) / chunks;
    }

    float* current(int column, int step) {
        return currents_[(int64_t{column - first_column_} * chunk_ + step) * kLanes / 16].lane;
    }

    void run_outputs(const Stepper& stepper, int row, int offset) {
        std::fill(states_.begin(), states_.end(), State{});
        const int64_t pixel = int64_t{row} * plan_.out_width + first_column_;
        for (int first = 0; first < task_.steps; first += chunk_) {
            const int end = std::min(task_.steps, first + chunk_);
            sweep_some(first, end, offset);
            by_pixels<kPixels>(columns(), [&](auto p, int i) {
                stepper.template run<p.value>(pixel + i, first, end,
                                              {current(first_column_ + i, 0), int64_t{chunk_} * kLanes, kLanes},
                                              &states_[i]);
            });
        }
        for (int i = 0; i < columns(); ++i) stepper.store_counts(pixel + i, states_[i]);
    }

    template <int R = kMostReached>
    void sweep_some(int first_step, int end_step, int offset) {
        if constexpr (R > 1)
            if (plan_.reached_columns() < R) return sweep_some<R - 1>(first_step, end_step, offset);
        if (task_.planes == 1 && input_.words() == 1 && plan_.stride == 1) {
            take_near(offset);
            sweep<R, true>(first_step, end_step, offset);
        } else {
            sweep<R, false>(first_step, end_step, offset);
        }
    }

    /// The kernel's weights to the outputs from `offset` on, [bit of a column][kernel column][kLanes].
    void take_near(int offset) {
        if (near_offset_ == offset) return;
        near_offset_ = offset;
        const int64_t next = int64_t{plan_.in_channels} * plan_.lanes;
        near_.resize(int64_t{plan_.kernel_height} * plan_.in_channels * plan_.kernel_width * kLanes / 16);
        int32_t* to = near_[0].lane;
        for (int bit = 0; bit < plan_.kernel_height * plan_.in_channels; ++bit)
            for (int kx = 0; kx < plan_.kernel_width; ++kx, to += kLanes)
                std::memcpy(to, weights_of(plan_, offset) + rows_[bit] + kx * next, sizeof(int32_t) * kLanes);
    }

    /// The currents of some steps; a column of the input reaches R outputs, or R − 1. kNear: R, by one bit for each
    /// channel and row of the kernel, whose weights are near.
    template <int R, bool kNear>
    [[gnu::noinline]] void sweep(int first_step, int end_step, int offset) {
        const int32_t* const weights = weights_of(plan_, offset);
        const int64_t next = int64_t{plan_.in_channels} * plan_.lanes;  // to the next column of the kernel
        const int stride = kNear ? 1 : plan_.stride, whole = (plan_.kernel_width - 1) % stride;
        const int64_t next_column = int64_t{task_.steps} * task_.planes * input_.words();
        for (int step = first_step; step < end_step; ++step) {
            const uint64_t* const of_step = input_.at(input_.first(), step);
            Ints sum[R][N] = {};
            for (int place = first_column_; place < end_column_ + R - 1; ++place) {
                for (int r = 0; r < stride; ++r) {
                    const int column = place * stride + r - plan_.padding;
                    if (column < input_.first() || column >= input_.end()) continue;
                    const uint64_t* const words = of_step + int64_t{column - input_.first()} * next_column;
                    if constexpr (kNear)
                        add_near(*words, sum);
                    else if (r <= whole)
                        add<R>(words, weights + r * next, stride * next, sum);
                    else
                        add<R - 1>(words, weights + r * next, stride * next, sum);
                }
                if (place - R + 1 >= first_column_)
                    give_out(sum[R - 1], offset, current(place - R + 1, step - first_step));
                for (int j = R - 1; j > 0; --j)
                    for (int i = 0; i < N; ++i) sum[j][i] = sum[j - 1][i];
                for (int i = 0; i < N; ++i) sum[0][i] = Ints{};
            }
        }
    }

    template <int R>
    [[gnu::always_inline]] void add_near(uint64_t bits, Ints (&sum)[R][N]) const {
        const int32_t* const weights = near_[0].lane;
        for (; bits != 0; bits &= bits - 1) {
            const int32_t* const weight = weights + std::countr_zero(bits) * (R * kLanes);
#pragma GCC unroll 5
            for (int j = 0; j < R; ++j)
#pragma GCC unroll 4
                for (int i = 0; i < N; ++i) sum[j][i] += load<Ints>(weight + j * kLanes + i * kWidth);
        }
    }

    /// What one column of the input shows in a step, to the first `count` sums.
    template <int count>
    [[gnu::always_inline]] void add(const uint64_t* words, const int32_t* weights, int64_t next, Ints (*sum)[N]) const {
        for (int plane = 0; plane < task_.planes; ++plane)
            for (int word = 0; word < input_.words(); ++word, ++words)
                for (int copies = 1 << plane; copies > 0; --copies)
                    for (uint64_t bits = *words; bits != 0; bits &= bits - 1) {
                        const int32_t* const weight = weights + rows_[word * 64 + std::countr_zero(bits)];
#pragma GCC unroll 5
                        for (int j = 0; j < count; ++j)
#pragma GCC unroll 4
                            for (int i = 0; i < N; ++i) sum[j][i] += load<Ints>(weight + j * next + i * kWidth);
                    }
    }

    void give_out(const Ints (&sum)[N], int offset, float* current) const {
        for (int i = 0; i < N; ++i)
            store(current + i * kWidth,
                  __builtin_convertvector(sum[i], Floats) * load<Floats>(&plan_.scale[offset + i * kWidth]) +
                      load<Floats>(&plan_.bias[offset + i * kWidth]));
    }

    const LayerTask& task_;
    const LayerPlan& plan_;
    bool fits_;
    int first_column_, end_column_, chunk_;
    KernelColumns input_;
    std::vector<CurrentLine> currents_;  // [column][step of the chunk][kLanes]
    std::vector<State> states_;
    std::unique_ptr<uint32_t[]> rows_;  // of the weights, by bit of a column
    std::vector<WeightLine> near_;      // weights to the outputs from near_offset_ on
    int near_offset_ = -1;
};

}  // namespace
}  // namespace spikelens::kernels
