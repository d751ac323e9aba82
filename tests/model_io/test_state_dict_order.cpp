#include <algorithm>
#include <fstream>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/core/random.h"
#include "spikelens/model_io/import.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/model_io/safetensors.h"

#include "model_io/weight_names.h"
#include "support/errors.h"
#include "support/temporary_folder.h"
#include "torch_files.h"

namespace spikelens {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

using Names = std::vector<std::string>;

/// Layers of one shape: nothing but names and order can tell them apart.
constexpr const char* text = "6F-LIF-6F-LIF-6F-LIF-6F";

Network empty_network(const std::string& network = text, const Shape& input = {1, 1, 6}) {
    return parse_network(network, input, 4);
}
Network filled_network(const std::string& network = text, const Shape& input = {1, 1, 6}) {
    Network filled = empty_network(network, input);
    initialise_weights(filled, 3);
    return filled;
}

/// A state dict whose layers' tensors are "<stem>.weight" and "<stem>.bias", or of other words.
TestFile state_dict(const Network& network, const Names& stems, const std::string& weight = ".weight",
                    const std::string& bias = ".bias") {
    TestFile file;
    for (size_t i = 0; i < stems.size(); ++i) {
        file.add(stems[i] + weight, network.layers[i].weight);
        file.add(stems[i] + bias, network.layers[i].bias);
    }
    return file;
}

void shuffle(std::vector<TestTensor>& tensors, uint64_t seed) {
    for (size_t i = tensors.size(); i > 1; --i)
        std::swap(tensors[i - 1], tensors[random_bits(seed, Stream::test, {i}) % i]);
}

class StateDictOrder : public testing::Test {
  protected:
    /// The network that the file gives, or what is said of it.
    struct Outcome {
        std::string fingerprint, refusal;
    };
    Outcome import(const TestFile& file, const WeightOptions& options = {}, const std::string& network = text,
                   const Shape& input = {1, 1, 6}) {
        std::ofstream(path, std::ios::binary) << file.bytes();
        Outcome outcome;
        outcome.refusal = input_error([&] {
            const ImportedNetwork imported = import_weights(path, empty_network(network, input), options);
            outcome.fingerprint = model_fingerprint(imported.network);
            assumptions = imported.assumptions;
        });
        return outcome;
    }

