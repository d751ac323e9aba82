#pragma once

// The event-driven kernel, written once and compiled once per instruction set: portable.cpp, kernel_avx2.cpp and
// kernel_avx512.cpp give it the type of a register, a way to turn a comparison into bits, and a way to list the set bits of a
// word.
//
// For a tile of output pixels, the set bits of the input under each pixel's kernel become lists of weight rows, one list for
// each step: this is where branches would be mispredicted, so it is done without. Then each block of outputs adds the listed
// rows to accumulators that stay in registers and takes the membranes one step further. Cost: one vector addition per spike and
// register of outputs; no current ever reaches memory.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>

#include "spikelens/kernels/layer_plan.h"

namespace spikelens::kernels {
namespace {

template <class Isa>
struct VectorKernel {
    static constexpr int kWidth = Isa::kBytes / 4;  // lanes of a register
    using Ints = typename Isa::Ints;
    using Floats = typename Isa::Floats;

    template <class V, class T>
    static V load(const T* from) {
        V value;
        std::memcpy(&value, from, sizeof value);
        return value;
    }
    template <class V, class T>
    static void store(T* to, const V& value) {
        std::memcpy(to, &value, sizeof value);
    }
    static Floats spread(float value) { return value - Floats{}; }

    /// The part of the kernel that lies inside the input, for one output pixel.
    struct Window {
        int row, column;  // of the kernel's corner
        int first_ky, end_ky, first_kx, end_kx;
    };
    static Window window(const LayerPlan& plan, int row, int column) {
        Window w{
            row * plan.stride - plan.padding, column * plan.stride - plan.padding, 0, plan.kernel_height, 0, plan.kernel_width};
        if (w.row < 0) w.first_ky = -w.row;
        if (w.column < 0) w.first_kx = -w.column;
        if (w.row + w.end_ky > plan.in_height) w.end_ky = plan.in_height - w.row;
        if (w.column + w.end_kx > plan.in_width) w.end_kx = plan.in_width - w.column;
        return w;
    }

    /// Weight rows to add, as offsets into a block: one list for each pixel of a tile, step and plane.
    class EventLists {
      public:
        EventLists(const LayerPlan& plan, int steps, int planes, int most_pixels)
            : plan_(plan),
              steps_(steps),
              planes_(planes),
              step_words_(int64_t{planes} * plan.in_words),
              rows_of_bits_(static_cast<uint32_t>(plan.lanes)) {
            const int64_t capacity = int64_t{steps} * planes * plan.taps() * (plan.in_words * 64);
            pixels_ = static_cast<int>(std::clamp<int64_t>(kTileBytes / (4 * capacity), 1, std::max(1, most_pixels)));
            rows_.reset(new uint32_t[pixels_ * capacity + kSlack]);
            ends_.reset(new uint32_t*[int64_t{pixels_} * steps * planes + 1]);
            words_.reset(new InputWord[int64_t{plan.taps()} * plan.in_words]);
        }

        int pixels() const { return pixels_; }
        int planes() const { return planes_; }
        /// ends(p, t)[plane] … ends(p, t)[plane + 1]: the rows of this plane.
        uint32_t* const* ends(int pixel, int step) const { return &ends_[(int64_t{pixel} * steps_ + step) * planes_]; }

        void build(const uint64_t* spikes, int row, int first_column, int end_column) {
            uint32_t* out = rows_.get();
            uint32_t** end = ends_.get();
            *end++ = out;
            for (int column = first_column; column < end_column; ++column) {
                const InputWord* end_word = find_words(window(plan_, row, column));
                for (int step = 0; step < steps_; ++step)
                    for (int plane = 0; plane < planes_; ++plane) {
                        out = list(spikes + step * step_words_ + int64_t{plane} * plan_.in_words, words_.get(), end_word, out);
                        *end++ = out;
                    }
            }
        }

      private:
        static constexpr int64_t kTileBytes = 512 * 1024;
        static constexpr int kSlack = 64;  // Isa::RowsOfBits may write beyond the end

        /// A word of the input under the kernel: where it lies at step 0, and the weight row of its first bit.
        struct InputWord {
            int64_t offset;
            uint32_t first_row;
            int bits;
        };

