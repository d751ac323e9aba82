#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/model_io/import.h"
#include "spikelens/snn/simulate.h"

namespace spikelens {
namespace {

using testing::Contains;
using testing::HasSubstr;

class RealFiles : public testing::Test {
  protected:
    void SetUp() override {
        const char* data = std::getenv("SPIKELENS_DATA");
        if (!data) GTEST_SKIP() << "SPIKELENS_DATA is not set: the NIR files of other libraries were NOT read";
        folder = std::filesystem::path(data) / "nir";
    }
    std::filesystem::path folder;
};

TEST_F(RealFiles, SinabsNetwork) {
    const ImportedNetwork imported = import_nir(folder / "cnn_sinabs.nir");
    EXPECT_EQ(network_text(imported.network), "16C5p1s2-IF(ge)-16C3-IF(ge)-SP2-8C3-IF(ge)-SP2-256F-IF(ge)-10F-IF(ge)");
    EXPECT_EQ(imported.network.input_shape(), (Shape{2, 34, 34}));
    EXPECT_EQ(imported.network.layers[0].weight.data[0], -0.2573422F);
    EXPECT_THAT(imported.assumptions, Contains(HasSubstr("Sinabs")));
}

/// The input of the NIR paper's comparison: steps with a spike, times ten.
const std::vector<int> paper_spikes = {6, 22, 27, 31, 32, 35, 37, 40, 41, 43, 44, 45, 46, 47, 48, 49};

/// Potentials after every step of a network with one neuron.
std::vector<double> trace(const Network& network) {
    constexpr int steps = 500;
    Array<uint8_t> input({1, steps, 1, 1, 1});
    for (const int spike : paper_spikes) input.data[spike * 10] = 1;
    const Recording recording =
        Simulator(network).run_spikes(input, {.layers = {0}, .spikes = true, .potentials = true});
    std::vector<double> potentials;
    const Neuron& neuron = *network.layers[0].neuron;
    for (int t = 0; t < steps; ++t) {
        double v = recording.layers[0].potentials.data[t];
        if (recording.layers[0].spikes.data[t]) v = neuron.reset == Reset::zero ? neuron.v_reset : v - neuron.threshold;
        potentials.push_back(v);
    }
    return potentials;
}

/// Against the traces that the libraries themselves gave (neuromorphs/NIR, paper/01_lif, lif_norse.csv and
/// lif_rockpool.csv).
TEST_F(RealFiles, NorseNeuronDoesWhatNorseDid) {
    const std::vector<double> v = trace(import_nir(folder / "lif_norse.nir").network);
    EXPECT_NEAR(v[60], 0.04, 1e-7);
    EXPECT_NEAR(v[61], 0.038399998, 1e-7);
    EXPECT_NEAR(v[219], 6.069961e-05, 1e-9);
    EXPECT_NEAR(v[320], 0.072464526, 1e-6);
    EXPECT_NEAR(v[450], 0.09984423, 1e-6);
    EXPECT_EQ(v[460], 0);  // the first spike, reset to zero
    EXPECT_NEAR(v[490], 0.0842734, 1e-6);
}

TEST_F(RealFiles, RockpoolNeuronDoesWhatRockpoolDid) {
    const std::vector<double> v = trace(import_nir(folder / "lif_rockpool.nir").network);
    EXPECT_NEAR(v[60], 0.04, 1e-7);
    EXPECT_NEAR(v[61], 0.038431577, 1e-7);
    EXPECT_NEAR(v[219], 6.917471e-05, 1e-9);
    EXPECT_NEAR(v[320], 0.07296006, 1e-6);
    EXPECT_NEAR(v[440], 0.09106222, 1e-6);
    EXPECT_NEAR(v[450], 0.0010408238, 1e-6);  // the first spike, reset by subtraction
    EXPECT_NEAR(v[490], 0.097043864, 1e-6);
}

/// The NIR paper's Braille network, of snnTorch. That its layers spike as snnTorch's do: test_nir_peers.cpp.
TEST_F(RealFiles, TheRecurrentNetworkIsRead) {
    const ImportedNetwork imported = import_nir(folder / "braille_rnn.nir");
    const Network& network = imported.network;
    ASSERT_EQ(network.layers.size(), 2U);
    EXPECT_EQ(network.layers[0].recurrence.kind, RecurrenceKind::all);
    EXPECT_EQ(network.layers[0].recurrence.weight.data[0], -0.09206945F);
    EXPECT_FLOAT_EQ(network.layers[0].neuron->beta, 0.85F);
    EXPECT_FLOAT_EQ(network.layers[0].neuron->alpha, 0.75F);
    EXPECT_EQ(network.layers[0].neuron->gain, 1.0F);
    EXPECT_THAT(imported.assumptions, Contains(HasSubstr("snnTorch")));
    EXPECT_THAT(imported.assumptions, Contains(HasSubstr("'lif1.lif' come back through 'lif1.w_rec' one step later")));
}

}  // namespace
}  // namespace spikelens
