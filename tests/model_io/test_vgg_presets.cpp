// The presets against torchvision itself: every parameter has the name and the shape that a model of torchvision has.
#include <cstdio>
#include <sstream>

#include <gtest/gtest.h>

#include "spikelens/snn/network.h"

#include "support/peers.h"

namespace spikelens {
namespace {

/// "name 64 3 3 3" of each parameter of a model, in its order. It is made without memory for its values.
std::string parameters_of(const std::string& python, const std::string& model) {
    const std::string command = python +
                                " -c \"import torch, torchvision\nwith torch.device('meta'):\n    m = torchvision.models." +
                                model + "(num_classes=50)\nfor n, p in m.named_parameters(): print(n, *p.shape)\"";
    std::string text;
    FILE* const pipe = ::popen(command.c_str(), "r");
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) text += static_cast<char>(c);
    EXPECT_EQ(::pclose(pipe), 0);
    return text;
}

/// The same of a preset, by the places that torchvision gives layers: in `features` each convolution, activation and pool has a
/// number, in `classifier` each layer, activation and dropout.
std::string parameters_of(const Network& network) {
    std::ostringstream text;
    int feature = 0, classifier = 0;
    const auto put = [&](const std::string& name, const Shape& shape) {
        text << name;
        for (const int64_t extent : shape) text << ' ' << extent;
        text << '\n';
    };
    for (const Layer& layer : network.layers) {
        const bool conv = layer.kind == LayerKind::conv;
        const std::string name = conv ? "features." + std::to_string(feature) : "classifier." + std::to_string(classifier);
        put(name + ".weight", layer.weight.shape);
        put(name + ".bias", layer.bias.shape);
        (conv ? feature : classifier) += conv ? (layer.pool.kind == PoolKind::none ? 2 : 3) : 3;
    }
    return text.str();
}

TEST(VggPresets, HaveTheParametersOfTorchvision) {
    const std::string python = peers_python(SPIKELENS_SOURCE_DIR);
    if (!has_module(python, "torchvision")) GTEST_SKIP() << "torchvision is not there: ./run peers torch";
    for (const std::string number : {"11", "13", "16", "19"})
        EXPECT_EQ(parameters_of(parse_network(preset_text("svgg" + number, 50), {3, 224, 224}, 1)),
                  parameters_of(python, "vgg" + number));
}

}  // namespace
}  // namespace spikelens