        const InputWord* find_words(const Window& w) {
            InputWord* word = words_.get();
            for (int ky = w.first_ky; ky < w.end_ky; ++ky)
                for (int kx = w.first_kx; kx < w.end_kx; ++kx)
                    for (int i = 0; i < plan_.in_words; ++i) {
                        const int tap = ky * plan_.kernel_width + kx;
                        const int64_t pixel = int64_t{w.row + ky} * plan_.in_width + w.column + kx;
                        *word++ = {pixel * steps_ * step_words_ + i,
                                   static_cast<uint32_t>((tap * plan_.in_channels + i * 64) * plan_.lanes),
                                   std::min(64, plan_.in_channels - i * 64)};
                    }
            return word;
        }

        uint32_t* list(const uint64_t* spikes, const InputWord* word, const InputWord* end, uint32_t* out) const {
            const auto rows_of_bits = rows_of_bits_;
            if (plan_.in_channels <= 16) {  // so short that testing for silence costs more than listing nothing
                for (; word != end; ++word) out = rows_of_bits.list(spikes[word->offset], word->first_row, 16, out);
                return out;
            }
            for (; word != end; ++word)
                if (const uint64_t bits = spikes[word->offset]; bits != 0)
                    out = rows_of_bits.list(bits, word->first_row, word->bits, out);
            return out;
        }

        const LayerPlan& plan_;
        int steps_, planes_, pixels_ = 1;
        int64_t step_words_;
        typename Isa::RowsOfBits rows_of_bits_;
        std::unique_ptr<uint32_t[]> rows_;
        std::unique_ptr<uint32_t*[]> ends_;
        std::unique_ptr<InputWord[]> words_;
    };

    /// N registers of outputs of one block of one pixel.
    template <int N>
    struct Group {
        static constexpr int kLanes = N * kWidth;

        static void add_rows(const uint32_t* row, const uint32_t* end, const int32_t* weights, Ints (&sum)[N]) {
            Ints local[N];
            for (int i = 0; i < N; ++i) local[i] = sum[i];
            for (; row != end; ++row)
                for (int i = 0; i < N; ++i) local[i] += load<Ints>(weights + *row + i * kWidth);
            for (int i = 0; i < N; ++i) sum[i] = local[i];
        }

        /// Adds the rows of one step, all planes, to wide[kLanes]. No more than kMostRows are added in int32.
        static void wide_sum(uint32_t* const* ends, int planes, const int32_t* weights, int64_t* wide) {
            for (int plane = 0; plane < planes; ++plane)
                for (const uint32_t* row = ends[plane]; row != ends[plane + 1];) {
                    const uint32_t* end = row + std::min<ptrdiff_t>(kMostRows, ends[plane + 1] - row);
                    Ints sum[N] = {};
                    add_rows(row, end, weights, sum);
                    alignas(64) int32_t part[kLanes];
                    std::memcpy(part, sum, sizeof part);
                    for (int lane = 0; lane < kLanes; ++lane) wide[lane] += int64_t{part[lane]} * (int64_t{1} << plane);
                    row = end;
                }
        }

        static void event_current(const LayerPlan& plan, uint32_t* const* ends, int planes, const int32_t* weights, int offset,
                                  Floats (&current)[N]) {
            if (planes == 1 && ends[1] - ends[0] <= kMostRows) {
                Ints sum[N] = {};
                add_rows(ends[0], ends[1], weights, sum);
                for (int i = 0; i < N; ++i) current[i] = __builtin_convertvector(sum[i], Floats);
            } else {
                alignas(64) int64_t wide[kLanes] = {};
                alignas(64) float rounded[kLanes];
                wide_sum(ends, planes, weights, wide);
                for (int lane = 0; lane < kLanes; ++lane) rounded[lane] = static_cast<float>(static_cast<double>(wide[lane]));
                std::memcpy(current, rounded, sizeof rounded);
            }
            for (int i = 0; i < N; ++i)
                current[i] =
                    current[i] * load<Floats>(&plan.scale[offset + i * kWidth]) + load<Floats>(&plan.bias[offset + i * kWidth]);
        }

        struct Membrane {
            Floats u[N] = {};
            Ints spiked[N] = {};
        };

