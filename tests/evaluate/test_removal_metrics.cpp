#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "spikelens/core/random.h"
#include "spikelens/evaluate/metric.h"

#include "evaluate/impute.h"

namespace spikelens {
namespace {

constexpr int kSteps = 5;

/// Any map: what the test says for a class.
class Given : public AttributionMethod {
  public:
    explicit Given(std::function<float(int64_t sample, int target, int64_t place)> value) : value_(std::move(value)) {
        info_.on_spikes = true;
    }
    FloatArray attribute(const AttributionContext&, const AttributionRequest& request) const override {
        Shape shape = request.input.shape();
        shape[request.input.spiking() ? 2 : 1] = 1;
        FloatArray maps(shape);
        for (int64_t n = 0; n < maps.extent(0); ++n)
            for (int64_t p = 0; p < maps.row_size(); ++p)
                maps.row(n)[p] = value_(request.samples[n], request.targets[n], p);
        return maps;
    }

  private:
    std::function<float(int64_t, int, int64_t)> value_;
};

float draw(uint64_t seed, uint64_t a, uint64_t b) {
    return static_cast<float>(random_uniform(seed, Stream::test, {a, b}));
}

/// A linear network on random images: its scores are w·x + b, so that all it does can be said without it.
struct Linear {
    explicit Linear(uint64_t seed, Shape shape, const std::string& readout = "3F")
        : network(parse_network(readout, shape, kSteps)), images({4, shape[0], shape[1], shape[2]}) {
        initialise_weights(network, seed);
        for (int64_t i = 0; i < images.size(); ++i) images.data[i] = draw(seed, 1, static_cast<uint64_t>(i));
        context.images = [this](std::span<const int64_t> of) { return images.select(of); };
    }

    double score(std::span<const float> image, int target) const {
        const auto weights = network.layers[0].weight.row(target);
        return std::inner_product(image.begin(), image.end(), weights.begin(),
                                  double{network.layers[0].bias.data[target]});
    }

    MetricResult measure(const std::string& metric, const std::shared_ptr<const AttributionMethod>& method,
                         const Input& input) const {
        const CpuEngine engine(network);
        MetricContext with = context;
        with.model.engine = &engine;
        const MethodSpec spec{"given", method, View::natural, "given"};
        const FloatArray attribution = method->attribute(with.model, {input, targets, samples});
        return find_metric(metric)->measure(
            with, {spec, samples, input, targets, engine.run(input).scores, attribution}, options);
    }

    Network network;
    FloatArray images;
    std::vector<int64_t> samples = {0, 1, 2, 3};
    std::vector<int> targets = {2, 0, 1, 2};
    MetricOptions options;
    MetricContext context;
};

std::shared_ptr<Given> noise(uint64_t seed) {
    return std::make_shared<Given>([seed](int64_t n, int target, int64_t p) {
        return draw(seed, 7 + static_cast<uint64_t>(n) * 10 + static_cast<uint64_t>(target), static_cast<uint64_t>(p)) -
               0.3F;
    });
}

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
    const auto n = static_cast<double>(a.size());
    double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        sa += a[i], sb += b[i];
        saa += a[i] * a[i], sbb += b[i] * b[i], sab += a[i] * b[i];
    }
    return (n * sab - sa * sb) / std::sqrt((n * saa - sa * sa) * (n * sbb - sb * sb));
}

/// The correlation over these subsets of pixels, from the weights alone.
double by_weights(const Linear& linear, int64_t n, const FloatArray& map, const FloatArray& baseline,
                  const std::vector<std::vector<int64_t>>& subsets) {
    std::vector<double> given, drops;
    const int64_t pixels = linear.images.extent(2) * linear.images.extent(3);
    for (const auto& subset : subsets) {
        std::vector<float> image(linear.images.row(n).begin(), linear.images.row(n).end());
        double sum = 0;
        for (const int64_t p : subset) {
            sum += map.row(n)[p];
            for (int64_t c = 0; c < linear.images.extent(1); ++c)
                image[c * pixels + p] = baseline.row(n)[c * pixels + p];
        }
        given.push_back(sum);
        drops.push_back(linear.score(linear.images.row(n), linear.targets[n]) - linear.score(image, linear.targets[n]));
    }
    return correlation(given, drops);
}

