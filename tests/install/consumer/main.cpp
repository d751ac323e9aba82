#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "spikelens/core/error.h"
#include "spikelens/core/samples.h"
#include "spikelens/core/version.h"
#include "spikelens/snn/engine.h"
#include "spikelens/snn/network.h"
#include "spikelens/train/train.h"

struct TwoImages : spikelens::SampleSource {
    std::vector<std::string> names = std::vector<std::string>(10, "class");
    int64_t size() const override { return 2; }
    spikelens::Shape shape() const override { return {1, 28, 28}; }
    const std::vector<std::string>& classes() const override { return names; }
    spikelens::FloatArray images(std::span<const int64_t> indices) const override {
        return spikelens::FloatArray({static_cast<int64_t>(indices.size()), 1, 28, 28}, 0.5F);
    }
    int label(int64_t index) const override { return static_cast<int>(index); }
};

/// Whether the training library was found and does its work.
static bool trains(spikelens::Network network) {
    spikelens::TrainState state;
    spikelens::TrainOptions options;
    options.epochs = 1;
    try {
        spikelens::train(network, TwoImages(), options, state, {});
    } catch (const spikelens::RunError& error) {
        std::printf("%s\n", error.what());
        return false;
    }
    return state.epochs_done == 1;
}

// Goes through both ways of running a network, so that a dependency the package forgot fails to link here, and trains:
// an argument says that this must succeed, none that it must fail, with one sentence.
int main(int argc, char**) {
    spikelens::Network network = spikelens::parse_network("4C3-LIF-MP2-10F", {1, 28, 28}, 4);
    spikelens::initialise_weights(network, 1);
    const spikelens::FloatArray image({1, 1, 28, 28}, 0.5F);
    const spikelens::CpuEngine engine(network);
    const spikelens::FloatArray scores = engine.run(image).scores;
    const int target = 3;
    const spikelens::FloatArray gradient = engine.gradient(image, {&target, 1}).gradient;
    std::printf("spikelens %s: %zu scores, gradient of %zu pixels\n", spikelens::version.data(), scores.data.size(),
                gradient.data.size());
    return scores.shape == spikelens::Shape{1, 10} && gradient.shape == image.shape && trains(network) == (argc > 1)
               ? 0
               : 1;
}
