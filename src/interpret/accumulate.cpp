#include <algorithm>
#include <numeric>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"
#include "spikelens/interpret/responses.h"
#include "spikelens/snn/decision.h"

#include "response_sums.h"
#include "rows.h"

namespace spikelens {
namespace {

void check_options(const ResponseOptions& options, int64_t samples) {
    if (options.top_images < 0) throw InputError("the number of top images must not be negative");
    if (options.chunk < 1)
        throw InputError("the chunk of samples must be positive, not " + std::to_string(options.chunk));
    if (options.block < 1)
        throw InputError("the block of samples must be positive, not " + std::to_string(options.block));
    const int64_t end = options.end.value_or(samples);
    if (options.first < 0 || options.first > end || end > samples)
        throw InputError("the samples " + std::to_string(options.first) + " to " + std::to_string(end) +
                         " are not a range of the data set's " + std::to_string(samples));
    check_number(end - options.first);
    if (options.first % options.block != 0)
        throw InputError("a range of samples must begin at a multiple of " + std::to_string(options.block) +
                         ", not at " + std::to_string(options.first));
}

void check_fits(const ResponseSums& sums, int64_t filters, int64_t classes, int64_t end,
                const ResponseOptions& options) {
    check_sums(sums);
    const ResponseSums expected = empty_sums(filters, classes, options);
    if (!same_form(sums, expected))
        throw InputError("the responses to go on from do not belong to this network and these options: expected " +
                         std::to_string(filters) + " filters, " + std::to_string(classes) + " classes, at most " +
                         std::to_string(options.top_images) + " images per filter and blocks of " +
                         std::to_string(options.block) + " samples");
    if (sums.first != options.first || sums.end() > end)
        throw InputError("the responses to go on from cover the samples " + std::to_string(sums.first) + " to " +
                         std::to_string(sums.end()) + ", but those from " + std::to_string(options.first) + " to " +
                         std::to_string(end) + " are wanted");
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

void add_top(ResponseSums& sums, const FloatArray& x, const LayerRows& rows, const LayerRecording& recording, int width,
             const Execution& execution) {
    const auto limit = static_cast<size_t>(sums.longest);
    const int64_t map = recording.counts.row_size() / rows.count;
    parallel_for(rows.count, execution, [&](int64_t f, int) {
        std::vector<TopImage>& top = sums.top[rows.first + f];
        for (int64_t n = 0; n < x.extent(0) && limit > 0; ++n) {
            const float response = x.row(n)[rows.first + f];
            if (response <= 0 || (top.size() == limit && response <= top.back().response)) continue;
            offer(top, limit, located(response, sums.end() + n, recording.counts.row(n).subspan(f * map, map), width));
        }
    });
}

class Accumulation {
  public:
    Accumulation(const Engine& engine, const SampleSource& samples, const ResponseOptions& options, ResponseSums& sums)
        : engine_(engine), samples_(samples), options_(options), sums_(sums), rows_(layer_rows(network())) {
        const int64_t filters = rows_.back().first + rows_.back().count;
        check_samples(network(), samples);
        check_options(options, samples.size());
        if (sums_.samples == 0) sums_ = empty_sums(filters, network().class_count(), options);
        check_fits(sums_, filters, network().class_count(), end(), options);
    }

    int64_t end() const { return options_.end.value_or(samples_.size()); }

    // Adds the samples up to `end`, a batch at a time; the sums are whole after each batch.
    void add_until(int64_t end) {
        const int64_t batch = images_per_batch(engine_, rows_);
        while (sums_.end() < end) {
            const int64_t left_of_block = options_.block - sums_.end() % options_.block;
            add_batch(std::min({batch, end - sums_.end(), left_of_block}));
            engine_.execution().report("responses", sums_.samples, this->end() - sums_.first);
        }
    }

  private:
    const Network& network() const { return engine_.network(); }

    void add_batch(int64_t count) {
        std::vector<int64_t> indices(count);
        std::iota(indices.begin(), indices.end(), sums_.end());
        const Recording recording = engine_.run(samples_.input(indices), counts_of(rows_));
        const FloatArray x = batch_responses(network(), recording, options_.kind, engine_.execution());
        const std::vector<int> predicted = decisions(recording.scores);
        Execution to_the_end;  // sums hold a batch whole or not at all
        to_the_end.threads = engine_.execution().threads;
        to_the_end.kernel = engine_.execution().kernel;
        add_rows(sums_, x, predicted, to_the_end);
        for (const LayerRows& rows : rows_)
            add_top(sums_, x, rows, recording.layer(rows.layer), network().layers[rows.layer].out_width, to_the_end);
        for (int64_t n = 0; n < count; ++n)
            sums_.correct += predicted[n] != kUndecided && predicted[n] == samples_.label(indices[n]);
        sums_.samples += count;
    }

    const Engine& engine_;
    const SampleSource& samples_;
    const ResponseOptions& options_;
    ResponseSums& sums_;
    std::vector<LayerRows> rows_;
};

}  // namespace

void accumulate_responses(const Engine& engine, const SampleSource& samples, const ResponseOptions& options,
                          ResponseSums& sums, const std::function<void(const ResponseSums&)>& after_chunk) {
    Accumulation accumulation(engine, samples, options, sums);
    while (sums.end() < accumulation.end()) {
        accumulation.add_until(std::min(sums.end() + options.chunk, accumulation.end()));
        if (after_chunk) after_chunk(sums);
    }
}

}  // namespace spikelens
