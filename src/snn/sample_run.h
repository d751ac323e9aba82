#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "spikelens/core/aligned.h"
#include "spikelens/core/parallel.h"
#include "spikelens/kernels/dispatch.h"
#include "spikelens/kernels/layer_plan.h"
#include "spikelens/snn/simulate.h"

#include "record.h"
#include "spike_maps.h"

namespace spikelens {

using kernels::KernelSet;
using kernels::LayerPlan;
using kernels::LayerTask;

/// From this many multiply-adds on, the rows of one sample's layer are worth a thread.
inline constexpr int64_t kWorkWorthThreads = 20'000'000;

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
            if (!layer.neuron)
                return layer.readout_beta == 1 ? integrate(sample, input, l, scores) : leak(sample, input, l, scores);
            LayerRecording* record = record_of(l);
            fire(sample, input, l, record);
            if (keep_spikes_) scratch_.kept[l] = scratch_.spikes;
            input = &next_input(layer);
            if (record && !record->pooled_counts.empty()) record_counts(*input, record->pooled_counts.row(sample.index));
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

    LayerTask layer_task(const Sample& sample, const SpikeMap* input, int index) {
        const LayerPlan& plan = this->plan(index, input);
        scratch_.spikes.reset(plan.out_channels, plan.out_height, plan.out_width, sample.steps, 1);
        LayerTask task;
        task.plan = &plan;
        task.steps = sample.steps;
        task.keep = keep_mask(index);
        task.out_spikes = scratch_.spikes.words.data();
        if (input) {
            task.spikes = input->words.data();
            task.planes = input->planes;
            const double density = input->density();
            task.listing = kernels::choose_listing(plan, input->planes, density);
            task.listed = task.listing == kernels::Listing::silence ? 1 - density : density;
        } else {
            task.currents = real_currents(sample);
        }
        return task;
    }

    void fire(const Sample& sample, const SpikeMap* input, int index, LayerRecording* record) {
        LayerTask task = layer_task(sample, input, index);
        const LayerPlan& plan = *task.plan;
        const int64_t pixels = int64_t{plan.out_height} * plan.out_width;
        if (record && !record->counts.empty()) {
            scratch_.counts.resize(pixels * plan.padded());
            task.counts = scratch_.counts.data();
        }
        if (record && !record->potentials.empty()) {
            scratch_.potentials.resize(sample.steps * pixels * plan.padded());
            task.potentials = scratch_.potentials.data();
        }
        run_parts(task, index);
        if (record) keep_results(task, sample, *record);
    }

    /// One sample's layer, cut into rows (or blocks of outputs, where there is one row) over the threads.
    void run_parts(LayerTask task, int index) const {
        const LayerPlan& plan = *task.plan;
        const int64_t work =
            network_.layers[index].fan_in() * plan.out_channels * plan.out_height * plan.out_width * task.steps;
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
        if (!record.spikes.empty()) record_spikes(scratch_.spikes, sample.index, record.spikes);
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

    /// The leaking readout: a neuron that never fires, its potential after the last step / T.
    void leak(const Sample& sample, const SpikeMap* input, int index, std::span<float> scores) {
        const LayerPlan& plan = this->plan(index, input);
        LayerTask task = layer_task(sample, input, index);
        scratch_.potentials.resize(int64_t{sample.steps} * plan.padded());
        task.potentials = scratch_.potentials.data();
        run_parts(task, index);
        const float* last = task.potentials + int64_t{sample.steps - 1} * plan.padded();
        for (size_t c = 0; c < scores.size(); ++c) scores[c] = static_cast<float>(static_cast<double>(last[c]) / sample.steps);
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

}  // namespace spikelens
