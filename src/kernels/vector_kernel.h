#pragma once

// The event-driven kernel, written once and compiled once per instruction set: portable.cpp, kernel_avx2.cpp and
// kernel_avx512.cpp give it the type of a register, a way to turn a comparison into bits, and a way to list the set bits of a
// word.
//
// For a tile of output pixels, the set bits of the input under each pixel's kernel become lists of weight rows, one list for
// each step (event_lists.h): this is where branches would be mispredicted, so it is done without. Then each block of outputs
// adds the listed rows to accumulators that stay in registers, for some steps, and takes its membranes through those steps
// (membranes.h). Cost: one vector addition per spike and register of outputs; currents never leave the first-level cache.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "spikelens/kernels/layer_plan.h"

#include "event_lists.h"
#include "membranes.h"
#include "row_sums.h"

namespace spikelens::kernels {
namespace {

template <class Isa>
struct VectorKernel {
    static constexpr int kWidth = Isa::kBytes / 4;     // lanes of a register
    static constexpr int64_t kPartBytes = 512 * 1024;  // of weights that stay in the second-level cache
    static constexpr int kChunk = 16;                  // steps whose currents are held at once
    using Ints = typename Isa::Ints;
    using Floats = typename Isa::Floats;
    using Lists = EventLists<Isa>;

    /// N registers of outputs of one block.
    template <int N>
    struct Group {
        static constexpr int kLanes = N * kWidth;
        static constexpr int kPixels = pixels_together<Isa, N>;
        using State = Membranes<Isa, N>;

        static void add_rows(const uint32_t* row, const uint32_t* end, const int32_t* weights, Ints (&sum)[N]) {
            Ints local[N];
            for (int i = 0; i < N; ++i) local[i] = sum[i];
            for (; row != end; ++row)
                for (int i = 0; i < N; ++i) local[i] += load<Ints>(weights + *row + i * kWidth);
            for (int i = 0; i < N; ++i) sum[i] = local[i];
        }

        /// Adds the rows of one step, all planes, to wide[kLanes]. No more than kMostRows are added in int32.
        static void wide_sum(uint32_t* const* ends, int planes, const int32_t* weights, int64_t* wide, int first_plane = 0) {
            for (int plane = 0; plane < planes; ++plane)
                for (const uint32_t* row = ends[plane]; row != ends[plane + 1];) {
                    const uint32_t* end = row + std::min<ptrdiff_t>(kMostRows, ends[plane + 1] - row);
                    Ints sum[N] = {};
                    add_rows(row, end, weights, sum);
                    alignas(64) int32_t part[kLanes];
                    std::memcpy(part, sum, sizeof part);
                    for (int lane = 0; lane < kLanes; ++lane)
                        wide[lane] += int64_t{part[lane]} * (int64_t{1} << (plane + first_plane));
                    row = end;
                }
        }

        /// Rows of one step, each as often as its plane counts: no more than this many fit int32.
        static int64_t rows_in(uint32_t* const* ends, int planes) {
            int64_t rows = 0;
            for (int plane = 0; plane < planes; ++plane) rows += (ends[plane + 1] - ends[plane]) << plane;
            return rows;
        }

        /// What turns sums of weight rows into currents, for the outputs from `offset` on.
        struct Scaling {
            const int64_t* all;  ///< of lists of silent inputs: the sum of all rows, from which those listed are taken
            bool sums_fit;       ///< in int32, whatever is listed
            const float *scale, *bias;

            Scaling(const LayerPlan& plan, int planes, int offset, bool lists_silence)
                : all(lists_silence ? plan.all_rows.data() + offset : nullptr),
                  sums_fit(plan.sums_fit_int32(planes)),
                  scale(&plan.scale[offset]),
                  bias(&plan.bias[offset]) {}

            void store_scaled(const Floats (&sum)[N], float* current) const {
                for (int i = 0; i < N; ++i)
                    store(current + i * kWidth, sum[i] * load<Floats>(scale + i * kWidth) + load<Floats>(bias + i * kWidth));
            }

