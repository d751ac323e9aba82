#include "spikelens/snn/simulate.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <optional>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"
#include "spikelens/kernels/dispatch.h"

#include "lower.h"
#include "spike_maps.h"

namespace spikelens {

using kernels::KernelSet;
using kernels::LayerPlan;
using kernels::LayerTask;

struct Simulator::Plan {
    Network network;
    SimulateOptions options;
    const KernelSet* kernels = nullptr;
    LayerPlan real_input;           // the first layer, for direct coding
    std::vector<LayerPlan> layers;  // all layers for spiking input
};

namespace {

/// From this many multiply-adds on, the rows of one sample's layer are worth a thread.
constexpr int64_t kWorkWorthThreads = 20'000'000;

/// Buffers of one worker, kept from layer to layer and sample to sample.
struct Scratch {
    AlignedVector<float> currents, potentials;
    std::vector<uint16_t> counts;
    std::vector<int64_t> sums;
    std::vector<uint64_t> keep;
    SpikeMap input, spikes, pooled;
    std::vector<SpikeMap> kept;  // of every layer, before pooling
};

/// Where one sample's results go.
struct Sample {
    int64_t index = 0;
    const float* image = nullptr;  // [C, H, W], direct coding; or
    const SpikeMap* spikes = nullptr;
    int steps = 0;
};

LayerRecording make_recording(const Layer& layer, int index, const RecordRequest& request, int64_t samples, int steps) {
    LayerRecording recording;
    recording.layer = index;
    const Shape full = {samples, layer.out_channels, layer.out_height, layer.out_width};
    Shape timed = full;
    timed.insert(timed.begin(), steps);
    if (request.counts) recording.counts = Array<uint16_t>(full);
    if (request.pooled_counts)
        recording.pooled_counts = Array<uint16_t>({samples, layer.out_channels, layer.pooled_height, layer.pooled_width});
    if (request.spikes) recording.spikes = Array<uint8_t>(timed);
    if (request.potentials) recording.potentials = FloatArray(timed);
    return recording;
}

/// [pixel][padded] → [channel][pixel]
template <class T>
void unpack_channels(const T* packed, int64_t pixels, int padded, int channels, T* out) {
    for (int64_t pixel = 0; pixel < pixels; ++pixel)
        for (int channel = 0; channel < channels; ++channel) out[channel * pixels + pixel] = packed[pixel * padded + channel];
}

void record_spikes(const SpikeMap& spikes, int64_t sample, Array<uint8_t>& out) {
    const int64_t pixels = int64_t{spikes.height} * spikes.width, samples = out.extent(1);
    for (int step = 0; step < spikes.steps; ++step) {
        uint8_t* frame = out.data.data() + (int64_t{step} * samples + sample) * spikes.channels * pixels;
        for (int64_t pixel = 0; pixel < pixels; ++pixel) {
            const uint64_t* words =
                spikes.at(static_cast<int>(pixel / spikes.width), static_cast<int>(pixel % spikes.width), step);
            for (int word = 0; word < spikes.words_per_plane(); ++word)
                for (uint64_t bits = words[word]; bits != 0; bits &= bits - 1)
                    frame[(word * 64 + std::countr_zero(bits)) * pixels + pixel] = 1;
        }
    }
}

void record_counts(const SpikeMap& spikes, std::span<uint16_t> out) {
    const int64_t pixels = int64_t{spikes.height} * spikes.width;
    for (int64_t pixel = 0; pixel < pixels; ++pixel)
        for (int step = 0; step < spikes.steps; ++step) {
            const uint64_t* words =
                spikes.at(static_cast<int>(pixel / spikes.width), static_cast<int>(pixel % spikes.width), step);
            for (int plane = 0; plane < spikes.planes; ++plane)
                for (int word = 0; word < spikes.words_per_plane(); ++word)
                    for (uint64_t bits = words[plane * spikes.words_per_plane() + word]; bits != 0; bits &= bits - 1)
                        out[(word * 64 + std::countr_zero(bits)) * pixels + pixel] += static_cast<uint16_t>(1U << plane);
        }
}

/// Runs one sample through the network.
class SampleRun {
  public:
    SampleRun(const Network& network, const KernelSet& kernels, const LayerPlan& real_input,
              const std::vector<LayerPlan>& plans, std::span<const FilterIndex> ablated, int threads, Scratch& scratch)
        : network_(network),
          kernels_(kernels),
          real_input_(real_input),
          plans_(plans),
          ablated_(ablated),
          threads_(threads),
          scratch_(scratch) {}

