#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/evaluate/perturbation.h"
#include "spikelens/evaluate/summary.h"

namespace spikelens {
namespace {

// Two classes; class 1 has probability 1/(1 + e^{−Σ w·x}).
ScoreFunction linear(std::vector<float> weights) {
    return [weights](const FloatArray& images) {
        FloatArray scores({images.extent(0), 2});
        for (int64_t n = 0; n < images.extent(0); ++n)
            scores.row(n)[1] = std::inner_product(weights.begin(), weights.end(), images.row(n).begin(), 0.0F);
        return scores;
    };
}

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

FloatArray random_array(const Shape& shape, uint64_t seed) {
    FloatArray array(shape);
    for (int64_t i = 0; i < array.size(); ++i)
        array.data[i] = static_cast<float>(random_uniform(seed, Stream::test, {static_cast<uint64_t>(i)}));
    return array;
}

PerturbationOptions one_by_one() {
    PerturbationOptions options;
    options.pixels_per_step = 1;
    return options;
}

const std::vector<int> target{1};
const std::vector<int64_t> first_sample{0};

TEST(Perturbation, FourPixelsByHand) {
    const FloatArray image({1, 1, 2, 2}, {1, 2, 3, 4});
    const FloatArray map({1, 2, 2}, {0.1F, 0.4F, 0.3F, 0.2F});  // order: pixel 1, 2, 3, 0
    const ScoreFunction score = linear({1, -1, 0.5F, 0.25F});   // contributions: 1, −2, 1.5, 1
    const auto inserted = perturb(Perturbation::insertion, image, map, target, first_sample, score, one_by_one());
    const auto deleted = perturb(Perturbation::deletion, image, map, target, first_sample, score, one_by_one());
    const std::vector<double> insertion_logits = {0, -2, -0.5, 0.5, 1.5}, deletion_logits = {1.5, 3.5, 2, 1, 0};
    ASSERT_EQ(inserted.curves.shape, (Shape{1, 5}));
    for (int k = 0; k < 5; ++k) {
        EXPECT_NEAR(inserted.curves.data[k], logistic(insertion_logits[k]), 1e-6);
        EXPECT_NEAR(deleted.curves.data[k], logistic(deletion_logits[k]), 1e-6);
    }
    const auto p = logistic;
    EXPECT_NEAR(inserted.values[0], (p(0) / 2 + p(-2) + p(-0.5) + p(0.5) + p(1.5) / 2) / 4, 1e-12);
    EXPECT_NEAR(deleted.values[0], (p(1.5) / 2 + p(3.5) + p(2) + p(1) + p(0) / 2) / 4, 1e-12);
}

TEST(Perturbation, AConstantScoreHasItsOwnProbabilityAsArea) {
    const auto constant = [](const FloatArray& images) {
        FloatArray scores({images.extent(0), 3}, 0.0F);
        for (int64_t n = 0; n < images.extent(0); ++n) scores.row(n)[2] = 1000;  // no overflow
        return scores;
    };
    const auto result = perturb(Perturbation::deletion, random_array({2, 1, 3, 3}, 1), random_array({2, 3, 3}, 2),
                                std::vector<int>{2, 0}, std::vector<int64_t>{0, 1}, constant, {});
    EXPECT_EQ(result.values, (std::vector<double>{1, 0}));
}

TEST(Perturbation, AllChannelsOfAPixelChangeTogether) {
    const FloatArray image({1, 2, 1, 2}, {1, 2, 10, 20});
    const FloatArray map({1, 1, 2}, {0, 1});
    std::vector<FloatArray> seen;
    const auto record = [&](const FloatArray& images) {
        seen.push_back(images);
        return FloatArray({images.extent(0), 2});
    };
    perturb(Perturbation::insertion, image, map, target, first_sample, record, one_by_one());
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0], FloatArray({3, 2, 1, 2}, {0, 0, 0, 0, 0, 2, 0, 20, 1, 2, 10, 20}));
}

// The definition, slowly: every perturbed image from scratch, scored alone.
double slow_area(Perturbation kind, const FloatArray& images, int64_t n, std::span<const int64_t> order,
                 int target_class, const ScoreFunction& score, int64_t step, Baseline baseline) {
    const int64_t channels = images.extent(1), area = images.extent(2) * images.extent(3),
                  steps = (area + step - 1) / step;
    const FloatArray base = baseline_images(images, baseline);
    double sum = 0;
    for (int64_t k = 0; k <= steps; ++k) {
        FloatArray image({1, channels, images.extent(2), images.extent(3)});
        for (int64_t c = 0; c < channels; ++c)
            for (int64_t i = 0; i < area; ++i) {
                const bool changed = std::find(order.begin(), order.end(), i) - order.begin() < k * step;
                const bool original = changed == (kind == Perturbation::insertion);
                image.data[c * area + i] = (original ? images : base).row(n)[c * area + i];
            }
        const FloatArray scores = score(image);
        double total = 0;
        for (const float s : scores.data) total += std::exp(static_cast<double>(s));
        sum += std::exp(static_cast<double>(scores.data[target_class])) / total * (k == 0 || k == steps ? 0.5 : 1);
    }
    return sum / static_cast<double>(steps);
}

