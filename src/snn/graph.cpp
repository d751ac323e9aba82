#include "graph.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <optional>

#include "spikelens/core/error.h"

namespace spikelens {
namespace {

std::string name_of(const Network& network, int input) {
    return input == kNetworkInput ? "the network's input" : network.layers[input].name;
}

Shape shape_of(const Network& network, int input) {
    return input == kNetworkInput ? network.input_shape() : network.layers[input].pooled_shape();
}

std::string inputs_text(const Network& network, const Layer& layer) {
    std::string text;
    for (const int input : layer.inputs)
        text +=
            (text.empty() ? "" : " and ") + shape_text(shape_of(network, input)) + " (" + name_of(network, input) + ")";
    return text;
}

std::string wrong_number(const Layer& layer) {
    const size_t count = layer.inputs.size();
    const auto needs = [&](const char* number) {
        return "has " + std::to_string(count) + " inputs where " + number + " expected";
    };
    switch (layer.kind) {
        case LayerKind::conv:
        case LayerKind::full:
        case LayerKind::pass:
        case LayerKind::norm:
            return count == 1 ? "" : needs("one was");
        case LayerKind::except:
            return count == 2 ? "" : needs("two were");
        default:
            return count >= 2 ? "" : needs("two or more were");
    }
}

/// How many windows fit; 0 for none.
int windows(int extent, int size, int stride) { return extent < size ? 0 : (extent - size) / stride + 1; }

/// Of a pool along one side.
int pooled(int extent, int size, int stride, int padding, bool ceil) {
    const int within = windows(extent + 2 * padding, size, stride);
    const bool reaches = within > 0 && ceil && (within - 1) * stride + size < extent + 2 * padding;
    return within + (reaches && within * stride < extent + padding ? 1 : 0);
}

int reach(int kernel, int dilation) { return (kernel - 1) * dilation + 1; }

}  // namespace

JoinedInput joined_input(const Network& network, size_t index) {
    const Layer& layer = network.layers[index];
    if (std::string fault = wrong_number(layer); !fault.empty()) return {{}, fault};
    for (const int input : layer.inputs) {
        if (input < kNetworkInput || input >= static_cast<int>(index))
            return {{}, "reads layer number " + std::to_string(input + 1) + ", which does not stand before it"};
        if (input == kNetworkInput && !layer.weighted())
            return {{}, "reads the network's input; only convolutions and fully connected layers do"};
    }
    Shape shape = shape_of(network, layer.inputs[0]);
    for (size_t i = 1; i < layer.inputs.size(); ++i) {
        const Shape next = shape_of(network, layer.inputs[i]);
        const bool concat = layer.kind == LayerKind::concat;
        const bool fits = concat ? next[1] == shape[1] && next[2] == shape[2] : next == shape;
        if (!fits)
            return {{},
                    "joins " + inputs_text(network, layer) + "; expected " + (concat ? "rows and columns" : "shapes") +
                        " that are equal"};
        if (concat) shape[0] += next[0];
    }
    return {shape, ""};
}

bool set_sizes(Layer& layer) {
    if (layer.kind == LayerKind::conv) {
        layer.out_height =
            windows(layer.in_height + 2 * layer.padding, reach(layer.kernel, layer.dilation), layer.stride);
        layer.out_width = windows(layer.in_width + 2 * layer.padding_columns(),
                                  reach(layer.kernel_columns(), layer.dilation_columns()), layer.stride_columns());
    } else {
        const bool full = layer.kind == LayerKind::full;
        if (!full) layer.out_channels = layer.in_channels;
        layer.out_height = full ? 1 : layer.in_height;
        layer.out_width = full ? 1 : layer.in_width;
    }
    const Pool& pool = layer.pool;
    const bool pools = pool.kind != PoolKind::none;
    layer.pooled_height =
        pools ? pooled(layer.out_height, pool.size, pool.stride, pool.padding, pool.ceil) : layer.out_height;
    layer.pooled_width =
        pools ? pooled(layer.out_width, pool.columns(), pool.stride_columns(), pool.padding_columns(), pool.ceil)
              : layer.out_width;
    return layer.pooled_height > 0 && layer.pooled_width > 0;
}

namespace {

constexpr Signal kCurrents{true, 1, 1};
constexpr Signal kTooMany{false, 1, kMostWhole + 1};

/// The inputs' whole numbers joined, counted in one unit. No divisor is above its largest number.
Signal joined_numbers(const Layer& layer, std::span<const Signal> before) {
    Signal signal{false, 1, 0};
    for (const int input : layer.inputs) {
        signal.divisor = std::lcm(signal.divisor, before[input].divisor);
        if (signal.divisor > kMostWhole) return kTooMany;
    }
    for (const int input : layer.inputs) {
        const int64_t most = before[input].most * (signal.divisor / before[input].divisor);
        signal.most = layer.kind == LayerKind::add ? signal.most + most : std::max(signal.most, most);
    }
    return signal;
}

}  // namespace

Signal signal_before_pool(const Layer& layer, std::span<const Signal> before) {
    if (layer.neuron) return {};
    const bool currents =
        std::ranges::any_of(layer.inputs, [&](int input) { return input != kNetworkInput && before[input].currents; });
    if (layer.weighted() || layer.kind == LayerKind::norm || currents) return kCurrents;
    return layer.kind == LayerKind::both || layer.kind == LayerKind::except ? Signal{} : joined_numbers(layer, before);
}

Signal signal_after(const Layer& layer, std::span<const Signal> before) {
    Signal signal = signal_before_pool(layer, before);
    if (signal.currents) return signal;
    if (layer.pool.kind == PoolKind::average) signal.divisor *= layer.pool.area();
    if (layer.pool.kind == PoolKind::average || layer.pool.kind == PoolKind::sum) signal.most *= layer.pool.area();
    return signal.most > kMostWhole ? kTooMany : signal;
}

int planes_of(const Signal& signal) { return std::bit_width(static_cast<uint64_t>(signal.most)); }

std::string signal_fault(const Network& network, size_t index, std::span<const Signal> before) {
    const Layer& layer = network.layers[index];
    for (const int input : layer.inputs) {
        if (input == kNetworkInput) continue;
        if (layer.weighted() && before[input].currents)
            return "reads the currents of " + name_of(network, input) + ", which needs a neuron (LIF or IF) after it";
        const bool logic = layer.kind == LayerKind::both || layer.kind == LayerKind::except;
        if (logic && (before[input].currents || before[input].most > 1 || before[input].divisor > 1))
            return "reads " + std::string(before[input].currents ? "currents" : "numbers of spikes") + " of " +
                   name_of(network, input) + "; '" + std::string(kLayerWords[static_cast<size_t>(layer.kind)]) +
                   "' takes spikes alone";
    }
    if (const Signal signal = signal_after(layer, before); signal.most > kMostWhole)
        return "sends sums of more than " + std::to_string(kMostWhole) + " spikes; expected no more";
    return "";
}

std::vector<Signal> signals(const Network& network) {
    std::vector<Signal> result;
    for (const Layer& layer : network.layers) result.push_back(signal_after(layer, result));
    return result;
}

std::optional<Layer> recurrence_as_layer(const Layer& layer) {
    const Recurrence& recurrence = layer.recurrence;
    if (recurrence.kind == RecurrenceKind::none) return std::nullopt;
    Layer own;
    own.name = layer.name;
    own.in_channels = own.out_channels = layer.out_channels;
    own.in_height = own.out_height = layer.out_height;
    own.in_width = own.out_width = layer.out_width;
    own.has_bias = false;
    own.weight = recurrence.weight;
    if (recurrence.kind == RecurrenceKind::all) {
        own.kind = LayerKind::full;
        own.out_channels *= layer.out_height * layer.out_width;
        own.out_height = own.out_width = 1;
    }
    if (recurrence.kind == RecurrenceKind::one) own.groups = layer.out_channels;
    own.kernel = recurrence.kernel;
    own.padding = recurrence.kernel / 2;
    return own;
}

NormValues norm_values(const Layer& layer, int64_t step) {
    const int64_t first = step * layer.out_channels;
    return {&layer.weight.data[first], &layer.bias.data[first]};
}

std::string not_of_chain(const Network& network, size_t index) {
    const Layer& layer = network.layers[index];
    const bool last = index + 1 == network.layers.size();
    if (layer.kind == LayerKind::norm) return "normalises each step by itself";
    if (!layer.weighted()) {
        std::string from;
        for (const int input : layer.inputs) from += (from.empty() ? "" : " and ") + name_of(network, input);
        return (layer.inputs.size() > 1 ? "joins " : "passes on ") + from;
    }
    if (layer.inputs != std::vector{static_cast<int>(index) - 1}) return "reads " + name_of(network, layer.inputs[0]);
    if (!layer.neuron && !last)
        return network.layers[index + 1].kind == LayerKind::norm ? "is normalised at each step by itself"
                                                                 : "has no neuron";
    if (layer.recurrence.kind != RecurrenceKind::none) return "is recurrent";
    if (!layer.values.empty()) return "has neurons of different " + layer.values[0].field;
    if (layer.neuron && adapts(*layer.neuron, layer.values)) return "has neurons whose threshold adapts";
    if (layer.groups != 1) return "has groups of channels";
    if (layer.dilation != 1 || layer.dilation_columns() != 1) return "has a dilated kernel";
    if (layer.kernel_width > 0 || layer.stride_width > 0 || layer.padding_width >= 0)
        return "has rows and columns that differ in kernel, stride or padding";
    if (!layer.pool.plain()) return "has a pool that is not square or reaches beyond its map";
    return "";
}

bool is_chain(const Network& network) {
    for (size_t l = 0; l < network.layers.size(); ++l)
        if (!not_of_chain(network, l).empty()) return false;
    return true;
}

void require_chain(const Network& network, const std::string& who) {
    for (size_t l = 0; l < network.layers.size(); ++l) {
        const std::string why = not_of_chain(network, l);
        if (why.empty()) continue;
        std::string what = who + ": expected a chain of layers with square windows; layer ";
        what.append(network.layers[l].name).append(" ").append(why);
        throw InputError(what);
    }
}

}  // namespace spikelens
