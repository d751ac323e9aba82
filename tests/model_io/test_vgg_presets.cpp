// The presets against torchvision itself: every parameter has the name and the shape that a model of torchvision has,
// and its files with batch normalisation give the network that torch folds them into.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "spikelens/model_io/import.h"
#include "spikelens/snn/network.h"

#include "support/peers.h"
#include "support/temporary_folder.h"

namespace spikelens {
namespace {

/// "name 64 3 3 3" of each parameter of a model, in its order. It is made without memory for its values.
std::string parameters_of(const std::string& python, const std::string& model) {
    const std::string command =
        python + " -c \"import torch, torchvision\nwith torch.device('meta'):\n    m = torchvision.models." + model +
        "(num_classes=50)\nfor n, p in m.named_parameters(): print(n, *p.shape)\"";
    std::string text;
    FILE* const pipe = ::popen(command.c_str(), "r");
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) text += static_cast<char>(c);
    EXPECT_EQ(::pclose(pipe), 0);
    return text;
}

/// The same of a preset, by the places that torchvision gives layers: in `features` each convolution, activation and
/// pool has a number, in `classifier` each layer, activation and dropout.
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
        const std::string name =
            conv ? "features." + std::to_string(feature) : "classifier." + std::to_string(classifier);
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

/// A preset with a small classifier: all convolutions, as wide as torchvision's, and files of tens of megabytes.
Network with_small_classifier(const std::string& number) {
    std::string text = preset_text("svgg" + number, 10);
    text.resize(text.find("4096F"));
    return parse_network(text + "8F-LIF-8F-LIF-10F", {3, 32, 32}, 1);
}

/// The largest difference of two layers' weights and biases, as a share of the largest number.
double difference(const Layer& a, const Layer& b) {
    double most = 0, scale = 0;
    for (const auto& [left, right] : {std::pair{&a.weight, &b.weight}, {&a.bias, &b.bias}})
        for (size_t i = 0; i < left->data.size(); ++i) {
            most = std::max<double>(most, std::abs(left->data[i] - right->data[i]));
            scale = std::max<double>(scale, std::abs(right->data[i]));
        }
    return most / scale;
}

constexpr const char* writes_both_files = R"(
import sys, torch, torchvision
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models.vgg import cfgs, make_layers
torch.manual_seed(3)
classifier = torch.nn.Sequential(torch.nn.Linear(512, 8), torch.nn.ReLU(), torch.nn.Dropout(), torch.nn.Linear(8, 8),
                                 torch.nn.ReLU(), torch.nn.Dropout(), torch.nn.Linear(8, 10))
def vgg(letter, batch_norm):
    model = torch.nn.Module()
    model.features, model.classifier = make_layers(cfgs[letter], batch_norm=batch_norm), classifier
    return model.eval()
for number, letter in zip((11, 13, 16, 19), 'ABDE'):
    model, plain = vgg(letter, True), vgg(letter, False)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for values in (module.weight, module.running_var): torch.nn.init.uniform_(values, 0.5, 2)
            for values in (module.bias, module.running_mean): torch.nn.init.normal_(values)
    convolutions = [i for i, module in enumerate(model.features) if isinstance(module, torch.nn.Conv2d)]
    into = [i for i, module in enumerate(plain.features) if isinstance(module, torch.nn.Conv2d)]
    for i, at in zip(convolutions, into):
        plain.features[at] = fuse_conv_bn_eval(model.features[i], model.features[i + 1])
    torch.save(model.state_dict(), f'{sys.argv[1]}vgg{number}_bn.pth')
    torch.save(plain.state_dict(), f'{sys.argv[1]}vgg{number}.pth')
)";

TEST(VggPresets, TakeBatchNormalisationAsTorchFoldsIt) {
    const std::string python = peers_python(SPIKELENS_SOURCE_DIR);
    if (!has_module(python, "torchvision")) GTEST_SKIP() << "torchvision is not there: ./run peers torch";
    const TemporaryFolder folder;
    std::ofstream(folder / "write.py") << writes_both_files;
    const std::string command = python + " " + (folder / "write.py").string() + " " + (folder / "").string();
    ASSERT_EQ(std::system(command.c_str()), 0);
    for (const std::string number : {"11", "13", "16", "19"}) {
        const auto import = [&](const std::string& name) {
            return import_weights(folder / name, with_small_classifier(number), {}).network;
        };
        const Network folded = import("vgg" + number + "_bn.pth"), plain = import("vgg" + number + ".pth");
        for (size_t l = 0; l < plain.layers.size(); ++l)
            EXPECT_LT(difference(folded.layers[l], plain.layers[l]), 1e-6)
                << "vgg" << number << ": " << plain.layers[l].name;
    }
}

}  // namespace
}  // namespace spikelens