            void store_scaled(const int64_t* wide, float* current) const {
                alignas(64) float rounded[kLanes];
                for (int lane = 0; lane < kLanes; ++lane) rounded[lane] = static_cast<float>(static_cast<double>(wide[lane]));
                Floats sum[N];
                std::memcpy(sum, rounded, sizeof sum);
                store_scaled(sum, current);
            }
        };

        static void event_current(uint32_t* const* ends, int planes, const int32_t* weights, const Scaling& scaling,
                                  float* current) {
            if (scaling.all == nullptr && (scaling.sums_fit || rows_in(ends, planes) <= kMostRows)) {
                Ints sum[N] = {};
                for (int plane = planes; plane-- > 0;) {
                    if (plane + 1 < planes)
                        for (int i = 0; i < N; ++i) sum[i] += sum[i];
                    add_rows(ends[plane], ends[plane + 1], weights, sum);
                }
                Floats rounded[N];
                for (int i = 0; i < N; ++i) rounded[i] = __builtin_convertvector(sum[i], Floats);
                scaling.store_scaled(rounded, current);
            } else {
                alignas(64) int64_t wide[kLanes] = {};
                wide_sum(ends, planes, weights, wide);
                for (int lane = 0; scaling.all != nullptr && lane < kLanes; ++lane) wide[lane] = scaling.all[lane] - wide[lane];
                scaling.store_scaled(wide, current);
            }
        }

        /// All steps of P neighbouring pixels of a row, whose lists begin at `list`.
        template <int P, class Step>
        static void run_pixels(const LayerTask& task, const Step& stepper, int64_t pixel, int offset, const Lists& lists,
                               int list) {
            const int32_t* weights = weights_of(*task.plan, offset);
            alignas(64) float currents[P * kChunk * kLanes];
            State state[P] = {};
            for (int first = 0; first < task.steps; first += kChunk) {
                const int end = std::min(task.steps, first + kChunk);
                float* current = currents;
                for (int p = 0; p < P; ++p) {
                    const Scaling scaling(*task.plan, lists.planes(), offset, lists.lists_silence(list + p));
                    current = currents + p * kChunk * kLanes;
                    for (int step = first; step < end; ++step, current += kLanes)
                        event_current(lists.ends(list + p, step), lists.planes(), weights, scaling, current);
                }
                stepper.template run<P>(pixel, first, end, {currents, kChunk * kLanes, kLanes}, state);
            }
            for (int p = 0; p < P; ++p) stepper.store_counts(pixel + p, state[p]);
        }

        /// The one pixel of a fully connected layer whose weights are larger than the cache: every step takes what it needs of
        /// a part of the weights before the next part is read.
        template <class Step>
        static void run_in_parts(const LayerTask& task, const Step& stepper, int offset, const Lists& lists) {
            const LayerPlan& plan = *task.plan;
            const int planes = lists.planes();
            const int32_t* weights = weights_of(plan, offset);
            const auto part = static_cast<uint32_t>(kPartBytes / 4);
            const uint32_t all_rows = static_cast<uint32_t>(plan.taps()) * plan.in_channels * plan.lanes;
            std::vector<int64_t> wide(int64_t{task.steps} * kLanes);
            std::vector<uint32_t*> at(lists.ends(0, 0), lists.ends(0, 0) + int64_t{task.steps} * planes);
            for (uint32_t end = part; end < all_rows + part; end += part)
                for (int list = 0; list < task.steps * planes; ++list) {
                    uint32_t* ends[2] = {at[list], std::lower_bound(at[list], lists.ends(0, 0)[list + 1], end)};
                    wide_sum(ends, 1, weights, &wide[list / planes * kLanes], list % planes);
                    at[list] = ends[1];
                }
            const Scaling scaling(plan, planes, offset, false);
            std::vector<float> currents(wide.size());
            for (int step = 0; step < task.steps; ++step)
                scaling.store_scaled(&wide[int64_t{step} * kLanes], &currents[int64_t{step} * kLanes]);
            State state[1] = {};
            stepper.template run<1>(0, 0, task.steps, {currents.data(), 0, kLanes}, state);
            stepper.store_counts(0, state[0]);
        }

