#include <algorithm>
#include <array>
#include <cmath>

#include "spikelens/core/random.h"

#include "metrics.h"
#include "pieces.h"

namespace spikelens {
namespace {

constexpr int kDraws = 50;
constexpr std::array<double, 8> kShares = {0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8};

class SensitivityN final : public Metric {
  public:
    const MetricInfo& info() const override {
        static const MetricInfo info{
            .name = "sensitivity_n",
            .title = "The correlation of faithfulness_correlation, averaged over sizes from 1 to 80 % of the pieces",
            .direction = "higher",
            .range = "-1 to 1",
            .cost = "400 simulations",
            .source = "Ancona, Ceolini, Oeztireli, Gross, ICLR 2018, Sec. 4"};
        return info;
    }

    MetricResult measure(const MetricContext& context, const ExplainedSamples& explained,
                         const MetricOptions& options) const override {
        MetricResult result;
        for (size_t n = 0; n < explained.samples.size(); ++n) {
            const Pieces pieces(context, explained, static_cast<int64_t>(n), options);
            double sum = 0;
            for (size_t s = 0; s < kShares.size(); ++s)
                sum += correlation(pieces, s, static_cast<uint64_t>(explained.samples[n]), options.seed);
            result.values.push_back(sum / kShares.size());
        }
        return result;
    }

  private:
    static double correlation(const Pieces& pieces, size_t share, uint64_t sample, uint64_t seed) {
        const auto size = static_cast<int64_t>(std::ceil(kShares[share] * static_cast<double>(pieces.count())));
        std::vector<std::vector<int64_t>> removed;
        std::vector<double> given;
        for (uint64_t draw = 0; draw < kDraws; ++draw) {
            auto order = random_permutation(pieces.count(), seed, Stream::subsets, {sample, draw, share});
            order.resize(size);
            given.push_back(pieces.sum(order));
            removed.push_back(std::move(order));
        }
        return pearson(given, pieces.drops(removed));
    }
};

}  // namespace

MetricPointer make_sensitivity_n_metric() { return std::make_shared<SensitivityN>(); }

}  // namespace spikelens
