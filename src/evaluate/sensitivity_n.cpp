#include <array>
#include <cmath>
#include <string>

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
        return measure_pieces(context, explained, options, [&](const Pieces& pieces) {
            double sum = 0;
            for (size_t s = 0; s < kShares.size(); ++s) {
                std::vector<std::vector<int64_t>> orders;
                for (uint64_t draw = 0; draw < kDraws; ++draw)
                    orders.push_back(random_permutation(pieces.count(), options.seed, Stream::subsets,
                                                        {static_cast<uint64_t>(pieces.sample()), draw, s}));
                const double size = std::ceil(kShares[s] * static_cast<double>(pieces.count()));
                sum += correlation(pieces, info().name + " " + std::to_string(s), static_cast<int64_t>(size),
                                   std::move(orders));
            }
            return sum / kShares.size();
        });
    }
};

}  // namespace

MetricPointer make_sensitivity_n_metric() { return std::make_shared<SensitivityN>(); }

}  // namespace spikelens
