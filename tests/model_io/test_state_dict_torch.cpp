#include <cstdlib>
#include <fstream>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model_io/state_dict.h"
#include "support/errors.h"
#include "support/peers.h"
#include "support/temporary_folder.h"

namespace spikelens {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// PyTorch writes; each tensor follows as a line of a text file: name, shape, values in hexadecimal.
const char* const torch_files = R"(
import argparse, collections, datetime, pathlib, sys, numpy as np, torch
import torch.nn as nn
folder = sys.argv[1]
torch.manual_seed(3)

def expect(name, tensors):
    with open(f"{folder}/{name}.txt", "w") as out:
        for key, value in tensors.items():
            value = value.detach()
            if not value.is_floating_point(): continue
            numbers = [v.hex() for v in value.float().flatten().tolist()]
            print(key, len(value.shape), " ".join(map(str, value.shape)), " ".join(numbers), file=out)

def save(name, value, tensors, **options):
    for form, zipped in (("zip", True), ("stream", False)):
        torch.save(value, f"{folder}/{name}.{form}", _use_new_zipfile_serialization=zipped, **options)
    expect(name, tensors)

net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 4, bias=False), nn.BatchNorm1d(4))
state = net.state_dict()
for protocol in (2, 3, 4, 5): save(f"state{protocol}", state, state, pickle_protocol=protocol)
optimizer = torch.optim.Adam(net.parameters())
net(torch.ones(2, 1, 4, 4)).sum().backward()
optimizer.step()
state = net.state_dict()
save("checkpoint", {"epoch": 3, "model": state, "optimizer": optimizer.state_dict(), "best": torch.tensor(0.5),
     "device": torch.device("cpu"), "dtype": torch.float32, "size": torch.Size([1, 2]), "note": b"bytes", "empty": b"",
     "history": [{"loss": 1.5}]}, state)
containers = {"counter": collections.Counter("aab"), "default": collections.defaultdict(list, {"a": [1]}),
     "deque": collections.deque([1], maxlen=3), "namespace": argparse.Namespace(lr=0.1, path=pathlib.Path("/x")),
     "scalars": [np.float32(0.5), np.int64(3), np.bool_(True), np.str_("a")],
     "arrays": [np.arange(6).reshape(2, 3), np.asfortranarray(np.ones((2, 3))), np.array(["a", "b"]),
                np.random.get_state()],
     "sets": [{1, 2}, frozenset([1])], "dates": [datetime.datetime(2020, 1, 1), datetime.timedelta(1)],
     "range": range(3), "complex": 1 + 2j, "bytes": bytearray(b"x"), "slice": slice(1, 2), "version": torch.__version__,
     "schedule": torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 2]).state_dict(), "random": torch.get_rng_state()}
for protocol in (2, 3, 4, 5):
    save(f"containers{protocol}", {"model": state, **containers}, state, pickle_protocol=protocol)
save("parallel", nn.DataParallel(net).state_dict(), state)
save("parameters", dict(net.named_parameters()), dict(net.named_parameters()))
base = torch.randn(4, 6)
views = {"all": base, "turned": base.t(), "columns": base[:, 1:3], "steps": base[::2, ::3], "one": base[3, 5],
         "row": base[2], "repeated": base[0, :1].expand(5), "permuted": torch.randn(2, 3, 4).permute(2, 0, 1),
         "empty": torch.zeros(0, 3)}
save("views", views, views)
types = {"half": base.half(), "brain": base.bfloat16(), "double": base.double() / 3, "turned": base.half().t(),
         "integers": torch.arange(3), "bytes": torch.ones(2, dtype=torch.uint8), "bools": torch.ones(2).bool(),
         "complex": torch.ones(2, dtype=torch.complex64)}
save("types", types, types)
subclass = type("Mine", (collections.OrderedDict,), {})
globals()["Mine"] = subclass
for name, value in (("subclass", subclass(state)), ("module", net)):
    for form, zipped in (("zip", True), ("stream", False)):
        torch.save(value, f"{folder}/{name}.{form}", _use_new_zipfile_serialization=zipped)
)";

std::map<std::string, FloatArray> expected_tensors(const std::filesystem::path& path) {
    std::map<std::string, FloatArray> tensors;
    std::ifstream in(path);
    std::string name, word;
    for (size_t axes = 0; in >> name >> axes;) {
        Shape shape(axes);
        for (int64_t& extent : shape) in >> extent;
        FloatArray values(shape);
        for (float& value : values.data) in >> word, value = std::strtof(word.c_str(), nullptr);
        tensors[name] = values;
    }
    return tensors;
}

TEST(StateDictOfPyTorch, IsReadToTheBit) {
    const std::string python = peers_python(SPIKELENS_SOURCE_DIR);
    if (!has_module(python, "torch"))
        GTEST_SKIP() << python
                     << " has no torch (./run peers torch brings it): that files of PyTorch are read was NOT checked";
    const TemporaryFolder folder;
    std::ofstream(folder / "write.py") << torch_files;
    const std::string write = python + " " + (folder / "write.py").string() + " " + (folder / "").string() + " 1>&2";
    ASSERT_EQ(std::system(write.c_str()), 0);
    for (const std::string name : {"state2", "state3", "state4", "state5", "checkpoint", "containers2", "containers3",
                                   "containers4", "containers5", "parallel", "parameters", "views", "types"})
        for (const char* form : {".zip", ".stream"}) {
            const std::map<std::string, FloatArray> expected = expected_tensors(folder / (name + ".txt"));
            ASSERT_GE(expected.size(), 4U);
            size_t compared = 0;
            for (const StateTensor& tensor : read_state_dict(folder / (name + form)).tensors) {
                if (!is_real(tensor.view.type)) continue;
                ASSERT_TRUE(expected.contains(tensor.name)) << tensor.name;
                EXPECT_EQ(tensor_values(tensor.view), expected.at(tensor.name)) << name << form << " " << tensor.name;
                ++compared;
            }
            EXPECT_EQ(compared, expected.size()) << name << form;
        }
    for (const char* form : {".zip", ".stream"}) {
        EXPECT_THAT(input_error([&] { read_state_dict(folder / (std::string("subclass") + form)); }),
                    HasSubstr("__main__.Mine"));
        EXPECT_THAT(input_error([&] { read_state_dict(folder / (std::string("module") + form)); }),
                    AllOf(HasSubstr("torch.nn.modules"), HasSubstr("state_dict()")));
    }
}

}  // namespace
}  // namespace spikelens