TEST(FaithfulnessCorrelation, OfALinearNetworkIsWhatItsWeightsSay) {
    for (const Shape& shape : {Shape{1, 4, 6}, Shape{3, 5, 5}, Shape{2, 1, 9}})
        for (const Baseline baseline : {Baseline::black, Baseline::mean}) {
            Linear linear(11, shape);
            linear.options.baseline = baseline;
            const auto method = noise(3);
            const FloatArray map = method->attribute({}, {linear.images, linear.targets, linear.samples});
            const MetricResult result = linear.measure("faithfulness_correlation", method, linear.images);
            const int64_t pixels = shape[1] * shape[2];
            for (int64_t n = 0; n < 4; ++n) {
                std::vector<std::vector<int64_t>> subsets;
                for (uint64_t d = 0; d < 100; ++d) {
                    auto order = random_permutation(pixels, 1, Stream::subsets, {static_cast<uint64_t>(n), d});
                    order.resize(std::llround(static_cast<double>(pixels) * 2 / 7));
                    subsets.push_back(order);
                }
                const double expected = by_weights(linear, n, map, baseline_images(linear.images, baseline), subsets);
                EXPECT_NEAR(result.values[n], expected, 1e-4) << shape_text(shape) << n;
            }
        }
}

TEST(SensitivityN, OfALinearNetworkIsWhatItsWeightsSay) {
    const Linear linear(12, {2, 6, 5});
    const auto method = noise(4);
    const FloatArray map = method->attribute({}, {linear.images, linear.targets, linear.samples});
    const MetricResult result = linear.measure("sensitivity_n", method, linear.images);
    const double shares[] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8};
    for (int64_t n = 0; n < 4; ++n) {
        double sum = 0;
        for (uint64_t s = 0; s < 8; ++s) {
            std::vector<std::vector<int64_t>> subsets;
            for (uint64_t d = 0; d < 50; ++d) {
                auto order = random_permutation(30, 1, Stream::subsets, {static_cast<uint64_t>(n), d, s});
                order.resize(static_cast<size_t>(std::ceil(shares[s] * 30)));
                subsets.push_back(order);
            }
            sum += by_weights(linear, n, map, baseline_images(linear.images, Baseline::black), subsets);
        }
        EXPECT_NEAR(result.values[n], sum / 8, 1e-4);
    }
}

/// What each pixel brings to a linear network's score.
std::shared_ptr<Given> truth(const Linear& linear, float scale) {
    return std::make_shared<Given>([&linear, scale](int64_t n, int target, int64_t p) {
        const int64_t pixels = linear.images.extent(2) * linear.images.extent(3);
        float sum = 0;
        for (int64_t i = p; i < linear.images.row_size(); i += pixels)
            sum += linear.images.row(n)[i] * linear.network.layers[0].weight.row(target)[i];
        return scale * sum;
    });
}

TEST(RemovalMetrics, KnowATrueMapWhateverItsScale) {
    const Linear linear(13, {2, 6, 6});
    const auto nothing = std::make_shared<Given>([](int64_t, int, int64_t) { return 0.0F; });
    const MetricResult none = linear.measure("infidelity", nothing, linear.images);
    const MetricResult against = linear.measure("infidelity", truth(linear, -2), linear.images);
    for (const float scale : {1.0F, 3.0F}) {
        const MetricResult infidelity = linear.measure("infidelity", truth(linear, scale), linear.images);
        for (int64_t n = 0; n < 4; ++n) {
            EXPECT_GT(none.values[n], 1e-4);
            EXPECT_LT(infidelity.values[n], 1e-6 * none.values[n]);
            EXPECT_DOUBLE_EQ(against.values[n], none.values[n]);  // a map that points the wrong way is not turned round
        }
        for (const char* metric : {"faithfulness_correlation", "sensitivity_n"})
            for (const double value : linear.measure(metric, truth(linear, scale), linear.images).values)
                EXPECT_NEAR(value, 1, 1e-6) << metric;
        for (const double value :
             linear.measure("faithfulness_correlation", truth(linear, -scale), linear.images).values)
            EXPECT_NEAR(value, -1, 1e-6);
    }
    for (const double value : linear.measure("faithfulness_correlation", nothing, linear.images).values)
        EXPECT_EQ(value, 0);
}

