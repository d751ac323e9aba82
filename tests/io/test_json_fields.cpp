#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/io/json_fields.h"

namespace spikelens {
namespace {

using ::testing::HasSubstr;

std::string error_of(const std::string& text) {
    try {
        parse_json(text, "file");
    } catch (const InputError& error) {
        return error.what();
    }
    return {};
}

TEST(Json, TwoMeaningsAndDeepNestingAreRefused) {
    EXPECT_EQ(error_of(R"({"a": {"b": 1}, "b": [{"a": 1}, {"a": 2}]})"), "");
    EXPECT_EQ(error_of(R"({"a": {"b": 1, "c": 2, "b": 1}})"), "file: the key \"b\" appears twice");
    EXPECT_EQ(error_of(R"({"a": 1, "\u0061": 1})"), "file: the key \"a\" appears twice");
    EXPECT_EQ(error_of(std::string(64, '[') + std::string(64, ']')), "");
    EXPECT_EQ(error_of(std::string(65, '[') + std::string(65, ']')), "file: its JSON is nested deeper than 64");
    EXPECT_EQ(error_of(R"({"a": 1)"), "file: broken JSON at byte 8 of 7");
    EXPECT_THAT(error_of("[1e999]"), HasSubstr("too large"));
    EXPECT_EQ(error_of(R"({"a": 1, "b": tru})"), "file: broken JSON at byte 18 of 18");
}

double seconds_to_parse(int members) {
    std::string text = "{";
    for (int i = 0; i < members; ++i) text += (i ? ",\"" : "\"") + std::to_string(i) + "\":{\"a\":1}";
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(parse_json(text + "}", "file").size(), static_cast<size_t>(members));
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The index of 100,000 pictures is such a text: in quadratic time it took minutes.
TEST(Json, ManyObjectsTakeTheirTimeOnce) { EXPECT_LT(seconds_to_parse(100'000), 30); }

}  // namespace
}  // namespace spikelens
