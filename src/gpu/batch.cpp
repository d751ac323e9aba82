#include "batch.h"

#include <algorithm>

namespace spikelens::gpu {
namespace {

/// Up to here all steps are taken at once; else so many.
constexpr int kMostAtOnce = kTileRows, kPart = kTileRows / 2;

int part_steps(const RunInput& input) { return Batch::at_once(input) ? input.steps : kPart; }

template <class T>
void download_rows(Device& device, Buffer& from, Array<T>& to, int64_t first, int64_t count) {
    if (to.empty()) return;
    const int64_t bytes = count * to.row_size() * static_cast<int64_t>(sizeof(T));
    device.download(to.row(first).data(), from.as<T>(), bytes);
}

/// Room for these rows; those that are added to begin as zero.
template <class T>
void take_rows(Device& device, Buffer& buffer, const Array<T>& of, int64_t count) {
    if (of.empty()) return;
    const int64_t bytes = count * of.row_size() * static_cast<int64_t>(sizeof(T));
    device.zero(buffer.need(bytes), bytes);
}

}  // namespace

Workspace::Workspace(const ChainWeights& weights)
    : input(weights.device()),
      packed(weights.device()),
      currents(weights.device()),
      fired(weights.device()),
      totals(weights.device()),
      mask(weights.device()),
      maps{Buffer(weights.device()), Buffer(weights.device()), Buffer(weights.device()), Buffer(weights.device())} {
    for (size_t l = 0; l < weights.layers().size(); ++l) {
        records.emplace_back(weights.device());
        states.emplace_back(weights.device());
    }
}

Batch::Batch(const ChainWeights& weights, Workspace& space, const RunInput& input, int64_t first, int64_t count)
    : weights_(weights), space_(space), input_(input), first_(first), count_(count) {}

bool Batch::at_once(const RunInput& input) { return input.steps <= kMostAtOnce; }

int64_t Batch::bytes_each(const ChainWeights& weights, const RunInput& input, const RecordRequest& request) {
    const int steps = part_steps(input);
    int64_t sent = 0, fired = 0, states = 0, records = 0;
    for (const ChainLayer& layer : weights.layers()) {
        const int64_t neurons = layer.pixels() * layer.fired(1, 1).padded();
        sent = std::max(sent, layer.sent(1, steps).bytes());
        if (layer.pools()) fired = std::max(fired, layer.fired(1, steps).bytes());
        states += at_once(input) ? 0 : 9 * neurons;
    }
    for (const int l : request.layers) {
        const int64_t neurons = weights.layers()[l].pixels() * weights.layers()[l].layer->out_channels;
        records += neurons * ((request.counts ? 2 : 0) + (request.pooled_counts ? 2 : 0));
        records += neurons * input.steps * ((request.spikes ? 1 : 0) + (request.potentials ? 4 : 0));
    }
    const ChainLayer& first = weights.layers().front();
    const int64_t pixels = int64_t{first.window.in_height} * first.window.in_width, channels = first.window.in_channels;
    const int64_t read = input.images ? 4 * (pixels * channels + first.pixels() * first.real->padded())
                                      : pixels * (channels * input.steps + rounded_up(channels, kGranule) * steps);
    return read + 4 * sent + fired + states + records;
}

int64_t Batch::most_samples(const ChainWeights& weights, const RunInput& input) {
    int64_t parts = 0;
    for (const ChainLayer& layer : weights.layers()) {
        const int64_t neurons = layer.pixels() * layer.plan->padded();
        parts = std::max({parts, neurons, layer.sent(1, part_steps(input)).bytes() / kGranule});
    }
    return kMostParts / parts;
}

void Batch::run(const uint8_t* mask, Recording& recording) {
    begin(&recording);
    for (int step = 0; step < input_.steps; step += part_steps(input_)) {
        const Part part{step, std::min(part_steps(input_), input_.steps - step)};
        Map map = packed(part);
        for (size_t l = 0; l < weights_.layers().size(); ++l) map = layer(l, map, mask, part, space_.maps[l % 2]);
    }
    const int64_t classes = recording.scores.extent(1);
    scores({recording.scores.row(first_).data(), static_cast<size_t>(count_ * classes)});
    keep_results(recording);
}

void Batch::run_ablations(const uint8_t* no_mask, std::span<const AblationSet> sets, FloatArray& scores) {
    const Part part{0, input_.steps};
    const int layers = static_cast<int>(weights_.layers().size());
    const int64_t classes = scores.extent(2);
    const auto give_scores = [&](size_t set) {
        this->scores(
            {scores.row(static_cast<int64_t>(set)).data() + first_ * classes, static_cast<size_t>(count_ * classes)});
    };
    begin(nullptr);
    Map map = packed(part);
    for (int l = 0; l < layers; ++l) {
        map = layer(l, map, no_mask, part, space_.maps[l % 2]);
        for (size_t set = 0; set < sets.size(); ++set)
            if (sets[set].first_layer == layers && l + 1 == layers) give_scores(set);
        for (size_t set = 0; set < sets.size(); ++set) {
            if (sets[set].first_layer != l) continue;
            run_branch(l, map, sets[set].mask);
            give_scores(set);
        }
    }
}

/// What a layer sent goes on without the channels of this mask: a pool never mixes channels.
void Batch::run_branch(size_t l, const Map& sent, const uint8_t* mask) {
    Map branch = sent;
    branch.data = space_.maps[2].need_many<uint8_t>(sent.bytes());
    weights_.device().run(MaskChannels{sent, branch, mask + weights_.layers()[l].keep_at});
    if (last(l)) count_spikes(branch, true);
    for (size_t after = l + 1; after < weights_.layers().size(); ++after)
        branch = layer(after, branch, mask, {0, input_.steps}, space_.maps[2 + (after - l) % 2]);
}

/// The input on the device, room for what is recorded, and the currents of images.
void Batch::begin(Recording* recording) {
    Device& device = weights_.device();
    recording_ = recording;
    if (recording)
        for (const LayerRecording& wanted : recording->layers) {
            RecordBuffers& buffers = space_.records[wanted.layer];
            take_rows(device, buffers.counts, wanted.counts, count_);
            take_rows(device, buffers.pooled_counts, wanted.pooled_counts, count_);
            take_rows(device, buffers.spikes, wanted.spikes, count_);
            take_rows(device, buffers.potentials, wanted.potentials, count_);
        }
    if (input_.spikes) {
        space_.input.hold(input_.spikes->rows(first_, count_).data);
        return;
    }
    const ChainLayer& first = weights_.layers().front();
    const kernels::LayerPlan& plan = *first.real;
    const float* const images = space_.input.hold(input_.images->rows(first_, count_).data);
    device.run(RealCurrents{first.window, plan.lanes, plan.padded(), count_, images, first.real_weights.as<float>(),
                            first.real_bias.as<float>(),
                            space_.currents.need_many<float>(count_ * first.pixels() * plan.padded())});
}

/// Some steps of the input; of images nothing.
Map Batch::packed(const Part& part) {
    if (input_.images) return {};
    const Window& window = weights_.layers().front().window;
    Map map{nullptr, count_, window.in_height, window.in_width, part.steps, window.in_channels};
    map.data = space_.packed.need_many<uint8_t>(map.bytes());
    weights_.device().run(PackSpikes{space_.input.as<uint8_t>(), input_.steps, part.first_step, map});
    return map;
}

/// All of a layer: what it sends, into this buffer. The last adds to what scores are made of.
Map Batch::layer(size_t l, const Map& input, const uint8_t* mask, const Part& part, Buffer& to) {
    const ChainLayer& of = weights_.layers()[l];
    Neurons neurons = this->neurons(l, mask, part);
    if (!of.layer->neuron) {
        read_out(l, input, neurons);
        return {};
    }
    Map fired = of.fired(count_, part.steps);
    fired.data = (of.pools() ? space_.fired : to).need_many<uint8_t>(fired.bytes());
    neurons.spikes = fired.data;
    fire(l, input, neurons);
    const Map sent = of.pools() ? pooled(l, fired, to) : fired;
    record(l, fired, sent, part);
    if (last(l)) count_spikes(sent, part.first_step == 0);
    return sent;
}

Neurons Batch::neurons(size_t l, const uint8_t* mask, const Part& part) {
    const ChainLayer& of = weights_.layers()[l];
    const int64_t count = count_ * of.pixels() * of.fired(1, 1).padded();
    Neurons neurons;
    neurons.constants = (input_.images && l == 0 ? of.real : of.plan)->neuron;
    neurons.keep = mask + of.keep_at;
    neurons.outputs = of.layer->out_channels;
    neurons.padded = of.fired(1, 1).padded();
    neurons.pixels = of.pixels();
    neurons.steps = part.steps;
    neurons.first_step = part.first_step;
    neurons.all_steps = input_.steps;
    if (at_once(input_) && of.layer->neuron) return neurons;
    StateBuffers& state = space_.states[l];
    neurons.resumed = part.first_step > 0;
    neurons.membrane = state.membrane.need_many<float>(count);
    neurons.synapse = state.synapse.need_many<float>(count);
    neurons.spiked = state.spiked.need_many<uint8_t>(count);
    return neurons;
}

/// Currents of images are there; of spikes they are made here.
void Batch::fire(size_t l, const Map& input, Neurons neurons, int64_t* totals) {
    const ChainLayer& of = weights_.layers()[l];
    if (RecordBuffers* const buffers = recorded(l)) {
        const LayerRecording& wanted = recording_->layer(static_cast<int>(l));
        if (!wanted.counts.empty()) neurons.counts = buffers->counts.as<uint16_t>();
        if (!wanted.potentials.empty()) neurons.potentials = buffers->potentials.as<float>();
    }
    if (!input.data) {
        weights_.device().run(FireConstant{neurons, count_, space_.currents.as<float>(), of.real->padded()});
        return;
    }
    ProductTask task;
    task.input = input;
    task.window = of.window;
    task.depth = of.depth;
    task.slices = of.slices.as<int8_t>();
    task.scale = of.scale.as<float>();
    task.bias = of.bias.as<float>();
    task.tiles = (of.layer->out_channels + of.tile_outputs - 1) / of.tile_outputs;
    task.rows_first = of.pixels() == 1;
    task.neurons = neurons;
    task.totals = totals;
    weights_.device().run(task, of.tile_outputs);
}

/// A readout adds up exact sums; one that leaks is a neuron that never fires; the currents of images are its scores.
void Batch::read_out(size_t l, const Map& input, const Neurons& neurons) {
    if (weights_.layers()[l].layer->leaks()) return fire(l, input, neurons);
    if (!input.data) return;
    fire(l, input, neurons, totals(neurons.first_step == 0));
}

/// Of the last layer, [place][padded].
int64_t* Batch::totals(bool anew) {
    const ChainLayer& of = weights_.layers().back();
    const int64_t count = count_ * of.pixels() * of.fired(1, 1).padded();
    auto* const totals = space_.totals.need_many<int64_t>(count);
    if (anew) weights_.device().zero(totals, count * static_cast<int64_t>(sizeof(int64_t)));
    return totals;
}

void Batch::count_spikes(const Map& sent, bool anew) { weights_.device().run(SumSteps{sent, nullptr, totals(anew)}); }

Map Batch::pooled(size_t l, const Map& fired, Buffer& to) {
    const Pool& pool = weights_.layers()[l].layer->pool;
    Map sent = weights_.layers()[l].sent(count_, fired.steps);
    sent.data = to.need_many<uint8_t>(sent.bytes());
    weights_.device().run(PoolNumbers{fired, sent, pool.size, pool.columns(), pool.stride, pool.stride_columns(),
                                      pool.kind == PoolKind::max});
    return sent;
}

RecordBuffers* Batch::recorded(size_t l) {
    if (!recording_) return nullptr;
    const auto is = [&](const LayerRecording& wanted) { return wanted.layer == static_cast<int>(l); };
    return std::ranges::any_of(recording_->layers, is) ? &space_.records[l] : nullptr;
}

void Batch::record(size_t l, const Map& fired, const Map& sent, const Part& part) {
    RecordBuffers* const buffers = recorded(l);
    if (!buffers) return;
    const LayerRecording& wanted = recording_->layer(static_cast<int>(l));
    if (!wanted.pooled_counts.empty())
        weights_.device().run(SumSteps{sent, buffers->pooled_counts.as<uint16_t>(), nullptr});
    if (!wanted.spikes.empty())
        weights_.device().run(UnpackSpikes{fired, input_.steps, part.first_step, buffers->spikes.as<uint8_t>()});
}

void Batch::keep_results(Recording& recording) {
    Device& device = weights_.device();
    for (LayerRecording& wanted : recording.layers) {
        RecordBuffers& buffers = space_.records[wanted.layer];
        download_rows(device, buffers.counts, wanted.counts, first_, count_);
        download_rows(device, buffers.pooled_counts, wanted.pooled_counts, first_, count_);
        download_rows(device, buffers.spikes, wanted.spikes, first_, count_);
        download_rows(device, buffers.potentials, wanted.potentials, first_, count_);
    }
}

/// As LayerPass reads out.
void Batch::scores(std::span<float> to) {
    const ChainLayer& of = weights_.layers().back();
    const int64_t classes = of.layer->out_channels, stride = of.pixels() * of.fired(1, 1).padded();
    const auto set = [&](const auto& values, int64_t step, const auto& score) {
        for (int64_t n = 0; n < count_; ++n)
            for (int64_t c = 0; c < classes; ++c)
                to[n * classes + c] = static_cast<float>(score(static_cast<double>(values[n * step + c]), c));
    };
    const double unit = weights_.plan().signals.back().sent.unit();
    const kernels::LayerPlan& plan = *of.plan;
    if (of.layer->neuron)
        set(downloaded<int64_t>(space_.totals, stride), stride,
            [&](double count, int64_t) { return count * unit / input_.steps; });
    else if (of.layer->leaks())
        set(downloaded<float>(space_.states.back().membrane, stride), stride,
            [&](double potential, int64_t) { return potential / input_.steps; });
    else if (input_.images && weights_.layers().size() == 1)
        set(downloaded<float>(space_.currents, of.pixels() * of.real->padded()), of.pixels() * of.real->padded(),
            [&](double current, int64_t) { return current; });
    else
        set(downloaded<int64_t>(space_.totals, stride), stride,
            [&](double sum, int64_t c) { return sum * plan.exact_scale[c] / input_.steps + plan.exact_bias[c]; });
}

template <class T>
std::vector<T> Batch::downloaded(Buffer& from, int64_t each) const {
    std::vector<T> values(static_cast<size_t>(count_ * each));
    weights_.device().download(values.data(), from.as<T>(), static_cast<int64_t>(values.size() * sizeof(T)));
    return values;
}

}  // namespace spikelens::gpu
