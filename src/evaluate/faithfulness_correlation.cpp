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
        return measure_pieces(context, explained, options, [&](const Pieces& pieces) {
            std::vector<std::vector<int64_t>> orders;
            for (uint64_t draw = 0; draw < kDraws; ++draw)
                orders.push_back(random_permutation(pieces.count(), options.seed, Stream::subsets,
                                                    {static_cast<uint64_t>(pieces.sample()), draw}));
            return correlation(pieces, info().name, std::llround(kShare * static_cast<double>(pieces.count())),
                               std::move(orders));
        });
    }
};

}  // namespace

MetricPointer make_faithfulness_correlation_metric() { return std::make_shared<FaithfulnessCorrelation>(); }

}  // namespace spikelens
