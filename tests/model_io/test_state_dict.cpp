#include <cmath>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/core/random.h"
#include "spikelens/io/files.h"
#include "spikelens/model_io/safetensors.h"

#include "state_dict_file.h"
#include "support/mutate.h"

namespace spikelens {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(StateDictFile, EveryFormAndProtocolIsRead) {
    for (const bool stream : {false, true})
        for (int protocol = 2; protocol <= 5; ++protocol) {
            TestFile file = example();
            file.stream = stream;
            file.protocol = protocol;
            const StateDict state = read(file.bytes());
            EXPECT_EQ(state.format, "pytorch");
            EXPECT_TRUE(state.assumptions.empty());
            EXPECT_THAT(names(state), ElementsAre("fc.weight", "fc.bias", "scale", "nothing"));
            EXPECT_EQ(tensor_values(state.tensors[0].view), FloatArray({2, 3}, {1, -2, 0.5F, 3e-40F, -0.0F, 1e38F}));
            EXPECT_TRUE(std::signbit(tensor_values(state.tensors[0].view).data[4]));
            EXPECT_EQ(tensor_values(state.tensors[1].view), FloatArray({2}, {7, 8}));
            EXPECT_EQ(tensor_values(state.tensors[2].view), FloatArray(Shape{}, {5}));
            EXPECT_EQ(tensor_values(state.tensors[3].view), FloatArray({0, 4}));
        }
}

TEST_F(StateDictFile, OtherFloatsAreConvertedAndIntegersKeptApart) {
    TestFile file;
    file.tensors = {
        {"half", 0, 1, {2}, {1}}, {"brain", 1, 0, {2}, {1}}, {"double", 2, 0, {2}, {1}}, {"count", 3, 0, {}, {}}};
    file.storages = {
        {"HalfStorage", 3, little_word(0, 2) + little_word(0x3C00, 2) + little_word(0xC000, 2)},
        {"BFloat16Storage", 2, little_word(0x3F80, 2) + little_word(0xC040, 2)},
        {"DoubleStorage", 2,
         little_word(std::bit_cast<uint64_t>(0.1), 8) + little_word(std::bit_cast<uint64_t>(1 + 0x1p-25), 8)},
        {"LongStorage", 1, little_word(9, 8)}};
    for (file.stream = false;; file.stream = true) {
        const StateDict state = read(file.bytes());
        EXPECT_EQ(tensor_values(state.tensors[0].view).data, (std::vector<float>{1, -2}));
        EXPECT_EQ(tensor_values(state.tensors[1].view).data, (std::vector<float>{1, -3}));
        EXPECT_EQ(tensor_values(state.tensors[2].view).data, (std::vector<float>{0.1F, 1}));
        EXPECT_EQ(state.tensors[3].view.type, TensorType::i64);
        EXPECT_FALSE(is_real(state.tensors[3].view.type));
        if (file.stream) break;
    }
}

/// Calls `visit` with every index of a shape, in row-major order.
template <class Visit>
void for_each_index(const Shape& shape, Visit visit) {
    for (int64_t flat = 0; flat < element_count(shape); ++flat) {
        Shape index(shape.size());
        int64_t rest = flat;
        for (size_t axis = shape.size(); axis-- > 0; rest /= shape[axis]) index[axis] = rest % shape[axis];
        visit(flat, index);
    }
}

TEST_F(StateDictFile, ViewsAreGatheredAsTheirDefinitionSays) {
    std::vector<float> values(40);
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
    int fitting = 0;
    for (uint64_t round = 0; round < 3000; ++round) {
        auto draw = [&, count = uint64_t{0}](uint64_t below) mutable {
            return static_cast<int64_t>(random_bits(3, Stream::test, {round, count++}) % below);
        };
        const int64_t offset = draw(30);
        Shape shape(static_cast<size_t>(draw(4))), strides(shape.size());
        for (int64_t& extent : shape) extent = draw(5);
        for (int64_t& stride : strides) stride = draw(8);
        bool fits = true;
        FloatArray expected(shape);
        for_each_index(shape, [&](int64_t flat, const Shape& index) {
            int64_t place = offset;
            for (size_t axis = 0; axis < shape.size(); ++axis) place += index[axis] * strides[axis];
            fits = fits && place < 40;
            if (place < 40) expected.data[static_cast<size_t>(flat)] = static_cast<float>(place);
        });
        ASSERT_EQ(view_fault(shape, strides, offset, 40) == "", fits) << round;
        if (!fits) continue;
        ++fitting;
        const TestStorage storage = float_storage(values);
        TensorView view;
        view.storage.bytes = {reinterpret_cast<const uint8_t*>(storage.bytes.data()), storage.bytes.size()};
        view.offset = offset, view.shape = shape, view.strides = strides;
        ASSERT_EQ(tensor_values(view), expected) << round;
    }
    EXPECT_GT(fitting, 1000);
}

TEST_F(StateDictFile, SharedTransposedAndRepeatedStoragesAreGathered) {
    TestFile file;
    file.tensors = {{"plain", 0, 0, {2, 3}, {3, 1}},
                    {"turned", 0, 0, {3, 2}, {1, 3}},
                    {"column", 0, 1, {2}, {3}},
                    {"one", 0, 5, {4}, {0}}};
    file.storages = {float_storage({0, 1, 2, 3, 4, 5})};
    for (file.stream = false;; file.stream = true) {
        const StateDict state = read(file.bytes());
        EXPECT_EQ(tensor_values(state.tensors[0].view).data, (std::vector<float>{0, 1, 2, 3, 4, 5}));
        EXPECT_EQ(tensor_values(state.tensors[1].view).data, (std::vector<float>{0, 3, 1, 4, 2, 5}));
        EXPECT_EQ(tensor_values(state.tensors[2].view).data, (std::vector<float>{1, 4}));
        EXPECT_EQ(tensor_values(state.tensors[3].view).data, (std::vector<float>{5, 5, 5, 5}));
        if (file.stream) break;
    }
}

TEST_F(StateDictFile, TensorsMustLieInTheirStorage) {
    const int64_t large = int64_t{1} << 62;
    const std::vector<std::pair<TestTensor, std::string>> cases = {
        {{"x", 0, 0, {5}, {1}}, "beyond its storage of 4"},
        {{"x", 0, 1, {4}, {1}}, "beyond its storage of 4"},
        {{"x", 0, 0, {2, 2}, {3, 1}}, "beyond its storage of 4"},
        {{"x", 0, 4, {}, {}}, "beyond its storage of 4"},
        {{"x", 0, 5, {0}, {1}}, "beyond its storage of 4"},
        {{"x", 0, -1, {2}, {1}}, "beyond its storage of 4"},
        {{"x", 0, 3, {2}, {-1}}, "negative stride"},
        {{"x", 0, 0, {-2}, {1}}, "negative extent"},
        {{"x", 0, 0, {2, 2}, {1}}, "2 extents but 1 stride"},
        {{"x", 0, 0, {large, 4}, {0, 0}}, "impossible shape"},
        {{"x", 0, 0, {0, large, 4}, {0, 0, 0}}, "impossible shape"},
        {{"x", 0, 0, {5, 2}, {large, 1}}, "impossible shape"},
        {{"x", 0, 0, {3, 3}, {large, large}}, "impossible shape"},
        {{"x", 0, INT64_MAX, {2}, {1}}, "impossible shape"},
        {{"x", 0, 0, Shape(17, 1), Shape(17, 1)}, "17 axes"}};
    for (const auto& [tensor, reason] : cases) {
        TestFile file;
        file.tensors = {tensor};
        file.storages = {float_storage({1, 2, 3, 4})};
        EXPECT_THAT(error_of(file.bytes()), AllOf(HasSubstr("the tensor x"), HasSubstr(reason)));
    }
    TestFile vast;
    vast.tensors = {{"x", 0, 0, {1 << 20, 1 << 20}, {0, 0}}};
    vast.storages = {float_storage({1})};
    EXPECT_EQ(read(vast.bytes()).tensors[0].view.shape, (Shape{1 << 20, 1 << 20})) << "claims take no memory";
}

TEST_F(StateDictFile, StoragesMustHaveTheBytesPromised) {
    for (const int64_t count : {int64_t{3}, int64_t{5}, int64_t{0}, int64_t{1} << 40, int64_t{1} << 62, int64_t{-1}}) {
        TestFile file;
        file.tensors = {{"x", 0, 0, {0}, {1}}};
        file.storages = {{"FloatStorage", count, float_storage({1, 2, 3, 4}).bytes}};
        EXPECT_NE(error_of(file.bytes()), "") << count;
        if (count == 3 || count == 0) continue;  // there, bytes are left over
        file.stream = true;
        EXPECT_NE(error_of(file.bytes()), "") << count;
    }
    TestFile file = example();
    file.stream = true;
    file.storages[1].count = 3;
    EXPECT_THAT(error_of(file.bytes(example().object())), HasSubstr("has 3 elements, but its tensors say 2"));
    TestFile missing = example();
    missing.storages.pop_back();
    const std::string object = example().object();
    EXPECT_THAT(error_of(missing.bytes(object)), HasSubstr("archive/data/3"));
    for (const char* type : {"TypedStorage", "QInt8Storage", "NoStorage"}) {
        TestFile other = example();
        other.storages[0].type = type;
        EXPECT_THAT(error_of(other.bytes()), HasSubstr(std::string("torch.") + type));
    }
}

TEST_F(StateDictFile, NegatedTensorsAreRefused) {
    TestFile file = example();
    PickleWriter pickle, plain;
    for (PickleWriter* writer : {&pickle, &plain}) {
        writer->raw("}").text("x").global("torch._utils", "_rebuild_tensor_v2").raw("((").text("storage");
        writer->global("torch", "FloatStorage")
            .text("1")
            .text("cpu")
            .integer(2)
            .raw("tQK\1")
            .integers({1})
            .integers({1});
        writer->raw("\x89").empty_ordered_dict().raw("}");
        if (writer == &pickle) writer->text("neg").raw("\x88s");
        writer->raw("tRs");
    }
    EXPECT_THAT(error_of(file.bytes(pickle.done())), HasSubstr("negated"));
    EXPECT_EQ(error_of(file.bytes(plain.done())), "");
}

TEST_F(StateDictFile, SafetensorsComeInTheirOrder) {
    const std::string header = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},)"
                               R"("n":{"dtype":"I64","shape":[],"data_offsets":[0,8]}})";
    const StateDict state =
        read(little_word(header.size(), 8) + header + little_word(5, 8) + little_word(0x40400000, 4));
    EXPECT_EQ(state.format, "safetensors");
    EXPECT_THAT(names(state), ElementsAre("n", "a"));
    EXPECT_EQ(state.tensors[0].view.type, TensorType::i64);
    EXPECT_EQ(tensor_values(state.tensors[1].view).data, std::vector<float>{3});
    EXPECT_THAT(input_error([&] { read_safetensors(path); }), HasSubstr("int64"));
}

