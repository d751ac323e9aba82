#include "sample_run.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "spikelens/core/parallel.h"

#include "record.h"

namespace spikelens {

using kernels::LayerPlan;
using kernels::LayerTask;
using kernels::Listing;
using kernels::PixelSpan;

namespace {

/// From this many multiply-adds on, one sample's layer is worth the threads.
constexpr int64_t kWorkWorthThreads = 20'000'000;
/// Where more than this share of a layer's pixels would be computed anew, all are.
constexpr double kMostChanged = 0.75;
/// Sums of weights are kept where they stay in the second-level cache.
constexpr int64_t kMostSumBytes = 512 * 1024;

bool too_many(const PixelSet& pixels) { return pixels.share() > kMostChanged; }

/// The pixels to compute anew: no more than needed, each with its own lists, or all.
std::vector<PixelSpan> pixels_anew(const PixelSet& reached, LayerTask& task) {
    if (too_many(reached)) return task.plan->rows;
    if (task.listing == Listing::rows) task.listing = Listing::every_word;
    if (task.listing == Listing::active_rows) task.listing = Listing::active_words;
    return reached.spans();
}

/// Sets that begin alike follow each other.
std::vector<size_t> in_order(std::span<const std::vector<FilterIndex>> sets) {
    std::vector<size_t> order(sets.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, [&](size_t a, size_t b) { return sets[a] < sets[b]; });
    return order;
}

void count_scores(const Sample& sample, const SpikeMap& output, std::span<float> scores) {
    std::vector<uint16_t> counts(scores.size());
    record_counts(output, counts);
    for (size_t c = 0; c < scores.size(); ++c) scores[c] = static_cast<float>(static_cast<double>(counts[c]) / sample.steps);
}

}  // namespace

int64_t kept_sum_bytes(const LayerPlan& plan, int steps, int planes) {
    const int64_t pixels = int64_t{plan.out_height} * plan.out_width, bytes = 4 * pixels * steps * plan.padded();
    return pixels == 1 || bytes > kMostSumBytes || !plan.sums_fit_int32(planes) ? 0 : bytes;
}

SampleRun::SampleRun(const RunSettings& settings, int threads, Scratch& scratch)
    : settings_(settings), threads_(threads), scratch_(scratch), keeps_all_(settings.reuse) {
    scratch_.maps.resize(settings.network.layers.size());
}

void SampleRun::run(const Sample& sample, Recording& recording) {
    const std::span<float> scores = recording.scores.row(sample.index);
    std::optional<Change> change;
    if (settings_.reuse && scratch_.has_last) change = changed_since_last(sample);
    if (change && worth_reusing(change->pixels, sample)) {
        run_changed(sample, *std::move(change), scores);
    } else {
        for (LayerMaps& maps : scratch_.maps) maps.has_sums = false;
        run_all(sample, scores, recording.layers);
    }
    if (!settings_.reuse) return;
    scratch_.has_last = true;
    scratch_.last_image = sample.image;
    scratch_.last_scores.assign(scores.begin(), scores.end());
}

void SampleRun::run_ablations(const Sample& sample, std::span<const std::vector<FilterIndex>> sets, FloatArray& scores) {
    const int64_t classes = scores.extent(2);
    std::vector<float> at_last(classes);
    keeps_all_ = true;
    for (LayerMaps& maps : scratch_.maps) maps.has_sums = false;
    run_all(sample, at_last, {});
    for (int l = 0; l < static_cast<int>(scratch_.maps.size()); ++l) {
        maps(l).kept = output(l);
        maps(l).kept_channels = channels_to_keep(l, {});
    }
    for (const size_t i : in_order(sets)) {
        run_ablated(sample, sets[i], at_last);
        std::ranges::copy(at_last, scores.row(static_cast<int64_t>(i)).begin() + sample.index * classes);
    }
}

void SampleRun::run_ablated(const Sample& sample, std::span<const FilterIndex> set, std::span<float> scores) {
    const SpikeMap* input = sample.spikes;
    const auto& layers = settings_.network.layers;
    std::optional<Change> change;  // of the input
    for (int l = 0; l < static_cast<int>(layers.size()); ++l) {
        if (!layers[l].neuron) {
            if (change) read_out(sample, input, l, scores);
            return;
        }
        if (change) change = pool_changed(l, fire_changed(sample, input, l, *change));
        LayerMaps& maps = this->maps(l);
        std::vector<uint64_t> channels = channels_to_keep(l, set);
        if ((change && change->pixels.any()) || channels != maps.kept_channels) {
            change = keep_channels(output(l), channels, maps.kept);
            maps.kept_channels = std::move(channels);
        }
        if (change && !change->pixels.any()) change.reset();
        input = &maps.kept;
    }
    if (change) count_scores(sample, *input, scores);
}

void SampleRun::run_all(const Sample& sample, std::span<float> scores, std::span<LayerRecording> records) {
    const SpikeMap* input = sample.spikes;
    auto record = records.begin();
    for (int l = 0; l < static_cast<int>(settings_.network.layers.size()); ++l) {
        if (!settings_.network.layers[l].neuron) return read_out(sample, input, l, scores);
        LayerRecording* const wanted = record != records.end() && record->layer == l ? &*record++ : nullptr;
        fire(sample, input, l, wanted);
        pool(l);
        input = &output(l);
        if (wanted && !wanted->pooled_counts.empty()) record_counts(*input, wanted->pooled_counts.row(sample.index));
    }
    count_scores(sample, *input, scores);
}

Change SampleRun::changed_since_last(const Sample& sample) const {
    if (sample.spikes) return changed_spikes(scratch_.packed_before, *sample.spikes);
    return {changed_pixels(scratch_.last_image, sample.image, settings_.network.input_shape()), {}, {}};
}

bool SampleRun::worth_reusing(const PixelSet& changed, const Sample& sample) const {
    return !too_many(reached(changed, windows_of(plan(0, sample.spikes))));
}

void SampleRun::run_changed(const Sample& sample, Change change, std::span<float> scores) {
    const SpikeMap* input = sample.spikes;
    const auto& layers = settings_.network.layers;
    for (int l = 0; change.pixels.any() && l < static_cast<int>(layers.size()); ++l) {
        if (!layers[l].neuron) return read_out(sample, input, l, scores);
        change = pool_changed(l, fire_changed(sample, input, l, change));
        input = &output(l);
    }
    if (change.pixels.any())
        count_scores(sample, *input, scores);
    else
        std::ranges::copy(scratch_.last_scores, scores.begin());
}

const LayerPlan& SampleRun::plan(int layer, const SpikeMap* input) const {
    return input ? settings_.layers[layer] : settings_.real_input;
}

LayerMaps& SampleRun::maps(int layer) { return scratch_.maps[keeps_all_ ? layer : layer % 2]; }

/// Those of this layer that exist and are not ablated, as bits.
std::vector<uint64_t> SampleRun::channels_to_keep(int layer, std::span<const FilterIndex> ablated) const {
    const int outputs = settings_.network.layers[layer].out_channels;
    std::vector<uint64_t> keep((outputs + 63) / 64);
    for (int o = 0; o < outputs; ++o) keep[o / 64] |= uint64_t{1} << (o % 64);
    for (const FilterIndex& filter : ablated)
        if (filter.layer == layer) keep[filter.filter / 64] &= ~(uint64_t{1} << (filter.filter % 64));
    return keep;
}

const float* SampleRun::real_currents(const Sample& sample, std::span<const PixelSpan> pixels) {
    const LayerPlan& plan = settings_.real_input;
    scratch_.currents.resize(int64_t{plan.out_height} * plan.out_width * plan.padded());
    settings_.kernels.real_currents({&plan, sample.image.data(), scratch_.currents.data(), pixels});
    return scratch_.currents.data();
}

/// All but the pixels, and what their currents are made of.
LayerTask SampleRun::layer_task(const Sample& sample, const SpikeMap* input, int layer) {
    LayerTask task;
    task.plan = &plan(layer, input);
    task.steps = sample.steps;
    scratch_.keep = channels_to_keep(layer, settings_.ablated);
    task.keep = scratch_.keep.data();
    task.end_block = task.plan->blocks;
    task.out_spikes = maps(layer).spikes.words.data();
    if (input) task.planes = input->planes;
    return task;
}

/// The task's currents are to be sums of the weights of these spikes.
void SampleRun::list_spikes(const SpikeMap& input, LayerTask& task) const {
    const double density = input.density();
    task.spikes = input.words.data();
    task.listing = kernels::choose_listing(settings_.kernels, *task.plan, task.steps, task.planes, density);
    task.listed = task.listing == Listing::silence ? 1 - density : density;
}

void SampleRun::fire(const Sample& sample, const SpikeMap* input, int layer, LayerRecording* record) {
    const LayerPlan& plan = this->plan(layer, input);
    maps(layer).spikes.reset(plan.out_channels, plan.out_height, plan.out_width, sample.steps, 1);
    LayerTask task = layer_task(sample, input, layer);
    task.pixels = plan.rows;
    if (input)
        list_spikes(*input, task);
    else
        task.currents = real_currents(sample, task.pixels);
    const int64_t pixels = int64_t{plan.out_height} * plan.out_width;
    if (record && !record->counts.empty()) {
        scratch_.counts.resize(pixels * plan.padded());
        task.counts = scratch_.counts.data();
    }
    if (record && !record->potentials.empty()) {
        scratch_.potentials.resize(sample.steps * pixels * plan.padded());
        task.potentials = scratch_.potentials.data();
    }
    run_parts(task, layer);
    if (record) keep_results(task, sample, layer, *record);
}

/// The layer's spikes where the change of its input reaches; where they are not what they were.
Change SampleRun::fire_changed(const Sample& sample, const SpikeMap* input, int layer, const Change& change) {
    LayerTask task = layer_task(sample, input, layer);
    if (input) task.sums = changed_sums(*input, layer, change);
    if (input && !task.sums) list_spikes(*input, task);
    Renewal renewal(maps(layer).spikes, pixels_anew(reached(change.pixels, windows_of(*task.plan)), task));
    task.pixels = renewal.spans();
    if (!input) task.currents = real_currents(sample, task.pixels);
    run_parts(task, layer);
    return std::move(renewal).finish();
}

/// The sums of the layer's weights for this input; null where they are not kept.
const int32_t* SampleRun::changed_sums(const SpikeMap& input, int layer, const Change& change) {
    const LayerPlan& plan = settings_.layers[layer];
    const int64_t bytes = kept_sum_bytes(plan, input.steps, input.planes);
    if (bytes == 0) return nullptr;
    LayerMaps& maps = this->maps(layer);
    kernels::ChangeTask task{&plan, input.steps, input.planes, change.spans, change.before.data(), input.words.data(), nullptr};
    std::vector<PixelSpan> all;
    std::vector<uint64_t> silence;
    if (!maps.has_sums) {
        maps.sums.assign(bytes / 4, 0);
        silence.resize(input.words.size());
        for (int row = 0; row < input.height; ++row) all.push_back({row, 0, input.width});
        task.pixels = all;
        task.before = silence.data();
        maps.has_sums = true;
    }
    task.sums = maps.sums.data();
    settings_.kernels.change(task);
    return maps.sums.data();
}

/// What the next layer reads of the spikes that have changed; where it is not what it was.
Change SampleRun::pool_changed(int layer, Change change) {
    const Pool& pool = settings_.network.layers[layer].pool;
    if (pool.kind == PoolKind::none || !change.pixels.any()) return change;
    LayerMaps& maps = this->maps(layer);
    Renewal renewal(maps.pooled, reached(change.pixels, windows_of(pool, maps.pooled)).spans());
    pool_spikes(maps.spikes, pool, renewal.spans(), maps.pooled);
    return std::move(renewal).finish();
}

/// One sample's layer, cut into spans of pixels (or blocks of outputs, where those are few) over the threads.
void SampleRun::run_parts(const LayerTask& task, int layer) const {
    const LayerPlan& plan = *task.plan;
    const int spans = static_cast<int>(task.pixels.size());
    int64_t pixels = 0;
    for (const PixelSpan& span : task.pixels) pixels += span.end_column - span.first_column;
    const int64_t work = settings_.network.layers[layer].fan_in() * plan.out_channels * pixels * task.steps;
    const bool by_spans = spans >= threads_, by_blocks = plan.lanes == 64 && plan.blocks >= threads_;
    if (threads_ <= 1 || work < kWorkWorthThreads || !(by_spans || by_blocks)) return settings_.kernels.layer(task);
    const int many = task.listing == Listing::slices ? 2 : 8;  // weights are sliced for each part anew
    const int count = by_spans ? spans : plan.blocks, parts = std::min(count, many * threads_);
    parallel_for(parts, threads_, [&](int64_t part, int) {
        LayerTask own = task;
        const auto first = static_cast<int>(part * count / parts), end = static_cast<int>((part + 1) * count / parts);
        if (by_spans) {
            own.pixels = task.pixels.subspan(first, end - first);
        } else {
            own.first_block = first;
            own.end_block = end;
        }
        settings_.kernels.layer(own);
    });
}

void SampleRun::keep_results(const LayerTask& task, const Sample& sample, int layer, LayerRecording& record) {
    const LayerPlan& plan = *task.plan;
    const int64_t pixels = int64_t{plan.out_height} * plan.out_width;
    if (task.counts)
        unpack_channels(task.counts, pixels, plan.padded(), plan.out_channels, record.counts.row(sample.index).data());
    if (!record.spikes.empty()) record_spikes(maps(layer).spikes, record.spikes.row(sample.index));
    for (int step = 0; task.potentials && step < sample.steps; ++step)
        unpack_channels(static_cast<const float*>(task.potentials + step * pixels * plan.padded()), pixels, plan.padded(),
                        plan.out_channels, record.potentials.row(sample.index).data() + step * plan.out_channels * pixels);
}

void SampleRun::pool(int layer) {
    const Pool& pool = settings_.network.layers[layer].pool;
    if (pool.kind != PoolKind::none) pool_spikes(maps(layer).spikes, pool, maps(layer).pooled);
}

const SpikeMap& SampleRun::output(int layer) {
    return settings_.network.layers[layer].pool.kind == PoolKind::none ? maps(layer).spikes : maps(layer).pooled;
}

void SampleRun::read_out(const Sample& sample, const SpikeMap* input, int layer, std::span<float> scores) {
    if (settings_.network.layers[layer].readout_beta == 1)
        integrate(sample, input, layer, scores);
    else
        leak(sample, input, layer, scores);
}

/// The integrating readout: potential after the last step / T, from exact sums.
void SampleRun::integrate(const Sample& sample, const SpikeMap* input, int layer, std::span<float> scores) {
    const LayerPlan& plan = this->plan(layer, input);
    if (!input) {
        std::copy_n(real_currents(sample, plan.rows), scores.size(), scores.begin());
        return;
    }
    scratch_.sums.resize(plan.padded());
    settings_.kernels.readout({&plan, sample.steps, input->planes, input->words.data(), scratch_.sums.data()});
    for (size_t c = 0; c < scores.size(); ++c)
        scores[c] =
            static_cast<float>(static_cast<double>(scratch_.sums[c]) * plan.exact_scale[c] / sample.steps + plan.exact_bias[c]);
}

/// The leaking readout: a neuron that never fires, its potential after the last step / T.
void SampleRun::leak(const Sample& sample, const SpikeMap* input, int layer, std::span<float> scores) {
    const LayerPlan& plan = this->plan(layer, input);
    maps(layer).spikes.reset(plan.out_channels, plan.out_height, plan.out_width, sample.steps, 1);
    LayerTask task = layer_task(sample, input, layer);
    task.pixels = plan.rows;
    if (input)
        list_spikes(*input, task);
    else
        task.currents = real_currents(sample, task.pixels);
    scratch_.potentials.resize(int64_t{sample.steps} * plan.padded());
    task.potentials = scratch_.potentials.data();
    run_parts(task, layer);
    const float* last = task.potentials + int64_t{sample.steps - 1} * plan.padded();
    for (size_t c = 0; c < scores.size(); ++c) scores[c] = static_cast<float>(static_cast<double>(last[c]) / sample.steps);
}

}  // namespace spikelens
