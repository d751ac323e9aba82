#include "backflow.h"

#include <cassert>
#include <span>

#include "spikelens/core/error.h"

#include "snn/graph.h"

namespace spikelens {

void Backflow::add(int to, std::vector<float> values) {
    std::vector<float>& sum = flows_[to + 1];
    if (sum.empty()) {
        sum = std::move(values);
        return;
    }
    assert(sum.size() == values.size());
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += values[i];
}

namespace {

/// The channels of each input, step by step.
void hand_on_channels(const Network& network, const Layer& layer, std::span<const float> values, Backflow& back) {
    int64_t first = 0;
    for (const int input : layer.inputs) {
        const int64_t size = element_count(network.layers[input].pooled_shape());
        std::vector<float> part;
        for (int64_t at = first; at < static_cast<int64_t>(values.size()); at += element_count(layer.output_shape())) {
            const auto step = values.subspan(at, size);
            part.insert(part.end(), step.begin(), step.end());
        }
        back.add(input, std::move(part));
        first += size;
    }
}

}  // namespace

void hand_on(const Network& network, int layer, const std::vector<float>& values, const PartOfInput& part,
             Backflow& back) {
    const Layer& of = network.layers[layer];
    if (of.kind == LayerKind::concat) return hand_on_channels(network, of, values, back);
    const bool parts = of.kind == LayerKind::both || of.kind == LayerKind::except || of.kind == LayerKind::norm;
    for (size_t i = 0; i < of.inputs.size(); ++i) {
        std::vector<float> to = values;
        for (size_t j = 0; parts && j < to.size(); ++j) to[j] *= part(i, j);
        back.add(of.inputs[i], std::move(to));
    }
}

PartOfInput part_at_each_step(const Network& network, int layer, LayerValues& values) {
    const Layer& of = network.layers[layer];
    if (of.kind == LayerKind::norm)
        return
            [&of, first = values.first_step(), pixels = int64_t{of.out_height} * of.out_width](size_t, size_t index) {
                const int64_t row = static_cast<int64_t>(index) / pixels;
                return norm_values(of, first + row / of.out_channels).factor[row % of.out_channels];
            };
    return [&values, &of](size_t input, size_t index) {
        if (of.kind == LayerKind::except) return input == 0 && values.sent(of.inputs[1])[index] == 0 ? 1.0F : 0.0F;
        for (const int each : of.inputs)
            if (values.sent(each)[index] == 0) return 0.0F;
        return 1.0F / static_cast<float>(of.inputs.size());
    };
}

std::vector<bool> layers_with_numbers(const Network& network) {
    const std::vector<Signal> sent = signals(network);
    std::vector<bool> numbers;
    for (const Layer& layer : network.layers) numbers.push_back(!signal_before_pool(layer, sent).currents);
    return numbers;
}

void require_no_recurrence(const Network& network, const std::string& who, const std::string& why) {
    for (const Layer& layer : network.layers)
        if (layer.recurrence.kind != RecurrenceKind::none)
            throw InputError(
                std::string(who).append(": layer ").append(layer.name).append(" is recurrent, and ").append(why));
}

void require_no_norms(const Network& network, const std::string& who, const std::string& why) {
    for (const Layer& layer : network.layers)
        if (layer.kind == LayerKind::norm)
            throw InputError(std::string(who)
                                 .append(": layer ")
                                 .append(layer.name)
                                 .append(" normalises each step by itself, and ")
                                 .append(why));
}

void require_fixed_thresholds(const Network& network, const std::string& who) {
    for (const Layer& layer : network.layers)
        if (layer.neuron && adapts(*layer.neuron, layer.values))
            throw InputError(
                who + ": the threshold of layer " + layer.name +
                " adapts, and what a spike owes to the spikes that raised it is not defined; gradients have it");
}

LayerNeurons::LayerNeurons(const Layer& layer) {
    const int64_t pixels = int64_t{layer.out_height} * layer.out_width;
    const int64_t count = layer.values.empty() ? 1 : layer.out_channels * pixels;
    for (int64_t i = 0; i < count; ++i)
        neurons_.push_back(neuron_at(*layer.neuron, layer.values, i / pixels, i % pixels, pixels));
}

}  // namespace spikelens
