#include "nir_layers.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "spikelens/core/error.h"

#include "nir_finish.h"
#include "nir_input.h"
#include "nir_neuron.h"

namespace spikelens {
namespace {

constexpr int64_t kMostWeights = int64_t{1} << 27;
constexpr int64_t kMostNeurons = int64_t{1} << 25;  ///< of a layer

/// A pool or a scale of what weights read, which becomes part of them.
struct InputStep {
    const NirNode* node = nullptr;
    std::optional<Pool> pool;
    NirSpread scale;  ///< of what the step reads
    NirShape read;    ///< the shape of that
};

/// What a node gives.
struct Signal {
    int layer = kNetworkInput;  ///< that sends it
    NirShape shape;
    std::vector<InputStep> steps;  ///< what happens to it after the layer
    bool open = false;             ///< nothing else reads the layer: neurons and pools become part of it
    std::string from;              ///< the node
};

class LayerBuilder {
  public:
    LayerBuilder(const NirRules& rules, const std::string& where)
        : rules_(rules), where_(where), result_(rules, where) {}

    void start(const NirStep& step, const NirInput& input) {
        result_.start(input);
        signals_[step.node->name] = {kNetworkInput, input.shape, {}, false, step.node->name};
    }

    void add(const NirStep& step) {
        const NirNodeReader reader(*step.node, where_);
        using Act = void (LayerBuilder::*)(const NirNodeReader&, Signal&);
        static const std::map<std::string, Act> acts = {
            {"Output", &LayerBuilder::output},    {"Conv1d", &LayerBuilder::conv},
            {"Conv2d", &LayerBuilder::conv},      {"Affine", &LayerBuilder::full},
            {"Linear", &LayerBuilder::full},      {"SumPool2d", &LayerBuilder::pool},
            {"AvgPool2d", &LayerBuilder::pool},   {"Flatten", &LayerBuilder::flatten},
            {"Scale", &LayerBuilder::scale},      {"IF", &LayerBuilder::neuron},
            {"LIF", &LayerBuilder::neuron},       {"CubaLIF", &LayerBuilder::neuron},
            {"Threshold", &LayerBuilder::neuron}, {"LI", &LayerBuilder::readout},
            {"CubaLI", &LayerBuilder::readout},   {"I", &LayerBuilder::readout}};
        const auto act = acts.find(step.node->type);
        if (step.node->type == "Delay")
            reader.fail("delays its input; layers here pass on spikes in the step they are fired in");
        if (act == acts.end()) reader.fail("is of a type that is not supported");
        Signal signal = read(reader, step.inputs);
        check_nir_parameters(reader);
        check_nir_input(reader, signal.shape.axes);
        const bool harmless = step.node->type == "Output" || step.node->type == "Flatten";
        if (ended_ && !harmless) reader.fail(fmt::format("follows the readout '{}', which must be the last", *ended_));
        recurrent_ = step.recurrent;
        (this->*act->second)(reader, signal);
        signal.open = signal.open && step.readers == 1;
        signal.from = step.node->name;
        signals_[step.node->name] = std::move(signal);
    }

    ImportedNetwork finish(const std::string& output) {
        const Signal& signal = signals_.at(output);
        if (!signal.steps.empty()) NirNodeReader(*signal.steps.front().node, where_).fail("has no weights after it");
        if (signal.layer == kNetworkInput) throw InputError(where_ + ": the graph has no weights");
        return result_.finish(signal.shape.axes, ended_.has_value());
    }

  private:
    NirLayer& layer(const Signal& signal) { return result_.layers[signal.layer]; }

    // ---- what a node reads
    // -------------------------------------------------------------------------------------------------

    Signal read(const NirNodeReader& reader, const std::vector<std::string>& inputs) {
        if (inputs.size() == 1) return signals_.at(inputs[0]);
        NirLayer sum;
        sum.layer.kind = LayerKind::add;
        sum.currents = false;
        const Signal& first = signals_.at(inputs[0]);
        for (const std::string& input : inputs) {
            const Signal& signal = signals_.at(input);
            if (signal.layer == kNetworkInput)
                reader.fail(fmt::format("adds what '{}' gives, but only weights read the network's input", input));
            if (!signal.steps.empty())
                reader.fail(
                    fmt::format("adds what '{}' scales; a scale is part of the weights or of the neuron after it",
                                signal.steps.back().node->name));
            if (signal.shape.axes != first.shape.axes)
                reader.fail(fmt::format("adds {} of '{}' and {} of '{}'; expected equal shapes",
                                        shape_text(first.shape.axes), first.from, shape_text(signal.shape.axes),
                                        input));
            sum.layer.inputs.push_back(signal.layer);
            sum.currents = sum.currents || layer(signal).currents;
        }
        return place(std::move(sum), first.shape, quoted_names(inputs, " + "));
    }

