#include <cstdlib>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/io/files.h"
#include "spikelens/model_io/import.h"

#include "model_io/nir_file.h"
#include "support/errors.h"
#include "support/mutate.h"
#include "support/temporary_folder.h"

#ifndef SPIKELENS_PYTHON
#define SPIKELENS_PYTHON "python3"
#endif

namespace spikelens {
namespace {

using testing::HasSubstr;

int run(const std::string& command) { return std::system((command + " 1>&2").c_str()); }

/// Files as h5py writes them for the nir package, old and new ways, and files that mislead.
const char* const writer = R"(
import sys
import h5py, numpy

folder = sys.argv[1]

def graph(name, edges=None, **nodes):
    file = h5py.File(folder + "/" + name, "w")
    file.create_dataset("version", data="1.0.4", dtype=h5py.string_dtype())
    node = file.create_group("node")
    for key, parameters in nodes.items():
        group = node.create_group("nodes/" + key)
        for parameter, value in parameters.items():
            compression = "gzip" if isinstance(value, numpy.ndarray) and value.ndim > 1 else None
            group.create_dataset(parameter, data=value, compression=compression)
    names = list(nodes)
    node.create_dataset("edges", data=edges or [(a.encode(), b.encode()) for a, b in zip(names, names[1:])][::-1])
    node.create_dataset("type", data="NIRGraph", dtype=h5py.string_dtype())
    return file

def usual(name, **changes):
    n = numpy.ones((4, 6, 6))
    nodes = dict(
        input=dict(type="Input", shape=numpy.array([2, 6, 6])),
        conv=dict(type="Conv2d", weight=numpy.arange(72, dtype="f4").reshape(4, 2, 3, 3) / 64,
                  bias=numpy.zeros(4, "f4"), stride=numpy.array([1, 1]), padding="same", dilation=1, groups=1),
        spikes=dict(type=numpy.bytes_(b"LIF"), tau=n * 4e-4, r=n * 4, v_leak=n * 0, v_threshold=n, v_reset=n * 0),
        flat=dict(type="Flatten", start_dim=0, end_dim=-1, input_type=numpy.array([4, 6, 6])),
        full=dict(type="Affine", weight=numpy.arange(288, dtype="f8").reshape(2, 144) / 256,
                  bias=numpy.array([0.5, 2.0])),
        output=dict(type="Output", shape=numpy.array([2])))
    nodes.update(changes)
    return graph(name, **nodes)

usual("good.nir").close()
with usual("fixed.nir") as file:  # texts of fixed length, big-endian numbers, half precision, more than NIR asks for
    del file["node/edges"]
    names = [["full", "output"], ["input", "conv"], ["flat", "full"], ["conv", "spikes"], ["spikes", "flat"]]
    file["node/edges"] = numpy.array(names, dtype="S9")
    weight = file["node/nodes/full/weight"][()]
    del file["node/nodes/full/weight"]
    file["node/nodes/full/weight"] = weight.astype(">f4")
    file["node/nodes/spikes/metadata/anything"] = numpy.zeros(3, "complex128")
    file["node/metadata/flag"] = True
    file["node/metadata/empty"] = h5py.Empty("f4")
    file["node/nodes/conv/bias"][...] = 0
    file.attrs["comment"] = "x"
with usual("soft.nir") as file:
    del file["node/nodes/full/weight"]
    file["node/nodes/full/weight"] = h5py.SoftLink("/node/nodes/conv/weight")
with usual("extern.nir") as file:
    del file["node/nodes/full/weight"]
    file["node/nodes/full/weight"] = h5py.ExternalLink("good.nir", "/node/nodes/full/weight")
with usual("stored.nir") as file:
    del file["node/nodes/full/weight"]
    file["node/nodes/full"].create_dataset("weight", (2, 144), "f4", external=[("/etc/passwd", 0, 1152)])
with usual("virtual.nir") as file:
    del file["node/nodes/full/weight"]
    layout = h5py.VirtualLayout((2, 144), "f4")
    layout[:] = h5py.VirtualSource("good.nir", "node/nodes/full/weight", (2, 144))
    file["node/nodes/full"].create_virtual_dataset("weight", layout)
with usual("huge.nir") as file:
    del file["node/nodes/full/weight"]
    file["node/nodes/full"].create_dataset("weight", (1 << 20, 1 << 20), "f4", chunks=(1024, 1024), compression="gzip")
with usual("large.nir") as file:  # less than the limit, more than the file can hold
    del file["node/nodes/full/weight"]
    file["node/nodes/full"].create_dataset("weight", (1 << 13, 1 << 13), "f4", chunks=(1024, 1024), compression="gzip")
with usual("loop.nir") as file:
    file["node/nodes/inside"] = file["node"]
with h5py.File(folder + "/empty.nir", "w"):
    pass
with h5py.File(folder + "/lava.net", "w") as file:  # as slayer's export_hdf5
    file["layer/1/type"], file["layer/1/weight"] = numpy.array([b"dense"]), numpy.zeros((2, 3), "int64")
    file["layer/1/neuron/type"], file["layer/1/neuron/iDecay"], file["layer/1/neuron/vThMant"] = b"CUBA", 1024, 80
)";

/// What the nir package would read of an exported file.
const char* const reader = R"(
import sys
import h5py, numpy

with h5py.File(sys.argv[1]) as file:
    assert file["version"][()] == b"1.0", file["version"][()]
    node = file["node"]
    assert node["type"][()] == b"NIRGraph"
    edges = [(a.decode(), b.decode()) for a, b in node["edges"][()]]
    order = ["input", "conv1", "neuron1", "pool1", "flatten2", "full2", "neuron2", "full3", "readout3", "output"]
    assert edges == list(zip(order, order[1:])), edges
    nodes = node["nodes"]
    types = {k: n["type"][()].decode() for k, n in nodes.items()}
    assert types == dict(input="Input", conv1="Conv2d", neuron1="LIF", pool1="AvgPool2d", flatten2="Flatten",
                         full2="Affine", neuron2="CubaLIF", full3="Linear", readout3="LI", output="Output"), types
    assert nodes["input/shape"][()].tolist() == [1, 8, 8] and nodes["output/shape"][()].tolist() == [3]
    conv = {k: v[()] for k, v in nodes["conv1"].items()}
    assert conv["weight"].shape == (4, 1, 3, 3) and conv["weight"].dtype == numpy.float32 and conv["bias"].shape == (4,)
    assert conv["stride"].tolist() == [2, 2] and conv["padding"].tolist() == [1, 1]
    assert conv["dilation"].tolist() == [1, 1] and conv["groups"] == 1 and conv["input_shape"].tolist() == [8, 8]
    lif = {k: v[()] for k, v in nodes["neuron1"].items() if k != "type"}
    assert {v.shape for v in lif.values()} == {(4, 4, 4)}
    assert sorted(lif) == ["r", "tau", "v_leak", "v_reset", "v_threshold"]
    dt = node["metadata/dt"][()]
    assert dt == 1e-4 and numpy.float32(1 - dt / lif["tau"][0, 0, 0]) == numpy.float32(0.9)
    assert numpy.float32(lif["r"][0, 0, 0] * dt / lif["tau"][0, 0, 0]) == 1
    pool = {k: v[()].tolist() for k, v in nodes["pool1"].items() if k != "type"}
    assert pool == dict(kernel_size=[2, 2], stride=[2, 2], padding=[0, 0]), pool
    cuba = {k: v[()] for k, v in nodes["neuron2"].items() if k != "type"}
    assert sorted(cuba) == ["r", "tau_mem", "tau_syn", "v_leak", "v_reset", "v_threshold", "w_in"]
    assert {v.shape for v in cuba.values()} == {(5,)}
    assert nodes["full2/weight"].shape == (5, 16) and "bias" not in nodes["full3"]
    assert nodes["flatten2/start_dim"][()] == 0 and nodes["flatten2/end_dim"][()] == -1
    assert [x.decode() for x in node["metadata/classes"][()]] == ["a", "b", "c"]
    assert node["metadata/steps"][()] == 12
    assert [x.decode() for x in node["metadata/reset_by_subtraction"][()]] == ["neuron1"]
)";

