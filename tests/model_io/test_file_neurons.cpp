#include <cmath>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/model_io/import.h"
#include "spikelens/model_io/model_file.h"

#include "support/errors.h"
#include "support/temporary_folder.h"
#include "torch_files.h"

namespace spikelens {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr const char* text = "5F-LIF(beta=0.9,delay)-3F-LIF(beta=0.9,delay)";

class FileNeurons : public testing::Test {
  protected:
    static Network empty_network(const std::string& network) { return parse_network(network, {1, 2, 2}, 4); }
    static Network filled_network(const std::string& network = text) {
        Network filled = empty_network(network);
        initialise_weights(filled, 3);
        return filled;
    }
    /// fc1 and fc2; lif1 and lif2 to be added.
    static TestFile state_dict(const std::string& network = text,
                               const std::vector<std::string>& stems = {"fc1", "fc2"}) {
        const Network filled = filled_network(network);
        TestFile file;
        for (size_t i = 0; i < stems.size(); ++i) {
            file.add(stems[i] + ".weight", filled.layers[i].weight);
            file.add(stems[i] + ".bias", filled.layers[i].bias);
        }
        return file;
    }
    static void add_scalar(TestFile& file, const std::string& name, float value) {
        file.add(name, FloatArray(Shape{}, {value}));
    }
    /// What snnTorch's Leaky keeps.
    static void add_leaky(TestFile& file, const std::string& stem, float beta, float threshold = 1, int64_t reset = 0) {
        add_scalar(file, stem + ".beta", beta);
        add_scalar(file, stem + ".threshold", threshold);
        add_scalar(file, stem + ".graded_spikes_factor", 1);
        file.add_integers(stem + ".reset_mechanism_val", {}, {reset});
    }
    ImportedNetwork import(const TestFile& file, NeuronSource source = NeuronSource::agree,
                           const std::string& network = text) {
        std::ofstream(path, std::ios::binary) << file.bytes();
        return import_weights(path, empty_network(network), {.layers = {}, .neurons = source});
    }
    std::string refusal(const TestFile& file, NeuronSource source = NeuronSource::agree,
                        const std::string& network = text) {
        return input_error([&] { import(file, source, network); });
    }

