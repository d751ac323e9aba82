#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/attribute/baseline.h"
#include "spikelens/core/error.h"

#include "small_network.h"
#include "snn/reference_network.h"
#include "spiking_input.h"

namespace spikelens {
namespace {

using spikelens::testing::Dual;
using spikelens::testing::ReferenceNetwork;

using Frames = std::vector<std::vector<double>>;  ///< [T][C·H·W] of one sample

constexpr int64_t count = 2;
const Shape shape{2, 4, 5};
const int64_t size = 40;

struct Explained {
    Network network = test::small_network("3C3-LIF-MP2-4F-LIF-3F", shape, 4);
    GradientOptions options;
    CpuEngine engine{network, {}, options};
    std::vector<int> targets{2, 0};
    std::vector<int64_t> samples{31, 7};
    uint64_t seed = 9;

    FloatArray by(const std::string& spec, const Input& input) const {
        const AttributionContext context{.engine = &engine, .seed = seed};
        return explain(parse_method(spec), context, {input, targets, samples});
    }
};

/// ∂y_c/∂x at every place and step, through the definition of the network.
Frames gradient_at(const Network& network, const Frames& point, int target) {
    const ReferenceNetwork reference(network, Surrogate{}, false);
    std::vector<std::vector<Dual>> input;
    for (const auto& frame : point) {
        input.emplace_back();
        for (double value : frame) input.back().push_back({value, 0});
    }
    Frames slopes = point;
    for (size_t t = 0; t < point.size(); ++t) {
        for (size_t i = 0; i < point[t].size(); ++i) {
            input[t][i].slope = 1;
            slopes[t][i] = reference.scores(input)[target].slope;
            input[t][i].slope = 0;
        }
    }
    return slopes;
}

/// Points x_0 … x_n of a path: Σ_k g(x_k)·(x_k − x_{k−1}).
Frames path_sum(const Network& network, const std::vector<Frames>& path, int target) {
    Frames sum(path[0].size(), std::vector<double>(path[0][0].size()));
    for (size_t k = 1; k < path.size(); ++k) {
        const Frames gradient = gradient_at(network, path[k], target);
        for (size_t t = 0; t < sum.size(); ++t)
            for (size_t i = 0; i < sum[t].size(); ++i)
                sum[t][i] += gradient[t][i] * (path[k][t][i] - path[k - 1][t][i]);
    }
    return sum;
}

std::vector<Frames> straight_path(const Frames& from, const Frames& to, int points) {
    std::vector<Frames> path(points + 1, from);
    for (int k = 1; k <= points; ++k)
        for (size_t t = 0; t < to.size(); ++t)
            for (size_t i = 0; i < to[t].size(); ++i)
                path[k][t][i] +=
                    static_cast<double>(static_cast<float>(k) / static_cast<float>(points)) * (to[t][i] - from[t][i]);
    return path;
}

/// Spikes inserted place by place in this order, a point of the path after each of `groups` parts of it.
std::vector<Frames> insertion_path(const Frames& to, const std::vector<int64_t>& order, int64_t groups) {
    const auto spikes = static_cast<int64_t>(order.size());
    std::vector<Frames> path{Frames(to.size(), std::vector<double>(to[0].size()))};
    Frames point = path[0];
    for (int64_t i = 0, group = 1; i < spikes; ++i) {
        point[order[i] / size][order[i] % size] = to[order[i] / size][order[i] % size];
        // Part k ends with place ⌈k·spikes/groups⌉: parts differ by one place at most.
        if (i + 1 < (group * spikes + groups - 1) / groups) continue;
        path.push_back(point);
        ++group;
    }
    EXPECT_EQ(static_cast<int64_t>(path.size()), groups + 1);
    EXPECT_EQ(path.back(), to);
    return path;
}

std::vector<int64_t> places_in_time(const Frames& frames) {
    std::vector<int64_t> places;
    for (size_t t = 0; t < frames.size(); ++t)
        for (int64_t i = 0; i < size; ++i)
            if (frames[t][i] > 0) places.push_back(static_cast<int64_t>(t) * size + i);
    return places;
}

void expect_near(const FloatArray& result, int64_t n, const Frames& expected, const std::string& what) {
    double largest = 0;
    ASSERT_EQ(result.shape, (Shape{count, static_cast<int64_t>(expected.size()), 2, 4, 5}));
    for (size_t t = 0; t < expected.size(); ++t) {
        for (int64_t i = 0; i < size; ++i) {
            const double value = expected[t][i];
            EXPECT_NEAR(result.row(n)[static_cast<int64_t>(t) * size + i], value, 1e-5 + 1e-4 * std::abs(value))
                << what << ", sample " << n << ", step " << t << ", place " << i;
            largest = std::max(largest, std::abs(value));
        }
    }
    EXPECT_GT(largest, 1e-3) << what << ": nothing was tested, all is zero";
}

TEST(IG3D, LinearPathFollowsItsFormula) {
    const Explained explained;
    const FloatArray images = test::test_images(count, shape);
    for (const Input& input : {Input(images), Input(test::test_spikes(5, count, shape))}) {
        const std::string spec = input.spiking() ? "ig3d:steps=3:path=linear" : "ig3d:steps=3:baseline=mean";
        const FloatArray result = explained.by(spec, input);
        for (int64_t n = 0; n < count; ++n) {
            const Frames to = test::frames_of(input, n, 4);
            const Frames from = input.spiking() ? Frames(5, std::vector<double>(size))
                                                : test::frames_of(baseline_images(images, Baseline::mean), n, 4);
            expect_near(result, n, path_sum(explained.network, straight_path(from, to, 3), explained.targets[n]), spec);
        }
    }
}

TEST(IG3D, BinaryPathInsertsSpikesInOrderOfTime) {
    const Explained explained;
    const Input input = test::test_spikes(5, count, shape);
    for (const char* spec : {"ig3d:steps=4", "ig3d:steps=4:path=binary:order=time"}) {
        const FloatArray result = explained.by(spec, input);
        for (int64_t n = 0; n < count; ++n) {
            const Frames to = test::frames_of(input, n, 4);
            const auto path = insertion_path(to, places_in_time(to), 4);
            expect_near(result, n, path_sum(explained.network, path, explained.targets[n]), spec);
        }
    }
}

TEST(IG3D, RandomOrdersAreAveragedAndAddressed) {
    const Explained explained;
    const Input input = test::test_spikes(5, count, shape);
    const FloatArray result = explained.by("ig3d:steps=3:order=random:draws=2", input);
    for (int64_t n = 0; n < count; ++n) {
        const Frames to = test::frames_of(input, n, 4);
        const auto in_time = places_in_time(to);
        Frames mean(to.size(), std::vector<double>(size));
        for (uint64_t draw = 0; draw < 2; ++draw) {
            std::vector<int64_t> order;
            for (int64_t i :
                 random_permutation(static_cast<int64_t>(in_time.size()), explained.seed, Stream::spike_order,
                                    {static_cast<uint64_t>(explained.samples[n]), draw}))
                order.push_back(in_time[i]);
            const Frames sum = path_sum(explained.network, insertion_path(to, order, 3), explained.targets[n]);
            for (size_t t = 0; t < to.size(); ++t)
                for (int64_t i = 0; i < size; ++i) mean[t][i] += sum[t][i] / 2;
        }
        expect_near(result, n, mean, "random");
    }
    Explained other;
    other.seed = 10;
    EXPECT_NE(other.by("ig3d:steps=3:order=random:draws=2", input), result) << "the seed must matter";
    EXPECT_EQ(other.by("ig3d:steps=3", input), explained.by("ig3d:steps=3", input))
        << "the order of time needs no seed";
}

/// Where the score is linear in the input every path is complete, and every place gets its weight times its spikes.
TEST(IG3D, OfALinearNetworkIsWeightTimesSpikes) {
    Explained explained;
    explained.network = test::small_network("3F", shape, 5);
    explained.engine = CpuEngine(explained.network);
    const Input input = test::test_spikes(5, count, shape);
    for (const char* spec : {"ig3d:steps=6", "ig3d:steps=6:order=random:draws=3", "ig3d:steps=6:path=linear",
                             "ig3d:steps=100000:path=binary"}) {
        const FloatArray result = explained.by(spec, input);
        for (int64_t n = 0; n < count; ++n) {
            const auto weights = explained.network.layers[0].weight.row(explained.targets[n]);
            for (int64_t t = 0; t < 5; ++t) {
                for (int64_t i = 0; i < size; ++i) {
                    const double expected = weights[i] * input.spikes.row(n)[t * size + i] / 5.0;
                    EXPECT_NEAR(result.row(n)[t * size + i], expected, 1e-6) << spec;
                }
            }
        }
    }
}

/// The step replaced by a wide smooth one whose derivative is followed everywhere: the straight path must be complete.
TEST(IG3D, LinearPathIsCompleteOnASmoothNetwork) {
    Explained explained;
    explained.options.surrogate = parse_surrogate("atan(2,through_reset)");
    explained.options.smooth = true;
    explained.options.double_precision = true;
    explained.network = test::small_network("3C3-LIF-AP2-6F-LIF-4F", shape, 4);
    explained.engine = CpuEngine(explained.network, {}, explained.options);
    for (const Input& input : {Input(test::test_images(count, shape)), Input(test::test_spikes(6, count, shape))}) {
        const FloatArray result =
            explained.by(input.spiking() ? "ig3d:steps=400:path=linear" : "ig3d:steps=400", input);
        const Input nothing = input.spiking() ? Input(Array<uint8_t>(input.shape())) : Input(FloatArray(input.shape()));
        const FloatArray at_input = explained.engine.gradient(input, explained.targets).scores;
        const FloatArray at_nothing = explained.engine.gradient(nothing, explained.targets).scores;
        for (int64_t n = 0; n < count; ++n) {
            double attributed = 0;
            for (float value : result.row(n)) attributed += value;
            const int target = explained.targets[n];
            const double difference = static_cast<double>(at_input.row(n)[target]) - at_nothing.row(n)[target];
            EXPECT_GT(std::abs(difference), 0.01);
            EXPECT_LE(std::abs(attributed - difference), 0.01 * std::abs(difference))
                << (input.spiking() ? "spikes" : "image");
        }
    }
}

TEST(IG3D, SilenceHasNoAttribution) {
    const Explained explained;
    for (const char* spec : {"ig3d", "ig3d:order=random", "ig3d:path=linear", "ig2d"}) {
        const FloatArray result = explained.by(spec, Array<uint8_t>({count, 5, 2, 4, 5}));
        for (float value : result.data) EXPECT_EQ(value, 0) << spec;
    }
}

TEST(IG2D, OfSpikesIsTheLinearPathSummedOverTime) {
    const Explained explained;
    const Input input = test::test_spikes(5, count, shape);
    const FloatArray timed = explained.by("ig3d:steps=5:path=linear", input),
                     summed = explained.by("ig2d:steps=5", input);
    ASSERT_EQ(summed.shape, (Shape{count, 2, 4, 5}));
    for (int64_t i = 0; i < summed.size(); ++i) {
        double sum = 0;
        for (int64_t t = 0; t < 5; ++t) sum += timed.sub(i / size).row(t)[i % size];
        EXPECT_FLOAT_EQ(summed.data[i], static_cast<float>(sum));
    }
}

TEST(IG2D, OfAnImageIsIG3DSummedOverTime) {
    const Explained explained;
    const Input input = test::test_images(count, shape);
    const FloatArray timed = explained.by("ig3d:steps=5:baseline=blur", input),
                     summed = explained.by("ig2d:steps=5:baseline=blur", input);
    for (int64_t i = 0; i < summed.size(); ++i) {
        double sum = 0, magnitude = 0;
        for (int64_t t = 0; t < 4; ++t) {
            const float value = timed.sub(i / size).row(t)[i % size];
            sum += value, magnitude += std::abs(value);
        }
        EXPECT_NEAR(summed.data[i], sum, 1e-6 * magnitude + 1e-7);
    }
}

TEST(IG3D, RefusesOptionsThatWouldMeanNothing) {
    for (const char* spec : {"ig3d:path=straight", "ig3d:order=reverse", "ig3d:path=linear:order=time", "ig3d:draws=2",
                             "ig3d:draws=2:order=time", "ig3d:path=linear:draws=2"})
        EXPECT_THROW(parse_method(spec), InputError) << spec;
    const Explained explained;
    const Input images = test::test_images(count, shape), spikes = test::test_spikes(5, count, shape);
    for (const char* spec : {"ig3d:path=binary", "ig3d:order=time", "ig3d:order=random"})
        EXPECT_THROW(explained.by(spec, images), InputError) << spec;
    for (const char* spec : {"ig3d:baseline=blur", "ig3d:baseline=mean", "ig2d:baseline=blur"})
        EXPECT_THROW(explained.by(spec, spikes), InputError) << spec;
    EXPECT_NO_THROW(explained.by("ig3d:steps=1:path=linear", images));
    EXPECT_NO_THROW(explained.by("ig3d:steps=1:baseline=black", spikes));
}

}  // namespace
}  // namespace spikelens
