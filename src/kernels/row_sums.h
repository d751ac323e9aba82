#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "layer_plan.h"
#include "membranes.h"

namespace spikelens::kernels {
namespace {

struct alignas(64) CacheLine {
    int32_t lane[16];
};

/// Columns and steps of one row of outputs whose sums are held at once, in the first-level cache.
///
/// A spike at column x reaches output columns ⌊u/stride⌋, ⌊u/stride⌋ − 1, … through the kernel columns r, r + stride,
/// …, where u = x + padding and r = u mod stride. `margin` columns on either side take what falls outside the tile.
struct RowTile {
    int first_column, end_column;  // of the outputs
    int first_input, end_input;    // columns that reach them
    int margin;
    int chunk;  // steps

    RowTile(const LayerPlan& plan, int first, int end, int steps)
        : first_column(first),
          end_column(end),
          first_input(std::max(0, first * plan.stride - plan.padding)),
          end_input(std::min(plan.in_width, (end_column - 1) * plan.stride - plan.padding + plan.kernel_width)),
          margin((plan.kernel_width - 1) / plan.stride),
          chunk(steps) {}

    int columns() const { return end_column - first_column; }
    int slots() const { return (columns() + 2 * margin) * chunk; }
    int slot(int column, int step) const { return (column - first_column + margin) * chunk + step; }
};

/// The spikes of one input row, each once: the weight row of its first kernel column, and the slot of the output it
/// adds that to. One list for each chunk of steps and each remainder r.
template <class Isa>
class RowEvents {
  public:
    RowEvents(const LayerPlan& plan, int steps, int planes, const RowTile& tile, int slot_size)
        : plan_(plan),
          steps_(steps),
          planes_(planes),
          slot_size_(slot_size),
          rows_of_bits_(static_cast<uint32_t>(plan.lanes)),
          ends_(static_cast<size_t>((steps + tile.chunk - 1) / tile.chunk * plan.stride + 1)) {
        const int64_t inputs = tile.end_input - tile.first_input;
        const int64_t capacity = inputs * steps * ((int64_t{1} << planes) - 1) * (plan.in_words * 64) + kSlack;
        rows_.reset(new uint32_t[capacity]);
        slots_.reset(new uint32_t[capacity]);
    }

    int row() const { return row_; }
    /// Most spikes in one place and step.
    int most() const { return most_; }
    const uint32_t* rows(size_t list) const { return rows_.get() + ends_[list]; }
    const uint32_t* slots(size_t list) const { return slots_.get() + ends_[list]; }

    void build(const uint64_t* spikes, int row, const RowTile& tile, bool often_silent) {
        row_ = row;
        most_ = 0;
        const int words = planes_ * plan_.in_words;
        uint32_t* out = rows_.get();
        auto end = ends_.begin() + 1;
        for (int step = 0; step < steps_; step += tile.chunk)
            for (int remainder = 0; remainder < plan_.stride; ++remainder) {
                const int steps = std::min(tile.chunk, steps_ - step);
                const auto first_row = static_cast<uint32_t>(remainder * plan_.in_channels * plan_.lanes);
                const int residue = (tile.first_input + plan_.padding) % plan_.stride;
                const int skip = (remainder - residue + plan_.stride) % plan_.stride;
                for (int column = tile.first_input + skip; column < tile.end_input; column += plan_.stride) {
                    const int64_t pixel = int64_t{row} * plan_.in_width + column;
                    const uint64_t* const word = spikes + (pixel * steps_ + step) * words;
                    const auto slot =
                        static_cast<uint32_t>(tile.slot((column + plan_.padding) / plan_.stride, 0) * slot_size_);
                    out = words == 1 ? list_pixel<true>(word, steps, first_row, slot, often_silent, out)
                                     : list_pixel<false>(word, steps, first_row, slot, often_silent, out);
                }
                *end++ = out - rows_.get();
            }
    }

  private:
    static constexpr int kSlack = 64;       // Isa::RowsOfBits may write beyond the end
    static constexpr int kSilentSteps = 8;  // passed over together

    static bool silent(const uint64_t* words, int count) {
        uint64_t any = 0;
        for (int i = 0; i < count; ++i) any |= words[i];
        return any == 0;
    }

