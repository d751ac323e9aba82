#include <cstdio>

#include "spikelens/core/version.h"
#include "spikelens/snn/engine.h"
#include "spikelens/snn/network.h"

// Goes through both ways of running a network, so that a dependency the package forgot fails to link here.
int main() {
    spikelens::Network network = spikelens::parse_network("4C3-LIF-MP2-10F", {1, 28, 28}, 4);
    spikelens::initialise_weights(network, 1);
    const spikelens::FloatArray image({1, 1, 28, 28}, 0.5F);
    const spikelens::CpuEngine engine(network);
    const spikelens::FloatArray scores = engine.run(image).scores;
    const int target = 3;
    const spikelens::FloatArray gradient = engine.gradient(image, {&target, 1}).gradient;
    std::printf("spikelens %s: %zu scores, gradient of %zu pixels\n", spikelens::version.data(), scores.data.size(),
                gradient.data.size());
    return scores.shape == spikelens::Shape{1, 10} && gradient.shape == image.shape ? 0 : 1;
}