TEST(Perturbation, AgreesWithTheDefinitionForAnyShapeStepAndBatch) {
    int cases = 0;
    for (const Shape& shape : {Shape{3, 1, 4, 5}, Shape{2, 3, 3, 3}, Shape{1, 2, 1, 7}})
        for (const int64_t step : {0, 1, 2, 3, 7, 1000})
            for (const int64_t batch : {1, 5, 512})
                for (const Baseline baseline : {Baseline::black, Baseline::blur, Baseline::mean}) {
                    const FloatArray images = random_array(shape, 7),
                                     maps = random_array({shape[0], shape[2], shape[3]}, 8);
                    const ScoreFunction score = linear(random_array({element_count(shape) / shape[0]}, 9).data);
                    const std::vector<int> targets(shape[0], 1);
                    std::vector<int64_t> samples(shape[0]);
                    std::iota(samples.begin(), samples.end(), 100);
                    PerturbationOptions options{step, baseline, 3, batch};
                    for (const Perturbation kind : {Perturbation::insertion, Perturbation::deletion}) {
                        const auto result = perturb(kind, images, maps, targets, samples, score, options);
                        for (int64_t n = 0; n < shape[0]; ++n) {
                            const auto order = ranking(maps.row(n), 3, samples[n]);
                            const double slow =
                                slow_area(kind, images, n, order, 1, score, step == 0 ? shape[3] : step, baseline);
                            EXPECT_NEAR(result.values[n], slow, 1e-6) << step << " " << batch;
                            ++cases;
                        }
                    }
                }
    EXPECT_EQ(cases, 6 * 18 * 6);
}

TEST(Perturbation, ASampleDoesNotDependOnTheBatchItIsIn) {
    const FloatArray images = random_array({5, 1, 4, 4}, 1);
    const FloatArray maps({5, 4, 4}, 0.0F);  // nothing but ties
    const ScoreFunction score = linear(random_array({16}, 2).data);
    const std::vector<int> targets{0, 1, 0, 1, 1};
    const std::vector<int64_t> samples{3, 9, 27, 81, 243};
    PerturbationOptions options = one_by_one();
    options.max_batch = 7;
    const auto together = perturb(Perturbation::insertion, images, maps, targets, samples, score, options);
    for (int64_t n = 0; n < 5; ++n) {
        const FloatArray image({1, 1, 4, 4}, {images.row(n).begin(), images.row(n).end()});
        const auto alone = perturb(Perturbation::insertion, image, FloatArray({1, 4, 4}), std::vector{targets[n]},
                                   std::vector{samples[n]}, score, one_by_one());
        EXPECT_EQ(alone.values[0], together.values[n]);
        EXPECT_TRUE(std::ranges::equal(alone.curves.row(0), together.curves.row(n)));
    }
}

// Deleting in one order shows the same images, last first, as inserting in the opposite order.
TEST(Perturbation, DeletionIsInsertionOfTheOppositeMap) {
    const FloatArray images = random_array({4, 2, 3, 4}, 1), maps = random_array({4, 3, 4}, 2);
    FloatArray opposite = maps;
    for (float& value : opposite.data) value = -value;
    const ScoreFunction score = linear(random_array({24}, 3).data);
    const std::vector<int> targets(4, 1);
    const std::vector<int64_t> samples{0, 1, 2, 3};
    PerturbationOptions options;
    options.pixels_per_step = 3;
    const auto deleted = perturb(Perturbation::deletion, images, maps, targets, samples, score, options);
    const auto inserted = perturb(Perturbation::insertion, images, opposite, targets, samples, score, options);
    for (int64_t n = 0; n < 4; ++n) {
        std::vector<float> backwards(inserted.curves.row(n).begin(), inserted.curves.row(n).end());
        std::reverse(backwards.begin(), backwards.end());
        EXPECT_TRUE(std::ranges::equal(deleted.curves.row(n), backwards));
        EXPECT_NEAR(deleted.values[n], inserted.values[n], 1e-12);
    }
}

TEST(Perturbation, RankingIsDescendingAndCompletesToAPermutation) {
    const FloatArray map = random_array({1, 50}, 4);
    std::vector<int64_t> order = ranking(map.data, 1, 0);
    for (size_t i = 1; i < order.size(); ++i) EXPECT_GT(map.data[order[i - 1]], map.data[order[i]]);
    std::sort(order.begin(), order.end());
    for (int64_t i = 0; i < 50; ++i) EXPECT_EQ(order[i], i);
}

