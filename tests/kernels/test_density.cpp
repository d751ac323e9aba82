// Every kernel gives the scalar reference's bytes at every density: where it lists what is silent, where a layer's
// weights are read in parts, and at the edges between.
#include <gtest/gtest.h>

#include "spikelens/core/random.h"
#include "spikelens/snn/network.h"

#include "emulated_amx.h"
#include "kernels/dispatch.h"
#include "kernels/kernel_sets.h"
#include "snn/lower.h"
#include "snn/spike_maps.h"

namespace spikelens {
namespace {

struct Case {
    const char* text;
    Shape input;
    int steps;
    int largest;  // of the input's whole numbers
};

Array<uint8_t> random_input(const Case& test, double density, uint64_t seed) {
    Array<uint8_t> input({test.steps, test.input[0], test.input[1], test.input[2]});
    for (int64_t i = 0; i < input.size(); ++i) {
        const auto place = static_cast<uint64_t>(i);
        if (random_uniform(seed, Stream::test, {place, 0}) >= density) continue;
        input.data[i] = static_cast<uint8_t>(1 + random_bits(seed, Stream::test, {place, 1}) % test.largest);
    }
    return input;
}

struct Result {
    std::vector<uint64_t> spikes;
    std::vector<uint16_t> counts;
    std::vector<float> potentials;
    bool operator==(const Result&) const = default;
};

struct Recorded {
    bool counts, potentials;
    double listed() const {
        return counts ? potentials ? 0.02 : 0.15 : 1;
    }  ///< right or wrong, only speed depends on it
};

Result run(const kernels::KernelSet& set, const kernels::LayerPlan& plan, const SpikeMap& input, int steps,
           kernels::Listing listing, const Recorded& recorded) {
    const int64_t pixels = int64_t{plan.out_height} * plan.out_width;
    SpikeMap output;
    output.reset(plan.out_channels, plan.out_height, plan.out_width, steps, 1);
    std::vector<uint64_t> keep(plan.out_words);
    for (int o = 0; o < plan.out_channels; ++o)
        if (o != 1) keep[o / 64] |= uint64_t{1} << (o % 64);
    AlignedVector<uint16_t> counts(pixels * plan.padded());
    AlignedVector<float> potentials(steps * pixels * plan.padded());
    kernels::LayerTask task;
    task.plan = &plan;
    task.steps = steps;
    task.planes = input.planes;
    task.spikes = input.words.data();
    task.listing = listing;
    task.listed = recorded.listed();
    task.keep = keep.data();
    task.out_spikes = output.words.data();
    task.counts = recorded.counts ? counts.data() : nullptr;
    task.potentials = recorded.potentials ? potentials.data() : nullptr;
    task.pixels = plan.rows;
    task.end_block = plan.blocks;
    set.layer(task);
    Result result{output.words, {}, {}};
    for (int64_t i = 0; i < pixels * plan.padded(); ++i)
        if (i % plan.padded() < plan.out_channels) result.counts.push_back(counts[i]);
    for (int64_t i = 0; i < steps * pixels * plan.padded(); ++i)
        if (i % plan.padded() < plan.out_channels) result.potentials.push_back(potentials[i]);
    return result;
}

bool applies(kernels::Listing listing, const kernels::KernelSet& set, const kernels::LayerPlan& plan, int planes) {
    if (listing == kernels::Listing::slices) return set.slices.least_density <= 1 && plan.fits_slices(planes);
    if (listing == kernels::Listing::silence) return planes == 1;
    if (listing == kernels::Listing::every_word) return plan.in_channels <= 16;
    return true;
}

class Density : public testing::TestWithParam<Case> {
  protected:
    const EmulatedAmx amx;

