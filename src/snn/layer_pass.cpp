#include "layer_pass.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "spikelens/core/parallel.h"

#include "graph.h"
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
    if (task.listing == Listing::rows) task.listing = kernels::listing_by_pixel(*task.plan, task.listed);
    return reached.spans();
}

}  // namespace

ChannelMasks channels_to_keep(const Network& network, std::span<const FilterIndex> ablated) {
    ChannelMasks keep;
    for (const Layer& layer : network.layers) {
        std::vector<uint64_t>& mask = keep.emplace_back((layer.out_channels + 63) / 64);
        for (int o = 0; o < layer.out_channels; ++o) mask[o / 64] |= uint64_t{1} << (o % 64);
    }
    for (const FilterIndex& filter : ablated)
        keep[filter.layer][filter.filter / 64] &= ~(uint64_t{1} << (filter.filter % 64));
    return keep;
}

int64_t kept_sum_bytes(const LayerPlan& plan, int steps, int planes) {
    const int64_t pixels = int64_t{plan.out_height} * plan.out_width, bytes = 4 * pixels * steps * plan.padded();
    return pixels == 1 || bytes > kMostSumBytes || !plan.sums_fit_int32(planes) ? 0 : bytes;
}

std::vector<LayerSignals> layer_signals(const Network& network) {
    const std::vector<Signal> sent = signals(network);
    std::vector<LayerSignals> result;
    for (const Layer& layer : network.layers) result.push_back({signal_before_pool(layer, sent), sent[result.size()]});
    return result;
}

std::vector<int> map_slots(const Network& network) {
    const auto count = static_cast<int>(network.layers.size());
    std::vector<int> last_reader(count, count), slots, busy_until;
    for (int l = 0; l < count; ++l)
        for (const int input : network.layers[l].inputs)
            if (input != kNetworkInput) last_reader[input] = l;
    for (int l = 0; l < count; ++l) {
        const auto free = std::ranges::find_if(busy_until, [&](int reader) { return reader < l; });
        slots.push_back(static_cast<int>(free - busy_until.begin()));
        if (free == busy_until.end()) busy_until.push_back(0);
        busy_until[slots[l]] = last_reader[l];
    }
    return slots;
}

int RunSettings::slot_count() const { return *std::ranges::max_element(slots) + 1; }

const SpikeMap& sent_numbers(const Layer& layer, const LayerMaps& maps) {
    return layer.pool.kind == PoolKind::none ? maps.spikes : maps.pooled;
}

void count_scores(const Sample& sample, const SpikeMap& output, const Signal& signal, std::span<float> scores) {
    for (int c = 0; c < static_cast<int>(scores.size()); ++c) {
        int64_t count = 0;
        for (int step = 0; step < output.steps; ++step) count += output.value(0, 0, step, c);
        scores[c] = static_cast<float>(static_cast<double>(count) * signal.unit() / sample.steps);
    }
}

LayerPass::LayerPass(Worker& worker, const Sample& sample, int layer, const SpikeMap* input, LayerMaps& maps)
    : worker_(worker),
      sample_(sample),
      index_(layer),
      layer_(worker.settings.network.layers[layer]),
      plan_(input ? worker.settings.layers[layer] : worker.settings.real_inputs[layer]),
      input_(input),
      maps_(maps) {}

LayerPass::LayerPass(Worker& worker, const Sample& sample, int layer, LayerMaps& maps)
    : worker_(worker),
      sample_(sample),
      index_(layer),
      layer_(worker.settings.network.layers[layer]),
      plan_(worker.settings.layers[layer]),
      input_(nullptr),
      given_(&maps.currents),
      maps_(maps) {}

void LayerPass::fire(LayerRecording* record, const Fire& fire) {
    LayerTask task = whole_task();
    const int64_t pixels = int64_t{plan_.out_height} * plan_.out_width;
    if (record && !record->counts.empty()) {
        worker_.counts.resize(pixels * plan_.padded());
        task.counts = worker_.counts.data();
    }
    if (worker_.keeps_potentials || (record && !record->potentials.empty())) {
        worker_.potentials.resize(sample_.steps * pixels * plan_.padded());
        task.potentials = worker_.potentials.data();
    }
    fire ? fire(task) : run_parts(task);
    if (record) keep_results(task, *record);
}

void LayerPass::fire_together(std::span<LayerPass> passes) {
    std::optional<LayerTask> shared;
    std::vector<kernels::SampleSpikes> more;
    for (LayerPass& pass : passes) {
        const LayerTask task = pass.whole_task(static_cast<int>(passes.size()));
        if (task.listing != Listing::patterns)
            pass.run_parts(task);
        else if (shared)
            more.push_back({task.spikes, task.out_spikes});
        else
            shared = task;
    }
    if (!shared) return;
    shared->more = more;
    passes[0].run_parts(*shared);
}