    /// Makes it the network's next layer.
    Signal place(NirLayer layer, NirShape shape, const std::string& from) {
        Layer& sizes = layer.layer;
        if (!sizes.weighted())
            sizes.in_channels = shape.channels, sizes.in_height = shape.height, sizes.in_width = shape.width;
        set_sizes(sizes);
        shape.channels = sizes.out_channels;
        shape.height = sizes.pooled_height;
        shape.width = sizes.pooled_width;
        result_.layers.push_back(std::move(layer));
        return {static_cast<int>(result_.layers.size()) - 1, std::move(shape), {}, true, from};
    }

    /// A layer that only fires or pools what another sends.
    Signal pass_on(const NirNodeReader& reader, const Signal& signal) {
        if (signal.layer == kNetworkInput) reader.fail("has no weights before it");
        NirLayer pass;
        pass.layer.kind = LayerKind::pass;
        pass.layer.inputs = {signal.layer};
        pass.currents = layer(signal).currents;
        return place(std::move(pass), signal.shape, signal.from);
    }

    // ---- weights
    // -----------------------------------------------------------------------------------------------------------

    void conv(const NirNodeReader& reader, Signal& signal) {
        weights(reader, read_conv(reader, rules_, signal.shape), signal);
    }
    void full(const NirNodeReader& reader, Signal& signal) {
        weights(reader, read_full(reader, rules_, signal.shape), signal);
    }

    void weights(const NirNodeReader& reader, NirLayer read, Signal& signal) {
        if (signal.layer != kNetworkInput && layer(signal).currents)
            reader.fail(fmt::format(
                "follows the weights of '{}' without a neuron between them; only the last weights may be without",
                signal.from));
        std::for_each(signal.steps.rbegin(), signal.steps.rend(),
                      [&](const InputStep& step) { fold(reader, step, read); });
        read.layer.inputs = {signal.layer};
        NirShape shape;
        shape.axes.resize(read.layer.kind == LayerKind::full ? 1 : signal.shape.axes.size());
        signal = place(std::move(read), shape, reader.node().name);
        set_axes(signal.shape);
        if (signal.shape.elements() > kMostNeurons)
            reader.fail("gives too large a signal: " + shape_text(signal.shape.axes));
    }

    static void set_axes(NirShape& shape) {
        if (shape.axes.size() == 1) shape.axes = {shape.elements()};
        if (shape.axes.size() == 2) shape.axes = {shape.channels, shape.width};
        if (shape.axes.size() == 3) shape.axes = {shape.channels, shape.height, shape.width};
    }

    /// Steps before weights become part of them, the nearest first.
    void fold(const NirNodeReader& reader, const InputStep& step, NirLayer& weights) const {
        weights.notes.push_back(fmt::format("'{}' folded in", step.node->name));
        const Layer& layer = weights.layer;
        if (!step.pool) {
            NirSpread scale = step.scale;
            const int64_t elements = step.read.elements();
            if (layer.kind == LayerKind::full) scale.values.resize(elements, scale.at(0));
            const auto by_channel = channel_values(scale, step.read.channels, elements);
            if (layer.kind == LayerKind::conv && !by_channel)
                NirNodeReader(*step.node, where_)
                    .fail("has a scale that differs inside a channel that a convolution reads");
            return scale_inputs(weights, layer.kind == LayerKind::full ? scale.values : *by_channel);
        }
        const Pool& pool = *step.pool;
        const bool conv = layer.kind == LayerKind::conv;
        const int64_t rows =
            conv ? pool.size + int64_t{layer.kernel - 1} * layer.dilation * pool.stride : step.read.height;
        const int64_t columns = conv ? pool.columns() + int64_t{layer.kernel_columns() - 1} * layer.dilation_columns() *
                                                            pool.stride_columns()
                                     : step.read.width;
        const int64_t stride =
            std::max(int64_t{layer.stride} * pool.stride, int64_t{layer.stride_columns()} * pool.stride_columns());
        if ((conv && std::max({rows, columns, stride}) > kLargestNirKernel) ||
            layer.in_channels / layer.groups * rows * columns > kMostWeights / layer.out_channels)
            reader.fail(fmt::format("makes too large a layer together with the pool '{}'", step.node->name));
        if (!fold_pool_before(weights, pool, step.read.height, step.read.width))
            reader.fail(
                fmt::format("pads what the pool '{}' gives, in a way that no single convolution can", step.node->name));
    }

    // ---- what follows weights
    // ----------------------------------------------------------------------------------------------

