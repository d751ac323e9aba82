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
#include <vector>

#include "spikelens/kernels/layer_plan.h"

namespace spikelens::kernels {
namespace {

template <class Isa>
struct VectorKernel {
    static constexpr int kWidth = Isa::kBytes / 4;     // lanes of a register
    static constexpr int64_t kPartBytes = 512 * 1024;  // of weights that stay in the second-level cache
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
            silence_.reset(new bool[pixels_]());
        }

        int pixels() const { return pixels_; }
        int planes() const { return planes_; }
        /// ends(p, t)[plane] … ends(p, t)[plane + 1]: the rows of this plane.
        uint32_t* const* ends(int pixel, int step) const { return &ends_[(int64_t{pixel} * steps_ + step) * planes_]; }
        /// Whether this pixel's lists name the inputs that are silent.
        bool lists_silence(int pixel) const { return silence_[pixel]; }

        /// What is silent is listed only for pixels whose kernel lies wholly inside the input.
        void build(const uint64_t* spikes, int row, int first_column, int end_column, Listing listing) {
            uint32_t* out = rows_.get();
            uint32_t** end = ends_.get();
            *end++ = out;
            for (int column = first_column; column < end_column; ++column) {
                const Window w = window(plan_, row, column);
                const bool whole =
                    w.first_ky == 0 && w.first_kx == 0 && w.end_ky == plan_.kernel_height && w.end_kx == plan_.kernel_width;
                const Listing here = listing == Listing::silence && !whole ? Listing::active_words : listing;
                silence_[column - first_column] = here == Listing::silence;
                const InputWord* end_word = find_words(w);
                for (int step = 0; step < steps_; ++step)
                    for (int plane = 0; plane < planes_; ++plane) {
                        const uint64_t* words = spikes + step * step_words_ + int64_t{plane} * plan_.in_words;
                        out = here == Listing::every_word     ? list<Listing::every_word>(words, end_word, out)
                              : here == Listing::active_words ? list<Listing::active_words>(words, end_word, out)
                                                              : list<Listing::silence>(words, end_word, out);
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

        template <Listing kListing>
        uint32_t* list(const uint64_t* spikes, const InputWord* end, uint32_t* out) const {
            const auto rows_of_bits = rows_of_bits_;
            for (const InputWord* word = words_.get(); word != end; ++word) {
                uint64_t bits = spikes[word->offset];
                if constexpr (kListing == Listing::silence) bits = ~bits & (~uint64_t{0} >> (64 - word->bits));
                if constexpr (kListing == Listing::active_words)
                    if (bits == 0) continue;
                out = rows_of_bits.list(bits, word->first_row, kListing == Listing::every_word ? 16 : word->bits, out);
            }
            return out;
        }

        const LayerPlan& plan_;
        int steps_, planes_, pixels_ = 1;
        int64_t step_words_;
        typename Isa::RowsOfBits rows_of_bits_;
        std::unique_ptr<uint32_t[]> rows_;
        std::unique_ptr<uint32_t*[]> ends_;
        std::unique_ptr<InputWord[]> words_;
        std::unique_ptr<bool[]> silence_;
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

        /// Σ of the rows listed; of a list of silent inputs, `all` rows minus those.
        static void event_current(const LayerPlan& plan, uint32_t* const* ends, int planes, const int64_t* all,
                                  const int32_t* weights, int offset, Floats (&current)[N]) {
            if (all == nullptr && rows_in(ends, planes) <= kMostRows) {
                Ints sum[N] = {};
                for (int plane = planes; plane-- > 0;) {
                    for (int i = 0; i < N; ++i) sum[i] += sum[i];
                    add_rows(ends[plane], ends[plane + 1], weights, sum);
                }
                for (int i = 0; i < N; ++i) current[i] = __builtin_convertvector(sum[i], Floats);
            } else {
                alignas(64) int64_t wide[kLanes] = {};
                wide_sum(ends, planes, weights, wide);
                for (int lane = 0; all != nullptr && lane < kLanes; ++lane) wide[lane] = all[offset + lane] - wide[lane];
                round(wide, current);
            }
            scale(plan, offset, current);
        }

        static void round(const int64_t* wide, Floats (&current)[N]) {
            alignas(64) float rounded[kLanes];
            for (int lane = 0; lane < kLanes; ++lane) rounded[lane] = static_cast<float>(static_cast<double>(wide[lane]));
            std::memcpy(current, rounded, sizeof rounded);
        }

        static void scale(const LayerPlan& plan, int offset, Floats (&current)[N]) {
            for (int i = 0; i < N; ++i)
                current[i] =
                    current[i] * load<Floats>(&plan.scale[offset + i * kWidth]) + load<Floats>(&plan.bias[offset + i * kWidth]);
        }

        struct Membrane {
            Floats u[N] = {};
            Ints spiked[N] = {};
        };

        /// A synapse that keeps its current: `synapse` is J[t−1] before and J[t] after.
        static void filter_current(float alpha, const Floats (&current)[N], Floats (&synapse)[N]) {
            for (int i = 0; i < N; ++i) synapse[i] = spread(alpha) * synapse[i] + current[i];
        }

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

        /// Membranes one step further, their currents kept by the synapse where it keeps any.
        template <bool kSynapse>
        static void advance(const NeuronStep& neuron, const Floats (&current)[N], Floats (&synapse)[N], Membrane& membrane,
                            float* potentials) {
            if constexpr (kSynapse) {
                filter_current(neuron.alpha, current, synapse);
                step_neuron(neuron, synapse, membrane, potentials);
            } else {
                step_neuron(neuron, current, membrane, potentials);
            }
        }

        /// All steps of kLanes outputs, from `offset` of the padded outputs on, at one pixel.
        template <bool kSynapse>
        static void run(const LayerTask& task, int row, int column, int offset, const EventLists& lists, int list) {
            const LayerPlan& plan = *task.plan;
            const int64_t pixel = int64_t{row} * plan.out_width + column, pixels = int64_t{plan.out_height} * plan.out_width;
            const int32_t* weights = weights_of(plan, offset);
            const int64_t* all = lists.lists_silence(list) ? plan.all_rows.data() : nullptr;
            const uint64_t keep = keep_mask(task, offset);
            Membrane membrane;
            Floats current[N] = {}, synapse[N] = {};
            Ints count[N] = {};
            for (int step = 0; step < task.steps; ++step) {
                const int64_t frame = (int64_t{step} * pixels + pixel) * plan.padded() + offset;
                event_current(plan, lists.ends(list, step), lists.planes(), all, weights, offset, current);
                advance<kSynapse>(plan.neuron, current, synapse, membrane, task.potentials ? task.potentials + frame : nullptr);
                store_spikes(task, pixel, step, offset, keep, membrane, count);
            }
            if (task.counts) store_counts(count, keep, task.counts + pixel * plan.padded() + offset);
        }

        /// The same for the one pixel of a fully connected layer whose weights are larger than the cache: every step takes what
        /// it needs of a part of the weights before the next part is read.
        template <bool kSynapse>
        static void run_in_parts(const LayerTask& task, int offset, const EventLists& lists) {
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
            const uint64_t keep = keep_mask(task, offset);
            Membrane membrane;
            Floats current[N] = {}, synapse[N] = {};
            Ints count[N] = {};
            for (int step = 0; step < task.steps; ++step) {
                round(&wide[int64_t{step} * kLanes], current);
                scale(plan, offset, current);
                advance<kSynapse>(plan.neuron, current, synapse, membrane,
                                  task.potentials ? task.potentials + int64_t{step} * plan.padded() + offset : nullptr);
                store_spikes(task, 0, step, offset, keep, membrane, count);
            }
            if (task.counts) store_counts(count, keep, task.counts + offset);
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
        template <bool kSynapse>
        static void run_constant_row(const LayerTask& task, int row, int offset) {
            constexpr int kPixels = std::max(1, 4 / N);
            int column = 0;
            for (; column + kPixels <= task.plan->out_width; column += kPixels)
                run_constant<kPixels, kSynapse>(task, row, column, offset);
            for (; column < task.plan->out_width; ++column) run_constant<1, kSynapse>(task, row, column, offset);
        }

        template <int P, bool kSynapse>
        static void run_constant(const LayerTask& task, int row, int column, int offset) {
            const LayerPlan& plan = *task.plan;
            const int64_t first = int64_t{row} * plan.out_width + column, pixels = int64_t{plan.out_height} * plan.out_width;
            const uint64_t keep = keep_mask(task, offset);
            Membrane membrane[P];
            Floats current[P][N] = {}, synapse[P][N] = {};
            Ints count[P][N] = {};
            for (int p = 0; p < P; ++p) load_current(task.currents + (first + p) * plan.padded() + offset, current[p]);
            for (int step = 0; step < task.steps; ++step)
                for (int p = 0; p < P; ++p) {
                    const int64_t frame = (int64_t{step} * pixels + first + p) * plan.padded() + offset;
                    advance<kSynapse>(plan.neuron, current[p], synapse[p], membrane[p],
                                      task.potentials ? task.potentials + frame : nullptr);
                    store_spikes(task, first + p, step, offset, keep, membrane[p], count[p]);
                }
            for (int p = 0; task.counts && p < P; ++p)
                store_counts(count[p], keep, task.counts + (first + p) * plan.padded() + offset);
        }

        static void layer(const LayerTask& task) {
            if (task.plan->neuron.alpha != 0)
                run_layer<true>(task);
            else
                run_layer<false>(task);
        }

        template <bool kSynapse>
        static void run_layer(const LayerTask& task) {
            const LayerPlan& plan = *task.plan;
            const int first = task.first_block * plan.lanes, end = task.end_block * plan.lanes;
            if (!task.spikes) {
                for (int row = task.first_row; row < task.end_row; ++row)
                    for (int offset = first; offset < end; offset += kLanes) run_constant_row<kSynapse>(task, row, offset);
                return;
            }
            EventLists lists(plan, task.steps, task.planes, plan.out_width);
            const int64_t block_bytes = int64_t{4} * plan.taps() * plan.in_channels * plan.lanes;
            if (plan.out_height * plan.out_width == 1 && task.steps > 1 && block_bytes > kPartBytes) {
                lists.build(task.spikes, 0, 0, 1, Listing::active_words);
                for (int offset = first; offset < end; offset += kLanes) run_in_parts<kSynapse>(task, offset, lists);
                return;
            }
            for (int row = task.first_row; row < task.end_row; ++row)
                for (int column = 0; column < plan.out_width; column += lists.pixels()) {
                    const int tile_end = std::min(plan.out_width, column + lists.pixels());
                    lists.build(task.spikes, row, column, tile_end, task.listing);
                    for (int offset = first; offset < end; offset += kLanes)
                        for (int c = column; c < tile_end; ++c) run<kSynapse>(task, row, c, offset, lists, c - column);
                }
        }

        static void readout(const ReadoutTask& task) {
            const LayerPlan& plan = *task.plan;
            EventLists lists(plan, task.steps, task.planes, 1);
            std::memset(task.sums, 0, sizeof(int64_t) * plan.padded());
            lists.build(task.spikes, 0, 0, 1, Listing::active_words);
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