void LayerPass::make_currents() {
    const int steps = input_ || sample_.in_time ? sample_.steps : 1;
    maps_.currents.reset(layer_.output_shape(), steps, plan_.padded());
    if (!input_) {
        const int64_t size = element_count(layer_.input_shape());
        for (int step = 0; step < steps; ++step)
            worker_.settings.kernels.real_currents(
                {&plan_, sample_.image.data() + step * size, maps_.currents.at(0, 0, step), plan_.rows});
        return;
    }
    LayerTask task = whole_task();
    task.potentials = maps_.currents.values.data();
    run_parts(task);
}

void LayerPass::pool() {
    const Signal& sent = worker_.settings.signals[index_].sent;
    if (layer_.pool.kind == PoolKind::none) return;
    if (sent.currents)
        pool_currents(maps_.currents, layer_, maps_.pooled_currents);
    else
        pool_spikes(maps_.spikes, layer_, planes_of(sent), maps_.pooled);
}

Change LayerPass::fire_changed(const Change& change) {
    LayerTask task = this->task();
    if (input_) task.sums = changed_sums(change);
    if (input_ && !task.sums) list_spikes(task);
    Renewal renewal(maps_.spikes, pixels_anew(reached(change.pixels, windows_of(plan_)), task));
    task.pixels = renewal.spans();
    if (!input_) real_currents(task);
    run_parts(task);
    return std::move(renewal).finish();
}

Change LayerPass::pool_changed(Change change) {
    if (layer_.pool.kind == PoolKind::none || !change.pixels.any()) return change;
    Renewal renewal(maps_.pooled, reached(change.pixels, windows_of(layer_.pool, maps_.pooled)).spans());
    pool_spikes(maps_.spikes, layer_.pool, renewal.spans(), maps_.pooled);
    return std::move(renewal).finish();
}

const SpikeMap& LayerPass::output() const { return sent_numbers(layer_, maps_); }

void LayerPass::read_out(std::span<float> scores) {
    if (layer_.leaks())
        leak(scores);
    else
        integrate(scores);
}

bool LayerPass::reaches_too_much(const PixelSet& changed) const {
    return too_many(reached(changed, windows_of(plan_)));
}

/// Given ones, or those of an image.
void LayerPass::take_currents(LayerTask& task) {
    if (!given_) return real_currents(task);
    task.currents = given_->values.data();
    task.current_stride = given_->step_distance();
}

/// At the task's pixels: of an image once, of one that changes at every step.
void LayerPass::real_currents(LayerTask& task) {
    const int steps = sample_.in_time ? sample_.steps : 1;
    const int64_t size = int64_t{plan_.in_channels} * plan_.in_height * plan_.in_width;
    worker_.currents.resize(steps * frame());
    for (int step = 0; step < steps; ++step)
        worker_.settings.kernels.real_currents(
            {&plan_, sample_.image.data() + step * size, worker_.currents.data() + step * frame(), task.pixels});
    task.currents = worker_.currents.data();
    task.current_stride = sample_.in_time ? frame() : 0;
}

/// All but the pixels, and what their currents are made of.
LayerTask LayerPass::task() const {
    LayerTask task;
    task.plan = &plan_;
    task.steps = sample_.steps;
    task.keep = (*worker_.keep)[index_].data();
    task.end_block = plan_.blocks;
    task.out_spikes = maps_.spikes.words.data();
    if (input_) task.planes = input_->planes;
    return task;
}

/// All pixels, from nothing, of one of some samples that are taken together.
LayerTask LayerPass::whole_task(int samples) {
    maps_.spikes.reset(plan_.out_channels, plan_.out_height, plan_.out_width, sample_.steps, 1);
    LayerTask task = this->task();
    task.pixels = plan_.rows;
    if (input_)
        list_spikes(task, samples);
    else
        take_currents(task);
    return task;
}

/// The task's currents are to be sums of the weights of the input's spikes.
void LayerPass::list_spikes(LayerTask& task, int samples) const {
    const double density = input_->density();
    task.spikes = input_->words.data();
    task.listing = kernels::choose_listing(worker_.settings.kernels, plan_, task.steps, task.planes, density, samples);
    task.listed = task.listing == Listing::silence ? 1 - density : density;
}