    void pool(const NirNodeReader& reader, Signal& signal) {
        const Pool pool = read_pool(reader, signal.shape);
        if (signal.layer == kNetworkInput || !signal.steps.empty()) {
            if (pool.pads()) reader.fail("pads, and is a pool of the network's input, which is folded into weights");
            signal.steps.push_back({&reader.node(), pool, {}, signal.shape});
        } else {
            if (!signal.open || layer(signal).layer.pool.kind != PoolKind::none) signal = pass_on(reader, signal);
            layer(signal).layer.pool = pool;
            set_sizes(layer(signal).layer);
        }
        signal.shape.height = (signal.shape.height + 2 * pool.padding - pool.size) / pool.stride + 1;
        signal.shape.width =
            (signal.shape.width + 2 * pool.padding_columns() - pool.columns()) / pool.stride_columns() + 1;
        set_axes(signal.shape);
    }

    static Pool read_pool(const NirNodeReader& reader, const NirShape& shape) {
        const NirSides size = reader.sides("kernel_size", 1, kLargestNirKernel);
        const NirSides stride = reader.sides("stride", 1, kLargestNirKernel);
        NirSides padding{0, 0};
        if (reader.node().has("padding")) padding = reader.sides("padding", 0, kLargestNirKernel);
        if (2 * padding.rows > size.rows || 2 * padding.columns > size.columns)
            reader.fail("pads by more than half its window");
        if (shape.axes.size() == 1) reader.fail("reads a flat signal, expected a map");
        if (shape.axes.size() == 2) reader.fail("reads " + shape_text(shape.axes) + ", expected [C, H, W]");
        if (size.rows > shape.height + 2 * padding.rows || size.columns > shape.width + 2 * padding.columns)
            reader.fail(fmt::format("has a window of {} by {} that does not fit into {}", size.rows, size.columns,
                                    shape_text(shape.axes)));
        Pool pool;
        pool.kind = reader.node().type == "AvgPool2d" ? PoolKind::average : PoolKind::sum;
        set_sides(pool.size, pool.width, 0, size.rows, size.columns);
        set_sides(pool.stride, pool.stride_width, 0, stride.rows, stride.columns);
        set_sides(pool.padding, pool.padding_width, -1, padding.rows, padding.columns);
        return pool;
    }

    void scale(const NirNodeReader& reader, Signal& signal) {
        const NirSpread scale = reader.spread("scale", signal.shape.axes);
        if (scale.all(1)) return;
        const std::optional<std::vector<double>> by_channel =
            channel_values(scale, signal.shape.channels, signal.shape.elements());
        const bool of_weights =
            signal.open && signal.steps.empty() && layer(signal).layer.weighted() && layer(signal).currents;
        if (of_weights && by_channel) {
            scale_outputs(layer(signal), *by_channel);
            layer(signal).notes.push_back(fmt::format("'{}' folded in", reader.node().name));
        } else {
            signal.steps.push_back({&reader.node(), std::nullopt, scale, signal.shape});
        }
    }

    void flatten(const NirNodeReader& reader, Signal& signal) {
        const auto axes = static_cast<int64_t>(signal.shape.axes.size());
        const auto axis = [&](const char* name, int64_t usual) {
            return reader.node().has(name) ? static_cast<int64_t>(reader.number(name)) : usual;
        };
        const int64_t start = axis("start_dim", 1), end = axis("end_dim", -1);
        const bool whole = (start == 0 || start == -axes) && (end == -1 || end == axes - 1);
        const bool with_batch = start == 1 && (end == -1 || end == axes);
        if (axes > 1 && !whole && !with_batch)
            reader.fail(fmt::format("flattens axes {} to {} of {}; only all of them together are supported", start, end,
                                    shape_text(signal.shape.axes)));
        if (axes > 1 && !whole)
            result_.say(
                fmt::format("Flatten '{}' was taken to count a batch axis: it begins at axis 1.", reader.node().name));
        signal.shape.axes = {signal.shape.elements()};
    }

    // ---- neurons
    // -----------------------------------------------------------------------------------------------------------

    /// The product of the scales before a node.
    NirSpread take_scales(const NirNodeReader& reader, Signal& signal) const {
        NirSpread scale{{1.0}};
        for (const InputStep& step : signal.steps) {
            if (step.pool) reader.fail("has no weights before it");
            scale.values.resize(std::max(scale.values.size(), step.scale.values.size()), scale.at(0));
            for (size_t i = 0; i < scale.values.size(); ++i) scale.values[i] *= step.scale.at(static_cast<int64_t>(i));
        }
        signal.steps.clear();
        return scale;
    }

    void neuron(const NirNodeReader& reader, Signal& signal) {
        const NirSpread scale = take_scales(reader, signal);
        const bool joins = signal.layer != kNetworkInput && signal.open && !layer(signal).layer.neuron &&
                           layer(signal).layer.pool.kind == PoolKind::none;
        if (!joins) signal = pass_on(reader, signal);
        NirLayer& to = layer(signal);
        NirNeuron read = nir_neuron(reader, rules_, signal.shape.axes, to.layer.output_shape(), scale, where_);
        add_current(reader, to, read.bias);
        if (recurrent_) recur(reader, to, signal.shape.axes);
        to.layer.neuron = read.neuron;
        to.layer.values = std::move(read.values);
        to.currents = false;
        result_.note_neuron(reader.node(), signal.layer);
    }