        static void step_neuron(const NeuronStep& neuron, const Floats (&current)[N], Membrane& membrane, float* potentials) {
            const Floats beta = spread(neuron.beta), fire_above = spread(neuron.fire_above);
            for (int i = 0; i < N; ++i) {
                Floats u = beta * membrane.u[i] + current[i];
                u = membrane.spiked[i] ? u - neuron.reset_delayed : u;
                if (potentials) store(potentials + i * kWidth, u);
                const Ints spiked = u > fire_above;
                const Floats after = neuron.to_value ? spread(neuron.v_reset) : u - neuron.reset_now;
                membrane.u[i] = spiked ? after : u;
                membrane.spiked[i] = spiked;
            }
        }

        static uint64_t bits_of(const Membrane& membrane) {
            uint64_t bits = 0;
            for (int i = 0; i < N; ++i) bits |= static_cast<uint64_t>(Isa::bits(membrane.spiked[i])) << (i * kWidth);
            return bits;
        }

        static const int32_t* weights_of(const LayerPlan& plan, int offset) {
            return plan.weights.data() + int64_t{offset / plan.lanes} * plan.taps() * plan.in_channels * plan.lanes +
                   offset % plan.lanes;
        }

        /// Which of the kLanes outputs from `offset` on may spike.
        static uint64_t keep_mask(const LayerTask& task, int offset) {
            const uint64_t lanes = kLanes == 64 ? ~uint64_t{0} : (uint64_t{1} << kLanes) - 1;
            return (task.keep[offset / 64] >> (offset % 64)) & lanes;
        }

        static void store_spikes(const LayerTask& task, int64_t pixel, int step, int offset, uint64_t keep,
                                 const Membrane& membrane, Ints (&count)[N]) {
            for (int i = 0; i < N; ++i) count[i] -= membrane.spiked[i];
            task.out_spikes[(pixel * task.steps + step) * task.plan->out_words + offset / 64] |= (bits_of(membrane) & keep)
                                                                                                 << (offset % 64);
        }

        /// All steps of kLanes outputs, from `offset` of the padded outputs on, at one pixel.
        static void run(const LayerTask& task, int row, int column, int offset, const EventLists& lists, int list) {
            const LayerPlan& plan = *task.plan;
            const int64_t pixel = int64_t{row} * plan.out_width + column, pixels = int64_t{plan.out_height} * plan.out_width;
            const int32_t* weights = weights_of(plan, offset);
            const uint64_t keep = keep_mask(task, offset);
            Membrane membrane;
            Floats current[N] = {};
            Ints count[N] = {};
            for (int step = 0; step < task.steps; ++step) {
                const int64_t frame = (int64_t{step} * pixels + pixel) * plan.padded() + offset;
                event_current(plan, lists.ends(list, step), lists.planes(), weights, offset, current);
                step_neuron(plan.neuron, current, membrane, task.potentials ? task.potentials + frame : nullptr);
                store_spikes(task, pixel, step, offset, keep, membrane, count);
            }
            if (task.counts) store_counts(count, keep, task.counts + pixel * plan.padded() + offset);
        }

        static void load_current(const float* from, Floats (&current)[N]) {
            for (int i = 0; i < N; ++i) current[i] = load<Floats>(from + i * kWidth);
        }

        static void store_counts(const Ints (&count)[N], uint64_t keep, uint16_t* to) {
            for (int i = 0; i < N; ++i)
                for (int lane = 0; lane < kWidth; ++lane)
                    to[i * kWidth + lane] =
                        (keep >> (i * kWidth + lane)) & 1 ? static_cast<uint16_t>(count[i][lane]) : uint16_t{0};
        }

        /// A row of pixels whose currents do not change: several at once, because each is one long chain of dependent steps.
        static void run_constant_row(const LayerTask& task, int row, int offset) {
            constexpr int kPixels = std::max(1, 4 / N);
            int column = 0;
            for (; column + kPixels <= task.plan->out_width; column += kPixels)
                run_constant<kPixels>(task, row, column, offset);
            for (; column < task.plan->out_width; ++column) run_constant<1>(task, row, column, offset);
        }

