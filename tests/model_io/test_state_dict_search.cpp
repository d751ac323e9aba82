#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "state_dict_file.h"

namespace spikelens {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

/// A checkpoint: {"epoch": 3, <keys>: {…, "optimizer": {}}}
std::string nested(const std::vector<std::string>& keys, bool tensor_beside = false) {
    TestFile file = example();
    PickleWriter pickle;
    for (const std::string& key : keys) pickle.raw("}(").text("epoch").integer(3).text("optimizer").raw("}").text(key);
    file.write_dict(pickle);
    if (tensor_beside) file.write_tensor(pickle.text("best"), file.tensors[2]);
    for (size_t i = 0; i < keys.size(); ++i) pickle.raw("u");
    return file.bytes(pickle.done());
}

TEST_F(StateDictFile, CheckpointsAreSearchedByKey) {
    for (const char* key :
         {"state_dict", "model_state_dict", "model_state", "model", "net", "network", "module", "weights", "params"}) {
        const StateDict state = read(nested({key}));
        EXPECT_EQ(state.tensors.size(), 4U) << key;
        EXPECT_THAT(state.assumptions, ElementsAre(HasSubstr(std::string("under the key ") + key + " of")));
        EXPECT_EQ(read(nested({key}, true)).tensors.size(), 4U);
    }
    EXPECT_THAT(read(nested({"net", "state_dict"})).assumptions, ElementsAre(HasSubstr("net → state_dict")));
    EXPECT_THAT(error_of(nested({"brain"})),
                AllOf(HasSubstr("no state dict"), HasSubstr("state_dict, model_state_dict"),
                      HasSubstr("epoch, optimizer, brain")));
    EXPECT_THAT(error_of(nested({"model", "model", "model", "model"})), HasSubstr("no state dict"));
}

TEST_F(StateDictFile, TheFirstKeyOfTheListCounts) {
    TestFile file = example();
    PickleWriter pickle;
    pickle.raw("}(").text("model").raw("}").text("a");
    file.write_tensor(pickle, file.tensors[0]);
    pickle.raw("s").text("state_dict").raw("}").text("b");
    file.write_tensor(pickle, file.tensors[1]);
    pickle.raw("su");
    EXPECT_THAT(names(read(file.bytes(pickle.done()))), ElementsAre("b"));
}

TEST_F(StateDictFile, OddDictionariesAreTold) {
    TestFile file = example();
    PickleWriter cyclic, number, twice, encoding, beside, list;
    cyclic.raw("}q\1").text("state_dict").raw("h\1s").text("model").raw("h\1s");
    EXPECT_THAT(error_of_object(cyclic), HasSubstr("its keys are state_dict, model"));
    list.raw("]");
    EXPECT_THAT(error_of_object(list), HasSubstr("it holds no dictionary"));
    file.write_tensor(number.raw("}").integer(1), file.tensors[0]);
    EXPECT_THAT(error_of(file.bytes(number.raw("s").done())), HasSubstr("no text"));
    file.write_tensor(twice.raw("}(").text("a"), file.tensors[0]);
    file.write_tensor(twice.text("a"), file.tensors[0]);
    EXPECT_THAT(error_of(file.bytes(twice.raw("u").done())), HasSubstr("a appears twice"));
    file.write_tensor(encoding.raw("}").text("a\xff"), file.tensors[0]);
    EXPECT_THAT(error_of(file.bytes(encoding.raw("s").done())), HasSubstr("UTF-8"));
    file.write_tensor(beside.raw("}(").text("epoch").integer(3).text("w"), file.tensors[0]);
    const StateDict state = read(file.bytes(beside.raw("u").done()));
    EXPECT_THAT(names(state), ElementsAre("w"));
    ASSERT_EQ(state.left_out.size(), 1U);
    EXPECT_EQ(state.left_out[0].from, "epoch");
    EXPECT_EQ(state.left_out[0].note, "not a tensor");
}

TEST_F(StateDictFile, ParallelPrefixIsRemovedWhenAllHaveIt) {
    TestFile file = example();
    for (TestTensor& tensor : file.tensors) tensor.name = "module." + tensor.name;
    const StateDict state = read(file.bytes());
    EXPECT_EQ(names(state)[0], "fc.weight");
    EXPECT_EQ(state.tensors[0].from, "module.fc.weight");
    EXPECT_THAT(state.assumptions, ElementsAre(HasSubstr("DataParallel")));
    file.tensors[3].name = "nothing";
    EXPECT_EQ(names(read(file.bytes()))[0], "module.fc.weight");
}

TEST_F(StateDictFile, ParametersAreTheirTensors) {
    TestFile file = example();
    PickleWriter pickle;
    pickle.raw("}(").text("a").global("torch._utils", "_rebuild_parameter").raw("(");
    file.write_tensor(pickle, file.tensors[0]);
    pickle.raw("\x88").empty_ordered_dict().raw("tR").text("b").global("torch.nn.parameter", "Parameter").raw("(");
    file.write_tensor(pickle, file.tensors[1]);
    pickle.raw("\x88tR").text("c").global("torch._utils", "_rebuild_tensor").raw("((").text("storage");
    pickle.global("torch.cuda", "FloatStorage").text("1").text("cuda:0").integer(2).raw("tQ").integer(1);
    pickle.global("torch", "Size").integers({1}).raw("\x85R").integers({1}).raw("tRu");
    const StateDict state = read(file.bytes(pickle.done()));
    EXPECT_EQ(tensor_values(state.tensors[0].view).shape, (Shape{2, 3}));
    EXPECT_EQ(tensor_values(state.tensors[1].view).data, (std::vector<float>{7, 8}));
    EXPECT_EQ(tensor_values(state.tensors[2].view).data, (std::vector<float>{8}));
    PickleWriter nesting;
    nesting.raw("}").text("a");
    for (int i = 0; i < 100; ++i) nesting.global("torch.nn.parameter", "Parameter");
    nesting.raw("N");
    for (int i = 0; i < 100; ++i) nesting.raw("\x85R");
    EXPECT_THAT(error_of_object(nesting.raw("s")), HasSubstr("parameter of no tensor"));
}

}  // namespace
}  // namespace spikelens