    void run(const Sample& sample, Recording& recording) {
        auto record = recording.layers.begin();
        run_from(0, sample, sample.spikes, recording.scores.row(sample.index),
                 [&](int layer) { return record != recording.layers.end() && record->layer == layer ? &*record++ : nullptr; });
    }

    /// The scores under each ablation: everything before the first ablated layer is simulated once.
    void run_ablations(const Sample& sample, std::span<const std::vector<FilterIndex>> sets, FloatArray& scores) {
        const int64_t classes = scores.extent(2);
        std::vector<float> complete(classes);
        const auto no_record = [](int) -> LayerRecording* { return nullptr; };
        scratch_.kept.resize(network_.layers.size());
        keep_spikes_ = true;
        run_from(0, sample, sample.spikes, complete, no_record);
        keep_spikes_ = false;
        for (size_t i = 0; i < sets.size(); ++i) {
            const auto out = scores.row(static_cast<int64_t>(i)).subspan(sample.index * classes, classes);
            ablated_ = sets[i];
            if (ablated_.empty()) {
                std::ranges::copy(complete, out.begin());
                continue;
            }
            const int first = std::ranges::min(ablated_).layer;
            scratch_.spikes = scratch_.kept[first];
            silence(scratch_.spikes, keep_mask(first));
            const SpikeMap& input = next_input(network_.layers[first]);
            run_from(first + 1, sample, &input, out, no_record);
        }
        ablated_ = {};
    }

  private:
    /// Layers `first` and after, from their input (null: the image); `record_of` gives where a layer's activity is recorded, or
    /// null.
    template <class RecordOf>
    void run_from(int first, const Sample& sample, const SpikeMap* input, std::span<float> scores, RecordOf record_of) {
        for (int l = first; l < static_cast<int>(network_.layers.size()); ++l) {
            const Layer& layer = network_.layers[l];
            if (!layer.neuron) return integrate(sample, input, l, scores);
            LayerRecording* record = record_of(l);
            fire(sample, input, l, record);
            if (keep_spikes_) scratch_.kept[l] = scratch_.spikes;
            input = &next_input(layer);
            if (record && record->pooled_counts.size() > 0) record_counts(*input, record->pooled_counts.row(sample.index));
        }
        count_scores(sample, *input, scores);
    }

    static void silence(SpikeMap& spikes, const uint64_t* keep) {
        const int words = spikes.words_per_plane();
        for (size_t i = 0; i < spikes.words.size(); ++i) spikes.words[i] &= keep[i % words];
    }

    const LayerPlan& plan(int layer, const SpikeMap* input) const { return input ? plans_[layer] : real_input_; }

    /// Channels of this layer whose spikes count: real ones that are not ablated.
    const uint64_t* keep_mask(int layer) {
        const int outputs = network_.layers[layer].out_channels;
        scratch_.keep.assign((outputs + 63) / 64, 0);
        for (int o = 0; o < outputs; ++o) scratch_.keep[o / 64] |= uint64_t{1} << (o % 64);
        for (const FilterIndex& filter : ablated_)
            if (filter.layer == layer) scratch_.keep[filter.filter / 64] &= ~(uint64_t{1} << (filter.filter % 64));
        return scratch_.keep.data();
    }

    const float* real_currents(const Sample& sample) {
        const LayerPlan& plan = real_input_;
        scratch_.currents.resize(int64_t{plan.out_height} * plan.out_width * plan.padded());
        kernels_.real_currents({&plan, sample.image, scratch_.currents.data(), 0, plan.out_height});
        return scratch_.currents.data();
    }