        template <int P>
        static void run_constant(const LayerTask& task, int row, int column, int offset) {
            const LayerPlan& plan = *task.plan;
            const int64_t first = int64_t{row} * plan.out_width + column, pixels = int64_t{plan.out_height} * plan.out_width;
            const uint64_t keep = keep_mask(task, offset);
            Membrane membrane[P];
            Floats current[P][N] = {};
            Ints count[P][N] = {};
            for (int p = 0; p < P; ++p) load_current(task.currents + (first + p) * plan.padded() + offset, current[p]);
            for (int step = 0; step < task.steps; ++step)
                for (int p = 0; p < P; ++p) {
                    const int64_t frame = (int64_t{step} * pixels + first + p) * plan.padded() + offset;
                    step_neuron(plan.neuron, current[p], membrane[p], task.potentials ? task.potentials + frame : nullptr);
                    store_spikes(task, first + p, step, offset, keep, membrane[p], count[p]);
                }
            for (int p = 0; task.counts && p < P; ++p)
                store_counts(count[p], keep, task.counts + (first + p) * plan.padded() + offset);
        }

        static void layer(const LayerTask& task) {
            const LayerPlan& plan = *task.plan;
            const int first = task.first_block * plan.lanes, end = task.end_block * plan.lanes;
            if (!task.spikes) {
                for (int row = task.first_row; row < task.end_row; ++row)
                    for (int offset = first; offset < end; offset += kLanes) run_constant_row(task, row, offset);
                return;
            }
            EventLists lists(plan, task.steps, task.planes, plan.out_width);
            for (int row = task.first_row; row < task.end_row; ++row)
                for (int column = 0; column < plan.out_width; column += lists.pixels()) {
                    const int tile_end = std::min(plan.out_width, column + lists.pixels());
                    lists.build(task.spikes, row, column, tile_end);
                    for (int offset = first; offset < end; offset += kLanes)
                        for (int c = column; c < tile_end; ++c) run(task, row, c, offset, lists, c - column);
                }
        }

        static void readout(const ReadoutTask& task) {
            const LayerPlan& plan = *task.plan;
            EventLists lists(plan, task.steps, task.planes, 1);
            std::memset(task.sums, 0, sizeof(int64_t) * plan.padded());
            lists.build(task.spikes, 0, 0, 1);
            for (int offset = 0; offset < plan.padded(); offset += kLanes)
                for (int step = 0; step < task.steps; ++step)
                    wide_sum(lists.ends(0, step), lists.planes(), weights_of(plan, offset), task.sums + offset);
        }

        static void real_currents(const RealTask& task) {
            const LayerPlan& plan = *task.plan;
            for (int row = task.first_row; row < task.end_row; ++row)
                for (int column = 0; column < plan.out_width; ++column)
                    for (int offset = 0; offset < plan.padded(); offset += kLanes) real_current(task, row, column, offset);
        }

        static void real_current(const RealTask& task, int row, int column, int offset) {
            const LayerPlan& plan = *task.plan;
            const int block = offset / plan.lanes, lane = offset % plan.lanes;
            const float* weights =
                plan.real_weights.data() + int64_t{block} * plan.taps() * plan.in_channels * plan.lanes + lane;
            const Window w = window(plan, row, column);
            const int64_t plane = int64_t{plan.in_height} * plan.in_width;
            Floats sum[N] = {};
            for (int ky = w.first_ky; ky < w.end_ky; ++ky)
                for (int kx = w.first_kx; kx < w.end_kx; ++kx) {
                    const float* pixel = task.image + int64_t{w.row + ky} * plan.in_width + w.column + kx;
                    const float* rows = weights + (int64_t{ky} * plan.kernel_width + kx) * plan.in_channels * plan.lanes;
                    for (int channel = 0; channel < plan.in_channels; ++channel)
                        for (int i = 0; i < N; ++i)
                            sum[i] = sum[i] +
                                     load<Floats>(rows + int64_t{channel} * plan.lanes + i * kWidth) * pixel[channel * plane];
                }
            float* out = task.currents + (int64_t{row} * plan.out_width + column) * plan.padded() + offset;
            for (int i = 0; i < N; ++i) store(out + i * kWidth, sum[i] + load<Floats>(&plan.bias[offset + i * kWidth]));
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
