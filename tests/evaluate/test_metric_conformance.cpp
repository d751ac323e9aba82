#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/evaluate/evaluator.h"
#include "spikelens/evaluate/robustness.h"
#include "spikelens/evaluate/statistics.h"

namespace spikelens {
namespace {

constexpr int64_t kSide = 8, kPlaces = kSide * kSide, kSamples = 60;
constexpr int kSteps = 6;

/// The truth: a class sums the left or the right half of the input. Its readout is linear, so that a map that is the
/// input on its own class's half, with a minus on the other, accounts for every score, and nothing else does as well.
Network two_halves() {
    Network network = parse_network("2F", {1, kSide, kSide}, kSteps);
    initialise_weights(network, 1);
    for (Layer& layer : network.layers) {
        std::ranges::fill(layer.bias.data, 0.0F);
        for (int64_t c = 0; c < 2; ++c)
            for (int64_t p = 0; p < kPlaces; ++p)
                layer.weight.row(c)[p] = ((p % kSide < kSide / 2) == (c == 0) ? 1.0F : -1.0F) / 16;
    }
    return network;
}

/// Images or spikes, a class brighter on its own half.
class Halves : public SampleSource {
  public:
    explicit Halves(bool spiking) : spiking_(spiking), classes_{"left", "right"} {}
    int64_t size() const override { return kSamples; }
    Shape shape() const override { return {1, kSide, kSide}; }
    const std::vector<std::string>& classes() const override { return classes_; }
    int steps() const override { return spiking_ ? kSteps : 0; }
    int label(int64_t index) const override { return static_cast<int>(index % 2); }
    FloatArray images(std::span<const int64_t> indices) const override {
        FloatArray all({static_cast<int64_t>(indices.size()), 1, kSide, kSide});
        for (size_t n = 0; n < indices.size(); ++n)
            for (int64_t p = 0; p < kPlaces; ++p) all.row(static_cast<int64_t>(n))[p] = value(indices[n], p);
        return all;
    }
    Input input(std::span<const int64_t> indices) const override {
        const FloatArray all = images(indices);
        if (!spiking_) return all;
        const int64_t count = all.extent(0);
        Array<uint8_t> spikes({count, kSteps, 1, kSide, kSide});
        for (int64_t n = 0; n < count; ++n)
            for (int64_t t = 0; t < kSteps; ++t)
                for (int64_t p = 0; p < kPlaces; ++p)
                    spikes.row(n)[t * kPlaces + p] = all.row(n)[p] > noise(indices[n], p, t + 1) ? 1 : 0;
        return spikes;
    }

    /// The half of each sample's class.
    static Array<uint8_t> masks(std::span<const int64_t> indices) {
        Array<uint8_t> all({static_cast<int64_t>(indices.size()), kSide, kSide});
        for (size_t n = 0; n < indices.size(); ++n)
            for (int64_t p = 0; p < kPlaces; ++p)
                all.row(static_cast<int64_t>(n))[p] = (p % kSide < kSide / 2) == (indices[n] % 2 == 0) ? 7 : 0;
        return all;
    }

  private:
    static float noise(int64_t sample, int64_t place, int64_t draw) {
        return static_cast<float>(
            random_uniform(4, Stream::test,
                           {static_cast<uint64_t>(sample), static_cast<uint64_t>(place), static_cast<uint64_t>(draw)}));
    }
    static float value(int64_t sample, int64_t place) {
        const bool own = (place % kSide < kSide / 2) == (sample % 2 == 0);
        return (own ? 0.7F : 0.2F) * noise(sample, place, 0);
    }