    TemporaryFolder folder;
    std::filesystem::path path = folder / "weights.pth";
};

TEST_F(FileNeurons, ThatAgreeChangeNothing) {
    TestFile file = state_dict();
    add_leaky(file, "lif1", 0.9F);
    add_leaky(file, "lif2", 0.9F);
    for (const NeuronSource source : {NeuronSource::agree, NeuronSource::file, NeuronSource::text}) {
        const ImportedNetwork imported = import(file, source);
        EXPECT_EQ(model_fingerprint(imported.network), model_fingerprint(filled_network()));
        EXPECT_EQ(imported.tensors.size(), 12U);
    }
    EXPECT_THAT(import(file).tensors[4].note, AllOf(HasSubstr("0.9"), HasSubstr("full1")));
}

TEST_F(FileNeurons, ThatContradictTheTextAreErrorsWithBothValues) {
    struct Case {
        const char* leaf;
        float value;
        const char *file, *text;
    };
    for (const Case& one :
         {Case{"beta", 0.8F, "0.8", "beta = 0.9"}, Case{"threshold", 0.5F, "0.5", "threshold = 1"},
          Case{"v_threshold", 2, "2", "threshold = 1"}, Case{"spike_threshold", 2, "2", "threshold = 1"},
          Case{"w", 0, "beta = 0.5", "beta = 0.9"}, Case{"tau", 2, "beta = 0.5", "beta = 0.9"},
          Case{"tau_mem", 10, "0.904", "beta = 0.9"}, Case{"alpha", 0.5F, "0.5", "alpha = 0"},
          Case{"v_reset", 0, "0", "another reset"}, Case{"min_v_mem", -1, "-1", "cannot express"},
          Case{"tau_ref", 5, "5", "cannot express"}, Case{"v_leak", 0.1F, "0.1", "cannot express"}}) {
        TestFile file = state_dict();
        add_scalar(file, std::string("lif1.") + one.leaf, one.leaf == std::string("threshold") ? 1.0F : one.value);
        add_scalar(file, std::string("lif2.") + one.leaf, one.value);
        if (one.leaf == std::string("threshold")) file.tensors[4].name = "lif1.v_threshold";
        const std::string sentence = refusal(file);
        EXPECT_THAT(sentence, AllOf(HasSubstr(one.leaf), HasSubstr("full"), HasSubstr(one.file), HasSubstr(one.text)))
            << one.leaf;
        EXPECT_EQ(model_fingerprint(import(file, NeuronSource::text).network), model_fingerprint(filled_network()))
            << one.leaf;
    }
    TestFile file = state_dict();
    add_leaky(file, "lif1", 0.9F);
    add_leaky(file, "lif2", 0.9F, 1, 1);
    EXPECT_THAT(refusal(file), AllOf(HasSubstr("lif2.reset_mechanism_val"), HasSubstr("full2"), HasSubstr("is zero"),
                                     HasSubstr("reset = subtract")));
}

/// An integrating readout in place of a neuron that fires is another network, whatever else the file says of the
/// neuron.
TEST_F(FileNeurons, ThatFireAreNoReadout) {
    const std::string readout = "5F-LIF(beta=0.9,delay)-3F";
    for (const NeuronSource source : {NeuronSource::agree, NeuronSource::file})
        for (const char* threshold : {"threshold", "spike_threshold", "v_threshold"}) {
            TestFile file = state_dict(readout);
            add_scalar(file, std::string("lif1.") + threshold, 1);
            add_scalar(file, std::string("lif2.") + threshold, 3);
            EXPECT_THAT(refusal(file, source, readout),
                        AllOf(HasSubstr("lif2."), HasSubstr("full2"), HasSubstr("fires")));
            TestFile vector = state_dict(readout);
            add_scalar(vector, std::string("lif1.") + threshold, 1);
            vector.add(std::string("lif2.") + threshold, FloatArray(Shape{3}, {1, 2, 3}));
            EXPECT_THAT(refusal(vector, source, readout), AllOf(HasSubstr("full2"), HasSubstr("fires")));
        }
    TestFile never_reset = state_dict(readout);
    add_leaky(never_reset, "lif1", 0.9F);
    add_leaky(never_reset, "lif2", 1, 3, 2);
    EXPECT_EQ(refusal(never_reset, NeuronSource::agree, readout), "");
}

TEST_F(FileNeurons, AreUsedWhereTheFileCounts) {
    TestFile file = state_dict();
    add_leaky(file, "lif1", 0.8F, 0.5F, 1);
    add_leaky(file, "lif2", 1.5F, 2, 2);  // snnTorch clamps beta to 1
    const Network network = import(file, NeuronSource::file).network;
    EXPECT_EQ(network.layers[0].neuron, (Neuron{.beta = 0.8F, .threshold = 0.5F, .reset = Reset::zero, .delay = true}));
    EXPECT_EQ(network.layers[1].neuron, (Neuron{.beta = 1, .threshold = 2, .reset = Reset::none}));
    EXPECT_EQ(network.layers[0].weight, filled_network().layers[0].weight);
    TestFile plif = state_dict();
    add_scalar(plif, "sn1.w", 1);
    add_scalar(plif, "sn2.w", -1);
    const Network learnt = import(plif, NeuronSource::file).network;
    EXPECT_FLOAT_EQ(learnt.layers[0].neuron->beta, static_cast<float>(1 - 1 / (1 + std::exp(-1.0))));
    EXPECT_FLOAT_EQ(learnt.layers[1].neuron->beta, static_cast<float>(1 - 1 / (1 + std::exp(1.0))));
}

TEST_F(FileNeurons, MayBeWholeNumbers) {
    TestFile file = state_dict();
    for (const char* stem : {"lif1", "lif2"}) {
        file.add_integers(std::string(stem) + ".threshold", {}, {1});
        add_scalar(file, std::string(stem) + ".beta", 0.9F);
    }
    EXPECT_EQ(refusal(file), "");
    file.storages[4].bytes = little_word(3, 8);
    EXPECT_THAT(refusal(file), AllOf(HasSubstr("lif1.threshold"), HasSubstr("is 3"), HasSubstr("threshold = 1")));
}

/// Numbers that differ become the layer's values where the file counts or the text leaves them to it; else they
/// contradict.
TEST_F(FileNeurons, VectorsAreValuesOfOutputs) {
    const FloatArray betas(Shape{5}, {0.9F, 0.8F, 0.7F, 0.6F, 0.5F}), thresholds(Shape{5}, {0.5F, 1, 2, 0.25F, 4});
    const std::string left = "5F-LIF(beta=*,threshold=*,delay)-3F-LIF(beta=0.9,delay)";
    for (const Shape& shape : {Shape{5}, Shape{1, 5}, Shape{5, 1, 1}}) {
        TestFile file = state_dict();
        add_leaky(file, "lif2", 0.9F);
        file.add("lif1.beta", FloatArray(shape, betas.data));
        file.add("lif1.threshold", FloatArray(shape, thresholds.data));
        const Network taken = import(file, NeuronSource::file).network;
        const std::vector<NeuronSource> sources = {NeuronSource::agree, NeuronSource::file, NeuronSource::text};
        for (const NeuronSource source : sources) {
            const Network asked = import(file, source, left).network;
            EXPECT_EQ(asked.layers[0].values, (NeuronValues{{"beta", betas}, {"threshold", thresholds}}));
            EXPECT_EQ(asked.layers[0].weight, filled_network().layers[0].weight);
            EXPECT_EQ(model_fingerprint(asked), model_fingerprint(taken));
        }
        EXPECT_EQ(network_text(taken), left);
        EXPECT_THAT(refusal(file), AllOf(HasSubstr("lif1.beta"), HasSubstr("0.5 to 0.9"), HasSubstr("beta = 0.9"),
                                         HasSubstr("say beta=* in the text")));
    }
    TestFile none = state_dict();
    EXPECT_THAT(refusal(none, NeuronSource::text, left),
                AllOf(HasSubstr("leaves beta of full1"), HasSubstr("holds none")));
    TestFile equal = state_dict();
    add_scalar(equal, "lif2.beta", 0.9F);
    equal.add("lif1.beta", FloatArray({5}, 0.9F));
    EXPECT_EQ(refusal(equal), "") << "equal values are one value";
    equal.tensors[5].shape = {4};
    EXPECT_THAT(refusal(equal), AllOf(HasSubstr("lif1.beta"), HasSubstr("full1"), HasSubstr("[4]")));
    equal.storages[5] = float_storage({0.9F, NAN, 0.9F, 0.9F, 0.9F});
    equal.tensors[5].shape = {5};
    EXPECT_THAT(refusal(equal, NeuronSource::file), HasSubstr("not finite"));
}

/// As PyTorch spreads them over [channels, rows, columns].
TEST_F(FileNeurons, VectorsOfMapsAreOfChannelsOrOfNeurons) {
    const auto network = [](const std::string& beta) { return "2C1-LIF(beta=" + beta + ")-3F"; };
    const auto import_beta = [&](const Shape& shape, const std::vector<float>& values, const std::string& beta) {
        TestFile file = state_dict(network("*"));
        file.add("lif1.beta", FloatArray(shape, values));
        return import(file, NeuronSource::agree, network(beta)).network.layers[0].values.at(0).values;
    };
    EXPECT_EQ(import_beta({2, 1, 1}, {0.5F, 0.25F}, "*"), FloatArray({2}, {0.5F, 0.25F}));
    EXPECT_EQ(import_beta({}, {0.5F}, "*"), FloatArray({2}, {0.5F, 0.5F}));
    EXPECT_EQ(import_beta({2, 1, 1}, {0.5F, 0.25F}, "**"),
              FloatArray({2, 2, 2}, {0.5F, 0.5F, 0.5F, 0.5F, 0.25F, 0.25F, 0.25F, 0.25F}));
    EXPECT_EQ(import_beta({2}, {0.5F, 0.25F}, "**"),
              FloatArray({2, 2, 2}, {0.5F, 0.25F, 0.5F, 0.25F, 0.5F, 0.25F, 0.5F, 0.25F}));
    EXPECT_THAT(input_error([&] {
                    import_beta({2}, {0.5F, 0.25F}, "*");
                }),
                AllOf(HasSubstr("conv1"), HasSubstr("say beta=**")));
    EXPECT_THAT(input_error([&] { import_beta({3, 1, 1}, {1, 1, 1}, "*"); }), HasSubstr("[2, 2, 2]"));
    EXPECT_THAT(input_error([&] {
                    import_beta({2, 1, 1}, {0.5F, 0.25F}, "0.5");
                }),
                HasSubstr("say beta=* in the text"));
}

TEST_F(FileNeurons, GradedSpikesGoIntoTheNextLayer) {
    TestFile file = state_dict();
    add_leaky(file, "lif1", 0.9F);
    add_leaky(file, "lif2", 0.9F);
    file.storages[6] = float_storage({0.5F});
    Network expected = filled_network();
    for (float& weight : expected.layers[1].weight.data) weight *= 0.5F;
    for (const NeuronSource source : {NeuronSource::agree, NeuronSource::file})
        EXPECT_EQ(model_fingerprint(import(file, source).network), model_fingerprint(expected));
    EXPECT_THAT(import(file).tensors[6].note, HasSubstr("folded into full2.weight"));
    file.storages[6] = float_storage({1});
    file.storages[10] = float_storage({0.5F});
    EXPECT_THAT(refusal(file), AllOf(HasSubstr("lif2.graded_spikes_factor"), HasSubstr("full2"), HasSubstr("outputs")));
}

TEST_F(FileNeurons, FindTheirLayers) {
    const std::string different = "5F-LIF(beta=0.9)-3F-LIF(beta=0.5)";
    const auto file_of = [&](const std::vector<std::string>& stems,
                             const std::vector<std::pair<std::string, float>>& betas) {
        TestFile file = state_dict(different, stems);
        for (const auto& [stem, beta] : betas) add_scalar(file, stem + ".beta", beta);
        return file;
    };
    const auto says = [&](const TestFile& file) { return refusal(file, NeuronSource::agree, different); };
    EXPECT_EQ(says(file_of({"fc1", "fc2"}, {{"lif2", 0.5F}, {"lif1", 0.9F}})), "") << "numbers, in any order";
    EXPECT_EQ(says(file_of({"0", "2"}, {{"3", 0.5F}, {"1", 0.9F}})), "");
    EXPECT_EQ(says(file_of({"0", "2"}, {{"3", 0.5F}})), "") << "one neuron alone, after its weight";
    EXPECT_NE(says(file_of({"0", "2"}, {{"1", 0.5F}})), "");
    EXPECT_THAT(says(file_of({"fc1", "fc2"}, {{"hidden", 0.9F}, {"out", 0.5F}})), HasSubstr("nothing tells to which"));
    TestFile defined = file_of({"fc1", "fc2"}, {{"out", 0.5F}, {"hidden", 0.9F}});
    defined.modules = {"", "fc1", "hidden", "fc2", "out"};
    EXPECT_EQ(says(defined), "");
    EXPECT_THAT(says(file_of({"fc1", "fc2"}, {{"lif", 0.9F}})),
                AllOf(HasSubstr("1 neuron (lif)"), HasSubstr("it belongs")));
    TestFile shared = state_dict();
    add_scalar(shared, "lif.beta", 0.9F);
    EXPECT_EQ(refusal(shared), "") << "what all layers say belongs to any";
}

TEST_F(FileNeurons, ReadoutsLeakOrRefuse) {
    const std::string readout = "5F-LIF(beta=0.9)-3F-LI(beta=0.8)";
    TestFile file = state_dict(readout);
    add_leaky(file, "lif1", 0.9F);
    add_leaky(file, "lif2", 0.8F, 1, 2);
    EXPECT_EQ(refusal(file, NeuronSource::agree, readout), "");
    TestFile fires = state_dict(readout);
    add_leaky(fires, "lif1", 0.9F);
    add_leaky(fires, "lif2", 0.8F);
    for (const NeuronSource source : {NeuronSource::agree, NeuronSource::file})
        EXPECT_THAT(refusal(fires, source, readout), AllOf(HasSubstr("lif2"), HasSubstr("full2")));
}

/// Norse's LI, with parameters that are learnt.
TEST_F(FileNeurons, OfAReadoutAreNotThoseOfAnotherLayer) {
    const std::string network = "5F-LIF(beta=0.5)-3F-LI(beta=0.5)";
    TestFile file = state_dict();
    add_scalar(file, "lif1.beta", 0.75F);
    for (const NeuronSource source : {NeuronSource::agree, NeuronSource::file})
        EXPECT_THAT(refusal(file, source, network),
                    HasSubstr("nothing tells to which of the network's layers it belongs"));
    add_scalar(file, "lif2.beta", 0.25F);
    const Network read = import(file, NeuronSource::file, network).network;
    EXPECT_EQ(read.layers[0].neuron->beta, 0.75F);
    EXPECT_EQ(read.layers[1].readout_beta, 0.25F);
}

TEST_F(FileNeurons, ReadoutsHaveASynapse) {
    const std::string says = "5F-LIF(beta=0.9,alpha=0.8)-3F-LI(beta=0.9,alpha=0.75)",
                      silent = "5F-LIF(beta=0.9,alpha=0.8)-3F";
    TestFile file = state_dict(says);
    for (const auto& [stem, inverse] : {std::pair{"lif1.p", 200.0F}, std::pair{"lif2.p", 250.0F}}) {
        add_scalar(file, stem + std::string(".tau_mem_inv"), 100);
        add_scalar(file, stem + std::string(".tau_syn_inv"), inverse);
    }
    EXPECT_EQ(refusal(file, NeuronSource::agree, says), "");
    EXPECT_THAT(refusal(file, NeuronSource::agree, silent), HasSubstr("lif2.p"));
    EXPECT_EQ(import(file, NeuronSource::file, silent).network.layers[1].readout_alpha, 0.75F);
    EXPECT_EQ(import(file, NeuronSource::file, silent).network.layers[1].readout_beta, 0.9F);
    add_scalar(file, "lif1.p.tau_adapt_inv", 1);
    EXPECT_THAT(refusal(file, NeuronSource::file, says), AllOf(HasSubstr("lif1.p.tau_adapt_inv"), HasSubstr("LSNN")));
}

TEST_F(FileNeurons, WhatWouldDoNothingIsRefused) {
    TestFile file = state_dict();
    add_leaky(file, "lif1", 0.9F);
    add_leaky(file, "lif2", 0.9F);
    add_scalar(file, "lif1.rho", 0.5F);
    EXPECT_THAT(refusal(file), AllOf(HasSubstr("lif1.rho"), HasSubstr("rho = 0")));
    EXPECT_THAT(refusal(file, NeuronSource::file), HasSubstr("layer full1 has rho without adapt"));
}

TEST_F(FileNeurons, OfOurOwnModelsAreInItsText) {
    save_model(filled_network(), path);
    const auto import_as = [&](const std::string& network, NeuronSource source) {
        return import_weights(path, empty_network(network), {.layers = {}, .neurons = source});
    };
    EXPECT_EQ(model_fingerprint(import_as(text, NeuronSource::agree).network), model_fingerprint(filled_network()));
    const std::string other = "5F-LIF(beta=0.5)-3F-LIF(beta=0.5)";
    for (const NeuronSource source : {NeuronSource::agree, NeuronSource::file})
        EXPECT_THAT(input_error([&] { import_as(other, source); }),
                    AllOf(HasSubstr("beta=0.9"), HasSubstr("beta=0.5")));
    EXPECT_EQ(import_as(other, NeuronSource::text).network.layers[0].neuron->beta, 0.5F);
}

std::string opcodes(double value) { return opcodes_of(PickleWriter().number(value)); }
std::string opcodes(int64_t value) { return opcodes_of(PickleWriter().integer(value)); }
/// numpy.float64(value) as NumPy pickles it.
std::string numpy_scalar(double value) {
    PickleWriter pickle;
    const std::string number = opcodes(value), bytes(number.rbegin(), number.rend() - 1);
    pickle.global("numpy.core.multiarray", "scalar").raw("(").global("numpy", "dtype").text("f8").raw("\x89\x88\x87R");
    pickle.raw("(").integer(3).text("<").raw("NNN").integer(-1).integer(-1).integer(0).raw("tb");
    return opcodes_of(pickle.raw("C" + little_word(8, 1) + bytes + "tR"));
}

/// A float, an int, a bool, a NumPy scalar and a list count as the tensor that holds them would.
TEST_F(FileNeurons, PlainNumbersCountAsTensorsDo) {
    const auto file_of = [](const std::string& beta, const std::string& threshold = opcodes(int64_t{1})) {
        TestFile file = state_dict();
        file.others = {{"lif1.beta", beta}, {"lif1.threshold", threshold}, {"lif2.beta", opcodes(0.9)}};
        file.others.emplace_back("lif2.reset_mechanism_val", "\x89");  // False
        return file;
    };
    for (const double beta : {0.9, 0.5})
        for (const std::string& written : {opcodes(beta), numpy_scalar(beta)}) {
            const TestFile file = file_of(written);
            TestFile tensors = state_dict();
            add_scalar(tensors, "lif1.beta", static_cast<float>(beta));
            add_scalar(tensors, "lif1.threshold", 1);
            add_scalar(tensors, "lif2.beta", 0.9F);
            tensors.add_integers("lif2.reset_mechanism_val", {}, {0});
            EXPECT_EQ(refusal(file), refusal(tensors));
            for (const NeuronSource source : {NeuronSource::file, NeuronSource::text})
                EXPECT_EQ(model_fingerprint(import(file, source).network),
                          model_fingerprint(import(tensors, source).network));
        }
    EXPECT_EQ(import(file_of(opcodes(0.5)), NeuronSource::file).network.layers[0].neuron->beta, 0.5F);
    EXPECT_THAT(refusal(file_of(opcodes(0.5))), AllOf(HasSubstr("lif1.beta"), HasSubstr("beta = 0.9")));
    EXPECT_THAT(refusal(file_of(opcodes(0.9), "\x89")), AllOf(HasSubstr("lif1.threshold"), HasSubstr("is 0")));
    EXPECT_EQ(import(file_of("]" + opcodes(0.5) + "a"), NeuronSource::file).network.layers[0].neuron->beta, 0.5F);
    EXPECT_THAT(refusal(file_of("](" + opcodes(0.5) + opcodes(0.9) + "e")), HasSubstr("lif1.beta"));
}

/// Beside the weights, without a module, a parameter has its own name.
TEST_F(FileNeurons, PlainNumbersBesideTheWeightsToo) {
    TestFile file = state_dict();
    file.others = {{"beta", opcodes(0.9)}, {"epoch", opcodes(int64_t{3})}, {"accuracy", opcodes(0.7)}};
    EXPECT_EQ(refusal(file), "") << "a score is no parameter";
    file.others[0].second = opcodes(0.5);
    EXPECT_THAT(refusal(file), AllOf(HasSubstr("1 neuron (beta)"), HasSubstr("what beta says (beta = 0.5)")));
    file.others = {{"fc1.scale", opcodes(0.5)}};
    EXPECT_THAT(refusal(file), HasSubstr("the number fc1.scale belongs to no layer"));
}

TEST_F(FileNeurons, ParametersThatCannotBeReadAreRefused) {
    for (const std::string& written : {std::string("N"), opcodes_of(PickleWriter().text("0.9")), std::string("]")}) {
        TestFile file = state_dict();
        file.others = {{"lif1.beta", written}};
        for (const NeuronSource source : {NeuronSource::agree, NeuronSource::file})
            EXPECT_THAT(refusal(file, source),
                        AllOf(HasSubstr("lif1.beta"), HasSubstr("neither a tensor nor a number")));
        EXPECT_EQ(refusal(file, NeuronSource::text), "");
    }
}

/// What changes a network and has no place in it is never dropped, and never taken for something else.
TEST_F(FileNeurons, TensorsWithoutAPlaceAreRefusedByName) {
    for (const char* name : {"fc1.weight_orig", "fc1.weight_mask", "fc1.weight_g", "fc1.weight_v", "fc1.weight_u",
                             "fc1.parametrizations.weight.original", "fc1.parametrizations.weight.original0",
                             "norm.gamma", "lif.recurrent.weight", "lif.V", "scale"})
        for (const NeuronSource source : {NeuronSource::agree, NeuronSource::file, NeuronSource::text}) {
            TestFile file = state_dict();
            file.add(name, FloatArray({5}));
            EXPECT_THAT(refusal(file, source), HasSubstr(name));
        }
    TestFile file = state_dict();
    file.add_integers("permutation", {4}, {3, 2, 1, 0});
    EXPECT_THAT(refusal(file), AllOf(HasSubstr("permutation"), HasSubstr("int64")));
}

}  // namespace
}  // namespace spikelens
