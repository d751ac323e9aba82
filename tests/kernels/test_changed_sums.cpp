// Sums that are brought up to date by what changed equal sums of the input as it is now.
#include <gtest/gtest.h>

#include "spikelens/core/random.h"
#include "spikelens/snn/network.h"

#include "emulated_amx.h"
#include "kernels/dispatch.h"
#include "snn/changed_pixels.h"
#include "snn/lower.h"
#include "snn/spike_maps.h"

namespace spikelens {
namespace {

struct Case {
    const char* text;
    Shape input;
    int steps, planes;
};

const Case cases[] = {{"5C3-LIF-1F", {3, 6, 7}, 4, 1},      {"33C5s2-IF-1F", {16, 9, 8}, 3, 1},
                      {"70C3p0-IF-1F", {65, 5, 6}, 2, 1},   {"130C3-LIF-1F", {5, 6, 5}, 18, 2},
                      {"16C5s2p4-IF-1F", {2, 5, 21}, 7, 3}, {"64C1p0s3-LIF(reset=zero)-1F", {20, 4, 30}, 3, 3}};

SpikeMap random_map(const Case& test, uint64_t seed) {
    Array<uint8_t> values({test.steps, test.input[0], test.input[1], test.input[2]});
    for (size_t i = 0; i < values.data.size(); ++i) {
        const uint64_t bits = random_bits(seed, Stream::test, {static_cast<uint64_t>(i)});
        values.data[i] = bits % 5 == 0 ? static_cast<uint8_t>((bits >> 8) % (1U << test.planes)) : uint8_t{0};
    }
    SpikeMap map;
    pack_spikes(values, test.planes, map);
    return map;
}

/// `from`, with some pixels of `to`.
SpikeMap mixed(const SpikeMap& from, const SpikeMap& to, uint64_t seed) {
    SpikeMap map = from;
    const int64_t size = map.steps * map.words_per_step();
    for (int y = 0; y < map.height; ++y)
        for (int x = 0; x < map.width; ++x)
            if (random_bits(seed, Stream::test, {uint64_t(y), uint64_t(x)}) % 4 == 0)
                std::copy_n(to.at(y, x, 0), size, map.at(y, x, 0));
    return map;
}

using Sums = AlignedVector<int32_t>;

void change(const kernels::KernelSet& set, const kernels::LayerPlan& plan, const SpikeMap& before, const SpikeMap& now,
            Sums& sums) {
    const Change change = changed_spikes(before, now);
    set.change({&plan, now.steps, now.planes, change.spans, change.before.data(), now.words.data(), sums.data()});
}

std::vector<int32_t> of_real_outputs(const kernels::LayerPlan& plan, const Sums& sums) {
    std::vector<int32_t> result;
    for (size_t i = 0; i < sums.size(); ++i)
        if (static_cast<int>(i % plan.padded()) < plan.out_channels) result.push_back(sums[i]);
    return result;
}

/// From sums, where there are any, whatever is said of how to list spikes.
std::vector<uint64_t> spikes_of(const kernels::KernelSet& set, const kernels::LayerPlan& plan, const SpikeMap& input,
                                const int32_t* sums) {
    SpikeMap output;
    output.reset(plan.out_channels, plan.out_height, plan.out_width, input.steps, 1);
    std::vector<uint64_t> keep(plan.out_words);
    for (int o = 0; o < plan.out_channels; ++o) keep[o / 64] |= uint64_t{1} << (o % 64);
    kernels::LayerTask task;
    task.plan = &plan;
    task.steps = input.steps;
    task.planes = input.planes;
    task.spikes = sums ? nullptr : input.words.data();
    task.listing = sums ? kernels::Listing::slices : kernels::Listing::active_words;
    task.sums = sums;
    task.keep = keep.data();
    task.out_spikes = output.words.data();
    task.pixels = plan.rows;
    task.end_block = plan.blocks;
    set.layer(task);
    return output.words;
}

TEST(ChangedSums, AreThoseOfTheInputAsItIsNow) {
    const EmulatedAmx amx;
    for (const Case& test : cases)
        for (uint64_t seed = 0; seed < 4; ++seed) {
            Network network = parse_network(test.text, test.input, test.steps);
            initialise_weights(network, seed);
            Array<float>& weight =
                network.layers[0].weight;  // one large in each output and the others small: sums fit int32
            for (int64_t i = 0; i < weight.size(); ++i)
                weight.data[i] = i % weight.row_size() == 0 ? 0.5F : 0.01F * weight.data[i];
            const kernels::LayerPlan plan = lower_for_spikes(network.layers[0], 1.0);
            ASSERT_TRUE(plan.sums_fit_int32(test.planes));
            SpikeMap silence;
            silence.reset(static_cast<int>(test.input[0]), static_cast<int>(test.input[1]),
                          static_cast<int>(test.input[2]), test.steps, test.planes);
            const SpikeMap first = random_map(test, seed), second = mixed(first, random_map(test, seed + 50), seed);
            const Sums none(static_cast<size_t>(plan.out_height) * plan.out_width * test.steps * plan.padded());
            Sums expected = none;
            const kernels::KernelSet& scalar = kernels::choose_kernels("scalar");
            change(scalar, plan, silence, second, expected);
            for (const kernels::KernelSet* set : sets_to_test()) {
                Sums sums = none;
                change(*set, plan, silence, first, sums);
                change(*set, plan, first, second, sums);
                EXPECT_EQ(of_real_outputs(plan, sums), of_real_outputs(plan, expected))
                    << set->name << " " << test.text;
                EXPECT_EQ(spikes_of(*set, plan, second, sums.data()), spikes_of(scalar, plan, second, nullptr))
                    << set->name << " " << test.text;
                change(*set, plan, second, silence, sums);
                EXPECT_EQ(of_real_outputs(plan, sums), of_real_outputs(plan, none)) << set->name << " " << test.text;
            }
        }
}

}  // namespace
}  // namespace spikelens
