#include <gtest/gtest.h>

#include "spikelens/core/printable.h"

namespace spikelens {
namespace {

TEST(Printable, TextOfAnyLanguageStays) {
    for (const char* text : {"", "T-shirt/top", "μ = 2 ± 0.1 ↑", "Ångström", "日本語", "עברית", "👍", "a\\b"})
        EXPECT_EQ(printable(text), text);
}

TEST(Printable, ControlCharactersBecomeVisible) {
    EXPECT_EQ(printable("cat\x1b[2J\a"), "cat\\x1b[2J\\x07");
    EXPECT_EQ(printable("a\nb\tc\rd"), "a\\nb\\tc\\rd");
    EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
    EXPECT_EQ(printable("\x7f"), "\\x7f");
    EXPECT_EQ(printable("\xc2\x9b"), "\\u009b");              // CSI as one character
    EXPECT_EQ(printable("\xe2\x80\xae"), "\\u202e");          // writes from right to left
    EXPECT_EQ(printable("\xe2\x80\xa8"), "\\u2028");          // a line separator
    EXPECT_EQ(printable("\xf3\xa0\x81\x81"), "\\U000e0041");  // an invisible tag
}

TEST(Printable, BytesThatAreNotUtf8BecomeVisible) {
    EXPECT_EQ(printable("caf\xe9"), "caf\\xe9");
    EXPECT_EQ(printable("\xc0\x9b"), "\\xc0\\x9b");           // an escape in two bytes too many
    EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // half of a pair
    EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82");           // cut
    EXPECT_EQ(printable("\xf5\x80\x80\x80"), "\\xf5\\x80\\x80\\x80");
    EXPECT_EQ(printable("\x9b"
                        "31m"),
              "\\x9b31m");
}

TEST(Printable, LinesStayWhereTheyAreWanted) {
    EXPECT_EQ(printable_lines("a\nb\r\n"), "a\nb\\r\n");
    EXPECT_EQ(printable(printable_lines("a\x1b")), "a\\x1b");
}

TEST(Printable, JsonKeepsItsValue) {
    EXPECT_EQ(printable_json("{\n \"a\": \"\x7f\xc2\x9b μ\xf3\xa0\x81\x81\"}"),
              "{\n \"a\": \"\\u007f\\u009b μ\\udb40\\udc41\"}");
}

TEST(Printable, ColumnsAreThoseOfATerminal) {
    EXPECT_EQ(columns_of(""), 0);
    EXPECT_EQ(columns_of("μ ± ↑"), 5);
    EXPECT_EQ(columns_of("日本"), 4);
    EXPECT_EQ(columns_of("e\xcc\x81"), 1);
    EXPECT_EQ(first_columns("μμμ", 2), "μμ");
    EXPECT_EQ(first_columns("a日本", 4), "a日");
    EXPECT_EQ(first_columns("ab", 9), "ab");
}

}  // namespace
}  // namespace spikelens
