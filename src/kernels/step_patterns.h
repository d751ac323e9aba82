#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "event_lists.h"
#include "layer_plan.h"
#include "weight_parts.h"

namespace spikelens::kernels {
namespace {

/// An output pixel of one of a task's samples.
struct SamplePixel {
    int sample, row, column;
};

/// The steps in which an input spikes are its pattern: bit k belongs to step k of some that are taken together.
struct Patterns {
    static constexpr int kSteps = 4, kCount = 1 << kSteps;
    static constexpr int kRowSize = 16;  ///< of a weight row in numbers, where rows are listed
    static constexpr int kSlack = 16;    ///< entries beyond a list's end that may be written
    static constexpr int kTogether =
        4;  ///< rows that are added together: a pattern's list is filled up with a row of zeros

    static int chunks(int steps) { return (steps + kSteps - 1) / kSteps; }
};

/// An input that spikes in several steps is listed once for so many of them: the fewer, the fewer and longer the lists.
enum class StepsTogether { one = 1, two = 2, four = 4 };

/// What adding takes least time for, where this share of the inputs spikes in a step.
inline StepsTogether choose_together(double share) {
    return share < 0.11 ? StepsTogether::one : share < 0.25 ? StepsTogether::two : StepsTogether::four;
}

/// The inputs under the kernels of some output pixels, once each, sorted by pattern: one list for each part of the
/// weights, pixel, few steps and plane. A list is the ends of its patterns (the first is 0: what never spikes is not
/// listed), then rows of the part's weights.
///
/// Each input pixel is looked at once, however many outputs see it. Where a part is several taps, their lists are put
/// together.
class StepPatterns {
  public:
    using List = const uint16_t*;

    StepPatterns(const LayerTask& task, const WeightParts& parts)
        : task_(task),
          plan_(*task.plan),
          parts_(parts),
          together_(choose_together(task.listed)),
          chunks_(Patterns::chunks(task.steps)),
          cell_lists_(chunks_ * task.planes * parts.pieces()),
          cell_list_size_(list_size(task, parts.piece_channels())),
          joined_size_(parts.taps() > 1 ? list_size(task, parts.taps() * plan_.in_channels) : 0),
          most_items_(most_items(task, parts)) {
        const int64_t inputs = int64_t{plan_.in_height} * plan_.in_width * task.samples();
        cell_of_.assign(inputs, -1);
        const int64_t cells = std::min(inputs, int64_t{most_items_} * plan_.taps());
        cells_.reset(new uint16_t[cells * cell_lists_ * cell_list_size_]);
        const int64_t lists = int64_t{parts.count()} * most_items_ * chunks_ * task.planes;
        joined_.reset(new uint16_t[lists * joined_size_]);
        lists_.reset(new List[lists]);
    }

    int most_items() const { return most_items_; }
    /// Of each pixel and part: [chunk][plane].
    const List* lists(int part, int item) const {
        return &lists_[(int64_t{part} * most_items_ + item) * chunks_ * task_.planes];
    }

    void build(std::span<const SamplePixel> items) {
        for (const int64_t input : listed_) cell_of_[input] = -1;
        listed_.clear();
        for (int i = 0; i < static_cast<int>(items.size()); ++i) {
            find_cells(items[i]);
            for (int part = 0; part < parts_.count(); ++part) list_part(part, i);
        }
    }

    /// The most that lists and sums of a layer take, about, however many samples are taken together.
    static int64_t most_bytes(const LayerPlan& plan, int steps, int planes) {
        LayerTask task;
        task.plan = &plan;
        task.steps = steps;
        task.planes = planes;
        task.listed = 0;
        const WeightParts parts(plan, plan.part_rows);
        return std::max<int64_t>(1, kTileBytes / item_bytes(task, parts, 1)) * item_bytes(task, parts, plan.taps());
    }

  private:
    static constexpr int64_t kTileBytes = 512 * 1024;

    static int64_t list_size(const LayerTask& task, int rows) {
        const int times = Patterns::kSteps / static_cast<int>(choose_together(task.listed));
        return Patterns::kCount * Patterns::kTogether + times * rows + Patterns::kSlack;
    }

