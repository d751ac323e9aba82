#include <algorithm>
#include <numeric>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"
#include "spikelens/interpret/responses.h"
#include "spikelens/snn/decision.h"

#include "gram.h"
#include "rows.h"

namespace spikelens {
namespace {

Responses empty_responses(int64_t filters, int64_t classes) {
    Responses responses;
    responses.gram = DoubleArray({filters, filters});
    responses.correlation = DoubleArray({filters, classes});
    responses.predicted.assign(classes, 0);
    responses.response_sum = DoubleArray({filters});
    responses.active.assign(filters, 0);
    responses.top.resize(filters);
    return responses;
}

bool fits(const Responses& responses, int64_t filters, int64_t classes, const ResponseOptions& options) {
    const auto short_enough = [&](const auto& top) { return static_cast<int64_t>(top.size()) <= options.top_images; };
    return responses.gram.shape == Shape{filters, filters} && responses.correlation.shape == Shape{filters, classes} &&
           static_cast<int64_t>(responses.predicted.size()) == classes && responses.response_sum.shape == Shape{filters} &&
           static_cast<int64_t>(responses.active.size()) == filters && static_cast<int64_t>(responses.top.size()) == filters &&
           std::all_of(responses.top.begin(), responses.top.end(), short_enough);
}

void check_state(const Responses& responses, int64_t filters, int64_t classes, int64_t samples,
                 const ResponseOptions& options) {
    if (!fits(responses, filters, classes, options))
        throw InputError("the responses to go on from do not belong to this network and these options: expected " +
                         std::to_string(filters) + " filters, " + std::to_string(classes) + " classes and at most " +
                         std::to_string(options.top_images) + " images per filter");
    if (responses.samples < 0 || responses.samples > samples)
        throw InputError("the responses to go on from cover " + std::to_string(responses.samples) +
                         " samples, but the data set has " + std::to_string(samples));
}

void check_options(const ResponseOptions& options) {
    if (options.top_images < 0) throw InputError("the number of top images must not be negative");
    if (options.chunk < 1) throw InputError("the chunk of samples must be positive, not " + std::to_string(options.chunk));
}

void add_sums(Responses& responses, const FloatArray& x, std::span<const int> predicted) {
    const auto classes = static_cast<int64_t>(responses.predicted.size());
    for (int64_t n = 0; n < x.extent(0); ++n) {
        const bool decided = predicted[n] != kUndecided;
        if (decided) ++responses.predicted[predicted[n]];
        for (int64_t f = 0; f < x.extent(1); ++f) {
            const float response = x.row(n)[f];
            if (decided) responses.correlation.data[f * classes + predicted[n]] += response;
            responses.response_sum.data[f] += response;
            responses.active[f] += response > 0;
        }
    }
}

// Samples arrive in ascending order, so an equal response goes behind those already there.
void offer(std::vector<TopImage>& top, size_t limit, const TopImage& image) {
    const auto stronger = [](const TopImage& a, const TopImage& b) { return a.response > b.response; };
    top.insert(std::upper_bound(top.begin(), top.end(), image, stronger), image);
    if (top.size() > limit) top.pop_back();
}

TopImage located(float response, int64_t sample, std::span<const uint16_t> map, int width) {
    const auto position = static_cast<int>(std::max_element(map.begin(), map.end()) - map.begin());
    return {response, sample, position / width, position % width};
}

void add_top(Responses& responses, const FloatArray& x, const LayerRows& rows, const LayerRecording& recording, int width,
             const ResponseOptions& options, const Execution& execution) {
    const auto limit = static_cast<size_t>(options.top_images);
    const int64_t map = recording.counts.row_size() / rows.count;
    parallel_for(rows.count, execution, [&](int64_t f, int) {
        std::vector<TopImage>& top = responses.top[rows.first + f];
        for (int64_t n = 0; n < x.extent(0) && limit > 0; ++n) {
            const float response = x.row(n)[rows.first + f];
            if (response <= 0 || (top.size() == limit && response <= top.back().response)) continue;
            offer(top, limit, located(response, responses.samples + n, recording.counts.row(n).subspan(f * map, map), width));
        }
    });
}

class Accumulation {
  public:
    Accumulation(const Engine& engine, const SampleSource& samples, const ResponseOptions& options, Responses& responses)
        : engine_(engine), samples_(samples), options_(options), responses_(responses), rows_(layer_rows(network())) {
        const int64_t filters = rows_.back().first + rows_.back().count;
        check_options(options);
        check_samples(network(), samples);
        if (responses_.samples == 0) responses_ = empty_responses(filters, network().class_count());
        check_state(responses_, filters, network().class_count(), samples.size(), options);
    }

    // Adds the samples up to `end`, a batch at a time; the state is whole after each batch.
    void add_until(int64_t end) {
        const int64_t batch = images_per_batch(network(), rows_);
        while (responses_.samples < end) {
            add_batch(std::min(batch, end - responses_.samples));
            engine_.execution().report("responses", responses_.samples, samples_.size());
        }
    }

  private:
    const Network& network() const { return engine_.network(); }

    void add_batch(int64_t count) {
        std::vector<int64_t> indices(count);
        std::iota(indices.begin(), indices.end(), responses_.samples);
        const Recording recording = engine_.run(samples_.input(indices), counts_of(rows_));
        const FloatArray x = batch_responses(network(), recording, options_.kind, engine_.execution());
        const std::vector<int> predicted = decisions(recording.scores);
        add_gram(responses_.gram, x, engine_.execution());
        add_sums(responses_, x, predicted);
        for (const LayerRows& rows : rows_)
            add_top(responses_, x, rows, recording.layer(rows.layer), network().layers[rows.layer].out_width, options_,
                    engine_.execution());
        for (int64_t n = 0; n < count; ++n)
            responses_.correct += predicted[n] != kUndecided && predicted[n] == samples_.label(indices[n]);
        responses_.samples += count;
    }

    const Engine& engine_;
    const SampleSource& samples_;
    const ResponseOptions& options_;
    Responses& responses_;
    std::vector<LayerRows> rows_;
};

}  // namespace

void accumulate_responses(const Engine& engine, const SampleSource& samples, const ResponseOptions& options,
                          Responses& responses, const std::function<void(const Responses&)>& after_chunk) {
    Accumulation accumulation(engine, samples, options, responses);
    while (responses.samples < samples.size()) {
        accumulation.add_until(std::min(responses.samples + options.chunk, samples.size()));
        if (after_chunk) after_chunk(responses);
    }
}

}  // namespace spikelens
