#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/evaluate/metric.h"

namespace spikelens {

/// What one explained sample is made of, for metrics that take parts of it away. Of an image, coded or not, its pixels: all
/// channels together, taken away to the baseline. Of a recording the places [T, C, H, W] that hold spikes, taken away to none.
class Pieces {
  public:
    /// Where a piece lies; step 0 of a pixel.
    struct Place {
        int64_t step = 0, row = 0, column = 0;
    };

    /// Sample n of what is explained.
    Pieces(const MetricContext& context, const ExplainedSamples& explained, int64_t n, const MetricOptions& options);

    int64_t count() const { return static_cast<int64_t>(places_.size()); }
    const std::vector<Place>& places() const { return places_; }
    /// What the map gives each piece, as it is ranked.
    const std::vector<double>& attribution() const { return attribution_; }
    /// Σ attribution of these pieces.
    double sum(std::span<const int64_t> pieces) const;
    /// Scores [M, classes] of M versions of the sample, each without these pieces.
    FloatArray scores_without(std::span<const std::vector<int64_t>> removed) const;
    /// By how much the score of the class explained falls in each version.
    std::vector<double> drops(std::span<const std::vector<int64_t>> removed) const;

    int64_t steps() const { return steps_; }
    int64_t height() const { return height_; }
    int64_t width() const { return width_; }

  private:
    void cut_image(const MetricContext& context, const ExplainedSamples& explained, Baseline baseline);
    void cut_recording(const ExplainedSamples& explained);
    FloatArray scores_of(std::span<const std::vector<int64_t>> removed) const;

    const MetricContext& context_;
    int64_t n_, sample_;
    int target_;
    double score_ = 0;
    FloatArray image_, baseline_;  ///< [1, C, H, W]; empty of a recording
    Array<uint8_t> spikes_;        ///< [1, T, C, H, W]; empty of an image
    std::vector<int64_t> index_;   ///< of each piece in its channel, or among all places
    std::vector<Place> places_;
    std::vector<double> attribution_;
    int64_t steps_ = 1, height_ = 0, width_ = 0;
};

/// Scores [M, classes] of versions [M, C, H, W] of one sample's image, coded as the network is shown it.
FloatArray image_scores(const MetricContext& context, const FloatArray& images, int64_t sample);

/// Pearson's correlation; 0 when one side is constant.
double pearson(std::span<const double> a, std::span<const double> b);

}  // namespace spikelens
