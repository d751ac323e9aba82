#pragma once

// The event-driven kernel, written once and compiled once per instruction set: portable.cpp, avx2.cpp and avx512.cpp give it the
// width of a register and a way to turn a comparison into bits.
//
// An output pixel gathers: for each step it walks over the set bits of the input under the kernel and adds that input's weight row to
// accumulators that stay in registers, then takes the membrane one step further. Cost: spikes × outputs, one vector
// addition per register of outputs and spike; no current ever reaches memory.

#include <bit>
#include <cstddef>
#include <cstring>

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

    /// N registers of outputs of one block of one pixel.
    template <int N>
    struct Group {
        static constexpr int kLanes = N * kWidth;

        /// The part of the kernel that lies inside the input, for one output pixel.
        struct Window {
            int row, column;                      // of the kernel's corner
            int first_ky, end_ky, first_kx, end_kx;
        };
        static Window window(const LayerPlan& plan, int row, int column) {
            Window w{row * plan.stride - plan.padding, column * plan.stride - plan.padding, 0, plan.kernel_height, 0, plan.kernel_width};
            if (w.row < 0) w.first_ky = -w.row;
            if (w.column < 0) w.first_kx = -w.column;
            if (w.row + w.end_ky > plan.in_height) w.end_ky = plan.in_height - w.row;
            if (w.column + w.end_kx > plan.in_width) w.end_kx = plan.in_width - w.column;
            return w;
        }

        static void add_rows(uint64_t bits, const int32_t* weights, int stride, Ints (&sum)[N]) {
            while (bits != 0) {
                const int32_t* row = weights + static_cast<ptrdiff_t>(std::countr_zero(bits)) * stride;
                bits &= bits - 1;
                for (int i = 0; i < N; ++i) sum[i] += load<Ints>(row + i * kWidth);
            }
        }

        /// Integer current of one step in int32: the layer has one chunk and one plane.
        static void narrow_sum(const LayerPlan& plan, const uint64_t* spikes, int64_t pixel_words, const Window& w, const int32_t* weights,
                               Ints (&sum)[N]) {
            for (int ky = w.first_ky; ky < w.end_ky; ++ky)
                for (int kx = w.first_kx; kx < w.end_kx; ++kx) {
                    const uint64_t* words = spikes + (int64_t{w.row + ky} * plan.in_width + w.column + kx) * pixel_words;
                    const int32_t* rows = weights + (int64_t{ky} * plan.kernel_width + kx) * plan.in_channels * plan.lanes;
                    for (int word = 0; word < plan.in_words; ++word) add_rows(words[word], rows + int64_t{word} * 64 * plan.lanes, plan.lanes, sum);
                }
        }

        static void flush(Ints (&sum)[N], int plane, int64_t* wide) {
            for (int i = 0; i < N; ++i)
                for (int lane = 0; lane < kWidth; ++lane) wide[i * kWidth + lane] += int64_t{sum[i][lane]} << plane;
            for (int i = 0; i < N; ++i) sum[i] = Ints{};
        }

        /// Adds one step's integer current to wide[kLanes].
        static void wide_sum(const LayerPlan& plan, int planes, const uint64_t* spikes, int64_t pixel_words, const Window& w, const int32_t* weights,
                             int64_t* wide) {
            for (int plane = 0; plane < planes; ++plane) {
                Ints sum[N] = {};
                const int* chunk = plan.chunk_ends.data();
                for (int ky = w.first_ky; ky < w.end_ky; ++ky)
                    for (int kx = w.first_kx; kx < w.end_kx; ++kx) {
                        const int tap = ky * plan.kernel_width + kx;
                        const uint64_t* words = spikes + (int64_t{w.row + ky} * plan.in_width + w.column + kx) * pixel_words +
                                                int64_t{plane} * plan.in_words;
                        const int32_t* rows = weights + int64_t{tap} * plan.in_channels * plan.lanes;
                        for (int word = 0; word < plan.in_words; ++word) {
                            if (tap * plan.in_words + word >= *chunk) {
                                flush(sum, plane, wide);
                                while (tap * plan.in_words + word >= *chunk) ++chunk;
                            }
                            add_rows(words[word], rows + int64_t{word} * 64 * plan.lanes, plan.lanes, sum);
                        }
                    }
                flush(sum, plane, wide);
            }
        }

        static void event_current(const LayerTask& task, const Window& w, int step, const int32_t* weights, int offset, Floats (&current)[N]) {
            const LayerPlan& plan = *task.plan;
            const int64_t step_words = int64_t{task.planes} * plan.in_words;
            const uint64_t* spikes = task.spikes + step * step_words;
            if (task.planes > 1 || plan.chunk_ends.size() > 1) {
                alignas(64) int64_t wide[kLanes] = {};
                alignas(64) float rounded[kLanes];
                wide_sum(plan, task.planes, spikes, task.steps * step_words, w, weights, wide);
                for (int lane = 0; lane < kLanes; ++lane) rounded[lane] = static_cast<float>(static_cast<double>(wide[lane]));
                for (int i = 0; i < N; ++i) current[i] = load<Floats>(rounded + i * kWidth);
            } else {
                Ints sum[N] = {};
                narrow_sum(plan, spikes, task.steps * step_words, w, weights, sum);
                for (int i = 0; i < N; ++i) current[i] = __builtin_convertvector(sum[i], Floats);
            }
            for (int i = 0; i < N; ++i)
                current[i] = current[i] * load<Floats>(&plan.scale[offset + i * kWidth]) + load<Floats>(&plan.bias[offset + i * kWidth]);
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

        /// All steps of kLanes outputs, from `offset` of the padded outputs on, at one pixel.
        static void run(const LayerTask& task, int row, int column, int block, int lane) {
            const LayerPlan& plan = *task.plan;
            const int offset = block * plan.lanes + lane;
            const int64_t pixel = int64_t{row} * plan.out_width + column, pixels = int64_t{plan.out_height} * plan.out_width;
            const int32_t* weights = plan.weights.data() + int64_t{block} * plan.taps() * plan.in_channels * plan.lanes + lane;
            const Window w = window(plan, row, column);
            const uint64_t keep = task.keep[offset / 64] >> (offset % 64);
            const uint64_t lanes_mask = kLanes == 64 ? ~uint64_t{0} : (uint64_t{1} << kLanes) - 1;
            Membrane membrane;
            Floats current[N] = {};
            Ints count[N] = {};
            if (task.currents && !task.currents_vary)
                for (int i = 0; i < N; ++i) current[i] = load<Floats>(task.currents + pixel * plan.padded() + offset + i * kWidth);
            for (int step = 0; step < task.steps; ++step) {
                const int64_t frame = (int64_t{step} * pixels + pixel) * plan.padded() + offset;
                if (!task.currents) {
                    event_current(task, w, step, weights, offset, current);
                } else if (task.currents_vary) {
                    for (int i = 0; i < N; ++i) current[i] = load<Floats>(task.currents + frame + i * kWidth);
                }
                step_neuron(plan.neuron, current, membrane, task.potentials ? task.potentials + frame : nullptr);
                for (int i = 0; i < N; ++i) count[i] -= membrane.spiked[i];
                const uint64_t bits = bits_of(membrane) & keep & lanes_mask;
                task.out_spikes[(pixel * task.steps + step) * plan.out_words + offset / 64] |= bits << (offset % 64);
            }
            if (!task.counts) return;
            for (int i = 0; i < N; ++i)
                for (int k = 0; k < kWidth; ++k)
                    task.counts[pixel * plan.padded() + offset + i * kWidth + k] =
                        (keep >> (i * kWidth + k)) & 1 ? static_cast<uint16_t>(count[i][k]) : uint16_t{0};
        }

        static void layer(const LayerTask& task) {
            const LayerPlan& plan = *task.plan;
            for (int block = task.first_block; block < task.end_block; ++block)
                for (int lane = 0; lane < plan.lanes; lane += kLanes)
                    for (int row = task.first_row; row < task.end_row; ++row)
                        for (int column = 0; column < plan.out_width; ++column) run(task, row, column, block, lane);
        }

        static void readout(const ReadoutTask& task) {
            const LayerPlan& plan = *task.plan;
            const int64_t step_words = int64_t{task.planes} * plan.in_words;
            for (int row = 0; row < plan.out_height; ++row)
                for (int column = 0; column < plan.out_width; ++column)
                    for (int offset = 0; offset < plan.padded(); offset += kLanes) {
                        const int block = offset / plan.lanes, lane = offset % plan.lanes;
                        const int32_t* weights = plan.weights.data() + int64_t{block} * plan.taps() * plan.in_channels * plan.lanes + lane;
                        int64_t* sums = task.sums + (int64_t{row} * plan.out_width + column) * plan.padded() + offset;
                        std::memset(sums, 0, sizeof(int64_t) * kLanes);
                        for (int step = 0; step < task.steps; ++step)
                            wide_sum(plan, task.planes, task.spikes + step * step_words, task.steps * step_words, window(plan, row, column), weights, sums);
                    }
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
            const float* weights = plan.real_weights.data() + int64_t{block} * plan.taps() * plan.in_channels * plan.lanes + lane;
            const Window w = window(plan, row, column);
            const int64_t plane = int64_t{plan.in_height} * plan.in_width;
            Floats sum[N] = {};
            for (int ky = w.first_ky; ky < w.end_ky; ++ky)
                for (int kx = w.first_kx; kx < w.end_kx; ++kx) {
                    const float* pixel = task.image + int64_t{w.row + ky} * plan.in_width + w.column + kx;
                    const float* rows = weights + (int64_t{ky} * plan.kernel_width + kx) * plan.in_channels * plan.lanes;
                    for (int channel = 0; channel < plan.in_channels; ++channel)
                        for (int i = 0; i < N; ++i)
                            sum[i] = sum[i] + load<Floats>(rows + int64_t{channel} * plan.lanes + i * kWidth) * pixel[channel * plane];
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