    void expect_reference(const kernels::LayerPlan& plan, double density, const Recorded& recorded) {
        const Case& test = GetParam();
        const Array<uint8_t> values = random_input(test, density, 5);
        SpikeMap input;
        pack_spikes(values, test.largest > 1 ? 3 : 1, input);
        const kernels::KernelSet& scalar = kernels::choose_kernels("scalar");
        const Result expected = run(scalar, plan, input, test.steps, kernels::Listing::every_word, recorded);
        for (const kernels::KernelSet* set : sets_to_test())
            for (const auto listing :
                 {kernels::Listing::every_word, kernels::Listing::active_words, kernels::Listing::silence,
                  kernels::Listing::rows, kernels::Listing::patterns, kernels::Listing::slices}) {
                if (!applies(listing, *set, plan, input.planes)) continue;
                EXPECT_EQ(run(*set, plan, input, test.steps, listing, recorded), expected)
                    << set->name << " at density " << density << ", listing " << static_cast<int>(listing);
            }
    }
};

TEST_P(Density, EveryKernelEqualsTheReference) {
    Network network = parse_network(GetParam().text, GetParam().input, GetParam().steps);
    initialise_weights(network, 3);
    const kernels::LayerPlan plan = lower_for_spikes(network.layers[0], 1.0);
    for (const double density : {0.0, 0.02, 0.3, 0.55, 0.97, 1.0}) expect_reference(plan, density, {true, true});
    for (const double density : {0.02, 0.3}) {
        expect_reference(plan, density, {true, false});
        expect_reference(plan, density, {false, false});
    }
}

// Every weight as large as fixed point has them: more than 127 of them do not fit int32.
TEST_P(Density, SumsBeyondInt32) {
    Network network = parse_network(GetParam().text, GetParam().input, GetParam().steps);
    std::ranges::fill(network.layers[0].weight.data, 0.999F);
    const kernels::LayerPlan plan = lower_for_spikes(network.layers[0], 1.0);
    for (const double density : {0.02, 0.4, 1.0}) expect_reference(plan, density, {true, true});
}

// Samples that share what is read of the weights have the spikes that each has alone.
TEST_P(Density, SamplesTogetherEqualEachAlone) {
    const Case& test = GetParam();
    Network network = parse_network(test.text, test.input, test.steps);
    initialise_weights(network, 3);
    const kernels::LayerPlan plan = lower_for_spikes(network.layers[0], 1.0);
    constexpr int kSamples = 5;
    std::vector<uint64_t> keep(plan.out_words);
    for (int o = 0; o < plan.out_channels; ++o) keep[o / 64] |= uint64_t{1} << (o % 64);
    for (const kernels::KernelSet* set : sets_to_test())
        for (const double listed : {0.02, 0.15, 1.0}) {
            std::vector<SpikeMap> inputs(kSamples), together(kSamples), alone(kSamples);
            std::vector<kernels::SampleSpikes> more;
            kernels::LayerTask task;
            task.plan = &plan;
            task.steps = test.steps;
            task.listing = kernels::Listing::patterns;
            task.listed = listed;
            task.keep = keep.data();
            task.pixels = plan.rows;
            task.end_block = plan.blocks;
            for (int i = 0; i < kSamples; ++i) {
                pack_spikes(random_input(test, 0.1 + 0.2 * i, i), test.largest > 1 ? 3 : 1, inputs[i]);
                for (SpikeMap* map : {&together[i], &alone[i]})
                    map->reset(plan.out_channels, plan.out_height, plan.out_width, test.steps, 1);
                if (i > 0) more.push_back({inputs[i].words.data(), together[i].words.data()});
                task.planes = inputs[i].planes;
                task.spikes = inputs[i].words.data();
                task.out_spikes = alone[i].words.data();
                kernels::choose_kernels("scalar").layer(task);
            }
            task.spikes = inputs[0].words.data();
            task.out_spikes = together[0].words.data();
            task.more = more;
            set->layer(task);
            for (int i = 0; i < kSamples; ++i)
                EXPECT_EQ(together[i].words, alone[i].words) << set->name << ", sample " << i << ", listed " << listed;
        }
}

#if defined(__x86_64__)
// Weights whose slices are all −128, as many as may be: two slices' sums, put together, just fit.
TEST(Slices, LargestSums) {
    if (!can_emulate_amx()) GTEST_SKIP() << "AMX can be tested on a CPU with AVX-512 only";
    const EmulatedAmx amx;
    for (const auto& [channels, planes] : {std::pair{65280, 1}, {256, 8}}) {
        Network network = parse_network("17F-LIF(beta=0.5)-1F", {channels, 1, 1}, 1);
        std::ranges::fill(network.layers[0].weight.data, -static_cast<float>(0x808080));
        const kernels::LayerPlan plan = lower_for_spikes(network.layers[0], 1.0);
        ASSERT_TRUE(plan.fits_slices(planes));
        ASSERT_EQ(plan.weights[0], -0x808080);
        const Array<uint8_t> values({1, channels, 1, 1}, static_cast<uint8_t>((1 << planes) - 1));
        SpikeMap input;
        pack_spikes(values, planes, input);
        const auto result = [&](const kernels::KernelSet& set) {
            return run(set, plan, input, 1, kernels::Listing::slices, {true, true});
        };
        const Result sliced = result(kernels::amx_kernels);
        EXPECT_EQ(sliced, result(kernels::choose_kernels("scalar")));
        EXPECT_EQ(sliced.potentials[0], -static_cast<float>(0x808080 * 65280.0));
    }
}
#endif

const Case cases[] = {
    {"5C3-LIF-1F", {3, 6, 7}, 4, 1},     {"33C5s2-LIF(delay)-1F", {16, 9, 8}, 3, 1},
    {"70C3p0-IF-1F", {65, 5, 6}, 2, 1},  {"64C3-LIF(alpha=0.5)-1F", {130, 5, 5}, 3, 1},
    {"20F-LIF-1F", {32, 3, 3}, 5, 1},    {"40F-LIF-1F", {3000, 1, 1}, 6, 1},
    {"70F-LIF-1F", {700, 3, 2}, 4, 5},   {"128F-LIF(alpha=0.25)-1F", {2500, 1, 1}, 3, 1},
    {"16F-LIF-1F", {8300, 1, 1}, 2, 1},  {"30C3-LIF-1F", {2, 4, 61}, 20, 1},
    {"16C5s2-IF-1F", {2, 5, 45}, 40, 7}, {"64C1p0s3-LIF(reset=zero)-1F", {20, 4, 150}, 3, 3},
    {"9C7s3-LIF-1F", {17, 9, 33}, 5, 1}, {"20C3-LIF-1F", {260, 3, 3}, 9, 1},
    {"6C3-LIF-1F", {8, 1, 90}, 40, 1},
};

std::string test_name(const testing::TestParamInfo<Case>& parameter) {
    std::string name = parameter.param.text;
    std::erase_if(name, [](unsigned char c) { return !std::isalnum(c); });
    return name + "_" + std::to_string(parameter.index);
}

INSTANTIATE_TEST_SUITE_P(Layers, Density, testing::ValuesIn(cases), test_name);

}  // namespace
}  // namespace spikelens
