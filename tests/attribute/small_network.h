#pragma once

#include <numeric>
#include <vector>

#include "spikelens/attribute/method.h"
#include "spikelens/core/random.h"
#include "spikelens/snn/network.h"

namespace spikelens::test {

/// A network small enough for brute force, with weights large enough that every layer spikes.
inline Network small_network(const std::string& text, const Shape& input, int steps, float scale = 3) {
    Network network = parse_network(text, input, steps);
    initialise_weights(network, 7);
    for (Layer& layer : network.layers) {
        for (float& weight : layer.weight.data) weight *= scale;
        for (float& bias : layer.bias.data) bias *= scale;
        for (size_t i = 0; layer.steps > 0 && i < layer.weight.data.size(); ++i) {
            layer.weight.data[i] = 0.5F + static_cast<float>(random_uniform(8, Stream::test, {i}));
            layer.bias.data[i] = 0.6F * static_cast<float>(random_uniform(9, Stream::test, {i})) - 0.3F;
        }
        for (NeuronValue& value : layer.values)
            for (size_t i = 0; i < value.values.data.size(); ++i)
                value.values.data[i] *= 1 - 0.3F * static_cast<float>(random_uniform(7, Stream::test, {i}));
    }
    return network;
}

inline Network two_conv_network(const Shape& input = {1, 12, 12}) {
    return small_network("4C3-LIF-MP2-6C3-LIF-MP2-12F-LIF-5F", input, 6);
}

inline FloatArray test_images(int64_t count, const Shape& shape, uint64_t seed = 1) {
    FloatArray images({count, shape[0], shape[1], shape[2]});
    for (int64_t i = 0; i < images.size(); ++i) {
        images.data[i] = static_cast<float>(random_uniform(seed, Stream::test, {static_cast<uint64_t>(i)}));
    }
    return images;
}

inline std::vector<int64_t> sample_numbers(int64_t count) {
    std::vector<int64_t> numbers(count);
    std::iota(numbers.begin(), numbers.end(), int64_t{100});
    return numbers;
}

/// Relevant filters as an interpretation would leave them: per class, rows of response_filters with equal weights, at μ
/// = 2; at μ = 1 the first of them alone.
inline RelevantFilters relevant_filters(const Network& network, const std::vector<std::vector<int>>& rows) {
    RelevantFilters relevant;
    relevant.filters = response_filters(network);
    relevant.budgets = {1, 2};
    relevant.chosen_mu = 2;
    for (const std::vector<int>& support : rows) {
        LassoPath path;
        for (double mu : relevant.budgets) {
            LassoPoint point;
            point.mu = mu;
            point.index = support;
            if (mu == 1 && support.size() > 1) point.index.resize(1);
            for (size_t i = 0; i < point.index.size(); ++i)
                point.weight.push_back(mu / static_cast<double>(point.index.size()));
            path.points.push_back(std::move(point));
        }
        relevant.classes.push_back(std::move(path));
    }
    return relevant;
}

}  // namespace spikelens::test
