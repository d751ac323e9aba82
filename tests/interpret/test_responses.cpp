#include <cmath>
#include <numeric>
#include <stdexcept>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/interpret/responses.h"

#include "interpret/memory_samples.h"

namespace spikelens {
namespace {

Network small_network() {
    Network network = parse_network("4C3-LIF-MP2-6C3-LIF-MP2-10F", {1, 12, 12}, 5);
    initialise_weights(network, 3);
    return network;
}

// Two layers of two and three filters on 1×2 maps.
Network two_layers() { return parse_network("2C1-IF-3C1-IF-2F", {1, 1, 2}, 4); }

Recording two_layer_recording(std::vector<uint16_t> first, std::vector<uint16_t> second) {
    Recording recording;
    const auto samples = static_cast<int64_t>(first.size()) / 4;
    recording.scores = FloatArray({samples, 2});
    recording.layers.resize(2);
    recording.layers[0].layer = 0;
    recording.layers[0].counts = {{samples, 2, 1, 2}, std::move(first)};
    recording.layers[1].layer = 1;
    recording.layers[1].counts = {{samples, 3, 1, 2}, std::move(second)};
    return recording;
}

TEST(BatchResponses, EnergySharesByHand) {
    const Recording recording = two_layer_recording({1, 2, 0, 3, 0, 0, 0, 0}, {4, 0, 0, 0, 0, 3, 1, 1, 1, 1, 1, 1});
    const FloatArray x = batch_responses(two_layers(), recording, ResponseKind::energy);
    const float third = static_cast<float>(1.0 / 3.0);
    EXPECT_EQ(x, FloatArray({2, 5}, {5.0F / 14, 9.0F / 14, 16.0F / 25, 0, 9.0F / 25, 0, 0, third, third, third}));
}

TEST(BatchResponses, NormSharesByHand) {
    const Recording recording = two_layer_recording({3, 4, 0, 0}, {4, 0, 0, 0, 0, 3});
    const FloatArray x = batch_responses(two_layers(), recording, ResponseKind::l2);
    EXPECT_EQ(x, FloatArray({1, 5}, {1, 0, 4.0F / 7, 0, 3.0F / 7}));
}

TEST(BatchResponses, TheLargestCountsDoNotOverflow) {
    constexpr uint16_t most = 65535;
    const FloatArray x = batch_responses(
        two_layers(), two_layer_recording({most, most, most, most}, {most, 0, 0, 0, 0, 0}), ResponseKind::energy);
    EXPECT_EQ(x, FloatArray({1, 5}, {0.5F, 0.5F, 1, 0, 0}));
}

TEST(BatchResponses, ARecordingWithoutTheCountsIsRefused) {
    Recording recording = two_layer_recording({1, 1, 1, 1}, {1, 1, 1, 1, 1, 1});
    recording.layers[1].counts = {};
    EXPECT_THROW(batch_responses(two_layers(), recording, ResponseKind::energy), InputError);
    Network readout_only = parse_network("2F", {1, 1, 2}, 4);
    EXPECT_THROW(batch_responses(readout_only, recording, ResponseKind::energy), InputError);
}

ResponseSums sums_of(const CpuEngine& simulator, const SampleSource& samples, const ResponseOptions& options) {
    ResponseSums sums;
    accumulate_responses(simulator, samples, options, sums);
    return sums;
}

Responses accumulate(const CpuEngine& simulator, const SampleSource& samples, const ResponseOptions& options) {
    return finished(sums_of(simulator, samples, options));
}

// Everything again, one image at a time, from the counts and the definitions.
Responses slow_responses(const CpuEngine& simulator, const MemorySamples& samples, size_t top_images) {
    const auto filters = response_filters(simulator.network());
    const auto m = static_cast<int64_t>(filters.size());
    Responses r;
    r.samples = samples.size();
    r.gram = DoubleArray({m, m});
    r.correlation = DoubleArray({m, 10});
    r.predicted.resize(10);
    r.response_sum = DoubleArray({m});
    r.active.resize(m);
    r.top.resize(m);
    RecordRequest request;
    request.layers = {0, 1};
    request.counts = true;
    for (int64_t n = 0; n < samples.size(); ++n) {
        const Recording recording = simulator.run(samples.images({&n, 1}), request);
        std::vector<float> x;
        std::vector<std::pair<int, int>> location;
        for (const FilterIndex& filter : filters) {
            const auto& counts = recording.layer(filter.layer).counts;
            const int64_t height = counts.extent(2), width = counts.extent(3);
            double own = 0, all = 0;
            uint16_t most = 0;
            location.emplace_back(0, 0);
            for (int64_t i = 0; i < counts.size(); ++i) all += double{1} * counts.data[i] * counts.data[i];
            for (int64_t row = 0; row < height; ++row)
                for (int64_t column = 0; column < width; ++column) {
                    const uint16_t count = counts.data[(filter.filter * height + row) * width + column];
                    own += double{1} * count * count;
                    if (count > most) location.back() = {static_cast<int>(row), static_cast<int>(column)};
                    most = std::max(most, count);
                }
            x.push_back(all == 0 ? 0 : static_cast<float>(own / all));
        }
        int best = 0;
        for (int c = 1; c < 10; ++c)
            if (recording.scores.data[c] > recording.scores.data[best]) best = c;
        ++r.predicted[best];
        r.correct += best == samples.label(n);
        for (int64_t i = 0; i < m; ++i) {
            for (int64_t j = 0; j < m; ++j) r.gram.row(i)[j] += double{x[i]} * x[j];
            r.correlation.row(i)[best] += x[i];
            r.response_sum.data[i] += x[i];
            r.active[i] += x[i] > 0;
            if (x[i] > 0) r.top[i].push_back({x[i], n, location[i].first, location[i].second});
        }
    }
    for (auto& top : r.top) {
        std::stable_sort(top.begin(), top.end(),
                         [](const TopImage& a, const TopImage& b) { return a.response > b.response; });
        if (top.size() > top_images) top.resize(top_images);
    }
    return r;
}

TEST(AccumulateResponses, EqualsTheDefinitionToTheBit) {
    const CpuEngine simulator(small_network());
    MemorySamples samples = random_samples(300, {1, 12, 12}, 10, 1);  // more than one batch
    ResponseOptions options;
    options.top_images = 7;
    const Responses responses = accumulate(simulator, samples, options);
    const Responses slow = slow_responses(simulator, samples, 7);
    EXPECT_EQ(responses, slow);
    EXPECT_GT(slow.active[0] + slow.active[9], 0);  // the network is not silent
    EXPECT_EQ(std::accumulate(responses.predicted.begin(), responses.predicted.end(), int64_t{0}), 300);
}

TEST(AccumulateResponses, NeitherChunksNorThreadsNorInterruptionsChangeABit) {
    const CpuEngine simulator(small_network());
    const MemorySamples samples = random_samples(290, {1, 12, 12}, 10, 2);
    ResponseOptions options;
    options.top_images = 20;
    const ResponseSums whole = sums_of(simulator, samples, options);
    for (const int chunk : {1, 13, 145, 256, 289}) {
        options.chunk = chunk;
        const CpuEngine with_threads(simulator.network(), {.threads = chunk % 3});
        EXPECT_EQ(sums_of(with_threads, samples, options), whole) << chunk;
    }
    options.chunk = 31;
    ResponseSums resumed;
    int calls = 0;
    const auto stop_twice = [&](const ResponseSums& state) {
        EXPECT_EQ(state.samples, std::min(290, (calls + 1) * 31));
        if (++calls == 2 || calls == 5) throw std::runtime_error("interrupted");
    };
    for (int interruption = 0; interruption < 2; ++interruption)
        EXPECT_THROW(accumulate_responses(simulator, samples, options, resumed, stop_twice), std::runtime_error);
    accumulate_responses(simulator, samples, options, resumed, stop_twice);
    EXPECT_EQ(calls, 10);
    EXPECT_EQ(resumed, whole);
    accumulate_responses(simulator, samples, options, resumed);  // nothing left to do
    EXPECT_EQ(resumed, whole);
}

TEST(AccumulateResponses, EqualImagesAreRankedByTheirNumber) {
    const MemorySamples one = random_samples(1, {1, 12, 12}, 10, 3);
    const int64_t zero = 0;
    const FloatArray image = one.images({&zero, 1});
    FloatArray copies({9, 1, 12, 12});
    for (int64_t n = 0; n < 9; ++n) std::ranges::copy(image.data, copies.row(n).begin());
    const MemorySamples samples(copies, std::vector<int>(9), 10);
    ResponseOptions options;
    options.top_images = 4;
    options.chunk = 2;
    const Responses responses = accumulate(CpuEngine(small_network()), samples, options);
    int filled = 0;
    for (const auto& top : responses.top) {
        if (top.empty()) continue;
        ++filled;
        ASSERT_EQ(top.size(), 4U);
        for (int64_t i = 0; i < 4; ++i) EXPECT_EQ(top[i].sample, i);
    }
    EXPECT_GT(filled, 0);
}

TEST(AccumulateResponses, ABlackImageLeavesASilentNetworkWithoutResponses) {
    Network network = small_network();
    for (Layer& layer : network.layers) std::fill(layer.bias.data.begin(), layer.bias.data.end(), 0.0F);
    const MemorySamples samples(FloatArray({3, 1, 12, 12}), {0, 1, 2}, 10);
    const Responses responses = accumulate(CpuEngine(network), samples, {});
    EXPECT_EQ(responses.samples, 3);
    EXPECT_EQ(responses.gram, DoubleArray({10, 10}));
    EXPECT_EQ(responses.active, std::vector<int64_t>(10));
    EXPECT_EQ(responses.predicted, std::vector<int64_t>(10));  // all scores are 0: no class is predicted
    EXPECT_EQ(responses.undecided(), 3);
    EXPECT_EQ(responses.correct, 0);
}

// Filters answer, and the scores name no class: the samples are in X and have rows of zeros in L, as for every class
// that is not theirs.
TEST(AccumulateResponses, AnUndecidedSampleSpeaksForNoClass) {
    Network network = small_network();
    std::ranges::fill(network.layers.back().weight.data, 0.0F);
    std::ranges::fill(network.layers.back().bias.data, 0.0F);
    const MemorySamples samples = random_samples(20, {1, 12, 12}, 10, 2);
    const Responses undecided = accumulate(CpuEngine(network), samples, {});
    EXPECT_EQ(undecided.undecided(), 20);
    EXPECT_EQ(undecided.correct, 0);
    EXPECT_EQ(undecided.predicted, std::vector<int64_t>(10));
    EXPECT_EQ(undecided.correlation, DoubleArray({10, 10}));
    network.layers.back().bias.data[7] = 1;
    const Responses decided = accumulate(CpuEngine(network), samples, {});
    EXPECT_EQ(decided.undecided(), 0);
    EXPECT_EQ(decided.predicted[7], 20);
    EXPECT_EQ(decided.gram, undecided.gram);
    for (int64_t row = 0; row < 10; ++row)
        for (int64_t c = 0; c < 10; ++c)
            EXPECT_EQ(decided.correlation.row(row)[c], c == 7 ? decided.response_sum.data[row] : 0);
}

TEST(AccumulateResponses, FullyConnectedNetworksAreInterpretedByTheirNeurons) {
    Network network = parse_network("5F-LIF-4F-LIF-3F", {1, 2, 3}, 6);
    initialise_weights(network, 1);
    const MemorySamples samples = random_samples(20, {1, 2, 3}, 3, 4);
    const Responses responses = accumulate(CpuEngine(network), samples, {});
    EXPECT_EQ(responses.gram.shape, (Shape{9, 9}));
    for (const auto& top : responses.top)
        for (const TopImage& image : top) EXPECT_TRUE(image.row == 0 && image.column == 0);
}

TEST(ResponseSums, ShardsMergedAreOneRunToTheBit) {
    const CpuEngine simulator(small_network());
    const MemorySamples samples = random_samples(101, {1, 12, 12}, 10, 6);
    for (const int block : {1, 3, 8, 50, 101, 2000}) {
        ResponseOptions options{.top_images = 5, .block = block, .end = {}};
        const ResponseSums whole = sums_of(simulator, samples, options);
        const int64_t blocks = (101 + block - 1) / block;
        for (const int64_t shards : {1, 2, 7}) {
            std::vector<ResponseSums> parts;
            for (int64_t i = 0; i < shards; ++i) {
                options.first = std::min<int64_t>(101, i * blocks / shards * block);
                options.end = std::min<int64_t>(101, (i + 1) * blocks / shards * block);
                if (options.first < options.end) parts.push_back(sums_of(simulator, samples, options));
            }
            EXPECT_EQ(merge(parts), whole) << block << " " << shards;
            if (parts.size() < 3) continue;
            const ResponseSums later =
                merge(std::span(parts).subspan(1));  // the order of merging does not matter either
            EXPECT_EQ(merge(std::vector{parts[0], later}), whole) << block << " " << shards;
        }
    }
}

TEST(ResponseSums, GoOnFromAnySample) {
    const CpuEngine simulator(small_network());
    const MemorySamples samples = random_samples(30, {1, 12, 12}, 10, 7);
    const ResponseSums whole = sums_of(simulator, samples, {.block = 4, .end = {}});
    for (int64_t stop = 0; stop <= 30; ++stop) {
        ResponseSums sums = sums_of(simulator, samples, {.block = 4, .end = stop});
        EXPECT_EQ(sums.samples, stop);
        accumulate_responses(simulator, samples, {.block = 4, .end = {}}, sums);
        EXPECT_EQ(sums, whole) << stop;
    }
}

TEST(ResponseSums, ThatDoNotFitAreNotMerged) {
    const CpuEngine simulator(small_network());
    const MemorySamples samples = random_samples(20, {1, 12, 12}, 10, 9);
    const auto part = [&](int64_t first, int64_t end, int top = 100, int block = 4) {
        return sums_of(simulator, samples, {.top_images = top, .block = block, .first = first, .end = end});
    };
    const auto merged = [](const ResponseSums& a, const ResponseSums& b) { return merge(std::vector{a, b}); };
    EXPECT_NO_THROW(merged(part(0, 8), part(8, 20)));
    EXPECT_THROW(merged(part(0, 8), part(12, 20)), InputError);
    EXPECT_THROW(merged(part(8, 20), part(0, 8)), InputError);
    EXPECT_THROW(merged(part(0, 8), part(8, 20, 99)), InputError);
    EXPECT_THROW(merged(part(0, 8), part(8, 20, 100, 8)), InputError);
    EXPECT_THROW(part(6, 20), InputError);  // not a border of blocks
    EXPECT_THROW(part(8, 21), InputError);
    EXPECT_THROW(part(8, 4), InputError);
    EXPECT_THROW(part(0, 4, 100, 0), InputError);
    EXPECT_THROW(merge(std::span<const ResponseSums>()), InputError);
}

TEST(AccumulateResponses, BadInputGetsASentence) {
    const CpuEngine simulator(small_network());
    const MemorySamples samples = random_samples(5, {1, 12, 12}, 10, 1);
    ResponseSums responses;
    EXPECT_THROW(accumulate_responses(simulator, random_samples(5, {1, 12, 11}, 10, 1), {}, responses), InputError);
    EXPECT_THROW(accumulate_responses(simulator, samples, {.top_images = -1, .end = {}}, responses), InputError);
    EXPECT_THROW(accumulate_responses(simulator, samples, {.chunk = 0, .end = {}}, responses), InputError);
    accumulate_responses(simulator, samples, {}, responses);
    ResponseSums foreign = responses;
    foreign.whole.high.pop_back();
    EXPECT_THROW(accumulate_responses(simulator, samples, {}, foreign), InputError);
    EXPECT_THROW(accumulate_responses(simulator, samples, {.top_images = 3, .end = {}}, responses), InputError);
    EXPECT_THROW(accumulate_responses(simulator, samples, {.block = 9, .end = {}}, responses), InputError);
    responses.samples = 6;
    EXPECT_THROW(accumulate_responses(simulator, samples, {}, responses), InputError);
}

}  // namespace
}  // namespace spikelens