bool has_h5py() { return run(std::string(SPIKELENS_PYTHON) + " -c 'import numpy, h5py' 2>/dev/null") == 0; }

class NirFile : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        folder = new TemporaryFolder;
        std::ofstream(*folder / "write.py") << writer;
        written = has_h5py() && run(std::string(SPIKELENS_PYTHON) + " " + (*folder / "write.py").string() + " " +
                                    (*folder / "").string()) == 0;
    }
    static void TearDownTestSuite() { delete folder; }
    void SetUp() override {
        if (!written && !has_h5py())
            GTEST_SKIP() << SPIKELENS_PYTHON << " has no numpy or no h5py: files of others were NOT read";
        ASSERT_TRUE(written) << "the files could not be made";
    }
    static std::string error_of(const std::string& name) {
        return input_error([&] { import_nir(*folder / name); });
    }

    static inline TemporaryFolder* folder = nullptr;
    static inline bool written = false;
};

TEST_F(NirFile, FilesOfH5pyAreRead) {
    const ImportedNetwork good = import_nir(*folder / "good.nir");
    EXPECT_EQ(network_text(good.network), "4C3-LIF(beta=0.75,reset=zero)-2F");
    EXPECT_EQ(good.network.layers[0].weight.data[71], 71.0F / 64);
    EXPECT_EQ(good.network.layers[1].weight.data[287], 287.0F / 256);
    EXPECT_EQ(good.network.layers[1].bias.data, (std::vector<float>{0.5F, 2}));
    const ImportedNetwork fixed = import_nir(*folder / "fixed.nir");
    EXPECT_EQ(network_text(fixed.network), network_text(good.network));
    EXPECT_EQ(fixed.network.layers[1].weight, good.network.layers[1].weight);
    const NirValues values = read_nir_values(*folder / "fixed.nir");
    EXPECT_EQ(values.at("node/nodes/spikes/metadata/anything").type, NirType::other);
    EXPECT_EQ(values.at("node/metadata/empty").type, NirType::other);
    EXPECT_EQ(values.at("version").texts, std::vector<std::string>{"1.0.4"});
    EXPECT_EQ(values.at("node/nodes/full/weight").type, NirType::float32);
}