TEST(RemovalMetrics, TakeSpikesOfRecordingsAway) {
    Linear linear(14, {2, 4, 4});
    Array<uint8_t> spikes({4, kSteps, 2, 4, 4});
    for (int64_t i = 0; i < spikes.size(); ++i)
        spikes.data[i] = static_cast<uint8_t>(3 * draw(14, 5, static_cast<uint64_t>(i)));  // 0, 1, 2
    // A spike brings its weight to the sum over time.
    const auto method = std::make_shared<Given>([](int64_t, int, int64_t) { return 0.0F; });
    for (int64_t c = 0; c < 3; ++c) {
        const auto weights = linear.network.layers[0].weight.row(c);
        std::ranges::copy(weights.first(16), weights.begin() + 16);  // both channels alike: a place's map is its weight
    }
    const auto weight = std::make_shared<Given>([&](int64_t n, int target, int64_t p) {
        // one channel in the map, so that one of the two may be silent: the mean of what the two bring
        const int64_t step = p / 16, place = p % 16;
        const auto of = spikes.row(n).subspan(step * 32, 32);
        const int count = std::max(of[place], of[place + 16]);
        return static_cast<float>(count) * linear.network.layers[0].weight.row(target)[place];
    });
    for (int64_t n = 0; n < 4; ++n)  // the same count wherever both channels spike
        for (int64_t t = 0; t < kSteps; ++t)
            for (int64_t p = 0; p < 16; ++p) {
                auto of = spikes.row(n).subspan(t * 32, 32);
                if (of[p] != 0 && of[p + 16] != 0) of[p + 16] = of[p];
            }
    for (const char* metric : {"faithfulness_correlation", "sensitivity_n"})
        for (const double value : linear.measure(metric, weight, spikes).values) EXPECT_NEAR(value, 1, 1e-6) << metric;
    for (const double value : linear.measure("infidelity", weight, spikes).values) EXPECT_LT(value, 1e-9);
}

TEST(Sparseness, AndComplexityOfKnownMaps) {
    const Linear linear(15, {1, 4, 5});
    const auto value = [&](const char* metric, const std::shared_ptr<Given>& method) {
        return linear.measure(metric, method, linear.images).values[1];
    };
    const auto one = std::make_shared<Given>([](int64_t, int, int64_t p) { return p == 3 ? -2.0F : 0.0F; });
    const auto same = std::make_shared<Given>([](int64_t, int, int64_t p) { return p % 2 ? 0.5F : -0.5F; });
    const auto zero = std::make_shared<Given>([](int64_t, int, int64_t) { return 0.0F; });
    EXPECT_DOUBLE_EQ(value("sparseness", one), 1 - 1.0 / 20);
    EXPECT_NEAR(value("sparseness", same), 0, 1e-12);
    EXPECT_EQ(value("sparseness", zero), 0);
    EXPECT_EQ(value("complexity", one), 0);
    EXPECT_NEAR(value("complexity", same), std::log(20), 1e-12);
    EXPECT_NEAR(value("complexity", zero), std::log(20), 1e-12);
    const auto any = noise(6);
    const FloatArray map = any->attribute({}, {linear.images, linear.targets, linear.samples});
    double differences = 0, sum = 0;
    for (const float a : map.row(1)) {
        sum += std::abs(a);
        for (const float b : map.row(1)) differences += std::abs(std::abs(a) - std::abs(b));
    }
    EXPECT_NEAR(value("sparseness", any), differences / (2 * 20 * sum), 1e-6);
}

