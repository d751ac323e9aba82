#include "general_pass.h"

#include <algorithm>

namespace spikelens {
namespace {

using kernels::LayerTask;
using kernels::NeuronConstants;
using kernels::NeuronStep;
using kernels::ResetForm;

/// One neuron between two steps, and what a step leaves behind.
struct NeuronState {
    float membrane = 0, synapse = 0, adaptation = 0;
    bool spiked = false;
    uint16_t count = 0;
};

void take_step(const LayerTask& task, const NeuronConstants<float>& constants, float current, int64_t pixel, int output,
               int step, NeuronState& state) {
    const kernels::LayerPlan& plan = *task.plan;
    const NeuronStep<ResetForm::any, float> neuron{constants};
    state.synapse = neuron.charge(state.synapse, current);
    const float potential = neuron.potential(state.membrane, state.spiked, state.synapse);
    state.adaptation = neuron.adaptation(state.adaptation, state.spiked);
    const float compared = potential - state.adaptation;
    if (task.potentials)
        task.potentials[(int64_t{step} * plan.out_height * plan.out_width + pixel) * plan.padded() + output] = compared;
    state.spiked = neuron.fires(compared);
    state.membrane = neuron.after(potential, state.spiked);
    if (state.spiked) state.membrane = state.membrane - neuron.rise_subtracted(state.adaptation);
    const bool kept = (task.keep[output / 64] >> (output % 64)) & 1;
    if (!state.spiked || !kept) return;
    ++state.count;
    task.out_spikes[(pixel * task.steps + step) * plan.out_words + output / 64] |= uint64_t{1} << (output % 64);
}

}  // namespace

GeneralPass::GeneralPass(Worker& worker, const Sample& sample, int layer, const SpikeMap* input, LayerMaps& maps)
    : worker_(worker),
      sample_(sample),
      index_(layer),
      layer_(worker.settings.network.layers[layer]),
      general_(worker.settings.general[layer]),
      plan_(worker.settings.layers[layer]),
      input_(input),
      maps_(maps) {}

void GeneralPass::fire(LayerRecording* record) {
    if (layer_.weighted()) make_currents();
    LayerPass pass(worker_, sample_, index_, maps_);
    if (general_.recurrence != RecurrenceKind::none)
        pass.fire(record, [&](const LayerTask& task) { fire_recurrent(task); });
    else if (general_.own_neurons())
        pass.fire(record, [&](const LayerTask& task) { fire_all(task); });
    else
        pass.fire(record);
}

void GeneralPass::read_out(std::span<float> scores) {
    if (!input_ || layer_.leaks()) {
        make_currents();
        return LayerPass(worker_, sample_, index_, maps_).read_out(scores);
    }
    std::vector<int64_t> by_step(int64_t{sample_.steps} * layer_.out_channels), sums(layer_.out_channels);
    general_.sums.sum(*input_, 0, 0, 0, sample_.steps, by_step.data());
    for (size_t i = 0; i < by_step.size(); ++i) sums[i % sums.size()] += by_step[i];
    for (size_t c = 0; c < scores.size(); ++c)
        scores[c] = static_cast<float>(static_cast<double>(sums[c]) * plan_.exact_scale[c] / sample_.steps +
                                       plan_.exact_bias[c]);
}

void GeneralPass::make_currents() {
    if (!general_.own_sums) return LayerPass(worker_, sample_, index_, input_, maps_).make_currents();
    if (!input_) return real_currents();
    sum_pixels();
    if (general_.recurrence != RecurrenceKind::none)
        return maps_.currents.reset(layer_.output_shape(), 1, plan_.padded());
    maps_.currents.reset(layer_.output_shape(), sample_.steps, plan_.padded());
    const int64_t* sum = sums_.data();
    for (int row = 0; row < plan_.out_height; ++row)
        for (int column = 0; column < plan_.out_width; ++column)
            for (int step = 0; step < sample_.steps; ++step) {
                float* const to = maps_.currents.at(row, column, step);
                for (int o = 0; o < layer_.out_channels; ++o)
                    to[o] = static_cast<float>(static_cast<double>(*sum++)) * plan_.scale[o] + plan_.bias[o];
            }
}

/// Of every image of the sample.
void GeneralPass::real_currents() {
    const int steps = sample_.in_time ? sample_.steps : 1;
    const int64_t size = element_count(layer_.input_shape());
    maps_.currents.reset(layer_.output_shape(), steps, plan_.padded());
    for (int step = 0; step < steps; ++step)
        for (int row = 0; row < plan_.out_height; ++row)
            for (int column = 0; column < plan_.out_width; ++column)
                real_current(sample_.image.data() + step * size, row, column, maps_.currents.at(row, column, step));
}

/// Σ over rows, columns and channels of the window in that order in float32, then the bias, as the kernels do.
void GeneralPass::real_current(const float* image, int row, int column, float* to) const {
    const SumPlan& plan = general_.sums;
    const int inputs = plan.in_channels / plan.groups, outputs = plan.out_channels / plan.groups;
    for (int tap = 0; tap < plan.rows.kernel * plan.columns.kernel; ++tap) {
        const int y = plan.rows.place(row, tap / plan.columns.kernel);
        const int x = plan.columns.place(column, tap % plan.columns.kernel);
        if (!plan.rows.inside(y) || !plan.columns.inside(x)) continue;
        for (int channel = 0; channel < plan.in_channels; ++channel) {
            const float value = image[(int64_t{channel} * plan.rows.in + y) * plan.columns.in + x];
            const float* weight = &general_.real_weights[(int64_t{tap} * plan.in_channels + channel) * outputs];
            float* const sum = to + channel / inputs * outputs;
            for (int o = 0; o < outputs; ++o) sum[o] = sum[o] + weight[o] * value;
        }
    }
    for (int o = 0; o < layer_.out_channels; ++o) to[o] = to[o] + plan_.bias[o];
}

/// Of the input's spikes.
void GeneralPass::sum_pixels() {
    const int64_t size = int64_t{sample_.steps} * layer_.out_channels;
    sums_.resize(plan_.out_height * plan_.out_width * size);
    int64_t* sums = sums_.data();
    for (int row = 0; row < plan_.out_height; ++row)
        for (int column = 0; column < plan_.out_width; ++column, sums += size)
            general_.sums.sum(*input_, row, column, 0, sample_.steps, sums);
}

/// Of the layer's own spikes one step before, [pixel][output].
void GeneralPass::sum_recurrent(int step, std::vector<int64_t>& sums) const {
    const int pixels = plan_.out_height * plan_.out_width;
    const int64_t outputs = layer_.out_channels;
    const SpikeMap& spikes = maps_.spikes;
    if (general_.recurrence == RecurrenceKind::all) {
        std::vector<int64_t> by_neuron(outputs * pixels);  // [output][pixel]
        general_.recurrent.sum(spikes, 0, 0, step - 1, step, by_neuron.data());
        for (int pixel = 0; pixel < pixels; ++pixel)
            for (int64_t o = 0; o < outputs; ++o) sums[pixel * outputs + o] = by_neuron[o * pixels + pixel];
        return;
    }
    for (int pixel = 0; pixel < pixels; ++pixel) {
        const int row = pixel / plan_.out_width, column = pixel % plan_.out_width;
        int64_t* const to = &sums[pixel * outputs];
        if (general_.recurrence == RecurrenceKind::conv)
            general_.recurrent.sum(spikes, row, column, step - 1, step, to);
        else
            for (int o = 0; o < layer_.out_channels; ++o)
                to[o] = spikes.value(row, column, step - 1, o) * int64_t{general_.one_to_one[o]};
    }
}

/// Neurons that differ, one after the other.
void GeneralPass::fire_all(const LayerTask& task) const {
    const int64_t pixels = int64_t{plan_.out_height} * plan_.out_width;
    for (int64_t pixel = 0; pixel < pixels; ++pixel)
        for (int o = 0; o < layer_.out_channels; ++o) {
            const int64_t index = general_.neurons_by_pixel ? o * pixels + pixel : o;
            const float scale = general_.input_scale[index];
            NeuronState state;
            for (int step = 0; step < task.steps; ++step) {
                const float current = task.currents[step * task.current_stride + pixel * plan_.padded() + o];
                take_step(task, general_.neurons[index], layer_.values.empty() ? current : scale * current, pixel, o,
                          step, state);
            }
            if (task.counts) task.counts[pixel * plan_.padded() + o] = state.count;
        }
}

/// All neurons step by step: what they did one step before is part of their currents.
void GeneralPass::fire_recurrent(const LayerTask& task) const {
    const int64_t pixels = int64_t{plan_.out_height} * plan_.out_width, outputs = layer_.out_channels;
    std::vector<NeuronState> states(pixels * outputs);
    std::vector<int64_t> recurrent(pixels * outputs);
    const int from = layer_.inputs[0];
    const int64_t divisor = input_ && from != kNetworkInput ? worker_.settings.signals[from].sent.divisor : 1;
    for (int step = 0; step < task.steps; ++step) {
        if (step > 0) sum_recurrent(step, recurrent);
        for (int64_t pixel = 0; pixel < pixels; ++pixel)
            for (int o = 0; o < layer_.out_channels; ++o) {
                int64_t sum = divisor * recurrent[pixel * outputs + o];  // in the unit of the input's sums
                if (input_) sum += sums_[(pixel * task.steps + step) * outputs + o];
                const auto rounded = static_cast<float>(static_cast<double>(sum));
                float current = input_ ? rounded * plan_.scale[o] + plan_.bias[o]
                                       : rounded * general_.recurrent_scale[o] +
                                             task.currents[step * task.current_stride + pixel * plan_.padded() + o];
                const int64_t index = general_.neurons_by_pixel ? o * pixels + pixel : o;
                if (!layer_.values.empty()) current = general_.input_scale[index] * current;
                take_step(task, general_.neurons[index], current, pixel, o, step, states[pixel * outputs + o]);
            }
    }
    for (int64_t i = 0; task.counts && i < pixels * outputs; ++i)
        task.counts[i / outputs * plan_.padded() + i % outputs] = states[i].count;
}

}  // namespace spikelens
