#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "spikelens/io/files.h"

#include "rendered_pickle.h"
#include "support/mutate.h"
#include "support/temporary_folder.h"
#include "torch_files.h"

namespace spikelens {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

/// Opcodes between protocol and stop.
std::string with_opcodes(const std::string& opcodes) { return "\x80\x04" + opcodes + "."; }

TEST(Pickle, EveryOpcodeHasItsMeaning) {
    const std::vector<std::pair<std::string, json>> cases = {
        {"N", nullptr},
        {"\x88", true},
        {"\x89", false},
        {std::string("J\xfe\xff\xff\xff", 5), -2},
        {"K\xff", 255},
        {std::string("M\x01\x02", 3), 513},
        {std::string("\x8a\x00", 2), 0},
        {"\x8a\x01\x80", -128},
        {"\x8a\x02\xff\x7f", 32767},
        {"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f", INT64_MAX},
        {std::string("\x8b\x01\x00\x00\x00\x05", 6), 5},
        {"\x8a\x09" + std::string(9, 'a'), {{"long", std::vector<int>(9, 'a')}}},
        {std::string("G\x3f\xf8\x00\x00\x00\x00\x00\x00", 9), {{"number", 1.5}}},
        {std::string("X\x02\x00\x00\x00hi", 7), "hi"},
        {"\x8c\x02hi", "hi"},
        {"\x8d" + little_word(2, 8) + "hi", "hi"},
        {"U\x02hi", "hi"},
        {"T" + little_word(2, 4) + "hi", "hi"},
        {"C\x01"
         "a",
         {{"bytes", {97}}}},
        {"B" + little_word(1, 4) + "a", {{"bytes", {97}}}},
        {"\x8e" + little_word(1, 8) + "a", {{"bytes", {97}}}},
        {"\x96" + little_word(1, 8) + "a", {{"bytes", {97}}}},
        {")", {{"tuple", json::array()}}},
        {"N\x85", {{"tuple", {nullptr}}}},
        {"K\1K\2\x86", {{"tuple", {1, 2}}}},
        {"K\1K\2K\3\x87", {{"tuple", {1, 2, 3}}}},
        {"(K\1K\2t", {{"tuple", {1, 2}}}},
        {"]K\1a(K\2K\3e", {{"list", {1, 2, 3}}}},
        {"(K\1l", {{"list", {1}}}},
        {"}K\1Ns(K\2NK\3Nu", {{"dict", {1, nullptr, 2, nullptr, 3, nullptr}}}},
        {"(K\1Nd", {{"dict", {1, nullptr}}}},
        {"K\1K\2"
         "0",
         1},
        {"K\1(K\2K\3"
         "1",
         1},
        {"K\1(0", 1},
        {"K\1"
         "2\x86",
         {{"tuple", {1, 1}}}},
        {"K\7q\5"
         "0h\5",
         7},
        {"K\7r" + little_word(700, 4) + "0j" + little_word(700, 4), 7},
        {"K\7\x94K\x08\x94K\x09\x94h\2h\1\x86", {{"tuple", {9, 8}}}},
        {"\x95" + little_word(1, 8) + "N", nullptr},
        {"ccollections\nOrderedDict\n)R", {{"dict", json::array()}}},
        {"ccollections\nOrderedDict\n)\x81", {{"dict", json::array()}}},
        {"ccollections\nOrderedDict\n](]K\1aK\2a]K\3aK\4ae\x85R", {{"dict", {1, 2, 3, 4}}}},
        {"}}K\1Nsb", {{"dict", json::array()}}},
        {"ctorch\nfloat32\n", {{"call", "torch.float32"}, {"with", json::array()}}},
        {"ctorch\nSize\nK\2\x85\x85R", {{"call", "torch.Size"}, {"with", {{{"tuple", {2}}}}}}},
        {"\x8c\x05torch\x8c\x04Size\x93)R", {{"call", "torch.Size"}, {"with", json::array()}}},
        {"K\1Q", {{"call", ""}, {"with", {1}}}}};
    for (const auto& [opcodes, expected] : cases)
        EXPECT_EQ(rendered(with_opcodes(opcodes)), expected) << testing::PrintToString(opcodes);
}

TEST(Pickle, NothingBrokenIsRead) {
    for (const std::string opcodes : {"",
                                      "0",
                                      "2",
                                      "t",
                                      "\x85",
                                      "(K\1\x86",
                                      "a",
                                      "Na",
                                      "K\1]a",
                                      "]u",
                                      "}(K\1u",
                                      "K\1K\2s",
                                      "h\3",
                                      "K\1q\1h\2",
                                      "(",
                                      "1",
                                      "NR",
                                      "N)R",
                                      "ctorch\nSize\nNR",
                                      "ctorch\nfloat32\n)R",
                                      "ccollections\nOrderedDict\nK\1K\2\x86R",
                                      "ccollections\nOrderedDict\nK\1\x85R",
                                      "Nb",
                                      "ctorch\nSize\n)RNb",
                                      "NN\x93",
                                      "\x8c\x02os\x93",
                                      "\x90",
                                      "\x91",
                                      "P1\n",
                                      "I1\n",
                                      "S'a'\n",
                                      "F1\n",
                                      "V1\n",
                                      "L1L\n",
                                      "\x82\1",
                                      "ctorch\nSize\n)}\x92",
                                      "(ctorch\nSize\no",
                                      "(itorch\nSize\n",
                                      "\xff",
                                      "\x80\x04N",
                                      "ctorch\nSize"})
        EXPECT_NE(error_of(with_opcodes(opcodes)), "") << testing::PrintToString(opcodes);
    EXPECT_THAT(error_of("N."), HasSubstr("protocol"));
    EXPECT_THAT(error_of("\x80\x01N."), HasSubstr("protocol 1"));
    EXPECT_THAT(error_of("\x80\x06N."), HasSubstr("protocol 6"));
    EXPECT_THAT(error_of("\x80\x02N"), HasSubstr("truncated"));
    EXPECT_THAT(error_of(""), HasSubstr("protocol"));
}

json rendered_of(const std::string& opcodes) {
    const Pickle pickle = read(with_opcodes(opcodes));
    return rendered(pickle, pickle[pickle.root]);
}

/// What pickles do to harm: each names a function, none is on the list.
TEST(Pickle, EveryWayToNameAFunctionIsRefused) {
    const std::string argument = "X" + little_word(4, 4) + "true\x85R";
    const std::vector<std::pair<std::string, std::string>> attacks = {
        {"cos\nsystem\n" + argument, "os.system"},
        {"cposix\nsystem\n" + argument, "posix.system"},
        {"\x8c\x02os\x8c\x06system\x93" + argument, "os.system"},
        {"\x8c\x08"
         "builtins\x8c\x04"
         "eval\x93" +
             argument,
         "builtins.eval"},
        {"c__builtin__\nexec\n" + argument, "__builtin__.exec"},
        {"cbuiltins\ngetattr\n" + argument, "builtins.getattr"},
        {"}X" + little_word(1, 4) + "a](cos\nsystem\n" + argument + "es", "os.system"},
        {"ccollections\nOrderedDict\n)R}X" + little_word(1, 4) + "acos\nsystem\n" + argument + "sb", "os.system"},
        {"(X" + little_word(4, 4) + "trueios\nsystem\n", "os.system"},
        {"(cos\nsystem\nX" + little_word(4, 4) + "trueo", "os.system"},
        {"cos\nsystem\n)\x81", "os.system"},
        {"cos\nsystem\n)}\x92", "os.system"},
        {"cos\nsystem\n0N", "os.system"},
        {"ccollections\nOrderedDict.__init__\n" + argument, "collections.OrderedDict.__init__"},
        {"\x8c\x0b"
         "collections\x8c\x10"
         "_sys.modules.get\x93" +
             argument,
         "collections._sys.modules.get"},
        {"ctorch\nload\n" + argument, "torch.load"},
        {"ctorch\nhub.load\n" + argument, "torch.hub.load"},
        {"ctorch.storage\n_load_from_bytes\n" + argument, "torch.storage._load_from_bytes"},
        {"ctorch._utils\n_import_dotted_name\n" + argument, "torch._utils._import_dotted_name"},
        {"ctorch.nn.modules.linear\nLinear\n)R", "torch.nn.modules.linear.Linear"},
        {"ctorch.x\nFloatStorage\n", "torch.x.FloatStorage"},
        {"ctorch\nFloatStorage.__class__\n", "torch.FloatStorage.__class__"},
        {"c\n\n", "."},
        {"ctorch.\nSize\n", "torch..Size"},
        {"cTorch\nSize\n", "Torch.Size"},
        {"c torch\nSize\n", " torch.Size"}};
    for (const auto& [opcodes, name] : attacks) {
        const std::string sentence = error_of(with_opcodes(opcodes));
        EXPECT_THAT(sentence,
                    HasSubstr("asks for " + name + ", which is not on the list of what a state dict may hold"));
        EXPECT_THAT(sentence, HasSubstr("nothing was executed"));
    }
    EXPECT_THAT(error_of(with_opcodes("c\x1b[2Jos\nsystem\n")),
                AllOf(HasSubstr("\\u001b"), testing::Not(HasSubstr("\x1b"))));
    EXPECT_LT(error_of(with_opcodes("c" + std::string(100000, 'a') + "\nb\n")).size(), 400U);
}

TEST(Pickle, InertContainersAreRead) {
    const std::string one = "K\1K\2";  // 1, 2
    EXPECT_EQ(rendered_of("ccollections\nCounter\n}" + one + "s\x85R"), json({{"dict", {1, 2}}}));
    EXPECT_EQ(rendered_of("ccollections\ndefaultdict\ncbuiltins\nlist\n\x85R" + one + "s"), json({{"dict", {1, 2}}}));
    EXPECT_EQ(rendered_of("ccollections\ndeque\n)K\5\x86R(" + one + "e"), json({{"list", {1, 2}}}));
    for (const std::string& set :
         {"c__builtin__\nset\n](" + one + "e\x85R", "\x8f(" + one + "\x90", "(" + one + "\x91"})
        EXPECT_EQ(rendered_of(set), json({{"list", {1, 2}}}));
    EXPECT_EQ(rendered_of("cargparse\nNamespace\n)\x81}" + one + "sb"), json({{"dict", json::array()}}));
    for (const std::string module : {"numpy.core.multiarray", "numpy._core.multiarray"}) {
        EXPECT_EQ(error_of(with_opcodes("c" + module + "\nscalar\n(cnumpy\ndtype\nX" + little_word(2, 4) +
                                        "f8\x89\x88\x87R(K\3NNtbC\x08" + std::string(8, 'x') + "tR")),
                  "");
        EXPECT_EQ(error_of(with_opcodes("c" + module + "\n_reconstruct\n(cnumpy\nndarray\nK\1\205C\1btR(K\1tb")), "");
    }
    for (const std::string broken : {"ccollections\nCounter\nK\1\x85R", "ccollections\ndefaultdict\nK\1\x85R",
                                     "ccollections\ndeque\nK\1\x85R", "cbuiltins\nlist\n)R", "cnumpy\nndarray\n)R"})
        EXPECT_NE(error_of(with_opcodes(broken)), "") << broken;
}

TEST(Pickle, PromisesTakeNoMemoryAndNoTime) {
    const std::string huge = little_word(0xFFFFFFFF, 4), vast = little_word(~uint64_t{0}, 8);
    for (const std::string& opcodes : {"X" + huge, "T" + huge, "B" + huge, "\x8b" + huge, "\x8d" + vast, "\x8e" + vast,
                                       "\x96" + vast, "\x95" + vast, "Nr" + huge, "j" + huge})
        EXPECT_NE(error_of(with_opcodes(opcodes)), "") << testing::PrintToString(opcodes);
    EXPECT_THAT(error_of(with_opcodes(std::string(1 << 21, '('))), HasSubstr("marks more than"));
    EXPECT_THAT(error_of(with_opcodes(std::string(1 << 21, ']'))), HasSubstr("more than 2^20 values"));
    EXPECT_THAT(error_of(with_opcodes("N" + std::string(1 << 21, '2'))), HasSubstr("deeper than 2^20"));
    // A list of half a million items, turned into dictionaries again and again.
    std::string pairs = "]q\1(";
    for (int i = 0; i < 300000; ++i) pairs += "h\2";
    std::string calls;
    for (int i = 0; i < 300000; ++i) calls += "h\3h\4R0";
    EXPECT_THAT(error_of(with_opcodes("NN\x86q\2"
                                      "0ccollections\nOrderedDict\nq\3"
                                      "0" +
                                      pairs +
                                      "e\x85q\4"
                                      "0" +
                                      calls)),
                HasSubstr("2^26 steps"));
}

TEST(Pickle, ListsMayHoldThemselves) {
    const Pickle pickle = read(with_opcodes("]q\1h\1a"));
    EXPECT_EQ(pickle[pickle.root].items, std::vector<PickleId>{pickle.root});
    std::string nested = "]";
    for (int i = 0; i < 200000; ++i) nested += "\x85";
    EXPECT_EQ(error_of(with_opcodes(nested)), "");
}

TEST(Pickle, EveryTruncationIsRefused) {
    TestFile file;
    file.add("fc.weight", FloatArray({2, 3}));
    for (file.protocol = 2; file.protocol <= 5; ++file.protocol) {
        const std::string whole = file.object();
        ASSERT_EQ(error_of(whole), "");
        for (size_t length = 0; length < whole.size(); ++length)
            EXPECT_NE(error_of(whole.substr(0, length)), "") << length;
    }
}

TEST(Pickle, MutationsAreRefusedOrRead) {
    TestFile file;
    file.add("fc.weight", FloatArray({2, 3}));
    for (file.protocol = 2; file.protocol <= 5; ++file.protocol) {
        const std::string whole = file.object();
        for (uint64_t i = 0; i < testing_support::mutation_count(20000) / 4; ++i) {
            const std::vector<uint8_t> bytes = testing_support::mutated({whole.begin(), whole.end()}, i);
            try {
                const Pickle pickle = read_pickle(bytes, "file");
                ASSERT_LE(pickle.values.size(), bytes.size());
                for (const PickleValue& value : pickle.values)
                    for (const PickleId id : value.items) ASSERT_LT(id, pickle.values.size());
            } catch (const InputError&) {
            }
        }
    }
}

}  // namespace
}  // namespace spikelens