/// The length of a header may look like a pickle (0x80) or an archive (PK).
TEST_F(StateDictFile, SafetensorsOfEveryLengthAreKnown) {
    for (const size_t length : {0x80, 0x0280, 0x4B50}) {
        std::string header = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
        header.resize(length, ' ');
        EXPECT_THAT(names(read(little_word(length, 8) + header + little_word(0, 4))), ElementsAre("a")) << length;
    }
}

TEST_F(StateDictFile, OtherFilesSayWhatTheyAre) {
    EXPECT_THAT(input_error([&] { read_state_dict(folder / "absent"); }), HasSubstr("there is no file"));
    EXPECT_THAT(error_of(""), HasSubstr("neither"));
    EXPECT_THAT(error_of(std::string(1000, 'x')), HasSubstr("neither"));
    std::string tar(1024, '\0');
    tar.replace(0, 8, "storages");
    tar.replace(257, 5, "ustar");
    EXPECT_THAT(error_of(tar), HasSubstr("tar archive"));
    EXPECT_THAT(error_of(stored_zip({{"a/b.txt", "x"}})), HasSubstr("no file of PyTorch"));
    EXPECT_THAT(error_of(stored_zip({{"a/data.pkl", "x"}, {"b/data.pkl", "x"}})), HasSubstr("more than one"));
    EXPECT_THAT(error_of(stored_zip({{"a/data.pkl", "\x80\x02N."}, {"a/byteorder", "big"}})), HasSubstr("big-endian"));
    EXPECT_THAT(error_of("\x80\x02N."), HasSubstr("magic number"));
    TestFile stream = example();
    stream.stream = true;
    std::string bytes = stream.bytes();
    bytes[bytes.find("little_endian") + 13] = '\x89';
    EXPECT_THAT(error_of(bytes), HasSubstr("big-endian"));
    EXPECT_THAT(error_of(example().bytes("\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.")),
                AllOf(HasSubstr(path.string()), HasSubstr("os.system"), HasSubstr("nothing was executed")));
    const auto asks_for = [&](const std::string& name) {
        return error_of(
            example().bytes("\x80\x02"
                            "ctorch._utils\n" +
                            name + "\n."));
    };
    EXPECT_THAT(asks_for("_rebuild_qtensor"), HasSubstr("quantised weights"));
    EXPECT_THAT(asks_for("_rebuild_sparse_tensor"), HasSubstr("to_dense()"));
    EXPECT_THAT(asks_for("_rebuild_meta_tensor_no_storage"), HasSubstr("no values"));
    EXPECT_THAT(asks_for("_rebuild_tensor_v3"), HasSubstr("float8"));
    EXPECT_THAT(asks_for("_rebuild_something"), HasSubstr("torch.save(model.state_dict(), file)"));
}

