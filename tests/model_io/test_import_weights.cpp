#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/core/random.h"
#include "spikelens/model_io/import.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/model_io/safetensors.h"

#include "example_network.h"
#include "support/errors.h"
#include "support/mutate.h"
#include "support/temporary_folder.h"
#include "torch_files.h"

namespace spikelens {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

/// conv1, conv2 (3 and 4 filters), full3 (5) and full4 (2, without bias).
constexpr const char* text = "3C3-LIF-MP2-4C3-LIF-MP2-5F-LIF-2Fb0";

Network empty_network(const std::string& network = text) { return parse_network(network, {1, 8, 8}, 6); }

Network filled_network(const std::string& network = text) {
    Network filled = empty_network(network);
    initialise_weights(filled, 5);
    return filled;
}

using Names = std::vector<std::string>;  // a stem for every layer

TestFile state_dict(const Network& network, const Names& stems) {
    TestFile file;
    for (size_t i = 0; i < stems.size(); ++i) {
        file.add(stems[i] + ".weight", network.layers[i].weight);
        if (network.layers[i].has_bias) file.add(stems[i] + ".bias", network.layers[i].bias);
    }
    return file;
}

const Names own = {"conv1", "conv2", "full3", "full4"};
const Names strangers = {"a.0", "a.3", "b", "out"};

class ImportWeights : public testing::Test {
  protected:
    ImportedNetwork import(const TestFile& file, MatchWeights match = MatchWeights::automatic,
                           const std::string& network = text) {
        std::ofstream(path, std::ios::binary) << file.bytes();
        return import_weights(path, empty_network(network), {match, {}, {}});
    }
    std::string error_of(const TestFile& file, MatchWeights match = MatchWeights::automatic,
                         const std::string& network = text) {
        return input_error([&] { import(file, match, network); });
    }