    void recur(const NirNodeReader& reader, NirLayer& to, const Shape& axes) {
        if (!to.layer.weighted())
            reader.fail(
                fmt::format("is recurrent through '{}', but reads no weights alone; expected one convolution or fully "
                            "connected node before it, without a pool between",
                            recurrent_->name));
        add_recurrence(to, NirNodeReader(*recurrent_, where_), rules_, axes);
        if (!rules_.own)
            result_.say(fmt::format("Spikes of '{}' come back through '{}' one step later, as NIR's readers do it.",
                                    reader.node().name, recurrent_->name));
    }

    /// What v_leak adds at every step.
    void add_current(const NirNodeReader& reader, NirLayer& to, const NirSpread& current) const {
        if (current.values.empty()) return;
        const auto by_channel = channel_values(current, to.layer.out_channels, element_count(to.layer.output_shape()));
        if (!to.layer.weighted() || !by_channel)
            reader.fail(
                "has a 'v_leak' that is not 0 and not the same in each channel of weights before it, whose bias it "
                "would be");
        if (to.bias.empty()) to.bias.assign(to.layer.out_channels, 0.0);
        for (size_t o = 0; o < to.bias.size(); ++o) to.bias[o] += (*by_channel)[o];
        to.notes.push_back(fmt::format("v_leak of '{}' added", reader.node().name));
    }

    void readout(const NirNodeReader& reader, Signal& signal) {
        if (recurrent_)
            reader.fail(fmt::format("is recurrent through '{}'; a readout sends no spikes", recurrent_->name));
        const NirSpread scale = take_scales(reader, signal);
        if (signal.layer != kNetworkInput && !layer(signal).currents)
            reader.fail("integrates spikes; expected weights before it");
        const bool joins =
            signal.layer != kNetworkInput && signal.open && layer(signal).layer.pool.kind == PoolKind::none;
        if (!joins) signal = pass_on(reader, signal);
        NirLayer& to = layer(signal);
        NirReadout read = nir_readout(reader, rules_, signal.shape.axes, where_);
        read.gain.values.resize(signal.shape.elements(), read.gain.at(0));
        for (size_t i = 0; i < read.gain.values.size(); ++i) read.gain.values[i] *= scale.at(static_cast<int64_t>(i));
        if (!read.gain.all(1)) {
            if (!to.layer.weighted() || signal.shape.elements() != to.layer.out_channels)
                reader.fail("scales what it reads, which only weights directly before it can carry");
            scale_outputs(to, read.gain.values);
            to.notes.push_back(fmt::format("scaled by the parameters of '{}'", reader.node().name));
        }
        if (!read.leak.all(0)) add_current(reader, to, read.leak);
        to.layer.readout_beta = read.beta, to.layer.readout_alpha = read.alpha;
        ended_ = reader.node().name;
        result_.note_neuron(reader.node(), signal.layer);
        const std::string alpha = read.alpha == 0 ? "" : fmt::format(" and alpha = {:.7g}", read.alpha);
        result_.say(fmt::format("'{}' is the readout: the last potential counts, with beta = {:.7g}{}.", *ended_,
                                read.beta, alpha));
    }

    void output(const NirNodeReader& reader, Signal& signal) {
        const auto shape = reader.node().values.find("shape");
        if (shape == reader.node().values.end() || shape->second.numbers.empty()) return;
        double elements = 1;
        for (const double extent : reader.numbers("shape").numbers) elements *= extent;
        if (elements != static_cast<double>(signal.shape.elements()))
            reader.fail(fmt::format("has {:g} elements, but receives {}", elements, shape_text(signal.shape.axes)));
    }

    const NirRules& rules_;
    const std::string& where_;
    NirResult result_;
    std::map<std::string, Signal> signals_;
    const NirNode* recurrent_ = nullptr;  ///< of the node in hand
    std::optional<std::string> ended_;
};

/// Whether nodes of one axis read the input.
bool reads_rows(const std::vector<NirStep>& steps) {
    return std::ranges::any_of(steps, [](const NirStep& step) { return step.node->type == "Conv1d"; });
}

}  // namespace

ImportedNetwork nir_network(const std::vector<NirStep>& steps, const NirRules& rules, const NirOptions& options,
                            const std::string& where) {
    LayerBuilder builder(rules, where);
    builder.start(steps.front(), nir_input(*steps.front().node, options, reads_rows(steps), where));
    for (size_t i = 1; i < steps.size(); ++i) builder.add(steps[i]);
    return builder.finish(steps.back().node->name);
}

}  // namespace spikelens
