#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model_io/state_dict.h"
#include "support/errors.h"
#include "support/temporary_folder.h"
#include "torch_files.h"

namespace spikelens {

class StateDictFile : public testing::Test {
  protected:
    StateDict read(const std::string& bytes) {
        std::ofstream(path, std::ios::binary) << bytes;
        return read_state_dict(path);
    }
    std::string error_of(const std::string& bytes) {
        return input_error([&] { read(bytes); });
    }
    /// The error of a file whose pickle is these opcodes.
    std::string error_of_object(PickleWriter& pickle) { return error_of(TestFile{}.bytes(pickle.done())); }

    TemporaryFolder folder;
    std::filesystem::path path = folder / "weights.pth";
};

inline std::vector<std::string> names(const StateDict& state) {
    std::vector<std::string> all;
    for (const StateTensor& tensor : state.tensors) all.push_back(tensor.name);
    return all;
}

inline TestFile example() {
    TestFile file;
    file.add("fc.weight", FloatArray({2, 3}, {1, -2, 0.5F, 3e-40F, -0.0F, 1e38F}));
    file.add("fc.bias", FloatArray({2}, {7, 8}));
    file.add("scale", FloatArray(Shape{}, {5}));
    file.add("nothing", FloatArray({0, 4}));
    return file;
}

}  // namespace spikelens
