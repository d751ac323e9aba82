#include <gtest/gtest.h>

#include "spikelens/core/random.h"

#include "snn/changed_pixels.h"

namespace spikelens {
namespace {

PixelSet random_pixels(int height, int width, uint64_t seed, double share) {
    PixelSet pixels(height, width);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            pixels.row(y)[x] = random_uniform(seed, Stream::test, {uint64_t(y), uint64_t(x)}) < share;
    return pixels;
}

bool sees(const Windows& windows, int row, int column, const PixelSet& pixels) {
    for (int ky = 0; ky < windows.height; ++ky)
        for (int kx = 0; kx < windows.width; ++kx) {
            const int y = row * windows.stride - windows.padding + ky,
                      x = column * windows.stride - windows.padding + kx;
            if (y < 0 || x < 0 || y >= pixels.height || x >= pixels.width) continue;
            if (pixels.row(y)[x]) return true;
        }
    return false;
}

TEST(ChangedPixels, AnOutputIsReachedExactlyIfItsWindowHoldsAPixel) {
    const Windows cases[] = {{9, 12, 3, 3, 1, 1}, {7, 10, 3, 3, 1, 0}, {5, 6, 3, 3, 2, 1},  {4, 6, 2, 2, 2, 0},
                             {3, 4, 1, 1, 3, 0},  {9, 12, 5, 5, 1, 2}, {1, 1, 9, 12, 1, 0}, {6, 8, 7, 7, 2, 4}};
    for (const Windows& windows : cases)
        for (uint64_t seed = 0; seed < 20; ++seed) {
            const PixelSet pixels = random_pixels(9, 12, seed, static_cast<double>(seed % 5) * 0.02);
            const PixelSet got = reached(pixels, windows);
            for (int row = 0; row < windows.out_height; ++row)
                for (int column = 0; column < windows.out_width; ++column)
                    ASSERT_EQ(got.row(row)[column], sees(windows, row, column, pixels))
                        << "row " << row << ", column " << column << ", window " << windows.height << "x"
                        << windows.width;
        }
}

TEST(ChangedPixels, SpansCoverThePixelsAndNoOthers) {
    for (uint64_t seed = 0; seed < 40; ++seed) {
        const PixelSet pixels = random_pixels(6, 37, seed, static_cast<double>(seed % 4) * 0.1);
        PixelSet covered(6, 37);
        int64_t count = 0;
        for (const auto& [row, first, end] : pixels.spans())
            for (int column = first; column < end; ++column, ++count) covered.row(row)[column] += 1;
        EXPECT_EQ(covered.holds, pixels.holds);
        EXPECT_EQ(pixels.any(), count > 0);
        EXPECT_DOUBLE_EQ(pixels.share(), static_cast<double>(count) / (6 * 37));
    }
}

TEST(ChangedPixels, AnImageDiffersWhereAnyChannelDoes) {
    const std::vector<float> before = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    std::vector<float> after = before;
    after[4] = 0;
    after[6 + 0] = 0;
    after[6 + 4] = 0;
    PixelSet expected(2, 3);
    expected.row(0)[0] = expected.row(1)[1] = 1;
    EXPECT_EQ(changed_pixels(before, after, {2, 2, 3}).holds, expected.holds);
}

TEST(ChangedPixels, ARenewalTellsWhatIsNoLongerWhatItWas) {
    SpikeMap map;
    map.reset(70, 3, 4, 5, 2);
    for (size_t i = 0; i < map.words.size(); ++i)
        map.words[i] = random_bits(3, Stream::test, {static_cast<uint64_t>(i)});
    const SpikeMap before = map;
    const std::vector<kernels::PixelSpan> spans = {{0, 1, 3}, {2, 0, 4}};
    Renewal renewal(map, spans);
    EXPECT_EQ(*map.at(0, 1, 0), 0U);
    EXPECT_EQ(*map.at(0, 3, 0), *before.at(0, 3, 0));
    map = before;
    *(map.at(2, 1, 4) + 3) ^= 1;
    *map.at(1, 1, 0) ^= 1;  // not one of those renewed
    PixelSet expected(3, 4);
    expected.row(2)[1] = 1;
    const Change change = std::move(renewal).finish();
    EXPECT_EQ(change.pixels.holds, expected.holds);
    EXPECT_EQ(change.spans.size(), spans.size());
    EXPECT_TRUE(std::equal(change.before.begin(), change.before.begin() + 20 * 2, before.at(0, 1, 0)));
    expected.row(1)[1] = 1;
    const Change all = changed_spikes(before, map);
    EXPECT_EQ(all.pixels.holds, expected.holds);
    EXPECT_TRUE(std::equal(all.before.begin(), all.before.begin() + 20, before.at(1, 1, 0)));
}

}  // namespace
}  // namespace spikelens
