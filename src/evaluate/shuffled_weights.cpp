#include <algorithm>
#include <string>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/evaluate/robustness.h"

namespace spikelens {
namespace {

// Keeps these draws apart from the first weights', whose addresses go on with 0 (weight) or 1 (bias).
constexpr uint64_t new_order = 2;

void shuffle_weights(Network& network, size_t l, uint64_t seed) {
    FloatArray& weight = network.layers[l].weight;
    const FloatArray old = weight;
    for (int64_t output = 0; output < weight.extent(0); ++output) {
        const auto order =
            random_permutation(weight.row_size(), seed, Stream::initial_weights, {l, new_order, static_cast<uint64_t>(output)});
        const auto from = old.row(output);
        std::ranges::transform(order, weight.row(output).begin(), [&](int64_t input) { return from[input]; });
    }
}

}  // namespace

Network randomise_full(const Network& network, uint64_t seed) {
    Network result = network;
    bool any = false;
    for (size_t l = 0; l < network.layers.size(); ++l) {
        if (network.layers[l].kind != LayerKind::full) continue;
        shuffle_weights(result, l, seed);
        any = true;
    }
    if (!any) throw InputError("the network has no fully connected layer whose weights could be drawn anew");
    return result;
}

Network randomise_last(const Network& network, int layers, uint64_t seed) {
    if (layers < 1 || layers > static_cast<int64_t>(network.layers.size()))
        throw InputError("the weights of 1 to " + std::to_string(network.layers.size()) +
                         " last layers can be drawn anew, not of " + std::to_string(layers));
    Network result = network;
    for (size_t l = network.layers.size() - layers; l < network.layers.size(); ++l) shuffle_weights(result, l, seed);
    return result;
}

}  // namespace spikelens
