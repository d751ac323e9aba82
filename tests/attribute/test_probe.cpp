#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/attribute/baseline.h"
#include "spikelens/attribute/probe.h"
#include "spikelens/core/error.h"
#include "spikelens/core/resize.h"

#include "linear_algebra.h"
#include "small_network.h"
#include "spiking_input.h"

namespace spikelens {
namespace {

/// Images in memory.
class Images : public SampleSource {
  public:
    Images(FloatArray images, int steps = 0) : images_(std::move(images)), steps_(steps) {}

    int64_t size() const override { return images_.shape[0]; }
    Shape shape() const override { return Shape(images_.shape.begin() + 1, images_.shape.end()); }
    const std::vector<std::string>& classes() const override { return classes_; }
    int steps() const override { return steps_; }
    FloatArray images(std::span<const int64_t> indices) const override {
        Shape shape = images_.shape;
        shape[0] = static_cast<int64_t>(indices.size());
        FloatArray some(shape);
        for (int64_t n = 0; n < shape[0]; ++n) std::ranges::copy(images_.row(indices[n]), some.row(n).begin());
        return some;
    }
    int label(int64_t) const override { return 0; }

  private:
    FloatArray images_;
    int steps_;
    std::vector<std::string> classes_{"a", "b", "c"};
};

class ProbeTest : public testing::Test {
  protected:
    const Shape shape{2, 8, 6};
    Network network = test::small_network("2C3-LIF-MP2-3C3-LIF-AP2-8F-LIF-3F", shape, 6);
    CpuEngine simulator{network};
    FloatArray training = test::test_images(60, shape, 5);
    Probe probe = fit_probe(simulator, Images(training), 60);
    std::vector<int> targets{0, 2};
    std::vector<int64_t> samples{0, 1};

    FloatArray map(const std::string& spec, const FloatArray& images) {
        return explain(parse_method(spec), {.engine = &simulator, .probe = &probe}, {images, targets, samples});
    }

    /// Pooled counts of a layer, one row per image.
    std::vector<std::vector<double>> pooled(const FloatArray& images, int layer) {
        const Recording recording = simulator.run(images, {.layers = {layer}, .pooled_counts = true});
        std::vector<std::vector<double>> rows;
        for (int64_t n = 0; n < images.shape[0]; ++n) {
            const auto row = recording.layer(layer).pooled_counts.row(n);
            rows.emplace_back(row.begin(), row.end());
        }
        return rows;
    }

