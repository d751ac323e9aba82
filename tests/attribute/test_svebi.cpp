#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "spikelens/attribute/evidence.h"
#include "spikelens/core/error.h"

#include "small_network.h"
#include "spiking_input.h"

namespace spikelens {
namespace {

using Map = std::vector<double>;

class Svebi : public testing::Test {
  protected:
    Network network = test::two_conv_network();
    CpuEngine simulator{network};
    FloatArray images = test::test_images(5, {1, 12, 12});
    std::vector<int64_t> samples = test::sample_numbers(5);
    // Rows 0..3 are conv1's filters, 4..9 conv2's.
    std::vector<std::vector<int>> rows{{1, 2}, {5, 8, 9}, {0, 3, 4, 6}, {}, {7}};
    RelevantFilters relevant = test::relevant_filters(network, rows);

    FloatArray maps(const std::string& spec, int target) {
        const std::vector<int> targets(5, target);
        return explain(parse_method(spec), {.engine = &simulator, .relevant = &relevant}, {images, targets, samples});
    }

    Map spike_sum(int64_t n, int layer, const std::vector<int>& support) {
        const Recording recording = simulator.run(images, {.layers = {layer}, .spikes = true});
        const ArrayView<uint8_t> spikes = recording.layer(layer).spikes.sub(n);
        const int64_t pixels = spikes.shape[2] * spikes.shape[3];
        Map sum(pixels);
        for (int row : support) {
            const FilterIndex filter = relevant.filters[row];
            if (filter.layer != layer) continue;
            for (int64_t t = 0; t < spikes.shape[0]; ++t) {
                const auto plane = spikes.row(t).subspan(filter.filter * pixels, pixels);
                for (int64_t i = 0; i < pixels; ++i) sum[i] += plane[i];
            }
        }
        return sum;
    }

    static Map stretched(Map map) {
        const double low = *std::ranges::min_element(map), high = *std::ranges::max_element(map);
        for (double& value : map) value = high > low ? (value - low) / (high - low) : 0;
        return map;
    }

    /// Bilinear from side² to 12², pixel centres.
    static Map enlarged(const Map& small, int64_t side) {
        Map large(144);
        const auto at = [&](int64_t y, int64_t x) {
            return small[std::clamp<int64_t>(y, 0, side - 1) * side + std::clamp<int64_t>(x, 0, side - 1)];
        };
        for (int64_t i = 0; i < 144; ++i) {
            const double y = (static_cast<double>(i / 12) + 0.5) * static_cast<double>(side) / 12 - 0.5;
            const double x = (static_cast<double>(i % 12) + 0.5) * static_cast<double>(side) / 12 - 0.5;
            const auto top = static_cast<int64_t>(std::floor(y)), left = static_cast<int64_t>(std::floor(x));
            const double dy = y - std::floor(y), dx = x - std::floor(x);
            large[i] = (1 - dy) * ((1 - dx) * at(top, left) + dx * at(top, left + 1)) +
                       dy * ((1 - dx) * at(top + 1, left) + dx * at(top + 1, left + 1));
        }
        return large;
    }

    Map layer_map(int64_t n, int layer, const std::vector<int>& support) {
        return stretched(enlarged(spike_sum(n, layer, support), layer == 0 ? 12 : 6));
    }