    TemporaryFolder folder;
    std::filesystem::path path = folder / "weights.pth";
};

void expect_weights(const Network& network, const Network& expected) {
    EXPECT_EQ(model_fingerprint(network), model_fingerprint(expected));
    for (size_t i = 0; i < expected.layers.size(); ++i) {
        EXPECT_EQ(network.layers[i].weight, expected.layers[i].weight) << i;
        EXPECT_EQ(network.layers[i].bias, expected.layers[i].bias) << i;
    }
}

TEST_F(ImportWeights, EveryFileOfANetworkGivesTheSameNetwork) {
    const Network network = filled_network();
    for (const bool stream : {false, true}) {
        TestFile file = state_dict(network, own);
        file.stream = stream;
        expect_weights(import(file).network, network);
    }
    save_model(network, folder / "model.safetensors");
    const ImportedNetwork imported = import_weights(folder / "model.safetensors", empty_network());
    expect_weights(imported.network, network);
    EXPECT_EQ(imported.format, "safetensors");
    save_model(imported.network, path);
    expect_weights(load_model(path), network);
}

TEST_F(ImportWeights, OwnNamesMatchInAnyOrder) {
    const Network network = filled_network();
    TestFile file = state_dict(network, own);
    std::ranges::reverse(file.tensors);
    for (const MatchWeights match : {MatchWeights::automatic, MatchWeights::by_name}) {
        const ImportedNetwork imported = import(file, match);
        expect_weights(imported.network, network);
        EXPECT_EQ(imported.format, "pytorch");
        EXPECT_THAT(imported.assumptions, Contains(HasSubstr("by the names of the network's layers")));
        ASSERT_EQ(imported.tensors.size(), 7U);
        for (const ImportedTensor& tensor : imported.tensors) {
            EXPECT_EQ(tensor.from, tensor.to);
            EXPECT_EQ(tensor.note, "");
        }
    }
}

TEST_F(ImportWeights, GraphsTakeTheirWeightsToo) {
    const std::string graph = "3C3-LIF-[3C3-LIF-3C1|]add-LIF-MP2-[5F-LIF|6Fb0-LIF]cat-2F";
    const Network network = filled_network(graph);
    for (const bool names : {true, false}) {
        TestFile file;
        for (size_t l = 0; l < network.layers.size(); ++l) {
            if (!network.layers[l].weighted()) continue;
            const std::string stem = names ? network.layers[l].name : "blocks." + std::to_string(l);
            file.add(stem + ".weight", network.layers[l].weight);
            if (network.layers[l].has_bias) file.add(stem + ".bias", network.layers[l].bias);
        }
        expect_weights(import(file, MatchWeights::automatic, graph).network, network);
    }
    const std::string recurrent = "3C3-RC3-LIF-2F";
    save_model(filled_network(recurrent), folder / "recurrent.safetensors");
    expect_weights(import_weights(folder / "recurrent.safetensors", empty_network(recurrent)).network,
                   filled_network(recurrent));
}

TEST_F(ImportWeights, StrangersMatchByOrder) {
    const Network network = filled_network();
    const TestFile file = state_dict(network, strangers);
    const ImportedNetwork imported = import(file);
    expect_weights(imported.network, network);
    EXPECT_THAT(imported.assumptions, Contains(AllOf(HasSubstr("by their shapes"), HasSubstr("a.0.weight"))));
    EXPECT_EQ(imported.tensors[2].from, "a.3.weight");
    EXPECT_EQ(imported.tensors[2].to, "conv2.weight");
    EXPECT_EQ(imported.tensors[2].shape, (Shape{4, 3, 3, 3}));
    expect_weights(import(file, MatchWeights::by_order).network, network);
    expect_weights(import(state_dict(network, own), MatchWeights::by_order).network, network);
    EXPECT_THAT(error_of(file, MatchWeights::by_name),
                AllOf(HasSubstr("a.0.weight"), HasSubstr("belongs to no layer")));
}

TEST_F(ImportWeights, BiasesMayStandBeforeWeightsOrHaveOtherNames) {
    const Network network = filled_network();
    TestFile file = state_dict(network, strangers);
    for (size_t i = 0; i + 1 < file.tensors.size(); i += 2) std::swap(file.tensors[i], file.tensors[i + 1]);
    expect_weights(import(file).network, network);
    file = state_dict(network, strangers);
    for (size_t i = 0; i < file.tensors.size(); ++i) file.tensors[i].name = "p" + std::to_string(i);
    expect_weights(import(file).network, network);
}

TEST_F(ImportWeights, ShapesSettleWhatNamesDoNotSay) {
    const std::string mixed = "8C1-LIF-8C1-LIF-8F-LIF-8F";
    const Network network = filled_network(mixed);
    TestFile file = state_dict(network, {"z", "y", "x", "w"});
    expect_weights(import(file, MatchWeights::automatic, mixed).network, network);
    std::swap(file.tensors[0], file.tensors[2]);
    expect_weights(import(file, MatchWeights::automatic, mixed).network, network);
    EXPECT_THAT(error_of(file, MatchWeights::by_order, mixed),
                AllOf(HasSubstr("y.weight has shape [8, 8, 1, 1]"), HasSubstr("conv1.weight has [8, 1, 1, 1]")));
}

/// torchvision.models.vgg: a number is a convolution with its activation, 'M' a pool.
Names torchvision_stems(const std::string& configuration) {
    Names stems;
    int place = 0;
    for (const char stage : configuration) {
        if (stage == 'C') stems.push_back("features." + std::to_string(place));
        place += stage == 'C' ? 2 : 1;
    }
    for (const char* classifier : {"classifier.0", "classifier.3", "classifier.6"}) stems.emplace_back(classifier);
    return stems;
}

TEST_F(ImportWeights, TorchvisionsNamesOfEveryVgg) {
    for (const std::string configuration :
         {"CMCMCCMCCMCCM", "CCMCCMCCMCCMCCM", "CCMCCMCCCMCCCMCCCM", "CCMCCMCCCCMCCCCMCCCCM"}) {
        std::string vgg;
        for (const char stage : configuration) vgg += stage == 'C' ? "2C3-LIF-" : "MP2-";
        vgg += "5F-LIF-5F-LIF-3F";
        const auto parsed = [&] { return parse_network(vgg, {3, 32, 32}, 6); };
        Network network = parsed();
        initialise_weights(network, 9);
        const Names stems = torchvision_stems(configuration);
        TestFile file = state_dict(network, stems);
        std::ranges::reverse(file.tensors);  // so that order cannot help
        std::ofstream(path, std::ios::binary) << file.bytes();
        const ImportedNetwork imported = import_weights(path, parsed());
        expect_weights(imported.network, network);
        EXPECT_THAT(imported.assumptions, Contains(HasSubstr("torchvision")));
        std::ofstream(path, std::ios::binary) << file.bytes();
        EXPECT_EQ(import_weights(path, parsed(), {MatchWeights::by_name, {}, {}}).tensors.front().from,
                  "classifier.6.bias");
    }
    // The indices torchvision documents: vgg11 ends in features.18, vgg19 in features.34.
    EXPECT_EQ(torchvision_stems("CMCMCCMCCMCCM")[7], "features.18");
    EXPECT_EQ(torchvision_stems("CCMCCMCCCCMCCCCMCCCCM")[15], "features.34");
}

TEST_F(ImportWeights, NormalisationsWithoutAveragesAreRefused) {
    TestFile file = state_dict(filled_network(), own);
    file.add("features.1.weight", FloatArray({3}));
    EXPECT_THAT(error_of(file), AllOf(HasSubstr("features.1.weight, [3],"), HasSubstr("belongs to no layer")));
    file.add("features.1.bias", FloatArray({3}));
    EXPECT_THAT(error_of(file),
                AllOf(HasSubstr("features.1.weight, [3],"), HasSubstr("normalisation without running averages")));
    TestFile lines = state_dict(filled_network(), own);  // a LayerNorm of maps
    lines.add("norm.weight", FloatArray({3, 8, 8}));
    lines.add("norm.bias", FloatArray({3, 8, 8}));
    EXPECT_THAT(error_of(lines), AllOf(HasSubstr("norm.weight, [3, 8, 8],"), HasSubstr("without running averages")));
}

TEST_F(ImportWeights, ABiasWithoutItsWeightIsNamed) {
    TestFile file = state_dict(filled_network(), strangers);
    const std::string weight = file.tensors[0].name;
    file.tensors.erase(file.tensors.begin());
    EXPECT_THAT(error_of(file), HasSubstr("has no weight beside it: the file holds no " + weight));
}

TEST_F(ImportWeights, StatesAndCountersAreListedAndLeftOut) {
    const Network network = filled_network();
    for (const Names& stems : {own, strangers}) {
        TestFile file = state_dict(network, stems);
        for (const char* state : {"mem", "syn", "spk", "v", "v_mem", "i_syn"})
            file.add(std::string("lif2.") + state, FloatArray({4, 2, 2}));
        file.add_integers("steps_seen", {}, {9});
        file.add_integers("bn.num_batches_tracked", {}, {9});
        const ImportedNetwork imported = import(file);
        expect_weights(imported.network, network);
        ASSERT_EQ(imported.tensors.size(), 15U);
        for (size_t i = 7; i < 15; ++i) {
            EXPECT_EQ(imported.tensors[i].to, "");
            EXPECT_THAT(imported.tensors[i].note, HasSubstr(i == 14   ? "counts batches"
                                                            : i == 13 ? "int64"
                                                                      : "a neuron's state"));
        }
    }
}

TEST_F(ImportWeights, MissingLeftOverAndMisshapenTensorsAreNamed) {
    const Network network = filled_network();
    for (const Names& stems : {own, strangers})
        for (size_t left_out = 0; left_out < 7; ++left_out) {
            TestFile file = state_dict(network, stems);
            const std::string name = file.tensors[left_out].name;
            file.tensors.erase(file.tensors.begin() + static_cast<std::ptrdiff_t>(left_out));
            EXPECT_NE(error_of(file), "") << name;
            EXPECT_THAT(error_of(file), HasSubstr(stems == own ? "no tensor for " + name : ""));
        }
    TestFile file = state_dict(network, own);
    file.add("conv9.weight", FloatArray({2, 2}));
    EXPECT_THAT(error_of(file), AllOf(HasSubstr("conv9.weight, [2, 2],"), HasSubstr("belongs to no layer")));
    EXPECT_THAT(error_of(file, MatchWeights::by_name), AllOf(HasSubstr("conv9.weight"), HasSubstr("did you mean")));
    file = state_dict(network, strangers);
    file.tensors.resize(6);
    EXPECT_THAT(error_of(file), HasSubstr("no tensor for full4.weight, [2, 5]"));
    const auto colour = [] { return parse_network(text, {3, 8, 8}, 6); };
    for (const Names& stems : {own, strangers}) {
        std::ofstream(path, std::ios::binary) << state_dict(network, stems).bytes();
        EXPECT_THAT(
            input_error([&] { import_weights(path, colour()); }),
            AllOf(HasSubstr(stems[0] + ".weight has shape [3, 1, 3, 3]"), HasSubstr("conv1.weight has [3, 3, 3, 3]")));
    }
    EXPECT_THAT(error_of(TestFile{}), HasSubstr("no state dict"));
    TestFile counter;
    counter.tensors = {{"count", 0, 0, {}, {}}};
    counter.storages = {{"LongStorage", 1, little_word(9, 8)}};
    EXPECT_THAT(error_of(counter), HasSubstr("no weights"));
}

TEST_F(ImportWeights, BiasesMustAgreeWithTheText) {
    const std::string bare = "3C3b0-LIF-MP2-4C3-LIF-MP2-5F-LIF-2Fb0";
    for (const Names& stems : {own, strangers}) {
        EXPECT_THAT(error_of(state_dict(filled_network(), stems), MatchWeights::automatic, bare),
                    AllOf(HasSubstr(stems[0] + ".bias"), HasSubstr("the bias of conv1"), HasSubstr("drop its b0")));
        EXPECT_THAT(error_of(state_dict(filled_network(bare), stems)),
                    AllOf(HasSubstr("conv1.bias"), HasSubstr("says so with b0")));
    }
}

TEST_F(ImportWeights, ValuesMustBeFinite) {
    for (const float value : {NAN, INFINITY, -INFINITY}) {
        Network network = filled_network();
        network.layers[1].weight.data[7] = value;
        EXPECT_THAT(error_of(state_dict(network, strangers)), AllOf(HasSubstr("a.3.weight"), HasSubstr("conv2.weight"),
                                                                    HasSubstr("not finite"), HasSubstr("element 7")));
    }
    TestFile file = state_dict(filled_network(), own);
    file.storages[1] = {"DoubleStorage", 3, ""};
    for (const double value : {1.0, 1e300, 2.0})
        file.storages[1].bytes += little_word(std::bit_cast<uint64_t>(value), 8);
    EXPECT_THAT(error_of(file), AllOf(HasSubstr("conv1.bias"), HasSubstr("as float32"), HasSubstr("element 1")));
}

TEST_F(ImportWeights, OtherTypesAreConvertedAndNoted) {
    Network network = filled_network();
    TestFile file = state_dict(network, own);
    file.storages[1] = {"HalfStorage", 3, little_word(0x3C00, 2) + little_word(0xC000, 2) + little_word(0x3800, 2)};
    network.layers[0].bias.data = {1, -2, 0.5F};
    const ImportedNetwork imported = import(file);
    expect_weights(imported.network, network);
    EXPECT_EQ(imported.tensors[1].note, "from float16 to float32");
    file.storages[1] = {"IntStorage", 3, std::string(12, '\0')};
    EXPECT_THAT(error_of(file), AllOf(HasSubstr("conv1.bias"), HasSubstr("of type int32")));
}

TEST_F(ImportWeights, ParallelAndNestedStateDictsAreSaid) {
    const Network network = filled_network();
    TestFile file = state_dict(network, {"module.conv1", "module.conv2", "module.full3", "module.full4"});
    PickleWriter pickle;
    file.write_dict(pickle.raw("}(").text("model"));
    pickle.text("epoch").integer(3).raw("u");
    std::ofstream(path, std::ios::binary) << file.bytes(pickle.done());
    const ImportedNetwork imported = import_weights(path, empty_network());
    expect_weights(imported.network, network);
    EXPECT_THAT(imported.assumptions, Contains(HasSubstr("under the key model")));
    EXPECT_THAT(imported.assumptions, Contains(HasSubstr("\"module.\"")));
    EXPECT_EQ(imported.tensors[0].from, "module.conv1.weight");
    EXPECT_EQ(imported.tensors[0].to, "conv1.weight");
}

TEST_F(ImportWeights, NetworkOfEveryFieldKeepsItsMeaning) {
    const Network network = example_network();
    const Network empty = [&] {
        Network zero = network;
        for (Layer& layer : zero.layers) {
            std::ranges::fill(layer.weight.data, 0.0F);
            std::ranges::fill(layer.bias.data, 0.0F);
        }
        return zero;
    }();
    std::ofstream(path, std::ios::binary) << state_dict(network, own).bytes(state_dict(network, strangers).object());
    expect_weights(import_weights(path, empty).network, network);
}

TEST_F(ImportWeights, MutationsAreRefusedOrNetworks) {
    const std::string recurrent = "2C3-R1-LIF(beta=*)-MP8-2F";
    const Network network = filled_network(recurrent);
    TestFile file;
    file.add("0.weight_v", network.layers[0].weight);
    file.add("0.weight_g", FloatArray({2, 1, 1, 1}, 0.5F));
    for (const char* leaf : {"weight", "bias", "running_mean", "running_var"})
        file.add(std::string("1.") + leaf, FloatArray({2}, 0.5F));
    file.add("2.recurrent.V", FloatArray(Shape{}, {0.5F}));
    file.add("2.beta", FloatArray({2, 1, 1}, {0.5F, 0.25F}));
    file.add("3.weight_orig", network.layers[1].weight);
    file.add("3.weight_mask", FloatArray({2, 2}, 1.0F));
    file.add("3.bias", network.layers[1].bias);
    EXPECT_EQ(error_of(file, MatchWeights::automatic, recurrent), "");
    file.stream = true;
    const std::string whole = file.bytes();
    for (uint64_t i = 0; i < testing_support::mutation_count(3000); ++i) {
        const std::vector<uint8_t> bytes = testing_support::mutated({whole.begin(), whole.end()}, i);
        std::ofstream(path, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        try {
            check_network(import_weights(path, empty_network(recurrent)).network, "mutated");
        } catch (const InputError&) {
        }
    }
}

}  // namespace
}  // namespace spikelens