    /// Of an output pixel: sums, and lists if it sees so many input pixels that no other sees.
    static int64_t item_bytes(const LayerTask& task, const WeightParts& parts, int inputs) {
        const LayerPlan& plan = *task.plan;
        const int64_t chunks = Patterns::chunks(task.steps);
        const int64_t cell = parts.pieces() * list_size(task, parts.piece_channels());
        const int64_t joined = parts.taps() > 1 ? parts.count() * list_size(task, parts.taps() * plan.in_channels) : 0;
        return chunks *
               (8 * Patterns::kSteps * plan.lanes + task.planes * (2 * (inputs * cell + joined) + 8 * parts.count()));
    }
    static int most_items(const LayerTask& task, const WeightParts& parts) {
        const LayerPlan& plan = *task.plan;
        const int64_t pixels = int64_t{plan.out_height} * plan.out_width;
        const int inputs = std::min(plan.taps(), pixels == 1 ? plan.taps() : plan.stride * plan.stride);
        return static_cast<int>(std::clamp<int64_t>(kTileBytes / item_bytes(task, parts, inputs), 1,
                                                    std::max<int64_t>(1, pixels * task.samples())));
    }

    /// The lists of the input pixels under the kernel; null where there are none.
    void find_cells(const SamplePixel& item) {
        const Window w = window(plan_, item.row, item.column);
        under_.assign(plan_.taps(), nullptr);
        for (int ky = w.first_ky; ky < w.end_ky; ++ky)
            for (int kx = w.first_kx; kx < w.end_kx; ++kx)
                under_[ky * plan_.kernel_width + kx] = cell(item.sample, w.row + ky, w.column + kx);
    }

    const uint16_t* cell(int sample, int row, int column) {
        const int64_t pixel = int64_t{row} * plan_.in_width + column;
        const int64_t input = int64_t{sample} * plan_.in_height * plan_.in_width + pixel;
        const int64_t size = cell_lists_ * cell_list_size_;
        if (cell_of_[input] < 0) {
            cell_of_[input] = static_cast<int32_t>(listed_.size());
            listed_.push_back(input);
            list_pixel(task_.spikes_of(sample) + pixel * task_.steps * task_.planes * plan_.in_words,
                       &cells_[cell_of_[input] * size]);
        }
        return &cells_[cell_of_[input] * size];
    }

    /// One input pixel: [chunk][plane][piece].
    void list_pixel(const uint64_t* spikes, uint16_t* to) const {
        const int64_t step_words = int64_t{task_.planes} * plan_.in_words;
        for (int chunk = 0; chunk < chunks_; ++chunk)
            for (int plane = 0; plane < task_.planes; ++plane)
                for (int piece = 0; piece < parts_.pieces(); ++piece, to += cell_list_size_) {
                    const int first = piece * parts_.piece_channels() / 64;
                    const int words = std::min(parts_.piece_channels() / 64 + (parts_.piece_channels() % 64 != 0),
                                               plan_.in_words - first);
                    const int steps = std::min(Patterns::kSteps, task_.steps - chunk * Patterns::kSteps);
                    list_words(spikes + chunk * Patterns::kSteps * step_words + int64_t{plane} * plan_.in_words + first,
                               step_words, steps, words, to);
                }
    }

    /// `words` words of channels, in some steps.
    void list_words(const uint64_t* spikes, int64_t step_words, int steps, int words, uint16_t* to) const {
        std::array<std::array<uint64_t, Patterns::kCount>, 8> by_pattern;
        for (int i = 0; i < words; ++i) {
            uint64_t of[Patterns::kSteps] = {};
            for (int step = 0; step < steps; ++step) of[step] = spikes[step * step_words + i];
            sort(of, by_pattern[i]);
        }
        uint16_t *const rows = to + Patterns::kCount, *out = rows;
        to[0] = 0;
        for (int pattern = 1; pattern < Patterns::kCount; ++pattern) {
            for (int i = 0; i < words && occurs(pattern); ++i)
                for (uint64_t bits = by_pattern[i][pattern]; bits != 0; bits &= bits - 1)
                    *out++ = static_cast<uint16_t>((i * 64 + __builtin_ctzll(bits)) * Patterns::kRowSize);
            if (parts_.taps() == 1) out = fill_up(rows + to[pattern - 1], out);
            to[pattern] = static_cast<uint16_t>(out - rows);
        }
    }