    void fire(const Sample& sample, const SpikeMap* input, int index, LayerRecording* record) {
        const LayerPlan& plan = this->plan(index, input);
        const int64_t pixels = int64_t{plan.out_height} * plan.out_width;
        scratch_.spikes.reset(plan.out_channels, plan.out_height, plan.out_width, sample.steps, 1);
        LayerTask task;
        task.plan = &plan;
        task.steps = sample.steps;
        task.keep = keep_mask(index);
        task.out_spikes = scratch_.spikes.words.data();
        if (input) {
            task.spikes = input->words.data();
            task.planes = input->planes;
        } else {
            task.currents = real_currents(sample);
        }
        if (record && record->counts.size() > 0) {
            scratch_.counts.resize(pixels * plan.padded());
            task.counts = scratch_.counts.data();
        }
        if (record && record->potentials.size() > 0) {
            scratch_.potentials.resize(sample.steps * pixels * plan.padded());
            task.potentials = scratch_.potentials.data();
        }
        run_parts(task, index);
        if (record) keep_results(task, sample, *record);
    }

    /// One sample's layer, cut into rows (or blocks of outputs, where there is one row) over the threads.
    void run_parts(LayerTask task, int index) const {
        const LayerPlan& plan = *task.plan;
        const int64_t work = network_.layers[index].weight.size() * plan.out_height * plan.out_width * task.steps;
        task.end_row = plan.out_height;
        task.end_block = plan.blocks;
        const bool by_rows = plan.out_height >= threads_, by_blocks = plan.lanes == 64 && plan.blocks >= threads_;
        if (threads_ <= 1 || work < kWorkWorthThreads || !(by_rows || by_blocks)) return kernels_.layer(task);
        const int count = by_rows ? plan.out_height : plan.blocks, parts = std::min(count, 8 * threads_);
        parallel_for(parts, threads_, [&](int64_t part, int) {
            LayerTask own = task;
            (by_rows ? own.first_row : own.first_block) = static_cast<int>(part * count / parts);
            (by_rows ? own.end_row : own.end_block) = static_cast<int>((part + 1) * count / parts);
            kernels_.layer(own);
        });
    }

    void keep_results(const LayerTask& task, const Sample& sample, LayerRecording& record) const {
        const LayerPlan& plan = *task.plan;
        const int64_t pixels = int64_t{plan.out_height} * plan.out_width;
        if (task.counts)
            unpack_channels(task.counts, pixels, plan.padded(), plan.out_channels, record.counts.row(sample.index).data());
        if (record.spikes.size() > 0) record_spikes(scratch_.spikes, sample.index, record.spikes);
        for (int step = 0; task.potentials && step < sample.steps; ++step)
            unpack_channels(
                static_cast<const float*>(task.potentials + step * pixels * plan.padded()), pixels, plan.padded(),
                plan.out_channels,
                &record.potentials.data[(step * record.potentials.extent(1) + sample.index) * plan.out_channels * pixels]);
    }

    const SpikeMap& next_input(const Layer& layer) {
        if (layer.pool.kind == PoolKind::none) {
            std::swap(scratch_.spikes, scratch_.input);
        } else {
            pool_spikes(scratch_.spikes, layer.pool, scratch_.pooled);
            std::swap(scratch_.pooled, scratch_.input);
        }
        return scratch_.input;
    }

    /// The integrating readout: potential after the last step / T, from exact sums.
    void integrate(const Sample& sample, const SpikeMap* input, int index, std::span<float> scores) {
        const LayerPlan& plan = this->plan(index, input);
        if (!input) {
            const float* currents = real_currents(sample);
            std::copy_n(currents, scores.size(), scores.begin());
            return;
        }
        scratch_.sums.resize(plan.padded());
        kernels_.readout({&plan, sample.steps, input->planes, input->words.data(), scratch_.sums.data()});
        for (size_t c = 0; c < scores.size(); ++c)
            scores[c] = static_cast<float>(static_cast<double>(scratch_.sums[c]) * plan.exact_scale[c] / sample.steps +
                                           plan.exact_bias[c]);
    }

