#include <cmath>
#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

#include "spikelens/io/array_file.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/pipeline/store.h"

#include "model_io/example_network.h"
#include "support/temporary_folder.h"

#ifndef SPIKELENS_PYTHON
#define SPIKELENS_PYTHON "python3"
#endif

namespace spikelens {
namespace {

/// Python with numpy, h5py and the standard library reads everything we write.
const char* const reader = R"(
import json, struct, sys
import h5py, numpy

folder = sys.argv[1]

with h5py.File(folder + "/arrays.h5") as file:
    assert file.attrs["fingerprint"].decode() == "abc", file.attrs["fingerprint"]
    gram = file["gram"][:]
    assert gram.dtype == numpy.float64 and gram.shape == (30, 30)
    assert (gram == numpy.arange(900).reshape(30, 30) / 8).all()
    assert file["group/counts"][:].tolist() == [1, 65535] and file["group/counts"].dtype == numpy.uint16
    assert file["scalar"][()] == -7 and file["scalar"].dtype == numpy.int64

map = numpy.load(folder + "/map.npy")
assert map.dtype == numpy.float32 and map.tolist() == [[1, 2, 3], [4, 5, 6]]
assert numpy.load(folder + "/line.npy").tolist() == [0.5]

ablation = json.load(open(folder + "/ablation.json"))
assert ablation["identity"] == "abc" and ablation["full_accuracy"] == 0.1 + 0.2
assert ablation["curve"][0]["class_relevant"] == [None]

model = open(folder + "/model.safetensors", "rb").read()
(length,) = struct.unpack("<Q", model[:8])
assert (8 + length) % 8 == 0
header = json.loads(model[8 : 8 + length])
description = json.loads(header["__metadata__"]["spikelens"])
assert description["steps"] == 6 and description["layers"][0]["neuron"]["beta"] == 0.9
names = [key for key in header if key != "__metadata__"]
assert names == sorted(names)
begin, end = header["full4.weight"]["data_offsets"]
weight = numpy.frombuffer(model[8 + length + begin : 8 + length + end], "<f4").reshape(header["full4.weight"]["shape"])
assert weight.shape == (2, 5)
expected = [float(word) for word in open(folder + "/weights.txt").read().split()]
assert weight.flatten().tolist() == expected
)";

int run(const std::string& command) { return std::system((command + " 1>&2").c_str()); }

TEST(Python, ReadsArraysNpyJsonAndModels) {
    const std::string python = SPIKELENS_PYTHON;
    if (run(python + " -c 'import numpy, h5py' 2>/dev/null") != 0)
        GTEST_SKIP() << python << " has no numpy or no h5py: that Python reads our files was NOT checked";
    const TemporaryFolder folder;
    ArrayFile arrays;
    DoubleArray gram({30, 30});
    for (int64_t i = 0; i < gram.size(); ++i) gram.data[i] = static_cast<double>(i) / 8;
    arrays.arrays = {
        {"gram", gram}, {"group/counts", Array<uint16_t>({2}, {1, 65535})}, {"scalar", Array<int64_t>(Shape{}, -7)}};
    arrays.attributes = {{"fingerprint", "abc"}};
    write_arrays(folder / "arrays.h5", arrays);
    write_npy(folder / "map.npy", FloatArray({2, 3}, {1, 2, 3, 4, 5, 6}));
    write_npy(folder / "line.npy", FloatArray({1}, {0.5F}));
    Ablation ablation;
    ablation.full_accuracy = 0.1 + 0.2;
    ablation.class_samples = {0};
    ablation.curve.push_back({});
    ablation.curve[0].class_relevant = ablation.curve[0].class_random = {std::nan("")};
    save_ablation(ablation, "abc", folder / "ablation.json");
    const Network network = example_network();
    save_model(network, folder / "model.safetensors");
    std::ofstream weights(folder / "weights.txt");
    weights.precision(17);
    for (float value : network.layers[3].weight.data) weights << value << "\n";
    weights.close();
    std::ofstream(folder / "read.py") << reader;
    EXPECT_EQ(run(python + " " + (folder / "read.py").string() + " " + (folder / "").string()), 0);
}

}  // namespace
}  // namespace spikelens