    bool spiking_;
    std::vector<std::string> classes_;
};

/// A map that is known: the truth, its opposite, chance, or where the weights are alone.
class KnownMethod : public AttributionMethod {
  public:
    enum class Kind { truth, opposite, chance };
    explicit KnownMethod(Kind kind) : kind_(kind) { info_.on_spikes = true; }
    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const Input& input = request.input;
        const FloatArray& weight = context.engine->network().layers[0].weight;
        FloatArray all({input.samples(), 1, kSide, kSide});
        for (int64_t n = 0; n < input.samples(); ++n)
            for (int64_t p = 0; p < kPlaces; ++p) {
                const float truth = weight.row(request.targets[n])[p] * shown(input, n, p);
                const auto at = static_cast<uint64_t>(request.samples[n]);
                all.row(n)[p] =
                    kind_ == Kind::truth ? truth
                    : kind_ == Kind::opposite
                        ? -truth
                        : static_cast<float>(random_uniform(9, Stream::test, {at, static_cast<uint64_t>(p)}));
            }
        return all;
    }
    std::optional<OwnBaseline> own_baseline(const Input& input) const override {
        OwnBaseline none{"black", input};
        std::ranges::fill(none.input.images.data, 0.0F);
        std::ranges::fill(none.input.spikes.data, uint8_t{0});
        return none;
    }

  private:
    /// What the input gives at a place over all steps.
    static float shown(const Input& input, int64_t n, int64_t p) {
        if (!input.spiking()) return kSteps * input.images.row(n)[p];
        float sum = 0;
        for (int64_t t = 0; t < kSteps; ++t) sum += input.spikes.row(n)[t * kPlaces + p];
        return sum;
    }
    Kind kind_;
};
using Kind = KnownMethod::Kind;

MethodSpec known(Kind kind) { return {"known", std::make_shared<KnownMethod>(kind), View::natural, "known"}; }

struct Case {
    MetricPointer metric;
    bool spiking = false;
};

class MetricConformance : public testing::TestWithParam<Case> {
  public:
    MetricContext context() const {
        MetricContext context;
        context.model.engine = &simulator;
        context.shuffled.engine = &shuffled;
        context.data = &data;
        context.engine_of = [](Network of) { return std::make_shared<CpuEngine>(std::move(of)); };
        context.images = [this](std::span<const int64_t> samples) { return data.images(samples); };
        context.masks = [this](std::span<const int64_t> samples) { return Halves::masks(samples); };
        return context;
    }
    Evaluator evaluator(std::vector<int64_t> samples) const {
        MetricOptions options;
        options.spike_steps = 8;
        return {data, std::move(samples), {GetParam().metric}, context(), options};
    }
    std::vector<int64_t> all_samples() const {
        std::vector<int64_t> samples(kSamples);
        for (int64_t i = 0; i < kSamples; ++i) samples[i] = i;
        return samples;
    }
    MethodScores scores(Kind kind, std::vector<int64_t> samples, int64_t at_once) const {
        const Evaluator of = evaluator(std::move(samples));
        MethodScores result;
        while (of.reached(result) < of.samples()) of.advance(known(kind), result, at_once, {});
        result.seconds = 0;  // the only number that is a measured time
        return result;
    }
    MetricResult result(Kind kind, int64_t at_once = kSamples) const {
        return scores(kind, all_samples(), at_once).metrics.at(GetParam().metric->info().name);
    }

