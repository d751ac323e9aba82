#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/evaluate/spike_perturbation.h"

namespace spikelens {
namespace {

/// Sample n of [N, T, C, H, W], as [T·C·H·W].
template <class T>
std::vector<T> sample_of(const Array<T>& values, int64_t n) {
    return {values.row(n).begin(), values.row(n).end()};
}

// Two classes; class 1 has probability 1/(1 + e^{−Σ w·s}).
SpikeScoreFunction linear(std::vector<float> weights) {
    return [weights](const Array<uint8_t>& spikes) {
        FloatArray scores({spikes.extent(0), 2});
        for (int64_t n = 0; n < spikes.extent(0); ++n) {
            const std::vector<uint8_t> sample = sample_of(spikes, n);
            scores.row(n)[1] = std::inner_product(weights.begin(), weights.end(), sample.begin(), 0.0F);
        }
        return scores;
    };
}

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

FloatArray random_array(const Shape& shape, uint64_t seed) {
    FloatArray array(shape);
    for (int64_t i = 0; i < array.size(); ++i)
        array.data[i] = static_cast<float>(random_uniform(seed, Stream::test, {static_cast<uint64_t>(i)}) - 0.5);
    return array;
}

// About a third of the places hold 1 to 3 spikes.
Array<uint8_t> random_spikes(const Shape& shape, uint64_t seed) {
    Array<uint8_t> spikes(shape);
    for (int64_t i = 0; i < spikes.size(); ++i) {
        const uint64_t draw = random_bits(seed, Stream::test, {1, static_cast<uint64_t>(i)}) % 9;
        spikes.data[i] = draw <= 3 ? static_cast<uint8_t>(draw) : 0;
    }
    return spikes;
}

SpikePerturbationOptions in_steps(int64_t steps) {
    SpikePerturbationOptions options;
    options.steps = steps;
    return options;
}

const std::vector<int> target{1};
const std::vector<int64_t> first_sample{0};

// Two steps of three pixels; five places spike, one of them twice; a silent place has the highest score.
struct FourSpikes {
    Array<uint8_t> spikes{{1, 2, 1, 1, 3}, {1, 0, 1, 0, 2, 1}};
    FloatArray scores{{1, 2, 1, 1, 3}, {0.1F, 9, 0.4F, 8, 0.3F, -0.2F}};  // order: place 2, 4 (both spikes), 0, 5
    SpikeScoreFunction score = linear({1, 100, -1, 100, 0.5F, 0.25F});    // contributions: −1, 2·0.5, 1, 0.25
};

TEST(SpikePerturbation, FourPlacesByHand) {
    const FourSpikes f;
    const auto inserted =
        perturb_spikes(Perturbation::insertion, f.spikes, f.scores, target, first_sample, f.score, in_steps(4));
    const auto deleted =
        perturb_spikes(Perturbation::deletion, f.spikes, f.scores, target, first_sample, f.score, in_steps(4));
    const std::vector<double> insertion_logits = {0, -1, 0, 1, 1.25}, deletion_logits = {1.25, 2.25, 1.25, 0.25, 0};
    ASSERT_EQ(inserted.curves.shape, (Shape{1, 5}));
    for (int j = 0; j < 5; ++j) {
        EXPECT_NEAR(inserted.curves.data[j], logistic(insertion_logits[j]), 1e-6);
        EXPECT_NEAR(deleted.curves.data[j], logistic(deletion_logits[j]), 1e-6);
    }
    const auto p = logistic;
    EXPECT_NEAR(inserted.values[0], (p(0) / 2 + p(-1) + p(0) + p(1) + p(1.25) / 2) / 4, 1e-12);
    EXPECT_NEAR(deleted.values[0], (p(1.25) / 2 + p(2.25) + p(1.25) + p(0.25) + p(0) / 2) / 4, 1e-12);
}

TEST(SpikePerturbation, StepsRoundUpToWholePlaces) {
    const FourSpikes f;  // ⌈4j/3⌉ = 0, 2, 3, 4 places
    const auto three =
        perturb_spikes(Perturbation::insertion, f.spikes, f.scores, target, first_sample, f.score, in_steps(3));
    const std::vector<double> logits = {0, 0, 1, 1.25};
    ASSERT_EQ(three.curves.shape, (Shape{1, 4}));
    for (int j = 0; j < 4; ++j) EXPECT_NEAR(three.curves.data[j], logistic(logits[j]), 1e-6);
    // ⌈4j/6⌉ = 0, 1, 2, 2, 3, 4, 4: more steps than places
    const auto six =
        perturb_spikes(Perturbation::insertion, f.spikes, f.scores, target, first_sample, f.score, in_steps(6));
    const std::vector<double> more = {0, -1, 0, 0, 1, 1.25, 1.25};
    for (int j = 0; j < 7; ++j) EXPECT_NEAR(six.curves.data[j], logistic(more[j]), 1e-6);
}

TEST(SpikePerturbation, DeletionAndInsertionInOneOrderAreComplements) {
    const Array<uint8_t> spikes = random_spikes({3, 4, 2, 3, 2}, 1);
    const FloatArray scores = random_array(spikes.shape, 2);
    std::vector<std::vector<uint8_t>> seen[2];
    for (const Perturbation kind : {Perturbation::insertion, Perturbation::deletion}) {
        const auto record = [&](const Array<uint8_t>& batch) {
            EXPECT_EQ(batch.extent(1), 4);
            for (int64_t n = 0; n < batch.extent(0); ++n)
                seen[kind == Perturbation::deletion].push_back(sample_of(batch, n));
            return FloatArray({batch.extent(0), 2});
        };
        perturb_spikes(kind, spikes, scores, std::vector{0, 1, 0}, std::vector<int64_t>{4, 5, 6}, record, in_steps(7));
    }
    ASSERT_EQ(seen[0].size(), 3U * 8U);
    for (size_t i = 0; i < seen[0].size(); ++i) {
        const std::vector<uint8_t> all = sample_of(spikes, static_cast<int64_t>(i / 8));
        for (size_t p = 0; p < all.size(); ++p) EXPECT_EQ(seen[0][i][p] + seen[1][i][p], all[p]);
        EXPECT_EQ(seen[1][i] == all, i % 8 == 0);
        EXPECT_EQ(seen[0][i] == all, i % 8 == 7);
    }
}

// The definition, slowly: the ranking of all places without the silent ones, every input from scratch, scored alone.
std::vector<double> slow_curve(Perturbation kind, const Array<uint8_t>& spikes, const FloatArray& scores, int64_t n,
                               int target_class, int64_t sample, const SpikeScoreFunction& score,
                               const SpikePerturbationOptions& options) {
    const std::vector<uint8_t> all = sample_of(spikes, n);
    std::vector<int64_t> order = ranking(sample_of(scores, n), options.seed, sample);
    std::erase_if(order, [&](int64_t place) { return all[place] == 0; });
    std::vector<double> curve;
    for (int64_t j = 0; j <= options.steps; ++j) {
        const double share = static_cast<double>(j) / static_cast<double>(options.steps);
        const auto changed = static_cast<size_t>(std::ceil(share * static_cast<double>(order.size()) - 1e-9));
        std::vector<uint8_t> input = all;
        for (size_t k = 0; k < order.size(); ++k)
            if ((k < changed) == (kind == Perturbation::deletion)) input[order[k]] = 0;
        const FloatArray row = score({spikes.rows(n, 1).shape, input});
        double total = 0;
        for (const float s : row.data) total += std::exp(static_cast<double>(s));
        curve.push_back(std::exp(static_cast<double>(row.data[target_class])) / total);
    }
    return curve;
}

TEST(SpikePerturbation, AgreesWithTheDefinitionForAnyShapeStepsAndBatch) {
    for (const Shape& shape : {Shape{3, 5, 1, 2, 3}, Shape{2, 1, 2, 3, 3}, Shape{1, 7, 1, 1, 1}, Shape{4, 2, 1, 1, 1}})
        for (const int64_t steps : {1, 3, 20})
            for (const int64_t batch : {1, 5, 16}) {
                const Array<uint8_t> spikes = random_spikes(shape, 3);
                FloatArray scores = random_array(shape, 4);
                for (float& value : scores.data) value = std::round(4 * value);  // many ties
                const auto score = linear(random_array({spikes.row_size()}, 5).data);
                const std::vector<int> targets(shape[0], 1);
                std::vector<int64_t> samples(shape[0]);
                std::iota(samples.begin(), samples.end(), 70);
                const SpikePerturbationOptions options{steps, 6, batch};
                for (const Perturbation kind : {Perturbation::insertion, Perturbation::deletion}) {
                    const auto result = perturb_spikes(kind, spikes, scores, targets, samples, score, options);
                    ASSERT_EQ(result.curves.shape, (Shape{shape[0], steps + 1}));
                    for (int64_t n = 0; n < shape[0]; ++n) {
                        const auto curve = slow_curve(kind, spikes, scores, n, 1, samples[n], score, options);
                        double sum = 0;
                        for (int64_t j = 0; j <= steps; ++j) {
                            EXPECT_NEAR(result.curves.row(n)[j], curve[j], 1e-6);
                            sum += curve[j] * (j == 0 || j == steps ? 0.5 : 1);
                        }
                        EXPECT_NEAR(result.values[n], sum / static_cast<double>(steps), 1e-6);
                    }
                }
            }
}

TEST(SpikePerturbation, NoBitDependsOnTheBatch) {
    const Array<uint8_t> spikes = random_spikes({4, 3, 1, 3, 3}, 1);
    const FloatArray scores(spikes.shape, 0.0F);  // nothing but ties
    const auto score = linear(random_array({27}, 2).data);
    const std::vector<int> targets{0, 1, 0, 1};
    const std::vector<int64_t> samples{3, 9, 27, 81};
    const auto run = [&](int64_t batch) {
        return perturb_spikes(Perturbation::deletion, spikes, scores, targets, samples, score, {6, 1, batch});
    };
    const auto together = run(16);
    for (const int64_t batch : {1, 3, 1000}) {
        EXPECT_EQ(run(batch).curves, together.curves);
        EXPECT_EQ(run(batch).values, together.values);
    }
    for (int64_t n = 0; n < 4; ++n) {
        const auto single = perturb_spikes(Perturbation::deletion, spikes.rows(n, 1).copy(), scores.rows(n, 1).copy(),
                                           std::vector{targets[n]}, std::vector{samples[n]}, score, in_steps(6));
        EXPECT_EQ(single.values[0], together.values[n]);
        EXPECT_TRUE(std::ranges::equal(single.curves.row(0), together.curves.row(n)));
    }
}

TEST(SpikePerturbation, TiesFollowTheAddressAndPreferNoSpike) {
    const Array<uint8_t> spikes({1, 1, 1, 1, 4}, {1, 0, 1, 1});
    const FloatArray scores(spikes.shape, 0.5F);
    std::vector<double> first(4);
    constexpr int seeds = 3000;
    for (uint64_t seed = 0; seed < seeds; ++seed) {
        std::vector<uint8_t> seen;
        const auto record = [&](const Array<uint8_t>& batch) {
            seen = sample_of(batch, 1);
            return FloatArray({batch.extent(0), 2});
        };
        perturb_spikes(Perturbation::insertion, spikes, scores, target, first_sample, record, {3, seed, 16});
        for (int p = 0; p < 4; ++p) first[p] += seen[p] / static_cast<double>(seeds);
    }
    EXPECT_EQ(first[1], 0);
    for (const int p : {0, 2, 3}) EXPECT_NEAR(first[p], 1.0 / 3, 5 * std::sqrt(2.0 / 9 / seeds));
}

TEST(SpikePerturbation, ASilentSampleHasAFlatCurve) {
    Array<uint8_t> spikes = random_spikes({2, 2, 1, 2, 2}, 1);
    std::ranges::fill(spikes.row(0), uint8_t{0});
    int64_t scored = 0;
    const auto bias = [&](const Array<uint8_t>& batch) {
        scored += batch.extent(0);
        FloatArray scores({batch.extent(0), 2});
        for (int64_t n = 0; n < batch.extent(0); ++n) scores.row(n)[1] = 2;
        return scores;
    };
    const auto result = perturb_spikes(Perturbation::insertion, spikes, random_array(spikes.shape, 1),
                                       std::vector{1, 1}, std::vector<int64_t>{0, 1}, bias, in_steps(5));
    for (const float value : result.curves.row(0)) EXPECT_FLOAT_EQ(value, static_cast<float>(logistic(2)));
    EXPECT_NEAR(result.values[0], logistic(2), 1e-12);
    EXPECT_EQ(scored, 2 * 6);
}

// On a linear score the exact contributions are the best order there is.
TEST(SpikePerturbation, TheTrueContributionsBeatEveryOtherOrder) {
    const std::vector<float> weights{2, -1, 0.5F, -3};
    const Array<uint8_t> spikes({1, 2, 1, 1, 2}, 1);
    const auto area = [&](Perturbation kind, const std::vector<float>& scores) {
        return perturb_spikes(kind, spikes, FloatArray(spikes.shape, scores), target, first_sample, linear(weights),
                              in_steps(4))
            .values[0];
    };
    std::vector<float> other{1, 2, 3, 4};
    do {
        EXPECT_GE(area(Perturbation::insertion, weights), area(Perturbation::insertion, other));
        EXPECT_LE(area(Perturbation::deletion, weights), area(Perturbation::deletion, other));
    } while (std::next_permutation(other.begin(), other.end()));
}

TEST(SpikePerturbation, BadInputGetsASentence) {
    const Array<uint8_t> spikes({1, 2, 1, 1, 2}, 1);
    const FloatArray scores(spikes.shape);
    const SpikeScoreFunction score = linear({1, 1, 1, 1});
    const auto run = [&](const FloatArray& of_spikes, std::vector<int> targets, std::vector<int64_t> samples,
                         const SpikeScoreFunction& s, const SpikePerturbationOptions& options) {
        perturb_spikes(Perturbation::insertion, spikes, of_spikes, targets, samples, s, options);
    };
    EXPECT_NO_THROW(run(scores, {1}, {0}, score, {}));
    EXPECT_THROW(run(FloatArray({1, 2, 1, 2, 1}), {1}, {0}, score, {}), InputError);
    EXPECT_THROW(run(FloatArray({1, 1, 1, 2}), {1}, {0}, score, {}), InputError);
    EXPECT_THROW(run(scores, {1, 1}, {0}, score, {}), InputError);
    EXPECT_THROW(run(scores, {1}, {}, score, {}), InputError);
    EXPECT_THROW(run(scores, {2}, {0}, score, {}), InputError);
    EXPECT_THROW(run(scores, {-1}, {0}, score, {}), InputError);
    EXPECT_THROW(run(scores, {1}, {0}, score, in_steps(0)), InputError);
    EXPECT_THROW(run(scores, {1}, {0}, score, {20, 1, 0}), InputError);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    EXPECT_THROW(run(FloatArray(spikes.shape, {0, nan, 0, 0}), {1}, {0}, score, {}), InputError);
    EXPECT_THROW(run(scores, {1}, {0},
                     [&](const auto& x) {
                         return FloatArray({x.extent(0), 2}, nan);
                     },
                     {}),
                 InputError);
    EXPECT_THROW(run(scores, {1}, {0}, [&](const auto&) { return FloatArray({1, 2}); }, {}), InputError);
    EXPECT_THROW(perturb_spikes(Perturbation::deletion, Array<uint8_t>({1, 1, 2}), FloatArray({1, 1, 2}), target,
                                first_sample, score, {}),
                 InputError);
}

}  // namespace
}  // namespace spikelens
