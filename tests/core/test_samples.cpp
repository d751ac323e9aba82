#include <algorithm>

#include <gtest/gtest.h>

#include "spikelens/core/random.h"
#include "spikelens/core/samples.h"

namespace spikelens {
namespace {

int64_t draw(uint64_t seed, uint64_t what, uint64_t below) {
    return static_cast<int64_t>(random_bits(seed, Stream::test, {what}) % below);
}

template <class T>
Array<T> random_array(const Shape& shape, uint64_t seed) {
    Array<T> array(shape);
    for (int64_t i = 0; i < array.size(); ++i)
        array.data[i] = static_cast<T>(draw(seed, 100 + static_cast<uint64_t>(i), 256));
    return array;
}

/// Images or spikes of any shape, 0 to 5 of them.
Input random_input(uint64_t seed, bool spiking) {
    Shape shape{draw(seed, 0, 6), 1 + draw(seed, 1, 3), 1 + draw(seed, 2, 4), 1 + draw(seed, 3, 4)};
    if (!spiking) return random_array<float>(shape, seed);
    shape.insert(shape.begin() + 1, 1 + draw(seed, 4, 5));
    return random_array<uint8_t>(shape, seed);
}

/// The value at this place of sample n, by the definition of row-major order.
double value_at(const Input& input, int64_t n, int64_t place) {
    const int64_t size = element_count(std::span(input.shape()).subspan(1));
    return input.spiking() ? input.spikes.data[n * size + place] : input.images.data[n * size + place];
}

template <class Check>
void for_random_inputs(const Check& check) {
    for (uint64_t seed = 0; seed < 60; ++seed)
        for (const bool spiking : {false, true}) check(random_input(seed, spiking), seed);
}

TEST(Input, SelectCopiesTheSamplesAskedForInTheirOrder) {
    for_random_inputs([](const Input& input, uint64_t seed) {
        std::vector<int64_t> indices;
        for (uint64_t i = 0; input.samples() > 0 && i < static_cast<uint64_t>(draw(seed, 5, 9)); ++i)
            indices.push_back(draw(seed, 10 + i, static_cast<uint64_t>(input.samples())));
        const Input some = input.select(indices);
        ASSERT_EQ(some.spiking(), input.spiking());
        ASSERT_EQ(some.samples(), static_cast<int64_t>(indices.size()));
        ASSERT_EQ(some.steps(), input.spiking() ? input.shape()[1] : 0);
        ASSERT_TRUE(std::ranges::equal(std::span(some.shape()).subspan(1), std::span(input.shape()).subspan(1)));
        for (size_t i = 0; i < indices.size(); ++i)
            for (int64_t place = 0; place < element_count(std::span(input.shape()).subspan(1)); ++place)
                ASSERT_EQ(value_at(some, static_cast<int64_t>(i), place), value_at(input, indices[i], place)) << seed;
    });
}

TEST(Input, PartsPutTogetherAreTheWhole) {
    for_random_inputs([](const Input& input, uint64_t seed) {
        Input whole;
        std::vector<int64_t> part;
        for (int64_t n = 0; n < input.samples(); ++n) {
            part.push_back(n);
            if (n + 1 < input.samples() && draw(seed, 20 + static_cast<uint64_t>(n), 2) == 0) continue;
            whole.append(input.select(part));
            part.clear();
        }
        whole.append(input.select({}));
        EXPECT_EQ(whole, input) << seed;
    });
}

}  // namespace
}  // namespace spikelens
