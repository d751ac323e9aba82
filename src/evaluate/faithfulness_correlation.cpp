#include <algorithm>
#include <cmath>

#include "spikelens/core/random.h"

#include "metrics.h"
#include "pieces.h"

namespace spikelens {
namespace {

constexpr int kDraws = 100;
constexpr double kShare = 2.0 / 7;  ///< 224 of 784 pixels

class FaithfulnessCorrelation final : public Metric {
  public:
    const MetricInfo& info() const override {
        static const MetricInfo info{
            .name = "faithfulness_correlation",
            .title = "Correlation of what random pieces were given with how far the score falls without them",
            .direction = "higher",
            .range = "-1 to 1",
            .cost = "100 simulations",
            .source = "Bhatt, Weller, Moura, IJCAI 2020, Sec. 3"};
        return info;
    }

    /// Two sevenths of the pixels, or of the places that spike, at a time.
    MetricResult measure(const MetricContext& context, const ExplainedSamples& explained,
                         const MetricOptions& options) const override {
        MetricResult result;
        for (size_t n = 0; n < explained.samples.size(); ++n) {
            const Pieces pieces(context, explained, static_cast<int64_t>(n), options);
            const auto sample = static_cast<uint64_t>(explained.samples[n]);
            const int64_t size = std::llround(kShare * static_cast<double>(pieces.count()));
            std::vector<std::vector<int64_t>> removed;
            std::vector<double> given;
            for (uint64_t draw = 0; draw < kDraws; ++draw) {
                auto order = random_permutation(pieces.count(), options.seed, Stream::subsets, {sample, draw});
                order.resize(size);
                given.push_back(pieces.sum(order));
                removed.push_back(std::move(order));
            }
            result.values.push_back(pearson(given, pieces.drops(removed)));
        }
        return result;
    }
};

}  // namespace

MetricPointer make_faithfulness_correlation_metric() { return std::make_shared<FaithfulnessCorrelation>(); }

}  // namespace spikelens
