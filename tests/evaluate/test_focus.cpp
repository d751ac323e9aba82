#include <algorithm>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/evaluate/metric.h"
#include "spikelens/evaluate/statistics.h"

namespace spikelens {
namespace {

constexpr int64_t kSamples = 40, kSide = 9;
constexpr int kSteps = 4;

/// Class c is what channel c shows, anywhere.
class Channels : public SampleSource {
  public:
    Channels(bool spiking, int classes) : spiking_(spiking), classes_(classes) {}
    int64_t size() const override { return kSamples; }
    Shape shape() const override { return {2, kSide, kSide}; }
    const std::vector<std::string>& classes() const override { return names_; }
    int steps() const override { return spiking_ ? kSteps : 0; }
    int label(int64_t index) const override { return static_cast<int>(index % classes_); }
    FloatArray images(std::span<const int64_t> indices) const override {
        FloatArray all({static_cast<int64_t>(indices.size()), 2, kSide, kSide});
        for (size_t n = 0; n < indices.size(); ++n) {
            const int64_t first = label(indices[n]) * kSide * kSide;
            for (int64_t p = first; p < first + kSide * kSide; ++p)
                all.row(static_cast<int64_t>(n))[p] = static_cast<float>(
                    random_uniform(1, Stream::test, {static_cast<uint64_t>(indices[n]), static_cast<uint64_t>(p)}));
        }
        return all;
    }
    Input input(std::span<const int64_t> indices) const override {
        const FloatArray all = images(indices);
        if (!spiking_) return all;
        Array<uint8_t> spikes({all.extent(0), kSteps, 2, kSide, kSide});
        for (int64_t i = 0; i < spikes.size(); ++i)
            spikes.data[i] = all.row(i / spikes.row_size())[i % all.row_size()] > 0.5F ? 1 : 0;
        return spikes;
    }

  private:
    bool spiking_;
    int classes_;
    std::vector<std::string> names_{"a", "b"};
};

/// What the class's own channel shows, the opposite, or chance.
class Known : public AttributionMethod {
  public:
    enum class Kind { truth, opposite, chance };
    explicit Known(Kind kind) : kind_(kind) { info_.on_spikes = true; }
    FloatArray attribute(const AttributionContext&, const AttributionRequest& request) const override {
        const Input& input = request.input;
        const int64_t pixels = kSide * kSide;
        FloatArray maps({input.samples(), 1, kSide, kSide});
        for (int64_t n = 0; n < input.samples(); ++n)
            for (int64_t p = 0; p < pixels; ++p) {
                float shown[2] = {};
                for (int64_t i = p; i < element_count(std::span(input.shape()).subspan(1)); i += pixels)
                    shown[i / pixels % 2] += input.spiking() ? input.spikes.row(n)[i] : input.images.row(n)[i];
                const float truth = shown[request.targets[n]] - shown[1 - request.targets[n]];
                const auto address = static_cast<uint64_t>(n * pixels + p);
                maps.row(n)[p] = kind_ == Kind::truth ? truth
                                 : kind_ == Kind::opposite
                                     ? -truth
                                     : static_cast<float>(random_uniform(9, Stream::test, {address}));
            }
        return maps;
    }

  private:
    Kind kind_;
};

std::vector<double> focus(bool spiking, Known::Kind kind, int classes = 2, const char* metric = "focus") {
    Network network = parse_network("2F", {2, kSide, kSide}, kSteps);
    initialise_weights(network, 1);
    const CpuEngine engine(network);
    const Channels data(spiking, classes);
    MetricContext context;
    context.model.engine = &engine;
    context.data = &data;
    context.images = [&](std::span<const int64_t> samples) { return data.images(samples); };
    std::vector<int64_t> samples(kSamples);
    for (int64_t n = 0; n < kSamples; ++n) samples[n] = n;
    const std::vector<int> targets(kSamples);
    const Input input = data.input(samples);
    const FloatArray scores = engine.run(input).scores;
    const MethodSpec method{"known", std::make_shared<Known>(kind), View::natural, "known"};
    const FloatArray attribution = explain(method, context.model, {input, targets, samples});
    return find_metric(metric)->measure(context, {method, samples, input, targets, scores, attribution}, {}).values;
}

TEST(Focus, FindsTheQuartersOfTheClass) {
    for (const bool spiking : {false, true}) {
        EXPECT_EQ(focus(spiking, Known::Kind::truth), std::vector<double>(kSamples, 1));
        EXPECT_EQ(focus(spiking, Known::Kind::opposite), std::vector<double>(kSamples, 0));
        const Estimate chance = estimate_mean(focus(spiking, Known::Kind::chance));
        EXPECT_NEAR(chance.mean, 0.5, 0.03);
    }
}

TEST(PointingGame, WithoutMasksIsPlayedInMosaics) {
    for (const bool spiking : {false, true}) {
        EXPECT_EQ(focus(spiking, Known::Kind::truth, 2, "pointing_game"), std::vector<double>(kSamples, 1));
        EXPECT_EQ(focus(spiking, Known::Kind::opposite, 2, "pointing_game"), std::vector<double>(kSamples, 0));
        const Estimate chance = estimate_mean(focus(spiking, Known::Kind::chance, 2, "pointing_game"));
        EXPECT_LT(chance.low, 0.5);
        EXPECT_GT(chance.high, 0.5);
    }
}

TEST(EnergyInside, NeedsMasks) { EXPECT_THROW(focus(false, Known::Kind::truth, 2, "energy_inside"), InputError); }

TEST(Focus, NeedsTwoClasses) { EXPECT_THROW(focus(false, Known::Kind::truth, 1), InputError); }

}  // namespace
}  // namespace spikelens
