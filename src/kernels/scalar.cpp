// The reference: one output at a time, the definition written down. Slow, obvious, and independent of the vector
// kernels.
#include <algorithm>
#include <cstddef>
#include <span>

#include "kernel_sets.h"
#include "spread.h"

namespace spikelens::kernels {
namespace {

bool input_bit(const LayerPlan& plan, const uint64_t* spikes, int steps, int planes, int row, int column, int step,
               int plane, int channel) {
    const int64_t pixel = int64_t{row} * plan.in_width + column;
    const uint64_t word = spikes[((pixel * steps + step) * planes + plane) * plan.in_words + channel / 64];
    return (word >> (channel % 64)) & 1;
}

size_t weight_index(const LayerPlan& plan, int output, int tap, int channel) {
    const int block = output / plan.lanes, lane = output % plan.lanes;
    return ((size_t(block) * plan.taps() + tap) * plan.in_channels + channel) * plan.lanes + lane;
}

/// Calls visit(tap, row, column) for each input pixel under the kernel at this output, in order.
template <class Visit>
void for_each_tap(const LayerPlan& plan, int out_row, int out_column, Visit visit) {
    for (int tap = 0; tap < plan.taps(); ++tap) {
        const int row = out_row * plan.stride - plan.padding + tap / plan.kernel_width;
        const int column = out_column * plan.stride - plan.padding + tap % plan.kernel_width;
        if (row >= 0 && row < plan.in_height && column >= 0 && column < plan.in_width) visit(tap, row, column);
    }
}

int64_t integer_current(const LayerPlan& plan, const uint64_t* spikes, int steps, int planes, int out_row,
                        int out_column, int output, int step) {
    int64_t sum = 0;
    for_each_tap(plan, out_row, out_column, [&](int tap, int row, int column) {
        for (int channel = 0; channel < plan.in_channels; ++channel)
            for (int plane = 0; plane < planes; ++plane)
                if (input_bit(plan, spikes, steps, planes, row, column, step, plane, channel))
                    sum += int64_t{plan.weights[weight_index(plan, output, tap, channel)]} << plane;
    });
    return sum;
}

float current_at(const LayerTask& task, int row, int column, int output, int step) {
    const LayerPlan& plan = *task.plan;
    const int64_t pixel = int64_t{row} * plan.out_width + column;
    if (task.currents) return task.currents[step * task.current_stride + pixel * plan.padded() + output];
    const int64_t sum = task.sums
                            ? task.sums[(pixel * task.steps + step) * plan.padded() + output]
                            : integer_current(plan, task.spikes, task.steps, task.planes, row, column, output, step);
    return static_cast<float>(static_cast<double>(sum)) * plan.scale[output] + plan.bias[output];
}

void run_neuron(const LayerTask& task, int row, int column, int output) {
    const LayerPlan& plan = *task.plan;
    const NeuronStep<ResetForm::any, float> neuron{plan.neuron};
    const int64_t pixel = int64_t{row} * plan.out_width + column;
    const bool kept = (task.keep[output / 64] >> (output % 64)) & 1;
    float membrane = 0, synapse = 0;
    bool spiked = false;
    uint16_t count = 0;
    for (int step = 0; step < task.steps; ++step) {
        synapse = neuron.charge(synapse, current_at(task, row, column, output, step));
        const float potential = neuron.potential(membrane, spiked, synapse);
        if (task.potentials)
            task.potentials[(int64_t{step} * plan.out_height * plan.out_width + pixel) * plan.padded() + output] =
                potential;
        spiked = neuron.fires(potential);
        membrane = neuron.after(potential, spiked);
        if (!spiked || !kept) continue;
        ++count;
        task.out_spikes[(pixel * task.steps + step) * plan.out_words + output / 64] |= uint64_t{1} << (output % 64);
    }
    if (task.counts) task.counts[pixel * plan.padded() + output] = count;
}

void scalar_sample(const LayerTask& task) {
    const int lanes = task.plan->lanes, end = std::min(task.plan->out_channels, task.end_block * lanes);
    for (const PixelSpan& span : task.pixels)
        for (int column = span.first_column; column < span.end_column; ++column)
            for (int output = task.first_block * lanes; output < end; ++output)
                run_neuron(task, span.row, column, output);
}

void scalar_layer(const LayerTask& task) {
    for (int sample = 0; sample < task.samples(); ++sample) scalar_sample(task.of_sample(sample));
}

bool holds(std::span<const PixelSpan> pixels, int row, int column) {
    return std::ranges::any_of(pixels, [&](const PixelSpan& span) {
        return span.row == row && span.first_column <= column && column < span.end_column;
    });
}

/// The sums of all outputs that see one of the pixels, anew: what the input was does not matter.
void scalar_change(const ChangeTask& task) {
    const LayerPlan& plan = *task.plan;
    for (int row = 0; row < plan.out_height; ++row)
        for (int column = 0; column < plan.out_width; ++column) {
            bool sees = false;
            for_each_tap(plan, row, column, [&](int, int y, int x) { sees = sees || holds(task.pixels, y, x); });
            for (int step = 0; sees && step < task.steps; ++step)
                for (int output = 0; output < plan.out_channels; ++output)
                    task.sums[((int64_t{row} * plan.out_width + column) * task.steps + step) * plan.padded() + output] =
                        static_cast<int32_t>(
                            integer_current(plan, task.spikes, task.steps, task.planes, row, column, output, step));
        }
}

void scalar_readout(const ReadoutTask& task) {
    const LayerPlan& plan = *task.plan;
    for (int row = 0; row < plan.out_height; ++row)
        for (int column = 0; column < plan.out_width; ++column)
            for (int output = 0; output < plan.out_channels; ++output) {
                int64_t sum = 0;
                for (int step = 0; step < task.steps; ++step)
                    sum += integer_current(plan, task.spikes, task.steps, task.planes, row, column, output, step);
                task.sums[(int64_t{row} * plan.out_width + column) * plan.padded() + output] = sum;
            }
}

void scalar_real_currents(const RealTask& task) {
    const LayerPlan& plan = *task.plan;
    for (const auto& [row, first_column, end_column] : task.pixels)
        for (int column = first_column; column < end_column; ++column)
            for (int output = 0; output < plan.out_channels; ++output) {
                float sum = 0;
                for_each_tap(plan, row, column, [&](int tap, int in_row, int in_column) {
                    for (int channel = 0; channel < plan.in_channels; ++channel) {
                        const float value =
                            task.image[(int64_t{channel} * plan.in_height + in_row) * plan.in_width + in_column];
                        sum = sum + plan.real_weights[weight_index(plan, output, tap, channel)] * value;
                    }
                });
                task.currents[(int64_t{row} * plan.out_width + column) * plan.padded() + output] =
                    sum + plan.bias[output];
            }
}

void scalar_products(const ProductTask& task) {
    const auto value = [&](int64_t n, int64_t column) {
        return column < task.columns ? double{task.x[n * task.columns + column]} : 0.0;
    };
    for (int i = 0; i < kProductTile; ++i)
        for (int j = 0; j < kProductTile; ++j) {
            double sum = 0;
            for (int64_t n = 0; n < task.samples; ++n) sum += value(n, task.row + i) * value(n, task.column + j);
            task.sums[i * kProductTile + j] = sum;
        }
}

struct ScalarSpread {
    using Floats = float;
    static constexpr int kWidth = 1, kTogether = 1;

