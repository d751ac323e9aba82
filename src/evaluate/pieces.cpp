#include "pieces.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace spikelens {
namespace {

constexpr int64_t kVersionsAtOnce = 64;

}  // namespace

Pieces::Pieces(const MetricContext& context, const ExplainedSamples& explained, int64_t n, const MetricOptions& options)
    : context_(context), n_(n), sample_(explained.samples[n]), target_(explained.targets[n]) {
    score_ = explained.scores.row(n)[target_];
    if (explained.input.spiking() && !context.shown)
        cut_recording(explained);
    else
        cut_image(context, explained, options.baseline);
}

void Pieces::cut_image(const MetricContext& context, const ExplainedSamples& explained, Baseline baseline) {
    image_ = context.images(std::span(&sample_, 1));
    baseline_ = baseline_images(image_, baseline);
    height_ = image_.extent(2);
    width_ = image_.extent(3);
    const FloatArray map = pixel_maps(explained.attribution.rows(n_, 1).copy(), explained.method.view);
    for (int64_t i = 0; i < height_ * width_; ++i) {
        index_.push_back(i);
        places_.push_back({0, i / width_, i % width_});
        attribution_.push_back(map.data[i]);
    }
}

void Pieces::cut_recording(const ExplainedSamples& explained) {
    spikes_ = explained.input.spikes.rows(n_, 1).copy();
    steps_ = spikes_.extent(1);
    height_ = spikes_.extent(3);
    width_ = spikes_.extent(4);
    const FloatArray map = spike_scores(explained.attribution.rows(n_, 1).copy(), explained.method.view, spikes_.shape);
    const int64_t step = spikes_.row_size() / steps_;
    for (int64_t i = 0; i < spikes_.size(); ++i) {
        if (spikes_.data[i] == 0) continue;
        index_.push_back(i);
        places_.push_back({i / step, i / width_ % height_, i % width_});
        attribution_.push_back(map.data[i]);
    }
}

double Pieces::sum(std::span<const int64_t> pieces) const {
    return std::accumulate(pieces.begin(), pieces.end(), 0.0,
                           [&](double sum, int64_t piece) { return sum + attribution_[piece]; });
}

FloatArray Pieces::scores_of(std::span<const std::vector<int64_t>> removed) const {
    const auto versions = static_cast<int64_t>(removed.size());
    if (image_.empty()) {
        Array<uint8_t> all;
        for (int64_t v = 0; v < versions; ++v) {
            all.append(spikes_);
            for (const int64_t piece : removed[v]) all.row(v)[index_[piece]] = 0;
        }
        return context_.model.engine->run(all).scores;
    }
    FloatArray all;
    const int64_t pixels = height_ * width_;
    for (int64_t v = 0; v < versions; ++v) {
        all.append(image_);
        for (const int64_t piece : removed[v])
            for (int64_t i = index_[piece]; i < all.row_size(); i += pixels) all.row(v)[i] = baseline_.data[i];
    }
    return image_scores(context_, all, sample_);
}

FloatArray Pieces::scores_without(std::span<const std::vector<int64_t>> removed) const {
    FloatArray scores;
    for (size_t first = 0; first < removed.size(); first += kVersionsAtOnce)
        scores.append(scores_of(removed.subspan(first, std::min<size_t>(kVersionsAtOnce, removed.size() - first))));
    return scores;
}

std::vector<double> Pieces::drops(std::span<const std::vector<int64_t>> removed) const {
    const FloatArray scores = scores_without(removed);
    std::vector<double> drops;
    for (size_t v = 0; v < removed.size(); ++v) drops.push_back(score_ - scores.row(static_cast<int64_t>(v))[target_]);
    return drops;
}

FloatArray image_scores(const MetricContext& context, const FloatArray& images, int64_t sample) {
    if (context.shown) return context.model.engine->run(context.shown(images, sample)).scores;
    return context.model.engine->run(images).scores;
}

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

}  // namespace spikelens
