#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/model_io/import.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/snn/simulate.h"

#include "support/peers.h"
#include "support/temporary_folder.h"

namespace spikelens {
namespace {

namespace fs = std::filesystem;

/// What a library did with its network, as tests/model_io/nir_peers.py writes it.
struct LibraryRun {
    std::string dialect;
    Array<uint8_t> input;
    std::map<std::string, std::vector<int>> counts;  ///< by node: of all samples and neurons
    std::vector<double> scores;
};

template <class Value>
void read_numbers(std::istream& in, std::vector<Value>& values, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
        double value = 0;
        in >> value;
        values.push_back(static_cast<Value>(value));
    }
}

LibraryRun read_run(const fs::path& path) {
    LibraryRun run;
    std::ifstream in(path);
    int64_t count = 0;
    for (std::string record, name; in >> record;) {
        if (record == "dialect") in >> run.dialect;
        if (record == "input") {
            run.input.shape.resize(5);
            for (int64_t& extent : run.input.shape) in >> extent;
            read_numbers(in, run.input.data, element_count(run.input.shape));
        }
        if (record == "layer" && in >> name >> count) read_numbers(in, run.counts[name], count);
        if (record == "scores" && in >> count) read_numbers(in, run.scores, count);
    }
    return run;
}

/// The layer whose neuron is this node's.
int layer_of(const ImportedNetwork& imported, const std::string& node) {
    for (const ImportedTensor& tensor : imported.tensors)
        for (size_t l = 0; l < imported.network.layers.size(); ++l)
            if (tensor.from.starts_with(node + "/") &&
                tensor.note == "the neuron of " + imported.network.layers[l].name)
                return static_cast<int>(l);
    return -1;
}

void expect_same_run(const fs::path& nir, const LibraryRun& run) {
    NirOptions options;
    options.dialect = run.dialect;
    const ImportedNetwork imported = import_nir(nir, options);
    RecordRequest request;
    request.counts = true;
    for (const auto& [node, counts] : run.counts) {
        request.layers.push_back(layer_of(imported, node));
        ASSERT_GE(request.layers.back(), 0) << node;
    }
    const Recording recording = Simulator(imported.network).run_spikes(run.input, request);
    for (const auto& [node, counts] : run.counts) {
        const std::vector<uint16_t>& found = recording.layer(layer_of(imported, node)).counts.data;
        EXPECT_EQ(std::vector<int>(found.begin(), found.end()), counts) << nir << " " << node;
        EXPECT_TRUE(std::ranges::any_of(counts, [](int one) { return one > 0; })) << nir << " " << node << " is silent";
    }
    ASSERT_EQ(recording.scores.data.size(), run.scores.size());
    for (size_t i = 0; i < run.scores.size(); ++i)
        EXPECT_NEAR(recording.scores.data[i], run.scores[i], 1e-5) << nir << " " << i;
}

/// A recurrent network that snnTorch trained: through its state dict to the same bits.
void expect_same_through_state_dict(const fs::path& folder) {
    const Network nir = import_nir(folder / "trained.nir").network;
    double accuracy = 0;
    std::ifstream(folder / "trained.accuracy") >> accuracy;
    EXPECT_GT(accuracy, 0.95);
    const Network text = parse_network("16F-R-LIF(beta=*,delay)-2F-R-LIF(beta=*,delay)", nir.input_shape(), nir.steps);
    WeightOptions options;
    options.neurons = NeuronSource::file;
    const Network state = import_weights(folder / "trained.pth", text, options).network;
    EXPECT_EQ(network_text(state), network_text(nir));
    EXPECT_EQ(model_fingerprint(state), model_fingerprint(nir));
}

class NirPeers : public testing::TestWithParam<const char*> {
  protected:
    /// Lets the library make its networks; why not, where it cannot.
    std::string make() {
        const std::string python = peers_python(SPIKELENS_SOURCE_DIR);
        for (const char* module : {GetParam(), "nir"})
            if (!has_module(python, module)) return python + " has no " + module;
        const std::string script = std::string(SPIKELENS_SOURCE_DIR) + "/tests/model_io/nir_peers.py";
        const std::string command = python + " " + script + " " + GetParam() + " " + (folder / "").string() + " 1>&2";
        if (std::system(command.c_str()) == 0) return "";
        return std::string("the exporter of ") + GetParam() + " failed";
    }
    TemporaryFolder folder;
};

/// Spikes of every neuron of every layer, and the scores, against the library running its own network in float64.
TEST_P(NirPeers, NetworksDoWhatTheirLibraryDoes) {
    if (const std::string why = make(); !why.empty())
        GTEST_SKIP() << why << ": that its networks are read from NIR was NOT checked";
    int networks = 0;
    for (const auto& entry : fs::directory_iterator(folder / ""))
        if (entry.path().extension() == ".nir") {
            ++networks;
            expect_same_run(entry.path(), read_run(fs::path(entry.path()).replace_extension(".txt")));
        }
    EXPECT_GE(networks, 2);
    if (fs::exists(folder / "trained.pth")) expect_same_through_state_dict(folder / "");
}

INSTANTIATE_TEST_SUITE_P(Libraries, NirPeers, testing::Values("snntorch", "spikingjelly", "sinabs", "norse"),
                         [](const auto& library) { return std::string(library.param); });

}  // namespace
}  // namespace spikelens