    TemporaryFolder folder;
    std::filesystem::path path = folder / "weights.pth";
    std::vector<std::string> assumptions;
};

struct Family {
    Names stems;
    bool ordered;  ///< whether the names tell the order
};

/// Whatever the order of the entries: the network, or a refusal; never another network.
TEST_F(StateDictOrder, PermutationsGiveTheSameNetworkOrARefusal) {
    const std::vector<Family> families = {
        {{"0", "2", "4", "10"}, true},
        {{"fc1", "fc2", "fc9", "fc10"}, true},
        {{"net.layers.0.conv", "net.layers.1.fc", "net.layers.2.conv", "net.layers.11.fc"}, true},
        {{"module.features.0", "module.features.3", "module.features.6", "module.features.12"}, true},
        {{"block1_1", "block1_2", "block2_1", "block2_2"}, true},
        {{"conv", "fc", "hidden", "out"}, false},
        {{"z", "y", "x", "w"}, false},
        {{"encoder.0", "encoder.2", "decoder.0", "decoder.2"}, false},
        {{"fc1", "fc2", "fc3", "out"}, false},
        {{"fc", "fc2", "fc3", "fc4"}, false}};
    const Network network = filled_network();
    const std::string expected = model_fingerprint(network);
    for (const Family& family : families)
        for (const bool defined : {false, true})
            for (uint64_t seed = 0; seed < 40; ++seed) {
                TestFile file = state_dict(network, family.stems);
                if (defined) {
                    file.modules = {""};
                    file.modules.insert(file.modules.end(), family.stems.begin(), family.stems.end());
                }
                if (seed > 0) shuffle(file.tensors, seed);
                const Outcome outcome = import(file);
                const bool told = family.ordered || defined;
                ASSERT_EQ(outcome.refusal.empty(), told) << family.stems[1] << " " << seed << ": " << outcome.refusal;
                ASSERT_EQ(outcome.fingerprint, told ? expected : "") << family.stems[1] << " " << seed;
            }
}

/// The same of names that no convention knows, where vectors are biases by their numbers alone.
TEST_F(StateDictOrder, PermutationsOfBareNamesToo) {
    const Network network = filled_network();
    for (uint64_t seed = 0; seed < 40; ++seed) {
        TestFile file = state_dict(network, {"", "", "", ""});
        for (size_t i = 0; i < file.tensors.size(); ++i) file.tensors[i].name = "p" + std::to_string(i + 5);
        shuffle(file.tensors, seed);
        EXPECT_EQ(import(file).fingerprint, model_fingerprint(network)) << seed;
        file = state_dict(network, {"1", "2", "3", "4"}, "", "");
        for (size_t i = 0; i < file.tensors.size(); ++i)
            file.tensors[i].name = (i % 2 == 0 ? "W" : "b") + std::to_string(i / 2);
        shuffle(file.tensors, seed);
        EXPECT_EQ(import(file).fingerprint, model_fingerprint(network)) << seed;
    }
}

/// Safetensors files are sorted by letters: the same rule reads them.
TEST_F(StateDictOrder, SafetensorsFollowTheSameRule) {
    const Network network = filled_network();
    const auto outcome = [&](const Names& stems) {
        std::map<std::string, FloatArray> tensors;
        for (size_t i = 0; i < stems.size(); ++i) {
            tensors[stems[i] + ".weight"] = network.layers[i].weight;
            tensors[stems[i] + ".bias"] = network.layers[i].bias;
        }
        write_safetensors(path, {tensors, {}});
        std::string fingerprint;
        const std::string refusal =
            input_error([&] { fingerprint = model_fingerprint(import_weights(path, empty_network()).network); });
        return refusal.empty() ? fingerprint : refusal;
    };
    EXPECT_EQ(outcome({"net.0", "net.2", "net.10", "net.11"}), model_fingerprint(network));
    EXPECT_EQ(outcome({"fc8", "fc9", "fc10", "fc11"}), model_fingerprint(network));
    EXPECT_THAT(outcome({"conv", "fc", "hidden", "out"}), HasSubstr("nothing tells which comes first"));
    EXPECT_THAT(outcome({"h512to256", "h256to128", "h128to64", "h64to32"}), HasSubstr("may be sizes"));
    EXPECT_THAT(outcome({"s4.fc1", "s3.fc2", "s2.fc3", "s1.fc4"}), HasSubstr("say the opposite of each other"));
}

TEST_F(StateDictOrder, RefusalsNameBothTensorsAndSayWhatToDo) {
    const Network network = filled_network();
    EXPECT_THAT(import(state_dict(network, {"conv", "fc", "hidden", "out"})).refusal,
                AllOf(HasSubstr("conv.weight and fc.weight have the same shape, [6, 6]"),
                      HasSubstr("say which layer each fills")));
    TestFile contrary = state_dict(network, {"fc1", "fc2", "fc3", "fc4"});
    contrary.modules = {"", "fc2", "fc1", "fc3", "fc4"};
    EXPECT_THAT(import(contrary).refusal,
                AllOf(HasSubstr("fc1.weight and fc2.weight"), HasSubstr("contradict the order")));
    EXPECT_THAT(import(state_dict(network, {"fc01", "fc1", "fc2", "fc3"})).refusal,
                HasSubstr("fc01.weight and fc1.weight"));
}

/// Numbers that another reading puts the other way round prove nothing: the definition of the model decides, or nobody.
TEST_F(StateDictOrder, NumbersThatCanBeReadTwiceAreRefused) {
    const std::string two = "6F-LIF-6F";
    const Network network = filled_network(two);
    const std::vector<std::pair<Names, const char*>> cases = {
        {{"h256to128", "h128to64"}, "may be sizes"}, {{"h64to128", "h128to256"}, "may be sizes"},
        {{"h8to4", "h4to2"}, "may be sizes"},        {{"fc256", "fc128"}, "may be sizes"},
        {{"net.fc30", "net.fc20"}, "may be sizes"},  {{"enc8.fc", "enc4.fc"}, "may be sizes"},
        {{"s2.fc1", "s1.fc2"}, "opposite"},          {{"a1b4", "a2b3"}, "opposite"}};
    for (const auto& [stems, why] : cases)
        for (const bool turned : {false, true}) {
            TestFile file = state_dict(network, stems);
            if (turned) std::swap(file.tensors[0], file.tensors[2]);
            EXPECT_THAT(import(file, {}, two).refusal,
                        AllOf(HasSubstr(stems[0] + ".weight"), HasSubstr(stems[1] + ".weight"), HasSubstr(why),
                              HasSubstr("say which layer each fills")));
            EXPECT_EQ(import(file, {.layers = {{"full1", stems[0]}, {"full2", stems[1]}}}, two).fingerprint,
                      model_fingerprint(network));
            file.modules = {"", stems[0], stems[1]};
            EXPECT_EQ(import(file, {}, two).fingerprint, model_fingerprint(network)) << stems[0];
            EXPECT_THAT(assumptions,
                        Contains(AllOf(HasSubstr("the model defines them"), HasSubstr(stems[0] + ".weight, "))));
        }
}

/// Where shapes differ, names need not tell anything.
TEST_F(StateDictOrder, SizesInNamesDoNotMatterWhereShapesDiffer) {
    const std::string two = "5F-LIF-3F";
    const Network network = filled_network(two);
    for (const Names& stems : {Names{"h6to5", "h5to3"}, Names{"s2.fc1", "s1.fc2"}})
        EXPECT_EQ(import(state_dict(network, stems), {}, two).fingerprint, model_fingerprint(network));
}

/// What the names of one shape were taken to say stands among the assumptions.
TEST_F(StateDictOrder, TheOrderOfOneShapeIsSaid) {
    import(state_dict(filled_network(), {"fc1", "fc2", "fc9", "fc10"}));
    EXPECT_THAT(assumptions,
                Contains(HasSubstr("Of the shape [6, 6] there are 4, which the numbers in their names put in "
                                   "order: fc1.weight, fc2.weight, fc9.weight, fc10.weight.")));
}

TEST_F(StateDictOrder, LayersMayBeToldOneByOne) {
    const Network network = filled_network();
    TestFile file = state_dict(network, {"d", "c", "b", "a"});
    const std::map<std::string, std::string> all = {
        {"full1", "d"}, {"full2", "c.weight"}, {"full3", "b"}, {"full4", "a"}};
    for (uint64_t seed = 0; seed < 5; ++seed) {
        shuffle(file.tensors, seed);
        EXPECT_EQ(import(file, {.layers = all}).fingerprint, model_fingerprint(network));
    }
    EXPECT_THAT(import(file, {.layers = {{"full1", "d"}}}).refusal, HasSubstr("nothing tells"));
    EXPECT_THAT(import(file, {.layers = {{"full9", "d"}}}).refusal, HasSubstr("no layer 'full9'"));
    EXPECT_THAT(import(file, {.layers = {{"full1", "e"}}}).refusal, HasSubstr("no weight of 'e'"));
    EXPECT_THAT(import(file, {.layers = {{"full1", "d"}, {"full2", "d"}}}).refusal, HasSubstr("two layers"));
}

TEST_F(StateDictOrder, TheFilesOrderCountsWhereItIsAskedFor) {
    const Network network = filled_network();
    const WeightOptions by_order{.match = MatchWeights::by_order, .layers = {}};
    EXPECT_EQ(import(state_dict(network, {"conv", "fc", "hidden", "out"}), by_order).fingerprint,
              model_fingerprint(network));
    EXPECT_THAT(assumptions, Contains(HasSubstr("by their order in the file")));
    TestFile file = state_dict(network, {"fc1", "fc2", "fc3", "fc4"});
    std::swap(file.tensors[0], file.tensors[2]);
    EXPECT_THAT(import(file, by_order).refusal,
                AllOf(HasSubstr("fc2.weight stands before fc1.weight"), HasSubstr("opposite")));
}

TEST_F(StateDictOrder, TwoHeadsAreRefused) {
    const std::string one_head = "6F-LIF-3F";
    TestFile file = state_dict(filled_network(one_head), {"body", "head_a"});
    file.add("head_b.weight", FloatArray({3, 6}));
    file.add("head_b.bias", FloatArray({3}));
    EXPECT_THAT(import(file, {}, one_head).refusal,
                AllOf(HasSubstr("head_a.weight and head_b.weight both fit full2"), HasSubstr("belongs to no layer")));
}

/// A vector is never taken for a bias because it fits.
TEST_F(StateDictOrder, StrangeVectorsAreNoBiases) {
    const Network network = filled_network("6F-LIF-3F");
    TestFile file = state_dict(network, {"a", "b"});
    file.tensors[1].name = "a.scale";
    EXPECT_THAT(import(file, {}, "6F-LIF-3F").refusal, AllOf(HasSubstr("a.scale"), HasSubstr("belongs to no layer")));
}

TEST_F(StateDictOrder, ShapesThatSettleItAgainstTheNumbersAreSaid) {
    const std::string network_of_two = "5F-LIF-3F";
    const Network network = filled_network(network_of_two);
    EXPECT_EQ(import(state_dict(network, {"fc2", "fc1"}), {}, network_of_two).fingerprint, model_fingerprint(network));
    EXPECT_THAT(assumptions, Contains(HasSubstr("fc2.weight comes before fc1.weight, against their numbers")));
}

/// A decoder that counts down, or a number for something else: shapes show that the numbers are not those of the
/// layers.
TEST_F(StateDictOrder, NumbersThatOtherShapesContradictAreNoSign) {
    const std::string network_of_four = "5F-LIF-5F-LIF-5F-LIF-3F";
    const Network network = filled_network(network_of_four);
    for (const Names& names :
         {Names{"fc4", "fc3", "fc2", "fc1"}, Names{"l1", "l10", "l2", "l3"}, Names{"a9", "a1", "a2", "b1"}}) {
        TestFile file = state_dict(network, names);
        EXPECT_THAT(import(file, {}, network_of_four).refusal,
                    AllOf(HasSubstr("same shape"), HasSubstr("no sign of their order")))
            << names[0];
        const WeightOptions told{.layers = {{"full2", names[1]}, {"full3", names[2]}}};
        EXPECT_EQ(import(file, told, network_of_four).fingerprint, model_fingerprint(network)) << names[0];
    }
    const TestFile agreed = state_dict(network, {"fc1", "fc2", "fc3", "fc4"});
    EXPECT_EQ(import(agreed, {}, network_of_four).fingerprint, model_fingerprint(network));
    TestFile defined = state_dict(network, {"fc9", "fc1", "fc2", "out"});
    defined.modules = {"", "fc9", "fc1", "fc2", "out"};
    EXPECT_EQ(import(defined, {}, network_of_four).fingerprint, model_fingerprint(network)) << "the definition agrees";
}

TEST_F(StateDictOrder, WrappersPrefixesAreRemoved) {
    const Network network = filled_network();
    EXPECT_EQ(import(state_dict(network, {"_orig_mod.module.full1", "_orig_mod.module.full2", "_orig_mod.module.full3",
                                          "_orig_mod.module.full4"}))
                  .fingerprint,
              model_fingerprint(network));
    EXPECT_THAT(assumptions, Contains(HasSubstr("torch.compile")));
}

TEST(NameOrder, NumbersSpeakAndWordsDoNot) {
    using enum NameOrder;
    const std::vector<std::tuple<std::string, std::string, NameOrder>> cases = {
        {"features.2", "features.10", first_before},
        {"features.10", "features.2", second_before},
        {"fc1.weight", "fc2.weight", first_before},
        {"layers.0.conv", "layers.1.fc", first_before},
        {"a1b2", "a1b10", first_before},
        {"fc09", "fc10", first_before},
        {"fc1", "fc01", unknown},
        {"conv", "fc", unknown},
        {"fc", "fc2", unknown},
        {"fc1", "out", unknown},
        {"same", "same", unknown},
        {"a.b", "a.1", unknown},
        {"x99999999999999999999999", "x100000000000000000000000", first_before}};
    for (const auto& [first, second, order] : cases) {
        EXPECT_EQ(order_of_names(first, second), order) << first << " " << second;
        const NameOrder turned = order == unknown ? unknown : order == first_before ? second_before : first_before;
        EXPECT_EQ(order_of_names(second, first), turned) << second << " " << first;
    }
}

}  // namespace
}  // namespace spikelens
