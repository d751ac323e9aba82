#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/evaluate/metric.h"

namespace spikelens {

/// What one explained sample is made of, for metrics that take parts of it away. Of an image, coded or not, its pixels:
/// all channels together, taken away to the baseline. Of a recording the places [T, C, H, W] that hold spikes, taken
/// away to none.
class Pieces {
  public:
    /// Where a piece lies; step 0 of a pixel.
    struct Place {
        int64_t step = 0, row = 0, column = 0;
    };

    /// Sample n of what is explained.
    Pieces(const MetricContext& context, const ExplainedSamples& explained, int64_t n, const MetricOptions& options);

    int64_t sample() const { return sample_; }
    int64_t count() const { return static_cast<int64_t>(index_.size()); }
    Place place(int64_t piece) const;
    /// Σ of what the map gives these pieces, as it is ranked.
    double sum(std::span<const int64_t> pieces) const;
    /// By how much the score of the class explained falls in versions of the sample, each without these pieces. No map
    /// may decide which: under this name they are simulated once for all maps of the sample.
    std::vector<double> drops(const std::string& name, std::span<const std::vector<int64_t>> removed) const;

    int64_t steps() const { return steps_; }
    int64_t height() const { return height_; }
    int64_t width() const { return width_; }

  private:
    void cut_image(const MetricContext& context, const FloatArray& attribution, View view, Baseline baseline);
    void cut_recording(const ExplainedSamples& explained, int64_t n, const FloatArray& attribution);
    std::vector<float> scores_of(std::span<const std::vector<int64_t>> removed) const;
    FloatArray scores_of_images(std::span<const std::vector<int64_t>> removed) const;
    FloatArray scores_of_recordings(std::span<const std::vector<int64_t>> removed) const;

    const MetricContext& context_;
    int64_t sample_;
    int target_;
    double score_;
    FloatArray image_, baseline_;  ///< [1, C, H, W]; empty of a recording
    Array<uint8_t> spikes_;        ///< [1, T, C, H, W]; empty of an image
    std::vector<int64_t> index_;   ///< of each piece in its channel, or among all places
    std::vector<float> attribution_;
    int64_t steps_ = 1, height_ = 0, width_ = 0;
};

/// One value for each explained sample, from its pieces.
MetricResult measure_pieces(const MetricContext& context, const ExplainedSamples& explained,
                            const MetricOptions& options, const std::function<double(const Pieces&)>& value);

/// Pearson's correlation, over sets of pieces, of what the map gives them with how far the score falls without them:
/// the first `size` pieces of each order, which has this name (see drops()). 0 when one side is constant.
double correlation(const Pieces& pieces, const std::string& name, int64_t size,
                   std::vector<std::vector<int64_t>> orders);

/// Scores [M, classes] of versions [M, C, H, W] of one sample's image, coded as the network is shown it.
FloatArray image_scores(const MetricContext& context, const FloatArray& images, int64_t sample);

}  // namespace spikelens
