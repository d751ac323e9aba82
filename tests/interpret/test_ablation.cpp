#include <cmath>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/interpret/ablation.h"

#include "interpret/memory_samples.h"

namespace spikelens {
namespace {

constexpr int class_count = 4;

Network small_network() {
    Network network = parse_network("4C3-LIF-MP2-6C3-LIF-MP2-4F", {1, 12, 12}, 5);
    initialise_weights(network, 3);
    return network;
}

// Samples that the network mostly classifies correctly: their label is its own prediction, but for every fifth.
MemorySamples labelled_samples(const CpuEngine& simulator, int64_t count) {
    MemorySamples samples = random_samples(count, {1, 12, 12}, class_count, 1);
    std::vector<int64_t> all(count);
    std::iota(all.begin(), all.end(), 0);
    samples.labels() = predictions(simulator.run(samples.images(all)).scores);
    for (int64_t n = 0; n < count; n += 5) samples.labels()[n] = static_cast<int>(n) % class_count;
    return samples;
}

RelevantFilters relevant_sets(const Network& network, const std::vector<std::vector<std::vector<int>>>& sets) {
    RelevantFilters relevant;
    relevant.filters = response_filters(network);
    relevant.chosen_mu = 1;
    for (size_t budget = 0; budget < sets.front().size(); ++budget)
        relevant.budgets.push_back(static_cast<double>(budget + 1));
    for (const auto& budgets : sets) {
        LassoPath& path = relevant.classes.emplace_back();
        for (const std::vector<int>& index : budgets) {
            LassoPoint& point = path.points.emplace_back();
            point.index = index;
            point.weight.assign(index.size(), 1.0);
        }
    }
    return relevant;
}

RelevantFilters some_filters(const Network& network) {
    return relevant_sets(network,
                         {{{0, 5}, {0, 5, 7}}, {{1}, {1}}, {{}, {2, 9}}, {{4, 6, 8}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}});
}

// A filter whose spikes nobody receives: its outgoing weights are zero.
Network without_outgoing(Network network, FilterIndex filter) {
    Layer& next = network.layers[filter.layer + 1];
    const int64_t per_channel =
        next.kind == LayerKind::conv ? next.kernel * next.kernel : int64_t{next.in_height} * next.in_width;
    for (int64_t out = 0; out < next.out_channels; ++out)
        for (int64_t i = 0; i < per_channel; ++i) next.weight.row(out)[filter.filter * per_channel + i] = 0;
    return network;
}

// Accuracy on one class, without the code under test's ablation.
double accuracy_without(const Network& network, const std::vector<FilterIndex>& filters, const MemorySamples& samples,
                        int label) {
    Network changed = network;
    for (const FilterIndex& filter : filters) changed = without_outgoing(changed, filter);
    const CpuEngine simulator(changed);
    int64_t right = 0, count = 0;
    for (int64_t n = 0; n < samples.size(); ++n) {
        if (samples.label(n) != label) continue;
        right += predictions(simulator.run(samples.images({&n, 1})).scores)[0] == label;
        ++count;
    }
    return static_cast<double>(right) / static_cast<double>(count);
}

TEST(Ablation, SilencingAFilterIsCuttingItsOutgoingWeights) {
    const Network network = small_network();
    const CpuEngine simulator(network);
    const MemorySamples samples = labelled_samples(simulator, 40);
    std::vector<int64_t> all(40);
    std::iota(all.begin(), all.end(), 0);
    const FloatArray images = samples.images(all);
    int changed = 0;
    for (const FilterIndex& filter : response_filters(network)) {
        const FloatArray ablated = simulator.run(images, {}, {&filter, 1}).scores;
        const FloatArray cut = CpuEngine(without_outgoing(network, filter)).run(images).scores;
        // Weights are rounded to a channel's scale, which the largest weight sets: equal but for that rounding.
        for (int64_t i = 0; i < cut.size(); ++i) EXPECT_NEAR(ablated.data[i], cut.data[i], 1e-4);
        changed += ablated != simulator.run(images).scores;
    }
    EXPECT_GT(changed, 4);
}

TEST(Ablation, RelevantAccuraciesAgreeWithCutNetworks) {
    const Network network = small_network();
    const CpuEngine simulator(network);
    const MemorySamples samples = labelled_samples(simulator, 120);
    const RelevantFilters relevant = some_filters(network);
    const Ablation ablation = ablate(simulator, samples, relevant, {});
    ASSERT_EQ(ablation.curve.size(), 2U);
    double full = 0;
    int with_samples = 0;
    for (int c = 0; c < class_count; ++c) {
        if (ablation.class_samples[c] == 0) continue;
        full += accuracy_without(network, {}, samples, c);
        ++with_samples;
    }
    EXPECT_NEAR(ablation.full_accuracy, full / with_samples, 1e-12);
    for (size_t budget = 0; budget < 2; ++budget) {
        const AblationPoint& point = ablation.curve[budget];
        EXPECT_EQ(point.mu, budget + 1);
        double sum = 0, filter_sum = 0;
        for (int c = 0; c < class_count; ++c) {
            if (ablation.class_samples[c] == 0) continue;
            std::vector<FilterIndex> filters;
            for (const int index : relevant.classes[c].points[budget].index) filters.push_back(relevant.filters[index]);
            const double slow = accuracy_without(network, filters, samples, c);
            EXPECT_NEAR(point.class_relevant[c], slow, 1e-12) << budget << " " << c;
            sum += slow;
            filter_sum += static_cast<double>(filters.size());
        }
        EXPECT_NEAR(point.relevant_accuracy, sum / with_samples, 1e-12);
        EXPECT_NEAR(point.mean_filters, filter_sum / with_samples, 1e-12);
    }
}

// All filters of a network without biases taken away: every score is 0, which names no class, and not the first.
TEST(Ablation, ASilentNetworkIsWrong) {
    Network network = small_network();
    for (Layer& layer : network.layers) std::ranges::fill(layer.bias.data, 0.0F);
    const CpuEngine simulator(network);
    MemorySamples samples = random_samples(12, {1, 12, 12}, class_count, 1);
    samples.labels().assign(12, 0);
    const std::vector<std::vector<int>> every{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}};
    const Ablation ablation = ablate(simulator, samples, relevant_sets(network, std::vector(class_count, every)), {});
    EXPECT_EQ(ablation.curve[0].class_relevant[0], 0);
    EXPECT_EQ(ablation.curve[0].relevant_accuracy, 0);
    EXPECT_EQ(ablation.curve[0].random_accuracy, 0);
}

TEST(Ablation, RandomFiltersDependOnTheirNumberAndNotOnTheBudget) {
    const Network network = small_network();
    const CpuEngine simulator(network);
    const MemorySamples samples = labelled_samples(simulator, 80);
    // Budgets 1 and 2 differ in the filters and agree in their number; 3 takes every filter.
    const std::vector<std::vector<int>> sets{{0, 1}, {3, 7}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}};
    const RelevantFilters relevant = relevant_sets(network, std::vector(class_count, sets));
    const Ablation ablation = ablate(simulator, samples, relevant, {.random_draws = 4, .seed = 2});
    EXPECT_EQ(ablation.curve[0].random_draws, ablation.curve[1].random_draws);
    EXPECT_EQ(ablation.curve[0].random_ci95, ablation.curve[1].random_ci95);
    EXPECT_EQ(ablation.curve[2].random_draws, std::vector<double>(4, ablation.curve[2].relevant_accuracy));
    EXPECT_EQ(ablation.curve[2].class_random[1], ablation.curve[2].class_relevant[1]);

