#pragma once

// The event-driven kernel, written once and compiled once per instruction set: portable.cpp, kernel_avx2.cpp and
// kernel_avx512.cpp give it the type of a register, a way to turn a comparison into bits, and a way to list the set
// bits of a word.
//
// For a tile of output pixels, the set bits of the input under each pixel's kernel become lists of weight rows, one
// list for each step (event_lists.h): this is where branches would be mispredicted, so it is done without. Then each
// block of outputs adds the listed rows to accumulators that stay in registers, for some steps, and takes its membranes
// through those steps (membranes.h). Cost: one vector addition per spike and register of outputs; currents never leave
// the first-level cache.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "changed_sums.h"
#include "event_lists.h"
#include "layer_plan.h"
#include "membranes.h"
#include "pattern_sums.h"
#include "row_sums.h"

namespace spikelens::kernels {
namespace {

template <class Isa>
struct VectorKernel {
    static constexpr int kWidth = Isa::kBytes / 4;  // lanes of a register
    static constexpr int kChunk = 16;               // steps whose currents are held at once
    using Ints = typename Isa::Ints;
    using Floats = typename Isa::Floats;
    using Lists = EventLists<Isa>;

    /// N registers of outputs of one block.
    template <int N>
    struct Group {
        static constexpr int kLanes = N * kWidth;
        static constexpr int kPixels = kPixelsTogether<Isa, N>;

        static void add_rows(const uint32_t* row, const uint32_t* end, const int32_t* weights, Ints (&sum)[N]) {
            Ints local[N];
            for (int i = 0; i < N; ++i) local[i] = sum[i];
            for (; end - row >= 4; row += 4)  // as a tree: a chain of additions would be waited for
                for (int i = 0; i < N; ++i) {
                    const int32_t* at = weights + i * kWidth;
                    local[i] += (load<Ints>(at + row[0]) + load<Ints>(at + row[1])) +
                                (load<Ints>(at + row[2]) + load<Ints>(at + row[3]));
                }
            for (; row != end; ++row)
                for (int i = 0; i < N; ++i) local[i] += load<Ints>(weights + *row + i * kWidth);
            for (int i = 0; i < N; ++i) sum[i] = local[i];
        }

        /// Adds the rows listed, 2^plane times, to wide[kLanes]. No more than kMostRows are added in int32.
        static void wide_sum(const uint32_t* row, const uint32_t* end, int plane, const int32_t* weights,
                             int64_t* wide) {
            while (row != end) {
                const uint32_t* stop = row + std::min<ptrdiff_t>(kMostRows, end - row);
                Ints sum[N] = {};
                add_rows(row, stop, weights, sum);
                alignas(64) int32_t part[kLanes];
                std::memcpy(part, sum, sizeof part);
                for (int lane = 0; lane < kLanes; ++lane) wide[lane] += int64_t{part[lane]} << plane;
                row = stop;
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
                    store(current + i * kWidth,
                          sum[i] * load<Floats>(scale + i * kWidth) + load<Floats>(bias + i * kWidth));
            }

            /// Of what was listed.
            void store_scaled(const int64_t* wide, float* current) const {
                alignas(64) float rounded[kLanes];
                for (int lane = 0; lane < kLanes; ++lane)
                    rounded[lane] = static_cast<float>(static_cast<double>(all ? all[lane] - wide[lane] : wide[lane]));
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
                for (int plane = 0; plane < planes; ++plane)
                    wide_sum(ends[plane], ends[plane + 1], plane, weights, wide);
                scaling.store_scaled(wide, current);
            }
        }

