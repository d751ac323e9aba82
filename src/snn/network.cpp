#include "spikelens/snn/network.h"

#include <algorithm>
#include <cmath>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"

#include "graph.h"

namespace spikelens {
namespace {

void require(bool condition, const std::string& where, const Layer& layer, const std::string& what) {
    if (!condition) throw InputError(where + ": layer " + layer.name + " " + what);
}

void check_values(const FloatArray& values, const std::string& where, const Layer& layer, const std::string& name) {
    const bool finite = std::ranges::all_of(values.data, [](float value) { return std::isfinite(value); });
    require(finite, where, layer, name + " holds a value that is not finite");
}

void check_shape(const FloatArray& values, const Shape& expected, const std::string& where, const Layer& layer,
                 const std::string& name) {
    require(expected.empty() ? values.empty() : values.shape == expected, where, layer,
            "has " + name + " " + shape_text(values.shape) + " where " +
                (expected.empty() ? "none" : shape_text(expected)) + (name == "weights" ? " were" : " was") +
                " expected");
    check_values(values, where, layer, name == "weights" ? "weight" : name);
}

void check_windows(const Layer& layer, const std::string& where) {
    const bool conv = layer.kind == LayerKind::conv;
    const bool windows = std::min({layer.kernel, layer.kernel_columns(), layer.stride, layer.stride_columns(),
                                   layer.dilation, layer.dilation_columns(), layer.pool.size, layer.pool.columns(),
                                   layer.pool.stride, layer.pool.stride_columns(), layer.groups}) >= 1 &&
                         std::min({layer.padding, layer.padding_columns(), layer.pool.padding}) >= 0;
    require(windows, where, layer, "has a kernel, stride, dilation, pool or padding below what there can be");
    const Pool& pool = layer.pool;
    require(2 * pool.padding <= pool.size && 2 * pool.padding_columns() <= pool.columns(), where, layer,
            "has a pool with a padding above half its size");
    require(!pool.ceil || pool.kind == PoolKind::max || pool.kind == PoolKind::sum, where, layer,
            "has a pool that counts windows beyond its map; expected a maximum or a sum, since averages would differ "
            "in their size");
    require(conv || layer.groups == 1, where, layer, "has groups of channels, which only convolutions have");
    require(layer.in_channels % layer.groups == 0 && layer.out_channels % layer.groups == 0, where, layer,
            "has " + std::to_string(layer.groups) + " groups, which do not divide " +
                std::to_string(layer.in_channels) + " inputs and " + std::to_string(layer.out_channels) + " outputs");
    Layer sized = layer;
    const bool fits = set_sizes(sized);
    require(fits && sized.output_shape() == layer.output_shape() && sized.pooled_shape() == layer.pooled_shape(), where,
            layer,
            "gives " + shape_text(layer.output_shape()) + " and " + shape_text(layer.pooled_shape()) +
                " after its pool where its windows give " + shape_text(sized.output_shape()) + " and " +
                shape_text(sized.pooled_shape()));
}

void check_recurrence(const Layer& layer, const std::string& where) {
    const Recurrence& recurrence = layer.recurrence;
    check_shape(recurrence.weight, layer.recurrent_shape(), where, layer, "recurrent weights");
    if (recurrence.kind == RecurrenceKind::none) return;
    require(layer.weighted() && layer.neuron, where, layer, "is recurrent; expected weights and a neuron");
    require(recurrence.kind != RecurrenceKind::conv || (layer.kind == LayerKind::conv && recurrence.kernel % 2 == 1),
            where, layer, "has a recurrent convolution; expected a kernel of an odd size, in a convolution layer");
}

void check_layer(const Layer& layer, bool last, const std::string& where) {
    check_shape(layer.weight, layer.weight_shape(), where, layer, "weights");
    check_shape(layer.bias, layer.bias_shape(), where, layer, "bias");
    require(layer.weighted() || layer.has_bias == (layer.kind == LayerKind::norm), where, layer,
            layer.has_bias ? "has a bias and no weights" : "has no terms");
    require((layer.steps > 0) == (layer.kind == LayerKind::norm), where, layer,
            "has values for " + std::to_string(layer.steps) +
                " steps; expected 1 or more of a normalisation, and of others 0");
    check_recurrence(layer, where);
    if (layer.neuron) check_neuron(*layer.neuron, where + ": layer " + layer.name, layer.values);
    check_neuron_values(layer.values, layer.output_shape(), where + ": layer " + layer.name);
    require(layer.neuron || layer.values.empty(), where, layer, "has values of a neuron and no neuron");
    require(layer.readout_beta >= 0 && layer.readout_beta <= 1, where, layer, "has a readout_beta outside [0, 1]");
    require(layer.readout_alpha >= 0 && layer.readout_alpha < 1, where, layer, "has a readout_alpha outside [0, 1)");
    require(!layer.neuron || !layer.leaks(), where, layer, "has a neuron and a leaky readout; expected one of them");
    require(last || !layer.leaks(), where, layer, "has a leaky readout; only the last layer may have one");
    require(!last || layer.pool.kind == PoolKind::none, where, layer,
            "is the last and has a pool; expected a readout after it");
    require(last || layer.kind != LayerKind::pass || layer.neuron || layer.pool.kind != PoolKind::none, where, layer,
            "has neither a neuron nor a pool: it does nothing");
}

/// Every layer but the last is read.
void check_readers(const Network& network, const std::string& where) {
    std::vector<bool> read(network.layers.size());
    for (const Layer& layer : network.layers)
        for (const int input : layer.inputs)
            if (input != kNetworkInput) read[input] = true;
    for (size_t l = 0; l + 1 < read.size(); ++l)
        require(read[l], where, network.layers[l], "is read by no layer after it");
}

}  // namespace

std::vector<double> kept_by_readout(const Layer& readout, int64_t steps) {
    std::vector<double> kept(steps);
    double potential = 1, current = 1;
    for (int64_t t = steps; t-- > 0; potential = double{readout.readout_beta} * potential + current) {
        kept[t] = potential;
        current *= double{readout.readout_alpha};
    }
    return kept;
}

int64_t Layer::fan_in() const {
    if (!weighted()) return 0;
    return kind == LayerKind::conv ? int64_t{in_channels} / groups * kernel * kernel_columns()
                                   : int64_t{in_channels} * in_height * in_width;
}

Shape Layer::weight_shape() const {
    if (kind == LayerKind::norm) return {steps, out_channels};
    if (!weighted()) return {};
    if (kind == LayerKind::full) return {out_channels, fan_in()};
    return {out_channels, in_channels / groups, kernel, kernel_columns()};
}

Shape Layer::bias_shape() const {
    if (kind == LayerKind::norm) return {steps, out_channels};
    return has_bias ? Shape{out_channels} : Shape{};
}

Shape Layer::recurrent_shape() const {
    const int64_t neurons = int64_t{out_channels} * out_height * out_width;
    switch (recurrence.kind) {
        case RecurrenceKind::none:
            return {};
        case RecurrenceKind::all:
            return {neurons, neurons};
        case RecurrenceKind::one:
            return {out_channels};
        case RecurrenceKind::conv:
            return {out_channels, out_channels, recurrence.kernel, recurrence.kernel};
    }
    return {};
}

void initialise_weights(Network& network, uint64_t seed) {
    for (size_t l = 0; l < network.layers.size(); ++l) {
        Layer& layer = network.layers[l];
        if (!layer.weighted()) continue;
        const auto fill = [&](FloatArray& values, WeightDraw which, double fan_in) {
            const double bound = 1.0 / std::sqrt(fan_in);
            for (int64_t i = 0; i < values.size(); ++i) {
                const double u = random_uniform(seed, Stream::initial_weights,
                                                {l, static_cast<uint64_t>(which), static_cast<uint64_t>(i)});
                values.data[i] = static_cast<float>(bound * (2 * u - 1));
            }
        };
        fill(layer.weight, WeightDraw::weight, static_cast<double>(layer.fan_in()));
        fill(layer.bias, WeightDraw::bias, static_cast<double>(layer.fan_in()));
        FloatArray& recurrent = layer.recurrence.weight;
        if (!recurrent.empty()) fill(recurrent, WeightDraw::recurrent, static_cast<double>(recurrent.row_size()));
    }
}

void check_steps(const Network& network, int64_t steps) {
    for (const Layer& layer : network.layers)
        if (layer.steps > 0 && layer.steps != steps)
            throw InputError("layer " + layer.name + " normalises each of " + std::to_string(layer.steps) +
                             " steps by itself, but the input has " + std::to_string(steps) +
                             "; expected the same number");
}

void check_network(const Network& network, const std::string& where) {
    if (network.layers.empty()) throw InputError(where + ": the network has no layers");
    if (network.layers.size() > kMostLayers)
        throw InputError(where + ": a network has at most " + std::to_string(kMostLayers) + " layers");
    if (network.steps < 1 || network.steps > 65535) throw InputError(where + ": a network runs for 1 to 65535 steps");
    std::vector<Signal> sent;
    for (size_t l = 0; l < network.layers.size(); ++l) {
        const Layer& layer = network.layers[l];
        const JoinedInput input = joined_input(network, l);
        require(input.fault.empty(), where, layer, input.fault);
        require(layer.input_shape() == input.shape, where, layer,
                "expects input " + shape_text(layer.input_shape()) + " but receives " + shape_text(input.shape));
        check_windows(layer, where);
        check_layer(layer, l + 1 == network.layers.size(), where);
        const std::string fault = signal_fault(network, l, sent);
        require(fault.empty(), where, layer, fault);
        sent.push_back(signal_after(layer, sent));
    }
    check_readers(network, where);
    for (const Layer& layer : network.layers)
        require(layer.steps == 0 || layer.steps == network.steps, where, layer,
                "normalises each of " + std::to_string(layer.steps) + " steps by itself, but the network runs for " +
                    std::to_string(network.steps) + "; expected the same number");
    const Layer& last = network.layers.back();
    require(last.out_height == 1 && last.out_width == 1, where, last,
            "gives " + shape_text(last.output_shape()) + "; the last layer must give one number per class");
    require(!last.leaks() || sent.back().currents, where, last, "has a leaky readout of spikes; expected currents");
    if (!network.classes.empty() && static_cast<int64_t>(network.classes.size()) != network.class_count())
        throw InputError(where + ": " + std::to_string(network.classes.size()) + " class names for " +
                         std::to_string(network.class_count()) + " outputs");
}

namespace {

/// Whether a layer's outputs come from convolutions, with no fully connected layer between.
std::vector<bool> come_from_convolutions(const Network& network) {
    std::vector<bool> result;
    for (const Layer& layer : network.layers) {
        bool from = layer.kind == LayerKind::conv;
        if (!layer.weighted())
            from =
                std::ranges::all_of(layer.inputs, [&](int input) { return input != kNetworkInput && result[input]; });
        result.push_back(from);
    }
    return result;
}

}  // namespace

std::vector<FilterIndex> response_filters(const Network& network) {
    const bool has_conv =
        std::ranges::any_of(network.layers, [](const Layer& layer) { return layer.kind == LayerKind::conv; });
    const std::vector<bool> filters_of_maps = come_from_convolutions(network);
    std::vector<FilterIndex> filters;
    for (int l = 0; l < static_cast<int>(network.layers.size()); ++l) {
        const Layer& layer = network.layers[l];
        const bool counted =
            layer.neuron && (has_conv ? filters_of_maps[l] : l + 1 < static_cast<int>(network.layers.size()));
        for (int f = 0; counted && f < layer.out_channels; ++f) filters.push_back({l, f});
    }
    return filters;
}

std::string filter_name(const Network& network, FilterIndex filter) {
    return network.layers.at(filter.layer).name + "." + std::to_string(filter.filter);
}

int64_t parameter_count(const Network& network) {
    int64_t count = 0;
    for (const Layer& layer : network.layers)
        count += layer.weight.size() + layer.bias.size() + layer.recurrence.weight.size();
    return count;
}

}  // namespace spikelens
