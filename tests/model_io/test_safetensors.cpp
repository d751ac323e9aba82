#include <bit>
#include <cmath>
#include <fstream>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/core/random.h"
#include "spikelens/io/files.h"
#include "spikelens/model_io/safetensors.h"

#include "support/errors.h"
#include "support/temporary_folder.h"

namespace spikelens {
namespace {

using testing::HasSubstr;

std::string little_endian(uint64_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xFF);
    return text;
}

std::string file_bytes(const std::string& header, const std::string& data) {
    return little_endian(header.size(), 8) + header + data;
}

class SafetensorsFile : public testing::Test {
  protected:
    Safetensors read(const std::string& bytes) {
        std::ofstream(path, std::ios::binary) << bytes;
        return read_safetensors(path);
    }
    std::string error_of(const std::string& bytes) {
        return input_error([&] { read(bytes); });
    }
    std::string error_of(const std::string& header, const std::string& data) {
        return error_of(file_bytes(header, data));
    }

    TemporaryFolder folder;
    std::filesystem::path path = folder / "file.safetensors";
};

Safetensors example() {
    Safetensors contents;
    contents.tensors["b"] = FloatArray({2, 3}, {1, -2, 0.5F, 3e-40F, -0.0F, 1e38F});
    contents.tensors["a"] = FloatArray({1}, {7});
    contents.tensors["scalar"] = FloatArray(Shape{}, {5});
    contents.tensors["nothing"] = FloatArray({0, 4});
    contents.metadata = {{"key", "value \"quoted\" µ"}, {"other", ""}};
    return contents;
}

TEST_F(SafetensorsFile, ReadsBackWhatWasWritten) {
    write_safetensors(path, example());
    const Safetensors read = read_safetensors(path);
    EXPECT_EQ(read.metadata, example().metadata);
    EXPECT_EQ(read.tensors, example().tensors);
    EXPECT_TRUE(std::signbit(read.tensors.at("b").data[4]));
}

TEST_F(SafetensorsFile, WrittenBytesAreTheFormats) {
    Safetensors contents;
    contents.tensors["z"] = FloatArray({1}, {-2});
    contents.tensors["a"] = FloatArray({2}, {1, 0});
    write_safetensors(path, contents);
    const std::string header = R"({"a":{"data_offsets":[0,8],"dtype":"F32","shape":[2]},)"
                               R"("z":{"data_offsets":[8,12],"dtype":"F32","shape":[1]}})";
    const std::string padding((8 - header.size() % 8) % 8, ' ');
    const std::string data = std::string("\0\0\x80\x3f\0\0\0\0\0\0\0\xc0", 12);
    EXPECT_EQ(read_file(path), file_bytes(header + padding, data));
}

TEST_F(SafetensorsFile, ReadsAFileMadeByHandInAnyOrder) {
    const std::string header = R"( {"late":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},)"
                               R"("early":{"shape":[2,1],"data_offsets":[0,4],"dtype":"F16"}})";
    const std::string data = little_endian(0x3C00, 2) + little_endian(0xC000, 2) + little_endian(0x40400000, 4);
    EXPECT_THAT(error_of(header, data), HasSubstr("does not begin with {"));
    const Safetensors contents = read(file_bytes(header.substr(1) + "  ", data));
    EXPECT_EQ(contents.tensors.at("early"), FloatArray({2, 1}, {1, -2}));
    EXPECT_EQ(contents.tensors.at("late"), FloatArray({1}, {3}));
}

/// binary16 by its definition: (−1)^s · 2^(e−15) · (1 + f/1024), and the special exponents.
double half_value(uint32_t bits) {
    const double sign = bits & 0x8000U ? -1 : 1;
    const int exponent = static_cast<int>(bits >> 10 & 31U);
    const double fraction = (bits & 1023U) / 1024.0;
    if (exponent == 31) return fraction == 0 ? sign * INFINITY : NAN;
    return exponent == 0 ? sign * std::ldexp(fraction, -14) : sign * std::ldexp(1 + fraction, exponent - 15);
}

TEST_F(SafetensorsFile, EveryHalfHasItsValue) {
    std::string data;
    for (uint32_t bits = 0; bits < 65536; ++bits) data += little_endian(bits, 2);
    const Safetensors contents =
        read(file_bytes(R"({"x":{"dtype":"F16","shape":[65536],"data_offsets":[0,131072]}})", data));
    for (uint32_t bits = 0; bits < 65536; ++bits) {
        const float value = contents.tensors.at("x").data[bits];
        const double expected = half_value(bits);
        if (std::isnan(expected))
            ASSERT_TRUE(std::isnan(value)) << bits;
        else
            ASSERT_EQ(value, expected) << bits;
        ASSERT_EQ(std::signbit(value), (bits & 0x8000U) != 0) << bits;
    }
}

TEST_F(SafetensorsFile, BrainFloatsAndDoublesBecomeFloats) {
    const std::string header = R"({"b":{"dtype":"BF16","shape":[4],"data_offsets":[0,8]},)"
                               R"("d":{"dtype":"F64","shape":[4],"data_offsets":[8,40]}})";
    std::string data;
    for (uint64_t bits : {0x3F80, 0x0001, 0xFF80, 0x7FC0}) data += little_endian(bits, 2);
    const std::vector<double> doubles = {0.1, 1e300, -4.9e-324, 1.0 + 0x1p-25};
    for (double value : doubles) data += little_endian(std::bit_cast<uint64_t>(value), 8);
    const Safetensors contents = read(file_bytes(header, data));
    const std::vector<float>& brain = contents.tensors.at("b").data;
    EXPECT_EQ(brain[0], 1.0F);
    EXPECT_EQ(brain[1], 0x1p-133F);
    EXPECT_EQ(brain[2], -INFINITY);
    EXPECT_TRUE(std::isnan(brain[3]));
    EXPECT_EQ(contents.tensors.at("d").data, (std::vector<float>{0.1F, INFINITY, -0.0F, 1.0F}));
}

TEST_F(SafetensorsFile, EveryTruncationIsAnInputError) {
    write_safetensors(path, example());
    const std::string whole = read_file(path);
    for (size_t length = 0; length < whole.size(); ++length) EXPECT_NE(error_of(whole.substr(0, length)), "") << length;
    EXPECT_THAT(error_of(whole + "x"), HasSubstr("the file holds"));
}

TEST_F(SafetensorsFile, MutationsAreRefusedOrReadAsValidFiles) {
    write_safetensors(path, example());
    const std::string whole = read_file(path);
    int refused = 0;
    for (uint64_t round = 0; round < 3000; ++round) {
        std::string bytes = whole;
        for (uint64_t change = 0; change <= round % 3; ++change) {
            const uint64_t draw = random_bits(1, Stream::test, {round, change});
            bytes[draw % bytes.size()] = static_cast<char>(draw >> 32);
        }
        try {
            for (const auto& [name, tensor] : read(bytes).tensors)
                ASSERT_EQ(tensor.size(), element_count(tensor.shape)) << name;
        } catch (const InputError&) {
            ++refused;
        }
    }
    EXPECT_GT(refused, 1000);
}

TEST_F(SafetensorsFile, HostileHeaderLengthsAreRefused) {
    const std::string data(64, ' ');
    for (uint64_t length : {uint64_t{65}, uint64_t{1} << 31, uint64_t{1} << 63, ~uint64_t{0}, ~uint64_t{0} - 7})
        EXPECT_THAT(error_of(little_endian(length, 8) + data), HasSubstr("truncated")) << length;
    EXPECT_THAT(error_of("short"), HasSubstr("5 bytes"));
    EXPECT_THAT(error_of(little_endian(0, 8)), HasSubstr("does not begin with {"));
}

TEST_F(SafetensorsFile, BrokenGrammarIsRefused) {
    const std::string data = little_endian(0, 4);
    const std::string good = R"("dtype":"F32","shape":[1],"data_offsets":[0,4])";
    EXPECT_EQ(error_of("{\"x\":{" + good + "}}", data), "");
    EXPECT_THAT(error_of("{\"x\":{" + good + "},\"x\":{" + good + "}}", data), HasSubstr("appears twice"));
    EXPECT_THAT(error_of("{\"x\":{" + good + ",\"shape\":[1]}}", data), HasSubstr("shape appears twice"));
    EXPECT_THAT(error_of("{\"x\":{" + good + ",\"more\":1}}", data), HasSubstr("unknown field more"));
    EXPECT_THAT(error_of(R"({"__metadata__":{"a":"1","a":"2"}})", ""), HasSubstr("a appears twice"));
    EXPECT_THAT(error_of("{\"x\":{" + good + "}}}", data), HasSubstr("broken JSON at byte"));
    EXPECT_THAT(error_of("{\"x\":{" + good + "}", data), HasSubstr("broken JSON at byte"));
    for (const char* entry :
         {R"(1)", R"([])", R"("text")", R"(null)", R"({})", R"({"dtype":"F32","shape":[1]})",
          R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})",
          R"({"dtype":"F32","shape":[1.0],"data_offsets":[0,4]})",
          R"({"dtype":"F32","shape":[[1]],"data_offsets":[0,4]})", R"({"dtype":"F32","shape":1,"data_offsets":[0,4]})",
          R"({"dtype":["F32"],"shape":[1],"data_offsets":[0,4]})",
          R"({"dtype":"F32","shape":[1],"data_offsets":[0,4,4]})",
          R"({"dtype":"F32","shape":["1"],"data_offsets":[0,4]})", R"({"dtype":"F32","shape":{},"data_offsets":[0,4]})",
          R"({"dtype":"I32","shape":[1],"data_offsets":[0,4]})",
          R"({"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4]})"})
        EXPECT_NE(error_of(std::string("{\"x\":") + entry + "}", data), "") << entry;
    EXPECT_NE(error_of(R"({"__metadata__":{"a":1}})", ""), "");
    EXPECT_NE(error_of(R"({"__metadata__":{"a":["1"]}})", ""), "");
    EXPECT_NE(error_of("{\"\xff\":{" + good + "}}", data), "");
}