        /// All steps of P neighbouring pixels of a row, whose lists begin at `list`.
        template <int P, class Step>
        static void run_pixels(const LayerTask& task, const Step& stepper, int64_t pixel, int offset,
                               const Lists& lists, int list) {
            const int32_t* weights = weights_of(*task.plan, offset);
            alignas(64) float currents[P * kChunk * kLanes];
            typename Step::State state[P];
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

        /// The same where a block's weights are larger than the cache: every pixel and step takes what it needs of a
        /// part of the weights before the next part is read.
        template <class Step>
        static void run_in_parts(const LayerTask& task, const Step& stepper, int64_t pixel, int offset,
                                 const Lists& lists, int count) {
            const LayerPlan& plan = *task.plan;
            const int32_t* weights = weights_of(plan, offset);
            const int parts = lists.parts();
            std::vector<int64_t> wide(int64_t{count} * task.steps * kLanes);
            for (int part = 0; part < parts; ++part) {
                int64_t* sum = wide.data();
                for (int p = 0; p < count; ++p)
                    for (int step = 0; step < task.steps; ++step, sum += kLanes)
                        for (int plane = 0; plane < lists.planes(); ++plane) {
                            uint32_t* const* ends = lists.ends(p, step) + plane * parts + part;
                            wide_sum(ends[0], ends[1], plane, weights, sum);
                        }
            }
            std::vector<float> currents(int64_t{task.steps} * kLanes);
            for (int p = 0; p < count; ++p) {
                const Scaling scaling(plan, lists.planes(), offset, lists.lists_silence(p));
                for (int step = 0; step < task.steps; ++step)
                    scaling.store_scaled(&wide[(int64_t{p} * task.steps + step) * kLanes],
                                         &currents[int64_t{step} * kLanes]);
                typename Step::State state[1];
                stepper.template run<1>(pixel + p, 0, task.steps, {currents.data(), 0, kLanes}, state);
                stepper.store_counts(pixel + p, state[0]);
            }
        }

        /// P neighbouring pixels whose sums are known.
        template <int P, class Step>
        static void run_sums(const LayerTask& task, const Step& stepper, int64_t pixel, int offset) {
            const LayerPlan& plan = *task.plan;
            const Scaling scaling(plan, task.planes, offset, false);
            alignas(64) float currents[P * kChunk * kLanes];
            typename Step::State state[P];
            for (int first = 0; first < task.steps; first += kChunk) {
                const int end = std::min(task.steps, first + kChunk);
                for (int p = 0; p < P; ++p) {
                    const int32_t* sum = task.sums + ((pixel + p) * task.steps + first) * plan.padded() + offset;
                    float* current = currents + p * kChunk * kLanes;
                    for (int step = first; step < end; ++step, sum += plan.padded(), current += kLanes) {
                        Floats rounded[N];
                        for (int i = 0; i < N; ++i)
                            rounded[i] = __builtin_convertvector(load<Ints>(sum + i * kWidth), Floats);
                        scaling.store_scaled(rounded, current);
                    }
                }
                stepper.template run<P>(pixel, first, end, {currents, kChunk * kLanes, kLanes}, state);
            }
            for (int p = 0; p < P; ++p) stepper.store_counts(pixel + p, state[p]);
        }

        /// P neighbouring pixels whose currents are known.
        template <int P, class Step>
        static void run_constant(const LayerTask& task, const Step& stepper, int64_t pixel, int offset) {
            const int padded = task.plan->padded();
            typename Step::State state[P];
            stepper.template run<P>(pixel, 0, task.steps,
                                    {task.currents + pixel * padded + offset, padded, task.current_stride}, state);
            for (int p = 0; p < P; ++p) stepper.store_counts(pixel + p, state[p]);
        }

        static void layer(const LayerTask& task) {
            with_stepper(task, [&](auto plain, auto counts) { run_layer<plain.value, counts.value>(task); });
        }

        template <bool kPlain, bool kCounts>
        static void run_layer(const LayerTask& task) {
            using Step = Stepper<Isa, N, kPlain, kCounts>;
            const LayerPlan& plan = *task.plan;
            const int first = task.first_block * plan.lanes, end = task.end_block * plan.lanes;
            if (!task.spikes) {
                for (int offset = first; offset < end; offset += kLanes) {
                    const Step stepper(task, offset);
                    for (const auto& [row, first_column, end_column] : task.pixels) {
                        const int64_t pixel = int64_t{row} * plan.out_width + first_column;
                        by_pixels<kPixels>(end_column - first_column, [&](auto p, int i) {
                            if (task.sums)
                                run_sums<p.value>(task, stepper, pixel + i, offset);
                            else
                                run_constant<p.value>(task, stepper, pixel + i, offset);
                        });
                    }
                }
                return;
            }
            if (task.listing == Listing::rows) return run_by_rows<Step>(task);
            Lists lists(plan, task.steps, task.planes, int64_t{plan.out_height} * plan.out_width, task.listed);
            for (size_t i = 0; i < task.pixels.size();) {  // whole rows are neighbours of the next
                const int64_t begin = first_pixel(plan, task.pixels[i]);
                int64_t end_pixel = begin + task.pixels[i].end_column - task.pixels[i].first_column;
                for (++i; i < task.pixels.size() && first_pixel(plan, task.pixels[i]) == end_pixel; ++i)
                    end_pixel += task.pixels[i].end_column - task.pixels[i].first_column;
                run_pixels_of<Step>(task, begin, end_pixel, task.listing, lists);
            }
        }

        static int64_t first_pixel(const LayerPlan& plan, const PixelSpan& span) {
            return int64_t{span.row} * plan.out_width + span.first_column;
        }

        /// Neighbouring pixels, counted row by row.
        template <class Step>
        static void run_pixels_of(const LayerTask& task, int64_t first_pixel, int64_t end_pixel, Listing listing,
                                  Lists& lists) {
            const LayerPlan& plan = *task.plan;
            const int first = task.first_block * plan.lanes, end = task.end_block * plan.lanes;
            for (int64_t pixel = first_pixel; pixel < end_pixel; pixel += lists.pixels()) {
                const auto count = static_cast<int>(std::min<int64_t>(end_pixel - pixel, lists.pixels()));
                lists.build(task.spikes, pixel, pixel + count, listing);
                for (int offset = first; offset < end; offset += kLanes) {
                    const Step stepper(task, offset);
                    if (lists.parts() > 1)
                        run_in_parts(task, stepper, pixel, offset, lists, count);
                    else
                        by_pixels<kPixels>(count, [&](auto p, int i) {
                            run_pixels<p.value>(task, stepper, pixel + i, offset, lists, i);
                        });
                }
            }
        }

        template <class Step>
        static void run_by_rows(const LayerTask& task) {
            const LayerPlan& plan = *task.plan;
            const int first = task.first_block * plan.lanes, end = task.end_block * plan.lanes;
            if (task.pixels.empty()) return;
            for (int column = task.pixels[0].first_column; column < task.pixels[0].end_column;) {
                RowSums<Isa, N, Step> sums(task, column);
                for (const PixelSpan& span : task.pixels)
                    if (!sums.run(span.row, first, end)) {
                        Lists lists(plan, task.steps, task.planes, plan.out_width, task.listed);
                        const int64_t row = int64_t{span.row} * plan.out_width;
                        run_pixels_of<Step>(task, row + column, row + sums.end_column(), Listing::active_words, lists);
                    }
                column = sums.end_column();
            }
        }

        static void change(const ChangeTask& task) { ChangedSums<Isa, N>(task).run(); }

        static void readout(const ReadoutTask& task) {
            const LayerPlan& plan = *task.plan;
            Lists lists(plan, task.steps, task.planes, 1);
            std::memset(task.sums, 0, sizeof(int64_t) * plan.padded());
            lists.build(task.spikes, 0, 1, Listing::active_words);
            for (int offset = 0; offset < plan.padded(); offset += kLanes)
                for (int step = 0; step < task.steps; ++step)
                    for (int plane = 0; plane < task.planes; ++plane) {
                        uint32_t* const* ends = lists.ends(0, step) + plane * lists.parts();
                        wide_sum(ends[0], ends[lists.parts()], plane, weights_of(plan, offset), task.sums + offset);
                    }
        }

        static void real_currents(const RealTask& task) {
            const LayerPlan& plan = *task.plan;
            const int inside =
                std::max(0, plan.in_width + plan.padding - plan.kernel_width + plan.stride) / plan.stride;
            const int end =
                std::min(plan.out_width, inside);  // of the columns whose kernel does not reach over the edges
            const int begin = std::min(end, (plan.padding + plan.stride - 1) / plan.stride);
            for (const PixelSpan& span : task.pixels)
                for (int offset = 0; offset < plan.padded(); offset += kLanes) {
                    const int row = span.row, first_column = span.first_column, end_column = span.end_column;
                    int column = first_column;
                    for (; column < std::min(begin, end_column); ++column) real_current<1>(task, row, column, offset);
                    by_pixels<kPixels>(std::min(end, end_column) - column,
                                       [&](auto p, int i) { real_current<p.value>(task, row, column + i, offset); });
                    for (column = std::max(column, end); column < end_column; ++column)
                        real_current<1>(task, row, column, offset);
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
                    const float* rows =
                        weights + (int64_t{ky} * plan.kernel_width + kx) * plan.in_channels * plan.lanes;
                    for (int channel = 0; channel < plan.in_channels; ++channel, pixel += plane, rows += plan.lanes)
                        for (int i = 0; i < N; ++i) {
                            const auto weight = load<Floats>(rows + i * kWidth);
                            for (int p = 0; p < P; ++p) sum[p][i] = sum[p][i] + weight * pixel[p * plan.stride];
                        }
                }
            float* out = task.currents + (int64_t{row} * plan.out_width + column) * plan.padded() + offset;
            for (int p = 0; p < P; ++p, out += plan.padded())
                for (int i = 0; i < N; ++i)
                    store(out + i * kWidth, sum[p][i] + load<Floats>(&plan.bias[offset + i * kWidth]));
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
        if (task.spikes && task.listing == Listing::patterns)
            return with_stepper(
                task, [&](auto plain, auto counts) { PatternSums<Isa, plain.value, counts.value>(task).run(); });
        with_group(*task.plan, [&](auto group) { group.layer(task); });
    }
    static void change(const ChangeTask& task) {
        with_group(*task.plan, [&](auto group) { group.change(task); });
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
