#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "spikelens/model_io/import.h"
#include "spikelens/snn/simulate.h"

#include "support/peers.h"
#include "support/temporary_folder.h"

namespace spikelens {
namespace {

namespace fs = std::filesystem;

/// What library_networks.py wrote of a network.
struct Reference {
    std::string text, options;
    Shape shape;
    std::map<std::string, FloatArray> arrays;
};

Reference read_reference(const fs::path& path) {
    Reference reference;
    std::ifstream file(path);
    for (std::string line, word; std::getline(file, line);) {
        std::istringstream in(line);
        in >> word;
        if (word == "text") {
            in >> reference.text;
        } else if (word == "options") {
            in >> reference.options;
        } else if (word == "shape") {
            reference.shape.resize(3);
            for (int64_t& extent : reference.shape) in >> extent;
        } else {
            size_t axes = 0;
            in >> axes;
            Shape shape(axes);
            for (int64_t& extent : shape) in >> extent;
            FloatArray values(shape);
            for (float& value : values.data) in >> value;
            reference.arrays[word] = values;
        }
    }
    return reference;
}

WeightOptions options_of(const Reference& reference) {
    WeightOptions options;
    if (const size_t equals = reference.options.find('='); equals != std::string::npos)
        options.layers = {{reference.options.substr(0, equals), reference.options.substr(equals + 1)}};
    return options;
}

/// Every neuron's spikes are the library's, and so are the scores, to 10⁻⁵.
void expect_same(const Network& network, const Reference& reference) {
    RecordRequest request;
    request.counts = true;
    for (size_t l = 0; l < network.layers.size(); ++l)
        if (network.layers[l].neuron) request.layers.push_back(static_cast<int>(l));
    const FloatArray& input = reference.arrays.at("spikes");
    Array<uint8_t> spikes(input.shape);
    for (size_t i = 0; i < spikes.data.size(); ++i) spikes.data[i] = static_cast<uint8_t>(input.data[i]);
    const Recording recording = Simulator(network).run_spikes(spikes, request);
    for (const LayerRecording& layer : recording.layers) {
        const FloatArray& expected = reference.arrays.at(network.layers[static_cast<size_t>(layer.layer)].name);
        ASSERT_EQ(layer.counts.data.size(), expected.data.size());
        for (size_t i = 0; i < expected.data.size(); ++i)
            EXPECT_EQ(layer.counts.data[i], expected.data[i])
                << network.layers[static_cast<size_t>(layer.layer)].name << " " << i;
    }
    const FloatArray& scores = reference.arrays.at("scores");
    for (size_t i = 0; i < scores.data.size(); ++i)
        EXPECT_NEAR(recording.scores.data[i], scores.data[i], 1e-5 * std::max(1.0F, std::abs(scores.data[i])));
}

class LibraryWeights : public testing::TestWithParam<const char*> {};

TEST_P(LibraryWeights, DoWhatTheLibraryComputes) {
    const std::string library = GetParam(), python = peers_python(SPIKELENS_SOURCE_DIR);
    if (!has_module(python, library))
        GTEST_SKIP() << python << " has no " << library
                     << " (./run peers torch brings it): that its networks do the same here was NOT checked";
    const TemporaryFolder folder;
    const std::string run = python + " " + SPIKELENS_SOURCE_DIR + "/tests/model_io/library_networks.py " + library +
                            " " + (folder / "").string() + " > /dev/null 2>&1";
    ASSERT_EQ(std::system(run.c_str()), 0) << run;
    size_t networks = 0;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder / "")) {
        if (entry.path().extension() != ".txt") continue;
        SCOPED_TRACE(entry.path().stem().string());
        const Reference reference = read_reference(entry.path());
        fs::path weights = entry.path();
        const Network network = parse_network(reference.text, reference.shape, 12);
        expect_same(import_weights(weights.replace_extension(".pth"), network, options_of(reference)).network,
                    reference);
        ++networks;
    }
    EXPECT_GE(networks, 1U);
}

INSTANTIATE_TEST_SUITE_P(Libraries, LibraryWeights,
                         testing::Values("torch", "snntorch", "spikingjelly", "norse", "sinabs"),
                         [](const auto& library) { return std::string(library.param); });

}  // namespace
}  // namespace spikelens