TEST_F(StateDictFile, EveryTruncationIsRefused) {
    for (const bool stream : {false, true}) {
        TestFile file = example();
        file.stream = stream;
        const std::string whole = file.bytes();
        for (size_t length = 0; length < whole.size(); ++length)
            EXPECT_NE(error_of(whole.substr(0, length)), "") << length;
    }
}

/// Whatever the bytes are: an InputError, or tensors whose every element can be read.
void expect_refused_or_sound(const std::filesystem::path& path, const std::vector<uint8_t>& bytes) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    try {
        for (const StateTensor& tensor : read_state_dict(path).tensors)
            if (is_real(tensor.view.type) && element_count(tensor.view.shape) < 100000) tensor_values(tensor.view);
    } catch (const InputError&) {
    }
}

TEST_F(StateDictFile, MutationsAreRefusedOrSound) {
    const uint64_t count = testing_support::mutation_count(6000) / 3;
    TestFile zip = example(), stream = example();
    stream.stream = true;
    const std::string whole_zip = zip.bytes(), whole_stream = stream.bytes(), object = zip.object();
    for (uint64_t i = 0; i < count; ++i) {
        expect_refused_or_sound(path, testing_support::mutated({whole_zip.begin(), whole_zip.end()}, i));
        expect_refused_or_sound(path, testing_support::mutated({whole_stream.begin(), whole_stream.end()}, i));
        // A damaged pickle in a sound archive: no checksum stands before it.
        const std::vector<uint8_t> pickle = testing_support::mutated({object.begin(), object.end()}, i);
        const std::string archive = zip.bytes(std::string(pickle.begin(), pickle.end()));
        expect_refused_or_sound(path, {archive.begin(), archive.end()});
    }
}

}  // namespace
}  // namespace spikelens
