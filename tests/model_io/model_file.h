#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "spikelens/model_io/model_file.h"
#include "spikelens/model_io/safetensors.h"

#include "example_network.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace spikelens {

inline void expect_same_layer(const Layer& a, const Layer& b) {
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.kind, b.kind);
    const auto sizes = [](const Layer& layer) {
        return std::vector<int>{layer.in_channels, layer.in_height, layer.in_width,      layer.out_channels,
                                layer.out_height,  layer.out_width, layer.kernel,        layer.stride,
                                layer.padding,     layer.has_bias,  layer.pooled_height, layer.pooled_width};
    };
    EXPECT_EQ(sizes(a), sizes(b));
    EXPECT_EQ(a.neuron, b.neuron);
    EXPECT_EQ(a.pool, b.pool);
    EXPECT_EQ(a.weight, b.weight);
    EXPECT_EQ(a.bias, b.bias);
}

inline void expect_same_network(const Network& a, const Network& b) {
    EXPECT_EQ(a.input_shape(), b.input_shape());
    EXPECT_EQ(a.steps, b.steps);
    EXPECT_EQ(a.classes, b.classes);
    ASSERT_EQ(a.layers.size(), b.layers.size());
    for (size_t i = 0; i < a.layers.size(); ++i) expect_same_layer(a.layers[i], b.layers[i]);
}

class ModelFile : public testing::Test {
  protected:
    /// The error of loading the example after its description was changed.
    std::string error_with(const std::function<void(nlohmann::json&)>& change) {
        save_model(example_network(), path);
        Safetensors contents = read_safetensors(path);
        nlohmann::json description = nlohmann::json::parse(contents.metadata.at("spikelens"));
        change(description);
        contents.metadata["spikelens"] = description.dump();
        write_safetensors(path, contents);
        return error();
    }
    std::string error_with_tensors(const std::function<void(std::map<std::string, FloatArray>&)>& change) {
        save_model(example_network(), path);
        Safetensors contents = read_safetensors(path);
        change(contents.tensors);
        write_safetensors(path, contents);
        return error();
    }
    std::string error() {
        return input_error([&] { load_model(path); });
    }

    TemporaryFolder folder;
    std::filesystem::path path = folder / "model.safetensors";
};

}  // namespace spikelens
