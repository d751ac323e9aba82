#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/model_io/import.h"

#include "nir_reference.h"
#include "support/errors.h"

namespace spikelens {
namespace {

using testing::AnyOf;
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
    nir_reference::Simulation simulation(network);
    std::vector<double> potentials;
    for (int t = 0; t < 500; ++t) {
        const bool spike = t % 10 == 0 && std::ranges::find(paper_spikes, t / 10) != paper_spikes.end();
        simulation.step({{1}, {spike ? 1.0 : 0.0}});
        potentials.push_back(simulation.potentials(0)[0]);
    }
    return potentials;
}

/// Against the traces that the libraries themselves gave (neuromorphs/NIR, paper/01_lif, lif_norse.csv and lif_rockpool.csv).
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

TEST_F(RealFiles, TheRecurrentNetworkNamesItsCycle) {
    EXPECT_THAT(input_error([&] { import_nir(folder / "braille_rnn.nir"); }),
                AnyOf(HasSubstr("'lif1.lif' → 'lif1.w_rec' → 'lif1.lif' is a cycle"),
                      HasSubstr("'lif1.w_rec' → 'lif1.lif' → 'lif1.w_rec' is a cycle")));
}

}  // namespace
}  // namespace spikelens
