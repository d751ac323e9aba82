#include <gtest/gtest.h>

#include "spikelens/core/nearest.h"

namespace spikelens {
namespace {

const std::vector<std::string> kNames = {"saliency", "grad-cam", "smooth-grad", "lrp", "random"};

TEST(Nearest, IsTheNameItselfWhenItIsKnown) {
    for (const std::string& name : kNames) EXPECT_EQ(nearest(name, kNames), name);
}

TEST(Nearest, UndoesOneEditOfEachKind) {
    EXPECT_EQ(nearest("salency", kNames), "saliency");    // a letter left out
    EXPECT_EQ(nearest("saliiency", kNames), "saliency");  // a letter too many
    EXPECT_EQ(nearest("saliensy", kNames), "saliency");   // another letter
    EXPECT_EQ(nearest("lpr", kNames), "lrp");             // two letters swapped
}

TEST(Nearest, CountsASwapAsOneEdit) {
    // "abcd" → "badc" is two swaps, within 2; as substitutions it would be four.
    EXPECT_EQ(nearest("badc", {"abcd"}), "abcd");
    // Three swaps are beyond max(2, 6 / 3).
    EXPECT_EQ(nearest("badcfe", {"abcdef"}), "");
}

TEST(Nearest, AllowsMoreEditsInLongerWords) {
    EXPECT_EQ(nearest("xxxdefghi", {"abcdefghi"}), "abcdefghi");
    EXPECT_EQ(nearest("xxxdefgh", {"abcdefgh"}), "");
}

TEST(Nearest, IgnoresCase) { EXPECT_EQ(nearest("LRP", kNames), "lrp"); }

TEST(Nearest, TakesTheFirstOfEquallyNearNames) { EXPECT_EQ(nearest("map3", {"map1", "map2"}), "map1"); }

TEST(Nearest, PrefersFewerEditsToAnEarlierPlace) { EXPECT_EQ(nearest("map22", {"map11", "map2"}), "map2"); }

TEST(Nearest, NeverReplacesTheWholeWord) {
    EXPECT_EQ(nearest("xy", {"ab"}), "");
    EXPECT_EQ(nearest("", kNames), "");
    EXPECT_EQ(nearest("lrp", {}), "");
}

TEST(Suggestion, NamesTheNearestElseAllKnown) {
    EXPECT_EQ(suggestion("gradcam", kNames), "; did you mean 'grad-cam'?");
    EXPECT_EQ(suggestion("fourier", {"a", "b", "c"}), "; known are a, b, c");
    EXPECT_EQ(suggestion("fourier", {}), "; none is known");
}

}  // namespace
}  // namespace spikelens