TEST_F(SafetensorsFile, OffsetsMustTileTheDataAndFitTheShapes) {
    const auto one = [&](const std::string& shape, const std::string& offsets, size_t bytes) {
        return error_of(R"({"x":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}",
                        std::string(bytes, '\0'));
    };
    EXPECT_EQ(one("[2,1]", "[0,8]", 8), "");
    EXPECT_THAT(one("[1]", "[4,8]", 8), HasSubstr("overlap or leave holes"));
    EXPECT_THAT(one("[1]", "[4,0]", 4), HasSubstr("overlap or leave holes"));
    EXPECT_THAT(one("[1]", "[0,8]", 8), HasSubstr("needs 4"));
    EXPECT_THAT(one("[2]", "[0,8]", 4), HasSubstr("the file holds 4"));
    EXPECT_THAT(one("[4294967296,4294967296]", "[0,0]", 0), HasSubstr("impossible shape"));
    EXPECT_THAT(one("[0,4294967296,4294967296]", "[0,0]", 0), HasSubstr("impossible shape"));
    const std::string entry = R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
    EXPECT_THAT(error_of("{\"x\":" + entry + ",\"y\":" + entry + "}", std::string(4, '\0')), HasSubstr("overlap"));
    const std::string behind = R"({"dtype":"F32","shape":[1],"data_offsets":[8,12]})";
    EXPECT_THAT(error_of("{\"x\":" + entry + ",\"y\":" + behind + "}", std::string(12, '\0')), HasSubstr("tensor y"));
}

TEST_F(SafetensorsFile, UnwritableNamesAreInputErrors) {
    Safetensors contents;
    contents.tensors["__metadata__"] = FloatArray({1});
    EXPECT_THAT(input_error([&] { write_safetensors(path, contents); }), HasSubstr("__metadata__"));
    contents.tensors = {{"\xff", FloatArray({1})}};
    EXPECT_THAT(input_error([&] { write_safetensors(path, contents); }), HasSubstr("UTF-8"));
    EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace spikelens