        /// P neighbouring pixels whose currents do not change.
        template <int P, class Step>
        static void run_constant(const LayerTask& task, const Step& stepper, int64_t pixel, int offset) {
            const int padded = task.plan->padded();
            State state[P] = {};
            stepper.template run<P>(pixel, 0, task.steps, {task.currents + pixel * padded + offset, padded, 0}, state);
            for (int p = 0; p < P; ++p) stepper.store_counts(pixel + p, state[p]);
        }

        static void layer(const LayerTask& task) {
            const NeuronStep& neuron = task.plan->neuron;
            const bool plain = neuron.alpha == 0 && neuron.reset_delayed == 0 && !neuron.to_value && !task.potentials;
            if (plain)
                task.counts ? run_layer<true, true>(task) : run_layer<true, false>(task);
            else
                task.counts ? run_layer<false, true>(task) : run_layer<false, false>(task);
        }

        template <bool kPlain, bool kCounts>
        static void run_layer(const LayerTask& task) {
            using Step = Stepper<Isa, N, kPlain, kCounts>;
            const LayerPlan& plan = *task.plan;
            const int first = task.first_block * plan.lanes, end = task.end_block * plan.lanes;
            if (!task.spikes) {
                const int64_t from = int64_t{task.first_row} * plan.out_width, to = int64_t{task.end_row} * plan.out_width;
                for (int offset = first; offset < end; offset += kLanes) {
                    const Step stepper(task, offset);
                    by_pixels<kPixels>(static_cast<int>(to - from),
                                       [&](auto p, int i) { run_constant<p.value>(task, stepper, from + i, offset); });
                }
                return;
            }
            if (task.listing == Listing::rows || task.listing == Listing::active_rows) return run_by_rows<Step>(task);
            Lists lists(plan, task.steps, task.planes, plan.out_width);
            const int64_t block_bytes = int64_t{4} * plan.taps() * plan.in_channels * plan.lanes;
            if (plan.out_height * plan.out_width == 1 && task.steps > 1 && block_bytes > kPartBytes) {
                lists.build(task.spikes, 0, 0, 1, Listing::active_words);
                for (int offset = first; offset < end; offset += kLanes) run_in_parts(task, Step(task, offset), offset, lists);
                return;
            }
            for (int row = task.first_row; row < task.end_row; ++row)
                run_columns<Step>(task, row, 0, plan.out_width, task.listing, lists);
        }

        template <class Step>
        static void run_columns(const LayerTask& task, int row, int first_column, int end_column, Listing listing,
                                Lists& lists) {
            const LayerPlan& plan = *task.plan;
            const int first = task.first_block * plan.lanes, end = task.end_block * plan.lanes;
            for (int column = first_column; column < end_column; column += lists.pixels()) {
                const int tile_end = std::min(end_column, column + lists.pixels());
                const int64_t pixel = int64_t{row} * plan.out_width + column;
                lists.build(task.spikes, row, column, tile_end, listing);
                for (int offset = first; offset < end; offset += kLanes) {
                    const Step stepper(task, offset);
                    by_pixels<kPixels>(tile_end - column,
                                       [&](auto p, int i) { run_pixels<p.value>(task, stepper, pixel + i, offset, lists, i); });
                }
            }
        }

        template <class Step>
        static void run_by_rows(const LayerTask& task) {
            const LayerPlan& plan = *task.plan;
            const int first = task.first_block * plan.lanes, end = task.end_block * plan.lanes;
            for (int column = 0; column < plan.out_width;) {
                RowSums<Isa, N> sums(task, column);
                for (int row = task.first_row; row < task.end_row; ++row)
                    if (!sums.template run<Step>(row, first, end)) {
                        Lists lists(plan, task.steps, task.planes, plan.out_width);
                        run_columns<Step>(task, row, column, sums.end_column(), Listing::active_words, lists);
                    }
                column = sums.end_column();
            }
        }

