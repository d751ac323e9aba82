#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "spikelens/io/files.h"

#include "rendered_pickle.h"
#include "support/temporary_folder.h"
#include "torch_files.h"

namespace spikelens {
namespace {

using nlohmann::json;
using testing::HasSubstr;

int run_python(const std::string& arguments) {
    return std::system((std::string(SPIKELENS_PYTHON) + " " + arguments + " 1>&2").c_str());
}

/// Python's own pickles of random nested values, with what they mean in JSON; and pickles that would make a file.
const char* const python_pickles = R"(
import collections, json, pickle, random, sys, os
folder = sys.argv[1]
chance = random.Random(7)
TEXTS = ["", "a", "weights", "ä ö", "\u4e2d", "x" * 300]

def value(depth):
    kind = chance.randrange(12 if depth else 7)
    if kind == 0: return None
    if kind == 1: return chance.random() < 0.5
    if kind == 2:
        return chance.choice([0, 1, -1, 255, 256, 65535, 65536, -2**31, 2**31, 2**40, -2**40, 2**63 - 1, -2**63])
    if kind == 3: return chance.choice([0.0, 1.5, -2.25, 1e300, 5e-324])
    if kind in (4, 5): return chance.choice(TEXTS)
    if kind == 6: return 2**70 + 1
    size = chance.choice([0, 1, 2, 3, 4, 7])
    if kind in (7, 8): return tuple(value(depth - 1) for _ in range(size))
    if kind == 9: return [value(depth - 1) for _ in range(size)]
    pairs = [(chance.choice(TEXTS) + str(i), value(depth - 1)) for i in range(size)]
    return dict(pairs) if kind == 10 else collections.OrderedDict(pairs)

def rendered(v):
    if v is None or isinstance(v, (bool, str)): return v
    if isinstance(v, int):
        return v if -2**63 <= v < 2**63 else {"long": list(v.to_bytes(9, "little", signed=True))}
    if isinstance(v, float): return {"number": v}
    if isinstance(v, tuple): return {"tuple": [rendered(x) for x in v]}
    if isinstance(v, list): return {"list": [rendered(x) for x in v]}
    return {"dict": [rendered(x) for pair in v.items() for x in pair]}

class Harm:
    def __reduce__(self): return os.system, ("touch " + folder + "/harmed",)

class Dict(collections.OrderedDict): pass

for i in range(200):
    v = [value(4), value(2)]
    v.append(v[0])
    open(f"{folder}/{i}.json", "w").write(json.dumps(rendered(v)))
    for protocol in range(2, 6):
        open(f"{folder}/{i}.{protocol}", "wb").write(pickle.dumps(v, protocol))
for protocol in range(0, 6):
    for name, harm in [("plain", Harm()), ("nested", {"state_dict": [Harm()]}), ("subclass", Dict(a=1))]:
        open(f"{folder}/{name}.{protocol}", "wb").write(pickle.dumps(harm, protocol))
)";

class PythonPickle : public testing::Test {
  protected:
    void SetUp() override {
        std::ofstream(folder / "write.py") << python_pickles;
        ASSERT_EQ(run_python((folder / "write.py").string() + " " + (folder / "").string()), 0);
    }
    TemporaryFolder folder;
};

TEST_F(PythonPickle, MeansWhatPythonMeant) {
    for (int i = 0; i < 200; ++i) {
        const json expected = json::parse(read_file(folder / (std::to_string(i) + ".json")));
        for (int protocol = 2; protocol <= 5; ++protocol) {
            const std::string name = std::to_string(i) + "." + std::to_string(protocol);
            ASSERT_EQ(rendered(read_file(folder / name)), expected) << name;
        }
    }
}

TEST_F(PythonPickle, HarmIsRefusedAndNotDone) {
    for (int protocol = 0; protocol <= 5; ++protocol)
        for (const std::string name : {"plain", "nested", "subclass"}) {
            const std::string sentence = error_of(read_file(folder / (name + "." + std::to_string(protocol))));
            EXPECT_NE(sentence, "") << name << protocol;
            if (protocol < 2) continue;
            EXPECT_THAT(sentence, HasSubstr("nothing was executed"));
            EXPECT_THAT(sentence, HasSubstr(name == "subclass" ? "__main__.Dict" : ".system"));
        }
    EXPECT_FALSE(std::filesystem::exists(folder / "harmed"));
}

}  // namespace
}  // namespace spikelens