    /// 0.1 · mean diagonal of the centred Gram matrix.
    static double penalty(const std::vector<std::vector<double>>& rows) {
        double trace = 0;
        for (size_t i = 0; i < rows[0].size(); ++i) {
            double mean = 0;
            for (const auto& row : rows) mean += row[i] / static_cast<double>(rows.size());
            for (const auto& row : rows) trace += (row[i] - mean) * (row[i] - mean);
        }
        return 0.1 * trace / static_cast<double>(rows[0].size());
    }
};

TEST_F(ProbeTest, IsTheRidgeRegressionOfEveryScoreOnEveryLayer) {
    const FloatArray scores = simulator.run(training).scores;
    ASSERT_EQ(probe.readings.size(), 2U);
    EXPECT_EQ(probe.samples, 60);
    for (int layer : {0, 1}) {
        const Probe::Reading& reading = probe.readings[layer];
        const std::vector<std::vector<double>> rows = pooled(training, layer);
        EXPECT_EQ(reading.layer, layer);
        ASSERT_EQ(reading.weight.shape, (Shape{3, static_cast<int64_t>(rows[0].size())}));
        ASSERT_GT(penalty(rows), 0);
        for (int64_t c = 0; c < 3; ++c) {
            std::vector<double> y;
            for (int64_t n = 0; n < 60; ++n) y.push_back(scores.row(n)[c]);
            const std::vector<double> expected =
                test::ridge_with_intercept(rows, y, std::vector<double>(60, 1), penalty(rows));
            double largest = 0;
            EXPECT_NEAR(reading.intercept.data[c], expected[0], 1e-5);
            for (size_t i = 0; i < rows[0].size(); ++i) {
                EXPECT_NEAR(reading.weight.row(c)[i], expected[i + 1], 1e-6) << "layer " << layer << ", input " << i;
                largest = std::max(largest, std::abs(expected[i + 1]));
            }
            EXPECT_GT(largest, 1e-4);
        }
    }
}

TEST_F(ProbeTest, SpreadsItsImagesEvenlyOverTheSource) {
    FloatArray every_third({20, 2, 8, 6});
    for (int64_t n = 0; n < 20; ++n) std::ranges::copy(training.row(3 * n), every_third.row(n).begin());
    const Probe spread = fit_probe(simulator, Images(training), 20),
                direct = fit_probe(simulator, Images(every_third), 20);
    for (int layer : {0, 1}) EXPECT_EQ(spread.readings[layer].weight, direct.readings[layer].weight);
}

TEST_F(ProbeTest, OfMoreImagesThanOneBatchIsTheSameAsOfRepeatedSums) {
    // Every image five times: sums five times as large, so five times the penalty and the same weights.
    FloatArray repeated({300, 2, 8, 6});
    for (int64_t n = 0; n < 300; ++n) std::ranges::copy(training.row(n % 60), repeated.row(n).begin());
    std::vector<int64_t> done;
    const CpuEngine watched(network, {.progress = [&](const ProgressEvent& event) { done.push_back(event.done); }});
    const Probe more = fit_probe(watched, Images(repeated), 300);
    EXPECT_EQ(done, (std::vector<int64_t>{256, 300}));
    for (int layer : {0, 1})
        for (int64_t i = 0; i < more.readings[layer].weight.size(); ++i)
            EXPECT_NEAR(more.readings[layer].weight.data[i], probe.readings[layer].weight.data[i], 1e-6);
}

TEST_F(ProbeTest, MapIsTheDefinition) {
    const FloatArray images = test::test_images(2, shape, 8);
    int layers_heard = 0;
    for (const Baseline baseline : {Baseline::black, Baseline::mean}) {
        const FloatArray absent = baseline_images(images, baseline);
        const FloatArray maps = map("probe:baseline=" + baseline_text(baseline), images);
        ASSERT_EQ(maps.shape, images.shape);
        for (int64_t n = 0; n < 2; ++n) {
            std::vector<double> sum(48);
            for (int layer : {0, 1}) {
                const std::vector<double> shown = pooled(images, layer)[n], without = pooled(absent, layer)[n];
                const Layer& of = network.layers[layer];
                FloatArray evidence({1, of.pooled_height, of.pooled_width});
                for (int f = 0; f < of.out_channels; ++f)
                    for (int64_t p = 0; p < evidence.size(); ++p) {
                        const int64_t i = f * evidence.size() + p;
                        evidence.data[p] +=
                            probe.readings[layer].weight.row(targets[n])[i] * float(shown[i] - without[i]);
                    }
                const FloatArray large = resize_bilinear(evidence, 8, 6);
                double mean = 0, variance = 0;
                for (float value : large.data) mean += value / 48.0;
                for (float value : large.data) variance += (value - mean) * (value - mean) / 48.0;
                if (variance == 0) continue;  // this layer says the same everywhere
                ++layers_heard;
                for (int64_t p = 0; p < 48; ++p) sum[p] += large.data[p] / std::sqrt(variance);
            }
            for (int64_t i = 0; i < 96; ++i) {
                const double expected = std::abs(images.row(n)[i] - absent.row(n)[i]) * sum[i % 48];
                EXPECT_NEAR(maps.row(n)[i], expected, 1e-4 * (1 + std::abs(expected)));
            }
        }
    }
    EXPECT_GE(layers_heard, 5);
}

TEST_F(ProbeTest, ChannelsWithoutWeightAreNoEvidence) {
    Layer& first = network.layers[0];
    for (int64_t i = 0; i < first.weight.size(); ++i)
        if (i % 18 >= 9) first.weight.data[i] = 0;
    simulator = CpuEngine(network);
    probe = fit_probe(simulator, Images(training), 60);
    const FloatArray maps = map("probe", test::test_images(2, shape, 8));
    for (int64_t n = 0; n < 2; ++n) {
        EXPECT_TRUE(std::ranges::any_of(maps.row(n).first(48), [](float value) { return value != 0; }));
        EXPECT_TRUE(std::ranges::all_of(maps.row(n).subspan(48), [](float value) { return value == 0; }));
    }
}

TEST_F(ProbeTest, ASilentNetworkHasNothingToSay) {
    for (Layer& layer : network.layers) std::ranges::fill(layer.weight.data, 0.0F);
    for (Layer& layer : network.layers) std::ranges::fill(layer.bias.data, 0.0F);
    simulator = CpuEngine(network);
    probe = fit_probe(simulator, Images(training), 60);
    for (const Probe::Reading& reading : probe.readings)
        EXPECT_TRUE(std::ranges::all_of(reading.weight.data, [](float value) { return value == 0; }));
    for (float value : map("probe", test::test_images(2, shape, 8)).data) EXPECT_EQ(value, 0);
}

TEST_F(ProbeTest, RefusesWhatDoesNotFit) {
    EXPECT_THROW(fit_probe(simulator, Images(training), 0), InputError);
    EXPECT_THROW(fit_probe(simulator, Images(training), 61), InputError);
    EXPECT_THROW(fit_probe(simulator, Images(training, 6), 60), InputError) << "spikes";
    EXPECT_THROW(fit_probe(simulator, Images(test::test_images(9, {1, 8, 6})), 9), InputError);
    const CpuEngine dense(test::small_network("6F-LIF-3F", shape, 4));
    EXPECT_THROW(fit_probe(dense, Images(training), 60), InputError);
    const CpuEngine wide(test::small_network("4C3-LIF-3F", {1, 65, 64}, 2));
    EXPECT_THROW(fit_probe(wide, Images(FloatArray({1, 1, 65, 64})), 1), InputError);

    const FloatArray images = test::test_images(2, shape);
    try {
        explain(parse_method("probe"), {.engine = &simulator}, {images, targets, samples});
        FAIL();
    } catch (const InputError& error) {
        EXPECT_STREQ(error.what(), "probe needs probes, and none are fitted to the network yet");
    }
    EXPECT_THROW(explain(parse_method("probe"), {.engine = &simulator, .probe = &probe},
                         {test::test_spikes(4, 2, shape), targets, samples}),
                 InputError);
    probe.readings[1].weight = FloatArray({3, 5});
    EXPECT_THROW(map("probe", images), InputError);
    probe.readings.pop_back();
    EXPECT_THROW(map("probe", images), InputError);
}

}  // namespace
}  // namespace spikelens
