#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/core/random.h"
#include "spikelens/evaluate/metric.h"
#include "spikelens/evaluate/robustness.h"

#include "attribute/noisy_copy.h"

namespace spikelens {
namespace {

constexpr uint64_t kSeed = 5;

Network network() {
    Network network = parse_network("4C3-LIF-MP2-8F-LIF-3F", {1, 8, 8}, 5);
    initialise_weights(network, 7);
    for (Layer& layer : network.layers)
        for (float& weight : layer.weight.data) weight *= 3;
    return network;
}

struct Case {
    CpuEngine engine{network()};
    Input input;
    std::vector<int64_t> samples{4, 9, -2};
    std::vector<int> targets{0, 2, 1};

    explicit Case(bool spiking) {
        FloatArray images({3, 1, 8, 8});
        for (int64_t i = 0; i < images.size(); ++i)
            images.data[i] = static_cast<float>(random_uniform(1, Stream::test, {static_cast<uint64_t>(i)}));
        input = images;
        if (!spiking) return;
        Array<uint8_t> spikes({3, 5, 1, 8, 8});
        for (int64_t i = 0; i < spikes.size(); ++i)
            spikes.data[i] = random_uniform(2, Stream::test, {static_cast<uint64_t>(i)}) < 0.4 ? 1 : 0;
        input = spikes;
    }

    FloatArray maps(const MethodSpec& method, const Engine& of, const Input& shown) const {
        return pixel_maps(explain(method, {.engine = &of, .seed = kSeed}, {shown, targets, samples}), method.view);
    }

    MetricResult measure(const std::string& metric, const MethodSpec& method) const {
        MetricContext context;
        context.model = {.engine = &engine, .seed = kSeed};
        context.engine_of = [](Network of) { return std::make_shared<CpuEngine>(std::move(of)); };
        const FloatArray scores = engine.run(input).scores;
        const FloatArray attribution = explain(method, context.model, {input, targets, samples});
        return find_metric(metric)->measure(context, {method, samples, input, targets, scores, attribution},
                                            MetricOptions{.seed = kSeed});
    }
};

TEST(Mprt, ComparesWithTheMapOfEveryCascade) {
    for (const bool spiking : {false, true}) {
        const Case of(spiking);
        const MethodSpec method = parse_method("gate");
        const MetricResult result = of.measure("mprt", method);
        ASSERT_EQ(result.curves.shape, (Shape{3, 3})) << "three layers have weights";
        const FloatArray maps = of.maps(method, of.engine, of.input);
        std::vector<double> mean(3);
        for (int last = 1; last <= 3; ++last) {
            const CpuEngine drawn(randomise_last(of.engine.network(), last, kSeed));
            const std::vector<double> ranks = rank_correlation(maps, of.maps(method, drawn, of.input));
            for (int64_t n = 0; n < 3; ++n) {
                EXPECT_FLOAT_EQ(result.curves.row(n)[last - 1], static_cast<float>(std::abs(ranks[n])));
                mean[n] += std::abs(ranks[n]) / 3;
            }
        }
        for (int64_t n = 0; n < 3; ++n) EXPECT_NEAR(result.values[n], mean[n], 1e-12);
        EXPECT_EQ(of.measure("mprt", parse_method("input")).values, std::vector<double>(3, 1)) << "it sees no network";
    }
}

TEST(Mprt, SmoothMapsAreMeansOverNoise) {
    const Case of(false);
    const MethodSpec method = parse_method("gate");
    const auto smooth = [&](const Engine& engine) {
        FloatArray mean({3, 8, 8});
        std::vector<double> sum(mean.size());
        for (int64_t copy = 0; copy < 50; ++copy) {
            const FloatArray maps = of.maps(method, engine, noisy_copy(of.input, of.samples, copy, 0.1, kSeed));
            for (size_t i = 0; i < sum.size(); ++i) sum[i] += maps.data[i];
        }
        for (size_t i = 0; i < sum.size(); ++i) mean.data[i] = static_cast<float>(sum[i] / 50);
        return mean;
    };
    const MetricResult result = of.measure("smprt", method);
    const CpuEngine drawn(randomise_last(of.engine.network(), 1, kSeed));
    const std::vector<double> ranks = rank_correlation(smooth(of.engine), smooth(drawn));
    for (int64_t n = 0; n < 3; ++n) EXPECT_NEAR(result.curves.row(n)[0], std::abs(ranks[n]), 1e-6);
}

/// A map of so many equal steps from 0 up, as many as the network's first weight says.
class Steps : public AttributionMethod {
  public:
    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const bool drawn = context.engine->network().layers[0].weight.data != network().layers[0].weight.data;
        FloatArray maps({request.input.samples(), 1, 8, 8});
        for (int64_t i = 0; i < maps.size(); ++i) maps.data[i] = static_cast<float>(i % (drawn ? 8 : 2));
        return maps;
    }
};

TEST(Mprt, EntropyIsThatOfTheHistogram) {
    const MethodSpec method{"steps", std::make_shared<Steps>(), View::natural, "steps"};
    for (const double value : Case(false).measure("emprt", method).values)
        EXPECT_NEAR(value, 2, 1e-12) << "from ln 2 to ln 8";
    EXPECT_EQ(Case(false).measure("emprt", parse_method("uniform")).values, std::vector<double>(3, 0));
}

}  // namespace
}  // namespace spikelens