TEST(Perturbation, TiesFollowTheAddressAndPreferNoPixel) {
    const std::vector<float> map{0, 1, -0.0F, 0, 1, 0};  // −0 equals 0
    EXPECT_EQ(ranking(map, 1, 5), ranking(map, 1, 5));
    std::set<std::vector<int64_t>> orders;
    std::vector<double> place(map.size());
    constexpr int seeds = 6000;
    for (uint64_t seed = 0; seed < seeds; ++seed) {
        const auto order = ranking(map, seed, 5);
        orders.insert(order);
        for (size_t i = 0; i < order.size(); ++i) place[order[i]] += static_cast<double>(i) / seeds;
    }
    EXPECT_EQ(orders.size(), 2U * 24U);  // 2! orders of the ones, then 4! of the zeros: all occur
    for (const int one : {1, 4}) EXPECT_NEAR(place[one], 0.5, 0.03);
    for (const int zero : {0, 2, 3, 5}) EXPECT_NEAR(place[zero], 3.5, 0.07);
    EXPECT_NE(ranking(std::vector<float>(20), 1, 5), ranking(std::vector<float>(20), 1, 6));
}

TEST(Perturbation, BadInputGetsASentence) {
    const FloatArray images({1, 1, 2, 2}), maps({1, 2, 2});
    const ScoreFunction score = linear({1, 1, 1, 1});
    const auto run = [&](const FloatArray& m, std::vector<int> targets, std::vector<int64_t> samples,
                         const ScoreFunction& s, const PerturbationOptions& options) {
        perturb(Perturbation::insertion, images, m, targets, samples, s, options);
    };
    EXPECT_NO_THROW(run(maps, {1}, {0}, score, {}));
    EXPECT_THROW(run(FloatArray({1, 2, 3}), {1}, {0}, score, {}), InputError);
    EXPECT_THROW(run(maps, {1, 1}, {0}, score, {}), InputError);
    EXPECT_THROW(run(maps, {1}, {}, score, {}), InputError);
    EXPECT_THROW(run(maps, {2}, {0}, score, {}), InputError);
    EXPECT_THROW(run(maps, {-1}, {0}, score, {}), InputError);
    EXPECT_THROW(run(maps, {1}, {0}, score, {-1}), InputError);
    EXPECT_THROW(run(maps, {1}, {0}, score, {.max_batch = 0}), InputError);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    EXPECT_THROW(run(FloatArray({1, 2, 2}, {0, nan, 0, 0}), {1}, {0}, score, {}), InputError);
    EXPECT_THROW(run(maps, {1}, {0},
                     [&](const FloatArray& x) {
                         return FloatArray({x.extent(0), 2}, nan);
                     },
                     {}),
                 InputError);
    EXPECT_THROW(run(maps, {1}, {0}, [&](const FloatArray&) { return FloatArray({1, 2}); }, {}), InputError);
}

// On a linear score the exact contributions are the best map there is.
TEST(Perturbation, TheTrueContributionsBeatEveryOtherOrder) {
    const std::vector<float> weights{2, -1, 0.5F, -3};
    const FloatArray image({1, 1, 2, 2}, 1.0F);
    const auto area = [&](Perturbation kind, const std::vector<float>& map) {
        return perturb(kind, image, FloatArray({1, 2, 2}, map), target, first_sample, linear(weights), one_by_one())
            .values[0];
    };
    std::vector<float> other{1, 2, 3, 4};
    do {
        EXPECT_GE(area(Perturbation::insertion, weights), area(Perturbation::insertion, other));
        EXPECT_LE(area(Perturbation::deletion, weights), area(Perturbation::deletion, other));
    } while (std::next_permutation(other.begin(), other.end()));
}

TEST(Summary, MeansOfAreasAndOfEveryStep) {
    const MetricResult result{{0.2, 0.4, 0.9}, FloatArray({3, 2}, {0, 1, 0.5F, 1, 1, 1})};
    const MetricSummary summary = summarise(result);
    EXPECT_DOUBLE_EQ(summary.value.mean, 0.5);
    ASSERT_EQ(summary.curve.size(), 2U);
    EXPECT_DOUBLE_EQ(summary.curve[0].mean, 0.5);
    EXPECT_NEAR(summary.curve[0].high, 0.5 + 4.3026527297 * 0.5 / std::sqrt(3), 1e-9);
    EXPECT_EQ(summary.curve[1].mean, 1);
    EXPECT_TRUE(std::isnan(summary.curve[1].low)) << "three equal values tell no spread";
    EXPECT_EQ(summary.curve[1].samples, 3);
    EXPECT_THROW(summarise({{0.2}, FloatArray({3, 2})}), InputError);
}

}  // namespace
}  // namespace spikelens
