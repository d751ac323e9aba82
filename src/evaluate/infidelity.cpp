#include <algorithm>

#include "spikelens/core/random.h"

#include "metrics.h"
#include "pieces.h"

namespace spikelens {
namespace {

constexpr int kDraws = 100;

/// Draws parts of one sample: a square of pixels, in a recording for some of its time.
class Parts {
  public:
    Parts(const Pieces& pieces, uint64_t seed) : pieces_(pieces), seed_(seed) {}

    std::vector<int64_t> draw(uint64_t number) const {
        const RandomRow random(seed_, Stream::squares, {static_cast<uint64_t>(pieces_.sample()), number});
        const int64_t side = length(std::min(pieces_.height(), pieces_.width()), random.uniform(0));
        const int64_t steps = pieces_.steps() == 1 ? 1 : length(pieces_.steps(), random.uniform(1));
        const int64_t row = below(pieces_.height() - side + 1, random.uniform(2));
        const int64_t column = below(pieces_.width() - side + 1, random.uniform(3));
        const int64_t step = below(pieces_.steps() - steps + 1, random.uniform(4));
        const auto inside = [](int64_t value, int64_t first, int64_t count) {
            return value >= first && value < first + count;
        };
        std::vector<int64_t> part;
        for (int64_t i = 0; i < pieces_.count(); ++i) {
            const Pieces::Place place = pieces_.place(i);
            if (inside(place.row, row, side) && inside(place.column, column, side) && inside(place.step, step, steps))
                part.push_back(i);
        }
        return part;
    }

  private:
    static int64_t below(int64_t count, double uniform) {
        return static_cast<int64_t>(uniform * static_cast<double>(count));
    }
    /// 1 to half of the whole.
    static int64_t length(int64_t whole, double uniform) { return 1 + below(std::max<int64_t>(1, whole / 2), uniform); }

    const Pieces& pieces_;
    uint64_t seed_;
};

/// Mean of (s·given − drop)² for the best scale s ≥ 0: a map that points the wrong way is not turned round.
double unexplained(std::span<const double> given, std::span<const double> drops) {
    double product = 0, squares = 0;
    for (size_t i = 0; i < given.size(); ++i) {
        product += given[i] * drops[i];
        squares += given[i] * given[i];
    }
    const double scale = squares > 0 ? std::max(0.0, product / squares) : 0;
    double sum = 0;
    for (size_t i = 0; i < given.size(); ++i) sum += (scale * given[i] - drops[i]) * (scale * given[i] - drops[i]);
    return sum / static_cast<double>(given.size());
}

class Infidelity final : public Metric {
  public:
    const MetricInfo& info() const override {
        static const MetricInfo info{
            .name = "infidelity",
            .title = "Mean square of what the map, best scaled, leaves unexplained when random squares are taken away",
            .direction = "lower",
            .range = "0 to infinity, in squared units of the class score",
            .cost = "100 simulations",
            .source = "Yeh, Hsieh, Suggala, Inouye, Ravikumar, NeurIPS 2019, Sec. 2 and 3"};
        return info;
    }

    MetricResult measure(const MetricContext& context, const ExplainedSamples& explained,
                         const MetricOptions& options) const override {
        return measure_pieces(context, explained, options, [&](const Pieces& pieces) {
            const Parts parts(pieces, options.seed);
            std::vector<std::vector<int64_t>> removed;
            std::vector<double> given;
            for (uint64_t draw = 0; draw < kDraws; ++draw) {
                removed.push_back(parts.draw(draw));
                given.push_back(pieces.sum(removed.back()));
            }
            return unexplained(given, pieces.drops(info().name, removed));
        });
    }
};

}  // namespace

MetricPointer make_infidelity_metric() { return std::make_shared<Infidelity>(); }

}  // namespace spikelens