    const Ablation again = ablate(simulator, samples, relevant, {.random_draws = 4, .seed = 2});
    EXPECT_EQ(again.curve[0].random_draws, ablation.curve[0].random_draws);
    std::set<std::vector<double>> over_seeds;
    for (uint64_t seed = 0; seed < 6; ++seed)
        over_seeds.insert(
            ablate(simulator, samples, relevant, {.random_draws = 4, .seed = seed}).curve[0].random_draws);
    EXPECT_GT(over_seeds.size(), 1U);
    // More draws keep the ones before.
    const Ablation more = ablate(simulator, samples, relevant, {.random_draws = 6, .seed = 2});
    for (int draw = 0; draw < 4; ++draw)
        EXPECT_EQ(more.curve[0].random_draws[draw], ablation.curve[0].random_draws[draw]);
}

TEST(Ablation, RandomMeansAndDrawsAgree) {
    const Network network = small_network();
    const CpuEngine simulator(network);
    const Ablation ablation =
        ablate(simulator, labelled_samples(simulator, 80), some_filters(network), {.random_draws = 3});
    for (const AblationPoint& point : ablation.curve) {
        ASSERT_EQ(point.random_draws.size(), 3U);
        const double mean = std::accumulate(point.random_draws.begin(), point.random_draws.end(), 0.0) / 3;
        EXPECT_NEAR(point.random_accuracy, mean, 1e-12);
    }
}

TEST(Ablation, IntervalsAreStratifiedByClass) {
    const Network network = small_network();
    const CpuEngine simulator(network);
    const RelevantFilters relevant = some_filters(network);
    const Ablation ablation = ablate(simulator, labelled_samples(simulator, 150), relevant, {.random_draws = 1});
    for (const AblationPoint& point : ablation.curve) {
        double relevant_variance = 0, random_variance = 0;
        int classes = 0;
        for (int c = 0; c < class_count; ++c) {
            const auto n = static_cast<double>(ablation.class_samples[c]);
            if (n == 0) continue;
            ++classes;
            relevant_variance += point.class_relevant[c] * (1 - point.class_relevant[c]) / n;
            random_variance += point.class_random[c] * (1 - point.class_random[c]) / n;
        }
        EXPECT_NEAR(point.relevant_ci95, 1.959963984540054 * std::sqrt(relevant_variance) / classes, 1e-12);
        EXPECT_NEAR(point.random_ci95, 1.959963984540054 * std::sqrt(random_variance) / classes, 1e-12);
    }
    EXPECT_GT(ablation.curve[0].relevant_ci95, 0);
}