TEST_F(NirFile, FilesThatMisleadAreRefused) {
    EXPECT_THAT(error_of("soft.nir"), HasSubstr("soft.nir is damaged: node/nodes/full/weight is a link to elsewhere"));
    EXPECT_THAT(error_of("extern.nir"), HasSubstr("node/nodes/full/weight is a link to elsewhere"));
    EXPECT_THAT(error_of("stored.nir"), HasSubstr("node/nodes/full/weight keeps its data in other files"));
    EXPECT_THAT(error_of("virtual.nir"), HasSubstr("node/nodes/full/weight keeps its data in other files"));
    EXPECT_THAT(error_of("huge.nir"), HasSubstr("node/nodes/full/weight is larger than 1 GiB"));
    EXPECT_THAT(error_of("large.nir"), HasSubstr("than the file can hold"));
    EXPECT_THAT(error_of("loop.nir"), HasSubstr("nested too deeply"));
    EXPECT_THAT(error_of("empty.nir"), HasSubstr("not a NIR file: it has no group 'node'"));
    EXPECT_THAT(error_of("lava.net"), HasSubstr("is a network of Lava-DL: its neurons count in whole numbers"));
    EXPECT_THAT(error_of("write.py"), HasSubstr("is not a NIR file: it does not begin as HDF5"));
    EXPECT_THAT(error_of("absent.nir"), HasSubstr("there is no file"));
    EXPECT_THAT(error_of(""), HasSubstr("is not a file"));
}

/// Truncated and mutated files end in an error or in a network that is whole.
void read_damaged(const std::filesystem::path& path, const std::string& bytes, int& refused) {
    std::ofstream(path, std::ios::binary) << bytes;
    try {
        check_network(import_nir(path).network, "damaged");
    } catch (const InputError& error) {
        EXPECT_THAT(error.what(), HasSubstr(path.filename().string()));
        ++refused;
    }
}

TEST_F(NirFile, TruncatedFilesAreInputErrors) {
    const std::string whole = read_file(*folder / "good.nir");
    const uint64_t samples = testing_support::mutation_count(60);
    int refused = 0;
    for (uint64_t i = 0; i < samples; ++i)
        read_damaged(*folder / "cut.nir", whole.substr(0, random_bits(i, Stream::test, {1}) % whole.size()), refused);
    EXPECT_EQ(refused, static_cast<int>(samples));
}

TEST_F(NirFile, MutatedFilesNeverCrash) {
    const std::string text = read_file(*folder / "good.nir");
    const std::vector<uint8_t> whole(text.begin(), text.end());
    const uint64_t samples = testing_support::mutation_count(150);
    int refused = 0;
    for (uint64_t i = 0; i < samples; ++i) {
        const std::vector<uint8_t> bytes = testing_support::mutated(whole, i);
        read_damaged(*folder / "mutated.nir", std::string(bytes.begin(), bytes.end()), refused);
    }
    EXPECT_GT(refused, static_cast<int>(samples / 20));
}

TEST_F(NirFile, PythonReadsWhatWasExported) {
    Network network =
        parse_network("4C3s2-LIF(beta=0.9)-AP2-5F-LIF(alpha=0.5,reset=zero)-3Fb0-LI(beta=0.8)", {1, 8, 8}, 12);
    initialise_weights(network, 3);
    network.classes = {"a", "b", "c"};
    export_nir(network, *folder / "exported.nir");
    std::ofstream(*folder / "read.py") << reader;
    EXPECT_EQ(run(std::string(SPIKELENS_PYTHON) + " " + (*folder / "read.py").string() + " " +
                  (*folder / "exported.nir").string()),
              0);
}

}  // namespace
}  // namespace spikelens
