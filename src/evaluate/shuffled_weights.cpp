#include <algorithm>
#include <string>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/evaluate/robustness.h"

namespace spikelens {
namespace {

void shuffle(FloatArray& weight, size_t layer, WeightDraw which, uint64_t seed) {
    const FloatArray old = weight;
    for (int64_t output = 0; output < (weight.empty() ? 0 : weight.extent(0)); ++output) {
        const auto order = random_permutation(weight.row_size(), seed, Stream::initial_weights,
                                              {layer, static_cast<uint64_t>(which), static_cast<uint64_t>(output)});
        const auto from = old.row(output);
        std::ranges::transform(order, weight.row(output).begin(), [&](int64_t input) { return from[input]; });
    }
}

void shuffle_weights(Network& network, size_t l, uint64_t seed) {
    shuffle(network.layers[l].weight, l, WeightDraw::new_order, seed);
    shuffle(network.layers[l].recurrence.weight, l, WeightDraw::new_recurrent_order, seed);
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
    const auto weighted = std::ranges::count_if(network.layers, [](const Layer& layer) { return layer.weighted(); });
    if (layers < 1 || layers > weighted)
        throw InputError("the weights of 1 to " + std::to_string(weighted) + " last layers can be drawn anew, not of " +
                         std::to_string(layers));
    Network result = network;
    for (size_t l = network.layers.size(); l-- > 0 && layers > 0;) {
        if (!network.layers[l].weighted()) continue;
        shuffle_weights(result, l, seed);
        --layers;
    }
    return result;
}

}  // namespace spikelens