TEST(RandomLogit, ComparesWithAnotherClass) {
    const Linear linear(16, {1, 4, 4});
    const auto sign = std::make_shared<Given>([](int64_t n, int target, int64_t p) {
        // samples 1 and 3 of the targets 0 and 2: the other two classes rank the other way round
        const auto value = static_cast<float>(p * p);
        return (n == 1 && target == 0) || (n == 3 && target == 2) ? value : -value;
    });
    const auto result = linear.measure("random_logit", sign, linear.images);
    EXPECT_DOUBLE_EQ(result.values[0], 1);  // every class has this map
    EXPECT_DOUBLE_EQ(result.values[1], -1);
    EXPECT_DOUBLE_EQ(result.values[3], -1);
}

TEST(Irof, OfALinearNetworkIsWhatItsWeightsSay) {
    // 4 × 4 pixels are too few for cells of four: each pixel of the grid is a segment.
    const Linear linear(17, {1, 4, 4});
    const auto method = noise(8);
    const FloatArray map = method->attribute({}, {linear.images, linear.targets, linear.samples});
    const MetricResult result = linear.measure("irof", method, linear.images);
    for (int64_t n = 0; n < 4; ++n) {
        std::vector<int> order(16);
        std::iota(order.begin(), order.end(), 0);
        std::ranges::sort(order, [&](int a, int b) { return map.row(n)[a] > map.row(n)[b]; });
        std::vector<float> image(linear.images.row(n).begin(), linear.images.row(n).end());
        const float mean = std::accumulate(image.begin(), image.end(), 0.0F) / 16;
        const auto probability = [&] {
            double sum = 0;
            for (int c = 0; c < 3; ++c) sum += std::exp(linear.score(image, c));
            return std::exp(linear.score(image, linear.targets[n])) / sum;
        };
        const double whole = probability();
        double area = 0;
        for (const int p : order) {
            image[p] = mean;
            area += 1 - probability() / whole;
        }
        EXPECT_NEAR(result.values[n], area / 16, 1e-5);
    }
}

/// The definition of Rong et al. by elimination, dense.
std::vector<double> filled(std::vector<double> plane, int height, int width, const std::vector<uint8_t>& removed) {
    const int count = height * width;
    std::vector<std::vector<double>> rows(count, std::vector<double>(count + 1));
    for (int p = 0; p < count; ++p) {
        rows[p][p] = 1;
        if (!removed[p]) {
            rows[p][count] = plane[p];
            continue;
        }
        double sum = 0;
        for (int q = 0; q < count; ++q) {
            const int dy = std::abs(q / width - p / width), dx = std::abs(q % width - p % width);
            if (q != p && dy <= 1 && dx <= 1) sum += dy + dx == 1 ? 1.0 / 6 : 1.0 / 12;
        }
        for (int q = 0; q < count; ++q) {
            const int dy = std::abs(q / width - p / width), dx = std::abs(q % width - p % width);
            if (q != p && dy <= 1 && dx <= 1) rows[p][q] = -(dy + dx == 1 ? 1.0 / 6 : 1.0 / 12) / sum;
        }
    }
    for (int p = 0; p < count; ++p) {
        int pivot = p;
        for (int q = p; q < count; ++q)
            if (std::abs(rows[q][p]) > std::abs(rows[pivot][p])) pivot = q;
        std::swap(rows[p], rows[pivot]);
        for (int q = 0; q < count; ++q) {
            if (q == p) continue;
            const double factor = rows[q][p] / rows[p][p];
            for (int k = p; k <= count; ++k) rows[q][k] -= factor * rows[p][k];
        }
    }
    for (int p = 0; p < count; ++p) plane[p] = rows[p][count] / rows[p][p];
    return plane;
}