    /// The spikes of one pixel in some steps; kOneWord where a step is one word.
    template <bool kOneWord>
    uint32_t* list_pixel(const uint64_t* word, int steps, uint32_t first_row, uint32_t slot, bool often_silent,
                         uint32_t* out) {
        // Copies: the lists could overlap the members for all the compiler knows.
        const auto rows_of_bits = rows_of_bits_;
        uint32_t *const all_rows = rows_.get(), *const all_slots = slots_.get();
        const int channels = plan_.in_channels, slot_size = slot_size_;
        const int words = kOneWord ? 1 : planes_ * plan_.in_words;
        int most = most_;
        for (int step = 0; step < steps; ++step, slot += slot_size, word += words) {
            if (often_silent && step + kSilentSteps <= steps && silent(word, kSilentSteps * words)) {
                word += (kSilentSteps - 1) * words;
                slot += (kSilentSteps - 1) * slot_size;
                step += kSilentSteps - 1;
                continue;
            }
            uint32_t* const before = out;
            if constexpr (kOneWord)
                out = rows_of_bits.list(*word, first_row, channels, out);
            else
                out = list_words(word, first_row, often_silent, out);
            const auto spikes_here = static_cast<int>(out - before);
            most = std::max(most, spikes_here);
            uint32_t* const slots = all_slots + (before - all_rows);
            for (int i = 0; i < spikes_here; i += 16)
                for (int lane = 0; lane < 16; ++lane) slots[i + lane] = slot;
        }
        most_ = most;
        return out;
    }

    /// All planes of one step, each as often as it counts.
    uint32_t* list_words(const uint64_t* word, uint32_t first_row, bool often_silent, uint32_t* out) const {
        for (int plane = 0; plane < planes_; ++plane)
            for (int i = 0; i < plan_.in_words; ++i, ++word) {
                if (often_silent && *word == 0) continue;
                const auto first = first_row + static_cast<uint32_t>(i * 64 * plan_.lanes);
                for (int copies = 1 << plane; copies > 0; --copies)
                    out = rows_of_bits_.list(*word, first, std::min(64, plan_.in_channels - i * 64), out);
            }
        return out;
    }

    const LayerPlan& plan_;
    int steps_, planes_, slot_size_, row_ = -1, most_ = 0;
    typename Isa::RowsOfBits rows_of_bits_;
    std::vector<ptrdiff_t> ends_;
    std::unique_ptr<uint32_t[]> rows_, slots_;
};

/// The event-driven convolution for few spikes and few outputs, where listing the spikes under every output would cost
/// more than adding them: the spikes of each input row are listed once and each is added to every output it reaches.
template <class Isa, int N, class Stepper>
class RowSums {
  public:
    /// For columns of this task from `first_column` on.
    RowSums(const LayerTask& task, int first_column)
        : task_(task),
          plan_(*task.plan),
          fits_(plan_.sums_fit_int32(task.planes)),
          tile_(plan_, first_column, std::min(task.pixels[0].end_column, first_column + columns_at_once(task)),
                chunk_of(task)),
          lines_(int64_t{tile_.slots()} * kLanes / 16),
          sums_(reinterpret_cast<int32_t*>(lines_.data())),
          states_(tile_.columns()) {
        for (int i = 0; i < plan_.kernel_height; ++i)
            events_.emplace_back(plan_, task.steps, task.planes, tile_, kLanes);
    }

    int end_column() const { return tile_.end_column; }

    /// False where so many spikes meet that their sum might not fit int32.
    bool run(int row, int first_offset, int end_offset) {
        if (!list_rows(row)) return false;
        for (int offset = first_offset; offset < end_offset; offset += kLanes)
            run_outputs(Stepper(task_, offset), row, offset);
        return true;
    }

  private:
    using State = typename Stepper::State;
    using Ints = typename Isa::Ints;
    using Floats = typename Isa::Floats;
    static constexpr int kWidth = Isa::kBytes / 4, kLanes = N * kWidth;
    static constexpr int kPixels = kPixelsTogether<Isa, N>;
    static constexpr int64_t kCacheBytes = 24 * 1024;

    static int chunk_of(const LayerTask& task) {
        const int64_t row = int64_t{4} * kLanes * (task.plan->out_width + 2 * (task.plan->kernel_width - 1));
        return static_cast<int>(std::min<int64_t>(task.steps, std::max<int64_t>(8, kCacheBytes / row / 8 * 8)));
    }
    static int columns_at_once(const LayerTask& task) {
        const int64_t columns = kCacheBytes / (int64_t{4} * kLanes * chunk_of(task)) -
                                2 * ((task.plan->kernel_width - 1) / task.plan->stride);
        return static_cast<int>(std::clamp<int64_t>(columns, 8, INT32_MAX / 2));
    }

    template <class Visit>
    void for_each_input_row(int row, Visit visit) {
        for (int ky = 0; ky < plan_.kernel_height; ++ky) {
            const int input = row * plan_.stride - plan_.padding + ky;
            if (input >= 0 && input < plan_.in_height) visit(ky, input, events_[input % plan_.kernel_height]);
        }
    }

    bool list_rows(int row) {
        int64_t most = 0;
        for_each_input_row(row, [&](int, int input, RowEvents<Isa>& events) {
            if (events.row() != input) events.build(task_.spikes, input, tile_, task_.listing == Listing::active_rows);
            most += int64_t{events.most()} * plan_.kernel_width;
        });
        return fits_ || most <= kMostRows;
    }