TEST(Ablation, ClassesWithoutSamplesAreLeftOut) {
    const Network network = small_network();
    const CpuEngine simulator(network);
    MemorySamples samples = labelled_samples(simulator, 60);
    for (int& label : samples.labels())
        if (label == 2) label = 1;
    const Ablation ablation = ablate(simulator, samples, some_filters(network), {});
    EXPECT_EQ(ablation.class_samples[2], 0);
    const AblationPoint& point = ablation.curve[1];
    EXPECT_TRUE(std::isnan(point.class_relevant[2]));
    EXPECT_TRUE(std::isnan(point.class_random[2]));
    double sum = 0;
    int classes = 0;
    for (const double accuracy : point.class_relevant)
        if (!std::isnan(accuracy)) sum += accuracy, ++classes;
    EXPECT_NEAR(point.relevant_accuracy, sum / classes, 1e-12);
    for (const double draw : point.random_draws) EXPECT_TRUE(std::isfinite(draw));
}

TEST(Ablation, EqualFilterSetsAreSimulatedOnce) {
    const Network network = small_network();
    const MemorySamples samples = labelled_samples(CpuEngine(network), 30);
    const std::vector<std::vector<int>> sets(50, {1, 2});  // fifty budgets, one set
    int64_t done = 0, total = 0;
    const auto watch = [&](const ProgressEvent& event) {
        EXPECT_GT(event.done, done);
        done = event.done;
        total = event.total;
    };
    const CpuEngine watched(network, {.progress = watch});
    ablate(watched, samples, relevant_sets(network, std::vector(class_count, sets)), {.random_draws = 3});
    EXPECT_EQ(done, total);
    EXPECT_LE(total, 30 * (1 + 1 + 3));  // nothing, the relevant, three random sets
}

TEST(Ablation, LayerDistributionCountsRelevantFilters) {
    const Network network = small_network();
    // Rows 0–3 are the first layer's filters, 4–9 the second's; the readout has none.
    EXPECT_EQ(layer_distribution(network, some_filters(network)), (Array<int64_t>({2, 3}, {2, 4, 0, 7, 9, 0})));
}

TEST(Ablation, BadInputGetsASentence) {
    const Network network = small_network();
    const CpuEngine simulator(network);
    MemorySamples samples = labelled_samples(simulator, 10);
    const RelevantFilters relevant = some_filters(network);
    EXPECT_THROW(ablate(simulator, samples, relevant, {.random_draws = 0}), InputError);
    EXPECT_THROW(ablate(simulator, random_samples(0, {1, 12, 12}, 4, 1), relevant, {}), InputError);
    EXPECT_THROW(ablate(simulator, random_samples(3, {1, 6, 6}, 4, 1), relevant, {}), InputError);
    RelevantFilters foreign = relevant;
    foreign.filters.pop_back();
    EXPECT_THROW(ablate(simulator, samples, foreign, {}), InputError);
    EXPECT_THROW(layer_distribution(network, foreign), InputError);
    samples.labels()[3] = class_count;
    EXPECT_THROW(ablate(simulator, samples, relevant, {}), InputError);
}

TEST(Silence, SaysOfEachSampleWhatTheAblationCounts) {
    const Network network = small_network();
    const CpuEngine engine(network);
    const MemorySamples samples = labelled_samples(engine, 40);
    const RelevantFilters relevant = some_filters(network);
    const Ablation ablation = ablate(engine, samples, relevant, {1, 1});
    std::vector<std::vector<std::vector<FilterIndex>>> sets(2, std::vector<std::vector<FilterIndex>>(class_count));
    for (size_t budget = 0; budget < 2; ++budget)
        for (int c = 0; c < class_count; ++c)
            for (const auto& one : relevant.of(c, relevant.budgets[budget])) sets[budget][c].push_back(one.filter);
    const SilencedOutcomes outcomes = silence(engine, samples, sets);
    for (size_t budget = 0; budget < 2; ++budget) {
        std::vector<std::vector<double>> values;
        for (int c = 0; c < class_count; ++c) {
            const auto& right = outcomes.right[budget][c];
            ASSERT_EQ(static_cast<int64_t>(right.size()), ablation.class_samples[c]);
            values.emplace_back(right.begin(), right.end());
            EXPECT_DOUBLE_EQ(std::accumulate(right.begin(), right.end(), 0.0) / static_cast<double>(right.size()),
                             ablation.curve[budget].class_relevant[c]);
        }
        const ClassMeanEstimate mean = mean_over_classes(values);
        EXPECT_DOUBLE_EQ(mean.mean, ablation.curve[budget].relevant_accuracy);
        EXPECT_NEAR(mean.ci95, ablation.curve[budget].relevant_ci95, 1e-12);
    }
    sets[0].pop_back();
    EXPECT_THROW(silence(engine, samples, sets), InputError);
}

}  // namespace
}  // namespace spikelens