TEST(Impute, SolvesTheSystemOfItsDefinition) {
    for (const auto& [height, width] : {std::pair{5, 7}, std::pair{1, 9}, std::pair{8, 8}})
        for (const float share : {0.1F, 0.5F, 0.9F}) {
            const int count = height * width;
            std::vector<float> plane(count);
            std::vector<uint8_t> removed(count);
            for (int p = 0; p < count; ++p) {
                plane[p] = draw(21, 1, static_cast<uint64_t>(p));
                removed[p] = draw(22, 2, static_cast<uint64_t>(p)) < share;
            }
            removed[count / 2] = 0;
            const auto expected = filled({plane.begin(), plane.end()}, height, width, removed);
            impute(plane, height, width, removed);
            for (int p = 0; p < count; ++p)
                EXPECT_NEAR(plane[p], expected[p], 1e-6) << height << 'x' << width << ' ' << share;
        }
    std::vector<float> nothing(6, 0.7F);
    impute(nothing, 2, 3, std::vector<uint8_t>(6, 1));
    EXPECT_EQ(nothing, std::vector<float>(6, 0.0F));
}

TEST(Road, OfBrightPointsIsOneForTheTruthAndMinusOneForItsOpposite) {
    // Ten points in a hundred pixels make class 0; class 1 is what is left without them.
    Linear linear(20, {1, 10, 10}, "2F");
    linear.targets = {0, 0, 0, 0};
    Layer& layer = linear.network.layers[0];
    std::ranges::fill(layer.weight.data, 0.0F);
    layer.bias.data = {0, 0.5F};
    std::ranges::fill(linear.images.data, 0.0F);
    const auto point = [](int64_t pixel) { return pixel % 10 == pixel / 10 * 3 % 10; };
    for (int64_t p = 0; p < 100; ++p) {
        layer.weight.row(0)[p] = 0.2F;
        for (int64_t n = 0; n < 4; ++n) linear.images.row(n)[p] = point(p) ? 1.0F : 0.0F;
    }
    for (const float sign : {1.0F, -1.0F}) {
        const auto map =
            std::make_shared<Given>([&](int64_t, int, int64_t p) { return sign * (point(p) ? 1.0F : 0.0F); });
        for (const double value : linear.measure("road", map, linear.images).values) EXPECT_EQ(value, sign);
    }
}

TEST(Stability, IsOneWhereTheMapIsTheInput) {
    const Linear linear(18, {1, 5, 5});
    class Itself : public Given {
      public:
        Itself() : Given({}) {}
        FloatArray attribute(const AttributionContext&, const AttributionRequest& request) const override {
            return request.input.images;
        }
    };
    for (const double value : linear.measure("input_stability", std::make_shared<Itself>(), linear.images).values)
        EXPECT_DOUBLE_EQ(value, 1);
    const auto still = std::make_shared<Given>([](int64_t, int, int64_t) { return 1.0F; });
    for (const char* metric : {"input_stability", "output_stability"})
        for (const double value : linear.measure(metric, still, linear.images).values) EXPECT_EQ(value, 0);
}

TEST(SpikeRetiming, OfTwoSpikesIsWhatTheLeakSays) {
    // y = w·(β^5 at step 0, β^3 at step 2)/T. The best of two spikes moves from step 0 to 2; the other has no weight.
    Linear linear(19, {1, 1, 2}, "2F-LI(beta=0.5)");
    linear.targets = {0, 0, 0, 0};
    std::ranges::fill(linear.network.layers[0].weight.data, 0.0F);
    linear.network.layers[0].weight.row(0)[0] = 0.5F;
    Array<uint8_t> spikes({4, kSteps, 1, 1, 2});
    for (int64_t n = 0; n < 4; ++n) spikes.row(n)[0] = spikes.row(n)[1] = 1;
    const auto best = std::make_shared<Given>([](int64_t, int, int64_t p) { return p % 2 == 0 ? 1.0F : 0.0F; });
    const double moved = 0.5 * (std::pow(0.5, 4) - std::pow(0.5, 2)) / kSteps;
    int both = 0;
    for (uint64_t seed = 1; seed <= 8; ++seed) {
        linear.options.seed = seed;
        for (const double value : linear.measure("spike_retiming", best, spikes).values) {
            const bool same_spike = value == 0;
            if (!same_spike) {
                EXPECT_NEAR(value, moved, 1e-6);
            }
            both |= same_spike ? 1 : 2;
        }
    }
    EXPECT_EQ(both, 3);
}

}  // namespace
}  // namespace spikelens