    static void expect_equal(std::span<const float> map, const Map& expected, const std::string& what) {
        ASSERT_EQ(map.size(), expected.size());
        for (size_t i = 0; i < map.size(); ++i) EXPECT_NEAR(map[i], expected[i], 1e-5) << what << ", pixel " << i;
    }
};

TEST_F(Svebi, OneLayerIsTheResizedSpikeSumOfItsRelevantFilters) {
    for (int target = 0; target < 5; ++target) {
        const FloatArray first = maps("svebi:layer=conv1", target), second = maps("svebi:layer=conv2", target);
        EXPECT_EQ(first.shape, (Shape{5, 1, 12, 12}));
        for (int64_t n = 0; n < 5; ++n) {
            expect_equal(first.row(n), layer_map(n, 0, rows[target]), "conv1");
            expect_equal(second.row(n), layer_map(n, 1, rows[target]), "conv2");
        }
    }
}

TEST_F(Svebi, AutoTakesTheLayerOfTheMostActiveFilter) {
    const auto total = [](const Map& spikes) { return std::accumulate(spikes.begin(), spikes.end(), 0.0); };
    int first_chosen = 0, second_chosen = 0, counts_mislead = 0;
    for (int row : {0, 1, 2, 3}) {
        for (int other : {4, 5, 6, 7, 8, 9}) {
            relevant = test::relevant_filters(network, {{row, other}, {}, {}, {}, {}});
            const FloatArray map = maps("svebi", 0);
            for (int64_t n = 0; n < 5; ++n) {
                const double first = total(spike_sum(n, 0, {row})), second = total(spike_sum(n, 1, {other}));
                const bool deeper = second / 36 > first / 144;
                ++(deeper ? second_chosen : first_chosen);
                if (deeper && second < first) ++counts_mislead;
                expect_equal(map.row(n), deeper ? layer_map(n, 1, {other}) : layer_map(n, 0, {row}), "auto");
            }
        }
    }
    EXPECT_GT(std::min({first_chosen, second_chosen, counts_mislead}), 0) << "the cases must tell the layers apart";
}

TEST_F(Svebi, AutoLooksAtSingleFiltersNotAtTheirNumber) {
    relevant = test::relevant_filters(network, {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {}, {}, {}, {}});
    const FloatArray map = maps("svebi", 0);
    for (int64_t n = 0; n < 5; ++n) {
        double best = -1;
        int layer = 0;
        for (int row = 0; row < 10; ++row) {
            const Map spikes = spike_sum(n, row < 4 ? 0 : 1, {row});
            const double rate = std::accumulate(spikes.begin(), spikes.end(), 0.0) / static_cast<double>(spikes.size());
            if (rate > best + 1e-9) best = rate, layer = row < 4 ? 0 : 1;
        }
        expect_equal(map.row(n), layer_map(n, layer, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}), "auto");
    }
}

TEST_F(Svebi, CombinedAddsTheStretchedLayers) {
    const FloatArray map = maps("svebi:layer=combined", 2);
    for (int64_t n = 0; n < 5; ++n) {
        Map sum = layer_map(n, 0, rows[2]);
        const Map second = layer_map(n, 1, rows[2]);
        for (size_t i = 0; i < sum.size(); ++i) sum[i] += second[i];
        expect_equal(map.row(n), stretched(sum), "combined");
    }
}

TEST_F(Svebi, MuChoosesTheFilters) {
    EXPECT_EQ(maps("svebi:layer=conv2:mu=2", 1), maps("svebi:layer=conv2", 1));
    const FloatArray map = maps("svebi:layer=conv2:mu=1", 1);
    for (int64_t n = 0; n < 5; ++n) expect_equal(map.row(n), layer_map(n, 1, {5}), "mu 1");
    EXPECT_THROW(maps("svebi:mu=3", 1), InputError);
}

TEST_F(Svebi, ShowsAllFiltersOrThoseThatBroughtSomethingToTheScore) {
    const std::vector<int> every = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    const auto without_interpretation = [&](const std::string& spec, int target) {
        const std::vector<int> targets(5, target);
        return explain(parse_method(spec), {.engine = &simulator}, {images, targets, samples});
    };
    const FloatArray all = without_interpretation("svebi:filters=all:layer=conv2", 1);
    EXPECT_EQ(all, without_interpretation("svebi:filters=all:layer=conv2", 4));
    int left_out = 0;
    for (int target = 0; target < 5; ++target) {
        const std::vector<int> targets(5, target);
        const DoubleArray evidence = filter_evidence(simulator, images, targets, EvidenceRule::share);
        const FloatArray plain = without_interpretation("svebi:filters=share:layer=conv2", target);
        const FloatArray scaled = without_interpretation("svebi:filters=share:layer=conv2:scale=weight", target);
        for (int64_t n = 0; n < 5; ++n) {
            expect_equal(all.row(n), layer_map(n, 1, every), "all");
            std::vector<int> brought;
            Map weighted(36);
            for (int row : every) {
                if (evidence.row(n)[row] <= 0) continue;
                brought.push_back(row);
                const Map spikes = spike_sum(n, 1, {row});
                for (size_t i = 0; i < spikes.size(); ++i) weighted[i] += evidence.row(n)[row] * spikes[i];
            }
            left_out += static_cast<int>(every.size() - brought.size());
            expect_equal(plain.row(n), layer_map(n, 1, brought), "share");
            expect_equal(scaled.row(n), stretched(enlarged(weighted, 6)), "share, by weight");
        }
    }
    EXPECT_GT(left_out, 0);
    EXPECT_THROW(parse_method("svebi:filters=all:scale=weight"), InputError);
    EXPECT_THROW(parse_method("svebi:filters=share:mu=2"), InputError);
    EXPECT_FALSE(parse_method("svebi:filters=all").method->info().class_specific);
}

TEST_F(Svebi, WithoutRelevantFiltersOrSpikesTheMapIsZero) {
    for (float value : maps("svebi", 3).data) EXPECT_EQ(value, 0);
    for (float& value : images.data) value = 0;
    for (Layer& layer : network.layers) std::ranges::fill(layer.bias.data, 0.0F);
    simulator = CpuEngine(network);
    for (float value : maps("svebi:layer=combined", 2).data) EXPECT_EQ(value, 0);
}

TEST_F(Svebi, EqualCountsGiveEqualValues) {
    const FloatArray map = maps("svebi:layer=conv1", 0);
    const Map counts = spike_sum(0, 0, rows[0]);
    for (size_t i = 0; i < counts.size(); ++i) {
        for (size_t j = 0; j < i; ++j) EXPECT_EQ(counts[i] == counts[j], map.data[i] == map.data[j]);
    }
}

TEST_F(Svebi, ExponentialWeightsCountLateSpikesMore) {
    for (const Input& input : {Input(images), Input(test::test_spikes(9, 5, {1, 12, 12}))}) {
        const std::vector<int> targets(5, 1);
        const AttributionContext context{.engine = &simulator, .relevant = &relevant};
        const FloatArray map = explain(parse_method("svebi:layer=conv2:weights=exponential:decay=0.6"), context,
                                       {input, targets, samples});
        const Array<uint8_t> spikes = simulator.run(input, {.layers = {1}, .spikes = true}).layer(1).spikes;
        const int64_t steps = spikes.extent(1);
        double normaliser = 0;
        for (int64_t t = 0; t < steps; ++t) normaliser += std::pow(0.6, static_cast<double>(t));
        for (int64_t n = 0; n < 5; ++n) {
            Map sum(36);
            for (int64_t t = 0; t < steps; ++t)
                for (int row : rows[1])
                    for (int64_t i = 0; i < 36; ++i)
                        sum[i] += std::pow(0.6, static_cast<double>(steps - 1 - t)) / normaliser *
                                  spikes.row(n)[(t * 6 + relevant.filters[row].filter) * 36 + i];
            expect_equal(map.row(n), stretched(enlarged(sum, 6)), "exponential");
        }
    }
}

TEST_F(Svebi, FirstSpikesCountOnce) {
    const FloatArray map = maps("svebi:layer=conv1:weights=first", 0);
    for (int64_t n = 0; n < 5; ++n) {
        Map sum(144);
        for (int row : rows[0]) {
            const Map spikes = spike_sum(n, 0, {row});
            for (size_t i = 0; i < sum.size(); ++i) sum[i] += spikes[i] > 0 ? 1 : 0;
        }
        expect_equal(map.row(n), stretched(enlarged(sum, 12)), "first");
    }
}

TEST_F(Svebi, WeightsWithoutDecayAreUniform) {
    EXPECT_EQ(maps("svebi:layer=conv2:weights=uniform", 1), maps("svebi:layer=conv2", 1));
    const FloatArray even = maps("svebi:layer=conv2:weights=exponential:decay=1", 1),
                     uniform = maps("svebi:layer=conv2", 1);
    for (int64_t i = 0; i < even.size(); ++i) EXPECT_NEAR(even.data[i], uniform.data[i], 1e-6);
    EXPECT_NE(maps("svebi:layer=conv2:weights=exponential", 1), uniform);
    EXPECT_EQ(maps("svebi:weights=exponential", 1), maps("svebi:weights=exponential:decay=0.9", 1));
    EXPECT_THROW(parse_method("svebi:weights=late"), InputError);
    EXPECT_THROW(parse_method("svebi:decay=0.9"), InputError) << "uniform weights have no decay";
}

/// Under weights, too, the layer of the most active filter is chosen, and it can be another one.
TEST_F(Svebi, AutoWeighsTheRatesItCompares) {
    const auto total_rate = [&](int64_t n, int layer, int row, double neurons) {
        const Map spikes = spike_sum(n, layer, {row});
        return std::accumulate(spikes.begin(), spikes.end(), 0.0) / neurons;
    };
    const std::string weights = "weights=exponential:decay=0.01";
    int differs = 0;
    for (int row : {0, 1, 2, 3}) {
        for (int other : {4, 5, 6, 7, 8, 9}) {
            relevant = test::relevant_filters(network, {{row, other}, {}, {}, {}, {}});
            const FloatArray map = maps("svebi:" + weights, 0), first = maps("svebi:layer=conv1:" + weights, 0),
                             second = maps("svebi:layer=conv2:" + weights, 0);
            const Recording recording = simulator.run(images, {.layers = {0, 1}, .spikes = true});
            for (int64_t n = 0; n < 5; ++n) {
                const auto rate = [&](int layer, int filter, int64_t neurons) {
                    const ArrayView<uint8_t> spikes = recording.layer(layer).spikes.sub(n);
                    double sum = 0;
                    for (int64_t t = 0; t < 6; ++t)
                        for (int64_t i = 0; i < neurons; ++i)
                            sum += std::pow(0.01, static_cast<double>(5 - t)) * spikes.row(t)[filter * neurons + i];
                    return sum / static_cast<double>(neurons);
                };
                const bool deeper = rate(1, other - 4, 36) > rate(0, row, 144);
                EXPECT_TRUE(std::ranges::equal(map.row(n), (deeper ? second : first).row(n)));
                differs += deeper != (total_rate(n, 1, other, 36) > total_rate(n, 0, row, 144));
            }
        }
    }
    EXPECT_GT(differs, 0);
}

TEST_F(Svebi, UnknownLayersAndClassesAreNamed) {
    try {
        maps("svebi:layer=conv3", 0);
        FAIL();
    } catch (const InputError& error) {
        EXPECT_NE(std::string(error.what()).find("auto, combined, conv1, conv2"), std::string::npos) << error.what();
    }
    relevant.classes.pop_back();
    EXPECT_THROW(maps("svebi", 4), InputError);
    relevant.filters.pop_back();
    EXPECT_THROW(maps("svebi", 0), InputError) << "relevant filters of another network";
}

TEST(SvebiWithoutFilters, IsRefused) {
    const Network network = test::small_network("6F-LIF-3F", {1, 3, 3}, 4);
    const CpuEngine simulator(network);
    const RelevantFilters relevant = test::relevant_filters(network, {{0}, {1}, {2}});
    const FloatArray images = test::test_images(1, {1, 3, 3});
    const std::vector<int> targets{0};
    const std::vector<int64_t> samples{0};
    const AttributionContext context{.engine = &simulator, .relevant = &relevant};
    EXPECT_THROW(explain(parse_method("svebi"), context, {images, targets, samples}), InputError);
    EXPECT_THROW(explain(parse_method("sam"), context, {images, targets, samples}), InputError);
}

}  // namespace
}  // namespace spikelens