    static void mask(const float* gradient, int padded, uint64_t* words) {
        std::fill_n(words, (padded + 63) / 64, 0);
        for (int output = 0; output < padded; ++output)
            words[output / 64] |= uint64_t{gradient[output] != 0} << output % 64;
    }

    static int list(const uint64_t* words, int padded, uint32_t* outputs) {
        int count = 0;
        for (int output = 0; output < padded; ++output)
            if (words[output / 64] >> output % 64 & 1) outputs[count++] = output;
        return count;
    }

    template <int>
    static void add(const Listed& list, const float* weights, int64_t row_length, int64_t lanes,
                    const Destination& to) {
        for (int64_t lane = 0; lane < lanes; ++lane) {
            float sum = 0;
            for (int i = 0; i < list.count; ++i)
                sum += list.gradient[list.output[i]] * weights[list.output[i] * row_length + lane];
            to.first[to.places[lane / kGroup] + lane % kGroup] += sum;
        }
    }

    static void spread(const SpreadTask& task) { run_spread<ScalarSpread>(task); }
};

}  // namespace

const KernelSet scalar_kernels = {
    "scalar",        scalar_layer,         scalar_change, scalar_readout, scalar_real_currents,
    scalar_products, ScalarSpread::spread, kNoSlices};

}  // namespace spikelens::kernels