    void run_outputs(const Stepper& stepper, int row, int offset) {
        std::fill(states_.begin(), states_.end(), State{});
        const int64_t pixel = int64_t{row} * plan_.out_width + tile_.first_column;
        for (int first = 0; first < task_.steps; first += tile_.chunk) {
            const int end = std::min(task_.steps, first + tile_.chunk);
            sum_chunk(row, offset, first / tile_.chunk);
            scale_sums(offset, end - first);
            by_pixels<kPixels>(tile_.columns(), [&](auto p, int i) {
                const auto* from =
                    reinterpret_cast<const float*>(&sums_[int64_t{tile_.slot(tile_.first_column + i, 0)} * kLanes]);
                stepper.template run<p.value>(pixel + i, first, end, {from, int64_t{tile_.chunk} * kLanes, kLanes},
                                              &states_[i]);
            });
        }
        for (int i = 0; i < tile_.columns(); ++i) stepper.store_counts(pixel + i, states_[i]);
    }

    void sum_chunk(int row, int offset, int chunk) {
        std::fill(lines_.begin(), lines_.end(), CacheLine{});
        for_each_input_row(row, [&](int ky, int, const RowEvents<Isa>& events) {
            const int32_t* weights =
                weights_of(plan_, offset) + int64_t{ky} * plan_.kernel_width * plan_.in_channels * plan_.lanes;
            for (int remainder = 0; remainder < plan_.stride; ++remainder) {
                const size_t list = size_t(chunk) * plan_.stride + remainder;
                const int reached = (plan_.kernel_width - remainder + plan_.stride - 1) / plan_.stride;
                add(events.rows(list), events.rows(list + 1), events.slots(list), weights, reached);
            }
        });
    }

    void add(const uint32_t* row, const uint32_t* end, const uint32_t* slot, const int32_t* weights, int reached) {
        if (reached == 3) return add_together<3>(row, end, slot, weights);  // the usual widths of kernels
        if constexpr (N <= 2)                                               // so that the sums stay in registers
            if (reached == 5) return add_together<5>(row, end, slot, weights);
        int32_t* const sums = sums_;
        for (; row != end; ++row, ++slot) {
            const int32_t* weight = weights + *row;
            int32_t* sum = sums + *slot;
            for (int j = 0; j < reached; ++j, weight += next_weights(), sum -= next_slot())
                for (int i = 0; i < N; ++i)
                    store(sum + i * kWidth, load<Ints>(sum + i * kWidth) + load<Ints>(weight + i * kWidth));
        }
    }
    /// Spikes of one slot follow each other: their sums are read and written once.
    template <int kReached>
    void add_together(const uint32_t* row, const uint32_t* end, const uint32_t* slot, const int32_t* weights) {
        const int64_t weights_apart = next_weights(), slots_apart = next_slot();
        while (row != end) {
            const uint32_t here = *slot;
            int32_t* const to = sums_ + here;
            Ints sum[kReached][N];
            for (int j = 0; j < kReached; ++j)
                for (int i = 0; i < N; ++i) sum[j][i] = load<Ints>(to - j * slots_apart + i * kWidth);
            do {
                const int32_t* const weight = weights + *row++;
                for (int j = 0; j < kReached; ++j)
                    for (int i = 0; i < N; ++i) sum[j][i] += load<Ints>(weight + j * weights_apart + i * kWidth);
            } while (++slot, row != end && *slot == here);
            for (int j = 0; j < kReached; ++j)
                for (int i = 0; i < N; ++i) store(to - j * slots_apart + i * kWidth, sum[j][i]);
        }
    }
    int64_t next_weights() const { return int64_t{plan_.stride} * plan_.in_channels * plan_.lanes; }
    int64_t next_slot() const { return int64_t{tile_.chunk} * kLanes; }

    /// Sums become currents, in place.
    void scale_sums(int offset, int steps) {
        Floats scale[N], bias[N];
        for (int i = 0; i < N; ++i) {
            scale[i] = load<Floats>(&plan_.scale[offset + i * kWidth]);
            bias[i] = load<Floats>(&plan_.bias[offset + i * kWidth]);
        }
        for (int column = tile_.first_column; column < tile_.end_column; ++column) {
            int32_t* sum = &sums_[int64_t{tile_.slot(column, 0)} * kLanes];
            for (int step = 0; step < steps; ++step, sum += kLanes)
                for (int i = 0; i < N; ++i)
                    store(sum + i * kWidth,
                          __builtin_convertvector(load<Ints>(sum + i * kWidth), Floats) * scale[i] + bias[i]);
        }
    }

    const LayerTask& task_;
    const LayerPlan& plan_;
    bool fits_;
    RowTile tile_;
    std::vector<CacheLine> lines_;
    int32_t* sums_;  // [slot][kLanes]
    std::vector<State> states_;
    std::vector<RowEvents<Isa>> events_;
};

}  // namespace
}  // namespace spikelens::kernels