    Network network = two_halves();
    CpuEngine simulator{network}, shuffled{randomise_full(network, 1)};
    Halves data{GetParam().spiking};
};

bool same(const MethodScores& a, const MethodScores& b) {
    return a.metrics == b.metrics && a.measured == b.measured && a.maps == b.maps && a.done == b.done &&
           a.undecided == b.undecided;
}

TEST_P(MetricConformance, SaysWhatItIs) {
    const MetricInfo& info = GetParam().metric->info();
    for (const std::string& text : {info.name, info.title, info.range, info.cost, info.source})
        EXPECT_FALSE(text.empty());
    EXPECT_TRUE((std::set<std::string>{"higher", "lower", "none"}.contains(info.direction))) << info.direction;
}

TEST_P(MetricConformance, ATrueMapIsBetterThanItsOppositeAndThanChance) {
    const MetricInfo& info = GetParam().metric->info();
    if (info.direction == "none") return;
    // How a map hangs on its input, how it looks, and what time does to it are not whether it is right. A mosaic moves
    // halves elsewhere; test_focus.cpp has what can be moved.
    const std::set<std::string> others = {
        "sensitivity", "input_stability", "output_stability", "sparseness", "complexity", "spike_retiming", "emprt",
        "focus"};
    if (others.contains(info.name)) return;
    const double sign = info.direction == "higher" ? 1 : -1;
    const MetricResult truth = result(Kind::truth);
    for (const Kind other : {Kind::opposite, Kind::chance}) {
        // Both compare a method with itself: the opposite fares as the truth does.
        if ((info.name.ends_with("mprt") || info.name.starts_with("random")) && other == Kind::opposite) continue;
        const Estimate gain = estimate_difference(truth.values, result(other).values);
        EXPECT_GT(sign * gain.mean, 0) << info.name;
        // Halves are smooth: what ROAD fills in from the neighbours keeps the class. test_removal_metrics.cpp has
        // points.
        if (info.name == "road") continue;
        EXPECT_GT(std::min(sign * gain.low, sign * gain.high), 0) << info.name;
    }
}

TEST_P(MetricConformance, ChanceIsWhereItIsKnownToBe) {
    const MetricInfo& info = GetParam().metric->info();
    const Estimate chance = estimate_mean(result(Kind::chance).values);
    // The map looks neither at its input, which is the best there is, nor at the network, which is the worst.
    if (info.name == "sensitivity" || info.name.ends_with("stability")) {
        EXPECT_EQ(chance.mean, 0);
    } else if (info.name == "emprt") {
        EXPECT_EQ(chance.mean, 0);
    } else if (info.name == "focus" || info.name == "energy_inside") {
        EXPECT_NEAR(chance.mean, 0.5, 0.05);
    } else if (info.name == "pointing_game") {
        EXPECT_NEAR(chance.mean, 0.5, 1.96 * 0.5 / std::sqrt(static_cast<double>(kSamples)) + 0.05);
    } else if (info.name == "mprt" || info.name == "smprt" || info.name.starts_with("random")) {
        EXPECT_NEAR(chance.mean, 1, 1e-12);
    } else if (info.name == "faithfulness_correlation" || info.name == "sensitivity_n" || info.name == "road") {
        EXPECT_LT(std::abs(chance.mean), 0.1);
    }
    if (!info.name.ends_with("insertion") && !info.name.ends_with("deletion")) return;
    // A random order says nothing of either end: insertion and deletion of one map mirror each other.
    const auto mirrored = [&](const std::string& name) {
        const std::string stem = info.input == MetricInput::spikes ? "spike_" : "";
        const Evaluator of(data, all_samples(), {find_metric(stem + name)}, context(), MetricOptions{});
        MethodScores scores;
        while (of.reached(scores) < kSamples) of.advance(known(Kind::chance), scores, kSamples, {});
        return scores.metrics.at(stem + name);
    };
    const Estimate gap = estimate_difference(mirrored("insertion").values, mirrored("deletion").values);
    EXPECT_LT(std::abs(gap.mean), 0.1);
}

TEST_P(MetricConformance, AValueDoesNotDependOnItsChunk) {
    const MethodScores whole = scores(Kind::truth, all_samples(), kSamples);
    ASSERT_EQ(whole.metrics.at(GetParam().metric->info().name).values.size(), size_t{kSamples} - whole.undecided);
    for (const int64_t at_once : {1, 7, 59})
        EXPECT_TRUE(same(whole, scores(Kind::truth, all_samples(), at_once))) << at_once;
}

TEST_P(MetricConformance, WhatWasCancelledGoesOnToTheSameValues) {
    const MethodScores whole = scores(Kind::truth, all_samples(), kSamples);
    const Evaluator first = evaluator(all_samples());
    MethodScores scores;
    first.advance(known(Kind::truth), scores, 11, {});
    const MethodScores kept = scores;
    Execution stopped;
    stopped.cancelled = [] { return true; };
    EXPECT_THROW(first.advance(known(Kind::truth), scores, 11, stopped), Cancelled);
    EXPECT_TRUE(same(scores, kept));  // all of a chunk or nothing
    const Evaluator second = evaluator(all_samples());
    while (second.reached(scores) < kSamples) second.advance(known(Kind::truth), scores, 13, {});
    EXPECT_TRUE(same(scores, whole));
}

/// Versions of samples that no map decides are simulated once for all methods.
TEST_P(MetricConformance, AValueDoesNotDependOnTheMethodsBefore) {
    const MethodScores alone = scores(Kind::chance, all_samples(), kSamples);
    const Evaluator of = evaluator(all_samples());
    MethodScores before, after;
    for (const auto& [kind, into] : {std::pair(Kind::truth, &before), std::pair(Kind::chance, &after)})
        while (of.reached(*into) < of.samples()) of.advance(known(kind), *into, 17, {});
    EXPECT_TRUE(same(alone, after));
    EXPECT_TRUE(same(before, scores(Kind::truth, all_samples(), kSamples)));
}

TEST_P(MetricConformance, PartsMergeIntoTheWhole) {
    const MethodScores whole = scores(Kind::truth, all_samples(), kSamples);
    for (const int64_t shards : {1, 2, 7}) {
        std::vector<MethodScores> parts;
        for (int64_t s = 0; s < shards; ++s) {
            const auto begin = s * kSamples / shards, end = (s + 1) * kSamples / shards;
            const std::vector<int64_t> all = all_samples();
            parts.push_back(scores(Kind::truth, {all.begin() + begin, all.begin() + end}, 10));
        }
        EXPECT_TRUE(same(whole, merge(parts))) << shards;
    }
}

TEST_P(MetricConformance, GivenClassesAreExplainedOfEverySample) {
    const std::vector<int> targets(kSamples, 1);
    MetricOptions options;
    options.spike_steps = 8;
    const Evaluator of(data, all_samples(), {GetParam().metric}, context(), options, targets);
    MethodScores scores;
    std::vector<int> seen;
    const auto see = [&](const ExplainedSamples& explained) {
        seen.insert(seen.end(), explained.targets.begin(), explained.targets.end());
    };
    while (of.reached(scores) < kSamples) of.advance(known(Kind::truth), scores, 17, {}, see);
    EXPECT_EQ(seen, targets);
    EXPECT_EQ(scores.undecided, 0);
    EXPECT_EQ(scores.done, kSamples);
    EXPECT_THROW(Evaluator(data, all_samples(), {GetParam().metric}, context(), options, {1}), InputError);
}

/// Every metric there is, on every input it measures on.
std::vector<Case> every_case() {
    std::vector<Case> cases;
    for (const MetricPointer& metric : all_metrics()) {
        if (metric->info().input != MetricInput::spikes) cases.push_back({metric, false});
        if (metric->info().input != MetricInput::pixels) cases.push_back({metric, true});
    }
    return cases;
}

INSTANTIATE_TEST_SUITE_P(Every, MetricConformance, testing::ValuesIn(every_case()), [](const auto& parameter) {
    return parameter.param.metric->info().name + (parameter.param.spiking ? "_spikes" : "_images");
});

TEST(Metrics, AreFoundByTheirNameAndBelongToTheirInput) {
    for (const MetricPointer& metric : all_metrics()) EXPECT_EQ(find_metric(metric->info().name), metric);
    const auto refused = [](std::vector<std::string> names, bool spiking, bool pixels) -> std::string {
        try {
            find_metrics(names, spiking, pixels);
        } catch (const InputError& error) {
            return error.what();
        }
        return "";
    };
    EXPECT_NE(refused({"insertions"}, false, true).find("insertion"), std::string::npos);
    EXPECT_NE(refused({"deletion", "deletion"}, false, true).find("twice"), std::string::npos);
    EXPECT_NE(refused({"spike_insertion"}, false, true).find("images"), std::string::npos);
    EXPECT_NE(refused({"insertion"}, true, false).find("recordings"), std::string::npos);
    EXPECT_EQ(refused({"insertion", "spike_deletion", "sensitivity"}, true, true), "");  // coded images
}

TEST(Metrics, UnfinishedPartsAreNotMerged) {
    MethodScores whole, half;
    whole.measured = {{"insertion", 4}};
    whole.done = 4;
    half.measured = {{"insertion", 2}};
    half.done = 4;
    EXPECT_THROW(merge(std::vector{whole, half}), InputError);
    half.measured = {{"deletion", 4}};
    EXPECT_THROW(merge(std::vector{whole, half}), InputError);
}

}  // namespace
}  // namespace spikelens