    /// Whether inputs are listed by this pattern.
    bool occurs(int pattern) const {
        constexpr unsigned kOfOne = 1U << 1 | 1U << 2 | 1U << 4 | 1U << 8, kOfTwo = kOfOne | 1U << 3 | 1U << 12;
        const unsigned occur = together_ == StepsTogether::one   ? kOfOne
                               : together_ == StepsTogether::two ? kOfTwo
                                                                 : ~0U;
        return occur >> pattern & 1;
    }

    /// With rows of zeros, to a whole number of rows that are added together.
    uint16_t* fill_up(const uint16_t* begin, uint16_t* end) const {
        for (int i = 0; i < Patterns::kTogether - 1; ++i)
            end[i] = static_cast<uint16_t>(plan_.part_rows * Patterns::kRowSize);
        return end + ((begin - end) & (Patterns::kTogether - 1));
    }

    /// The inputs of a word by their pattern, from those that spike in each step.
    void sort(const uint64_t (&of)[Patterns::kSteps], std::array<uint64_t, Patterns::kCount>& by_pattern) const {
        by_pattern = {};
        if (together_ == StepsTogether::one) {
            for (int step = 0; step < Patterns::kSteps; ++step) by_pattern[1 << step] = of[step];
            return;
        }
        const uint64_t low[4] = {~of[0] & ~of[1], of[0] & ~of[1], ~of[0] & of[1], of[0] & of[1]};
        const uint64_t high[4] = {~of[2] & ~of[3], of[2] & ~of[3], ~of[2] & of[3], of[2] & of[3]};
        if (together_ == StepsTogether::two) {
            for (int pattern = 1; pattern < 4; ++pattern)
                by_pattern[pattern] = low[pattern], by_pattern[pattern * 4] = high[pattern];
            return;
        }
        for (int pattern = 1; pattern < Patterns::kCount; ++pattern)
            by_pattern[pattern] = low[pattern % 4] & high[pattern / 4];
    }

    void list_part(int part, int item) {
        const WeightPart of = parts_.at(part);
        const int64_t first = (int64_t{part} * most_items_ + item) * chunks_ * task_.planes;
        const int piece = of.first_channel / parts_.piece_channels();
        for (int i = 0; i < chunks_ * task_.planes; ++i) {
            const int64_t in_cell = (int64_t{i} * parts_.pieces() + piece) * cell_list_size_;
            if (parts_.taps() == 1) {
                lists_[first + i] = under_[of.first_tap] ? under_[of.first_tap] + in_cell : kNothing.data();
            } else {
                uint16_t* const to = &joined_[(first + i) * joined_size_];
                join(of, in_cell, to);
                lists_[first + i] = to;
            }
        }
    }

    void join(const WeightPart& part, int64_t in_cell, uint16_t* to) const {
        uint16_t *const rows = to + Patterns::kCount, *out = rows;
        to[0] = 0;
        for (int pattern = 1; pattern < Patterns::kCount; ++pattern) {
            uint16_t tap_rows = 0;
            for (int tap = part.first_tap; tap < part.end_tap && occurs(pattern);
                 ++tap, tap_rows += plan_.in_channels * Patterns::kRowSize) {
                if (!under_[tap]) continue;
                const uint16_t* const from = under_[tap] + in_cell;
                const int begin = from[pattern - 1], count = from[pattern] - begin;
                int i = 0;
                do {  // most often once
                    const uint16_t* const __restrict some = from + Patterns::kCount + begin + i;
                    uint16_t* const __restrict copy = out + i;
                    for (int lane = 0; lane < Patterns::kSlack; ++lane)
                        copy[lane] = static_cast<uint16_t>(some[lane] + tap_rows);
                } while ((i += Patterns::kSlack) < count);
                out += count;
            }
            out = fill_up(rows + to[pattern - 1], out);
            to[pattern] = static_cast<uint16_t>(out - rows);
        }
    }

    static constexpr std::array<uint16_t, Patterns::kCount> kNothing = {};

    const LayerTask& task_;
    const LayerPlan& plan_;
    const WeightParts& parts_;
    StepsTogether together_;
    int chunks_;
    int64_t cell_lists_, cell_list_size_, joined_size_;
    int most_items_;
    std::vector<int32_t> cell_of_;  // [sample][row][column] of the input
    std::vector<int64_t> listed_;   // input pixels that have a cell
    std::vector<const uint16_t*> under_;
    std::unique_ptr<uint16_t[]> cells_, joined_;
    std::unique_ptr<List[]> lists_;
};

}  // namespace
}  // namespace spikelens::kernels