/// The sums of the layer's weights for this input; null where they are not kept.
const int32_t* LayerPass::changed_sums(const Change& change) {
    const int64_t bytes = kept_sum_bytes(plan_, input_->steps, input_->planes);
    if (bytes == 0) return nullptr;
    kernels::ChangeTask task{
        &plan_, input_->steps, input_->planes, change.spans, change.before.data(), input_->words.data(), nullptr};
    std::vector<PixelSpan> all;
    std::vector<uint64_t> silence;
    if (!maps_.has_sums) {
        maps_.sums.assign(bytes / 4, 0);
        silence.resize(input_->words.size());
        for (int row = 0; row < input_->height; ++row) all.push_back({row, 0, input_->width});
        task.pixels = all;
        task.before = silence.data();
        maps_.has_sums = true;
    }
    task.sums = maps_.sums.data();
    worker_.settings.kernels.change(task);
    return maps_.sums.data();
}

/// One sample's layer, cut into spans of pixels (or blocks of outputs, where those are few) over the threads.
void LayerPass::run_parts(const LayerTask& task) const {
    const auto run = worker_.settings.kernels.layer;
    const int spans = static_cast<int>(task.pixels.size()), threads = worker_.threads;
    int64_t pixels = 0;
    for (const PixelSpan& span : task.pixels) pixels += span.end_column - span.first_column;
    const int64_t work = layer_.fan_in() * plan_.out_channels * pixels * task.steps * task.samples();
    const bool by_spans = spans >= threads, by_blocks = plan_.lanes == 64 && plan_.blocks >= threads;
    if (threads <= 1 || work < kWorkWorthThreads || !(by_spans || by_blocks)) return run(task);
    const int many = task.listing == Listing::slices ? 2 : 8;  // weights are sliced for each part anew
    const int count = by_spans ? spans : plan_.blocks, parts = std::min(count, many * threads);
    parallel_for(parts, threads, [&](int64_t part, int) {
        LayerTask own = task;
        const auto first = static_cast<int>(part * count / parts), end = static_cast<int>((part + 1) * count / parts);
        if (by_spans) {
            own.pixels = task.pixels.subspan(first, end - first);
        } else {
            own.first_block = first;
            own.end_block = end;
        }
        run(own);
    });
}

void LayerPass::keep_results(const LayerTask& task, LayerRecording& record) const {
    const int64_t pixels = int64_t{plan_.out_height} * plan_.out_width;
    if (task.counts)
        unpack_channels(task.counts, pixels, plan_.padded(), plan_.out_channels,
                        record.counts.row(sample_.index).data());
    if (!record.spikes.empty()) record_spikes(maps_.spikes, record.spikes.row(sample_.index));
    for (int step = 0; !record.potentials.empty() && step < sample_.steps; ++step)
        unpack_channels(static_cast<const float*>(task.potentials + step * pixels * plan_.padded()), pixels,
                        plan_.padded(), plan_.out_channels,
                        record.potentials.row(sample_.index).data() + step * plan_.out_channels * pixels);
}

/// The same of currents, which need no potential.
void LayerPass::average_currents(std::span<float> scores) {
    LayerTask task = this->task();
    task.pixels = plan_.rows;
    take_currents(task);
    const int steps = task.current_stride > 0 ? sample_.steps : 1;
    for (size_t c = 0; c < scores.size(); ++c) {
        double sum = 0;
        for (int step = 0; step < steps; ++step)
            sum += double{task.currents[step * task.current_stride + static_cast<int64_t>(c)]};
        scores[c] = static_cast<float>(sum / steps);
    }
}

/// The integrating readout: potential after the last step / T, from exact sums.
void LayerPass::integrate(std::span<float> scores) {
    if (!input_) return average_currents(scores);
    std::vector<int64_t>& sums = worker_.sums;
    sums.resize(plan_.padded());
    worker_.settings.kernels.readout({&plan_, sample_.steps, input_->planes, input_->words.data(), sums.data()});
    for (size_t c = 0; c < scores.size(); ++c)
        scores[c] = static_cast<float>(static_cast<double>(sums[c]) * plan_.exact_scale[c] / sample_.steps +
                                       plan_.exact_bias[c]);
}

/// The leaking readout: a neuron that never fires, its potential after the last step / T.
void LayerPass::leak(std::span<float> scores) {
    LayerTask task = whole_task();
    worker_.potentials.resize(int64_t{sample_.steps} * plan_.padded());
    task.potentials = worker_.potentials.data();
    run_parts(task);
    const float* last = task.potentials + int64_t{sample_.steps - 1} * plan_.padded();
    for (size_t c = 0; c < scores.size(); ++c)
        scores[c] = static_cast<float>(static_cast<double>(last[c]) / sample_.steps);
}

}  // namespace spikelens
