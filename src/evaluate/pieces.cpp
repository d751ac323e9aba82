#include "pieces.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "attribute/spike_copies.h"

namespace spikelens {
namespace {

constexpr size_t kImagesAtOnce = 64;

double pearson(std::span<const double> a, std::span<const double> b) {
    const auto count = static_cast<double>(a.size());
    const double mean_a = std::accumulate(a.begin(), a.end(), 0.0) / count;
    const double mean_b = std::accumulate(b.begin(), b.end(), 0.0) / count;
    double product = 0, squares_a = 0, squares_b = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        product += (a[i] - mean_a) * (b[i] - mean_b);
        squares_a += (a[i] - mean_a) * (a[i] - mean_a);
        squares_b += (b[i] - mean_b) * (b[i] - mean_b);
    }
    return squares_a > 0 && squares_b > 0 ? product / std::sqrt(squares_a * squares_b) : 0;
}

}  // namespace

Pieces::Pieces(const MetricContext& context, const ExplainedSamples& explained, int64_t n, const MetricOptions& options)
    : context_(context),
      sample_(explained.samples[n]),
      target_(explained.targets[n]),
      score_(explained.scores.row(n)[target_]) {
    const FloatArray attribution = explained.attribution.rows(n, 1).copy();
    if (explained.input.spiking() && !context.shown)
        cut_recording(explained, n, attribution);
    else
        cut_image(context, attribution, explained.method.view, options.baseline);
}

void Pieces::cut_image(const MetricContext& context, const FloatArray& attribution, View view, Baseline baseline) {
    image_ = context.images(std::span(&sample_, 1));
    baseline_ = baseline_images(image_, baseline);
    height_ = image_.extent(2);
    width_ = image_.extent(3);
    attribution_ = pixel_maps(attribution, view).data;
    index_.resize(attribution_.size());
    std::iota(index_.begin(), index_.end(), int64_t{0});
}

void Pieces::cut_recording(const ExplainedSamples& explained, int64_t n, const FloatArray& attribution) {
    spikes_ = explained.input.spikes.rows(n, 1).copy();
    steps_ = spikes_.extent(1);
    height_ = spikes_.extent(3);
    width_ = spikes_.extent(4);
    const FloatArray map = spike_scores(attribution, explained.method.view, spikes_.shape);
    index_ = spike_places(spikes_.data);
    for (const int64_t place : index_) attribution_.push_back(map.data[place]);
}

Pieces::Place Pieces::place(int64_t piece) const {
    const int64_t at = index_[piece], step = spikes_.empty() ? 0 : at / (spikes_.size() / steps_);
    return {step, at / width_ % height_, at % width_};
}

double Pieces::sum(std::span<const int64_t> pieces) const {
    return std::accumulate(pieces.begin(), pieces.end(), 0.0,
                           [&](double sum, int64_t piece) { return sum + attribution_[piece]; });
}

FloatArray Pieces::scores_of_images(std::span<const std::vector<int64_t>> removed) const {
    const int64_t pixels = height_ * width_;
    FloatArray scores;
    while (!removed.empty()) {
        FloatArray versions;
        const size_t count = std::min(kImagesAtOnce, removed.size());
        for (size_t v = 0; v < count; ++v) {
            versions.append(image_);
            const auto version = versions.row(static_cast<int64_t>(v));
            for (const int64_t pixel : removed[v])
                for (int64_t i = pixel; i < versions.row_size(); i += pixels) version[i] = baseline_.data[i];
        }
        scores.append(image_scores(context_, versions, sample_));
        removed = removed.subspan(count);
    }
    return scores;
}

FloatArray Pieces::scores_of_recordings(std::span<const std::vector<int64_t>> removed) const {
    return scores_without(*context_.model.engine, spikes_.sub(0), static_cast<int64_t>(removed.size()),
                          [&](int64_t version) {
                              std::vector<int64_t> places;
                              for (const int64_t piece : removed[version]) places.push_back(index_[piece]);
                              return places;
                          });
}

std::vector<float> Pieces::scores_of(std::span<const std::vector<int64_t>> removed) const {
    const FloatArray all = image_.empty() ? scores_of_recordings(removed) : scores_of_images(removed);
    std::vector<float> scores;
    for (int64_t v = 0; v < all.extent(0); ++v) scores.push_back(all.row(v)[target_]);
    return scores;
}

std::vector<double> Pieces::drops(const std::string& name, std::span<const std::vector<int64_t>> removed) const {
    std::vector<float> computed;
    std::vector<float>& scores = context_.versions ? (*context_.versions)[{name, sample_, target_}] : computed;
    if (scores.empty()) scores = scores_of(removed);
    std::vector<double> drops;
    for (const float score : scores) drops.push_back(score_ - score);
    return drops;
}

MetricResult measure_pieces(const MetricContext& context, const ExplainedSamples& explained,
                            const MetricOptions& options, const std::function<double(const Pieces&)>& value) {
    MetricResult result;
    for (size_t n = 0; n < explained.samples.size(); ++n)
        result.values.push_back(value(Pieces(context, explained, static_cast<int64_t>(n), options)));
    return result;
}

double correlation(const Pieces& pieces, const std::string& name, int64_t size,
                   std::vector<std::vector<int64_t>> orders) {
    std::vector<double> given;
    for (std::vector<int64_t>& order : orders) {
        order.resize(size);
        given.push_back(pieces.sum(order));
    }
    return pearson(given, pieces.drops(name, orders));
}

FloatArray image_scores(const MetricContext& context, const FloatArray& images, int64_t sample) {
    if (context.shown) return context.model.engine->run(context.shown(images, sample)).scores;
    return context.model.engine->run(images).scores;
}

}  // namespace spikelens