    static void count_scores(const Sample& sample, const SpikeMap& output, std::span<float> scores) {
        std::vector<uint16_t> counts(scores.size());
        record_counts(output, counts);
        for (size_t c = 0; c < scores.size(); ++c)
            scores[c] = static_cast<float>(static_cast<double>(counts[c]) / sample.steps);
    }

    const Network& network_;
    const KernelSet& kernels_;
    const LayerPlan& real_input_;
    const std::vector<LayerPlan>& plans_;
    std::span<const FilterIndex> ablated_;
    int threads_;
    Scratch& scratch_;
    bool keep_spikes_ = false;
};

void check_request(const Network& network, const RecordRequest& request, std::span<const FilterIndex> ablated) {
    for (int layer : request.layers)
        if (layer < 0 || layer >= static_cast<int>(network.layers.size()) || !network.layers[layer].neuron)
            throw InputError("cannot record layer " + std::to_string(layer) +
                             ": the network has no spiking layer of that index");
    for (const FilterIndex& filter : ablated)
        if (filter.layer < 0 || filter.layer >= static_cast<int>(network.layers.size()) || filter.filter < 0 ||
            filter.filter >= network.layers[filter.layer].out_channels || !network.layers[filter.layer].neuron)
            throw InputError("cannot ablate filter " + std::to_string(filter.filter) + " of layer " +
                             std::to_string(filter.layer) + ": the network has no such spiking filter");
}

void check_sample_shape(const Network& network, const Shape& shape, size_t leading, const char* expected) {
    const Shape tail(shape.begin() + static_cast<ptrdiff_t>(std::min(leading, shape.size())), shape.end());
    if (shape.size() != leading + 3 || tail != network.input_shape())
        throw InputError("the network expects " + std::string(expected) +
                         " with [C, H, W] = " + shape_text(network.input_shape()) + ", but was given " + shape_text(shape));
}

void check_images(const Network& network, const FloatArray& images) {
    check_sample_shape(network, images.shape, 1, "images [N, C, H, W]");
    if (!std::ranges::all_of(images.data, [](float value) { return std::isfinite(value); }))
        throw InputError("an image holds a value that is not finite");
}

Recording make_result(const Network& network, const RecordRequest& request, int64_t samples, int steps) {
    Recording recording;
    recording.scores = FloatArray({samples, network.class_count()});
    std::vector<int> layers = request.layers;
    std::ranges::sort(layers);
    layers.erase(std::unique(layers.begin(), layers.end()), layers.end());
    for (int layer : layers) recording.layers.push_back(make_recording(network.layers[layer], layer, request, samples, steps));
    return recording;
}

/// Many samples: one thread each. Few: all threads work on each sample in turn.
void for_each_sample(int64_t samples, int threads,
                     const std::function<void(int64_t sample, int inner_threads, Scratch&)>& body) {
    if (threads <= 0) threads = available_threads();
    const bool over_samples = samples >= threads;
    std::vector<Scratch> scratch(over_samples ? threads : 1);
    parallel_for(samples, over_samples ? threads : 1,
                 [&](int64_t sample, int worker) { body(sample, over_samples ? 1 : threads, scratch[worker]); });
}

}  // namespace

const LayerRecording& Recording::layer(int index) const {
    const auto found = std::ranges::find(layers, index, &LayerRecording::layer);
    assert(found != layers.end());
    return *found;
}

std::vector<int> predictions(const FloatArray& scores) {
    std::vector<int> result;
    for (int64_t n = 0; n < scores.extent(0); ++n) {
        const auto row = scores.row(n);
        result.push_back(static_cast<int>(std::ranges::max_element(row) - row.begin()));
    }
    return result;
}

Simulator::Simulator(const Network& network, SimulateOptions options) {
    check_network(network, "the network");
    auto plan = std::make_unique<Plan>();
    plan->network = network;
    plan->kernels = &kernels::choose_kernels(options.kernel);
    plan->options = std::move(options);
    plan->real_input = lower_for_real_input(network.layers.front());
    double input_scale = 1.0;
    for (const Layer& layer : network.layers) {
        plan->layers.push_back(lower_for_spikes(layer, input_scale));
        input_scale = layer.pool.kind == PoolKind::average ? 1.0 / (layer.pool.size * layer.pool.size) : 1.0;
    }
    plan_ = std::move(plan);
}

Simulator::~Simulator() = default;
Simulator::Simulator(Simulator&&) noexcept = default;
Simulator& Simulator::operator=(Simulator&&) noexcept = default;

const Network& Simulator::network() const { return plan_->network; }

Recording Simulator::run(const FloatArray& images, const RecordRequest& request, std::span<const FilterIndex> ablated) const {
    const Network& network = plan_->network;
    check_images(network, images);
    check_request(network, request, ablated);
    Recording recording = make_result(network, request, images.extent(0), network.steps);
    for_each_sample(images.extent(0), plan_->options.threads, [&](int64_t n, int threads, Scratch& scratch) {
        SampleRun run(network, *plan_->kernels, plan_->real_input, plan_->layers, ablated, threads, scratch);
        run.run({n, images.row(n).data(), nullptr, network.steps}, recording);
    });
    return recording;
}

Recording Simulator::run_spikes(const Array<uint8_t>& spikes, const RecordRequest& request,
                                std::span<const FilterIndex> ablated) const {
    const Network& network = plan_->network;
    check_sample_shape(network, spikes.shape, 2, "spikes [T, N, C, H, W]");
    check_request(network, request, ablated);
    const int64_t steps = spikes.extent(0), samples = spikes.extent(1);
    if (steps < 1 || steps > 65535) throw InputError("spiking input has 1 to 65535 steps, not " + std::to_string(steps));
    const uint8_t largest = spikes.empty() ? uint8_t{0} : *std::ranges::max_element(spikes.data);
    const int planes = std::max(1, static_cast<int>(std::bit_width(largest)));
    const int64_t sample_size = element_count(network.input_shape());
    Recording recording = make_result(network, request, samples, static_cast<int>(steps));
    for_each_sample(samples, plan_->options.threads, [&](int64_t n, int threads, Scratch& scratch) {
        SpikeMap input;
        pack_spikes(spikes.data.data() + n * sample_size, samples * sample_size, static_cast<int>(steps), network.input_shape(),
                    planes, input);
        SampleRun run(network, *plan_->kernels, plan_->real_input, plan_->layers, ablated, threads, scratch);
        run.run({n, nullptr, &input, static_cast<int>(steps)}, recording);
    });
    return recording;
}

FloatArray Simulator::run_ablations(const FloatArray& images, std::span<const std::vector<FilterIndex>> sets) const {
    const Network& network = plan_->network;
    check_images(network, images);
    for (const auto& set : sets) check_request(network, {}, set);
    FloatArray scores({static_cast<int64_t>(sets.size()), images.extent(0), network.class_count()});
    for_each_sample(images.extent(0), plan_->options.threads, [&](int64_t n, int threads, Scratch& scratch) {
        SampleRun run(network, *plan_->kernels, plan_->real_input, plan_->layers, {}, threads, scratch);
        run.run_ablations({n, images.row(n).data(), nullptr, network.steps}, sets, scores);
    });
    return scores;
}

std::vector<std::string> Simulator::describe_kernels() const {
    std::vector<std::string> lines;
    for (size_t l = 0; l < plan_->layers.size(); ++l) {
        const std::string how = l == 0 ? "real input once in float32, then neurons" : "event-driven, exact integer sums";
        lines.push_back(plan_->network.layers[l].name + ": " + how + ", " + plan_->kernels->name);
    }
    return lines;
}

}  // namespace spikelens