        static void readout(const ReadoutTask& task) {
            const LayerPlan& plan = *task.plan;
            Lists lists(plan, task.steps, task.planes, 1);
            std::memset(task.sums, 0, sizeof(int64_t) * plan.padded());
            lists.build(task.spikes, 0, 0, 1, Listing::active_words);
            for (int offset = 0; offset < plan.padded(); offset += kLanes)
                for (int step = 0; step < task.steps; ++step)
                    wide_sum(lists.ends(0, step), lists.planes(), weights_of(plan, offset), task.sums + offset);
        }

        static void real_currents(const RealTask& task) {
            const LayerPlan& plan = *task.plan;
            const int inside = std::max(0, plan.in_width + plan.padding - plan.kernel_width + plan.stride) / plan.stride;
            const int end = std::min(plan.out_width, inside);  // of the columns whose kernel does not reach over the edges
            const int begin = std::min(end, (plan.padding + plan.stride - 1) / plan.stride);
            for (int row = task.first_row; row < task.end_row; ++row)
                for (int offset = 0; offset < plan.padded(); offset += kLanes) {
                    for (int column = 0; column < begin; ++column) real_current<1>(task, row, column, offset);
                    by_pixels<kPixels>(end - begin,
                                       [&](auto p, int i) { real_current<p.value>(task, row, begin + i, offset); });
                    for (int column = end; column < plan.out_width; ++column) real_current<1>(task, row, column, offset);
                }
        }

        /// P neighbouring pixels whose kernels reach over the left and right edges alike.
        template <int P>
        static void real_current(const RealTask& task, int row, int column, int offset) {
            const LayerPlan& plan = *task.plan;
            const int block = offset / plan.lanes, lane = offset % plan.lanes;
            const float* weights =
                plan.real_weights.data() + int64_t{block} * plan.taps() * plan.in_channels * plan.lanes + lane;
            const Window w = window(plan, row, column);
            const int64_t plane = int64_t{plan.in_height} * plan.in_width;
            Floats sum[P][N] = {};
            for (int ky = w.first_ky; ky < w.end_ky; ++ky)
                for (int kx = w.first_kx; kx < w.end_kx; ++kx) {
                    const float* pixel = task.image + int64_t{w.row + ky} * plan.in_width + w.column + kx;
                    const float* rows = weights + (int64_t{ky} * plan.kernel_width + kx) * plan.in_channels * plan.lanes;
                    for (int channel = 0; channel < plan.in_channels; ++channel, pixel += plane, rows += plan.lanes)
                        for (int i = 0; i < N; ++i) {
                            const auto weight = load<Floats>(rows + i * kWidth);
                            for (int p = 0; p < P; ++p) sum[p][i] = sum[p][i] + weight * pixel[p * plan.stride];
                        }
                }
            float* out = task.currents + (int64_t{row} * plan.out_width + column) * plan.padded() + offset;
            for (int p = 0; p < P; ++p, out += plan.padded())
                for (int i = 0; i < N; ++i) store(out + i * kWidth, sum[p][i] + load<Floats>(&plan.bias[offset + i * kWidth]));
        }
    };

    /// Calls f with the largest group of registers that divides the plan's lanes.
    template <class F>
    static void with_group(const LayerPlan& plan, F f) {
        constexpr int kMost = Isa::kRegisters;
        if constexpr (kMost * kWidth >= 64) {
            if (plan.lanes == 64) return f(Group<64 / kWidth>{});
        }
        if constexpr (kMost * kWidth >= 32) {
            if (plan.lanes >= 32) return f(Group<32 / kWidth>{});
        }
        f(Group<16 / kWidth>{});
    }

    static void layer(const LayerTask& task) {
        with_group(*task.plan, [&](auto group) { group.layer(task); });
    }
    static void readout(const ReadoutTask& task) {
        with_group(*task.plan, [&](auto group) { group.readout(task); });
    }
    static void real_currents(const RealTask& task) {
        with_group(*task.plan, [&](auto group) { group.real_currents(task); });
    }
};

}  // namespace
}  // namespace spikelens::kernels
