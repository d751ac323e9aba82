#include "nir_layers.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "spikelens/core/error.h"

#include "nir_input.h"
#include "nir_neuron.h"
#include "nir_node.h"
#include "nir_weight_node.h"
#include "nir_weights.h"

namespace spikelens {
namespace {

constexpr int64_t most_weights = int64_t{1} << 27;
constexpr int64_t most_neurons = int64_t{1} << 25;  ///< of a layer

/// A pool or a scale between a neuron, or the input, and the weights that read it.
struct InputStep {
    NirNode node;
    std::optional<LinearPool> pool;
    std::vector<double> scale;  ///< per element of what the step reads
    int height = 0, width = 0;  ///< of what it reads
};

LinearPool read_pool(const NirNodeReader& reader) {
    LinearPool pool;
    pool.size = reader.square("kernel_size", 1, largest_nir_kernel);
    pool.stride = reader.square("stride", 1, largest_nir_kernel);
    if (reader.node().has("padding") && reader.square("padding", 0, largest_nir_kernel) != 0)
        reader.fail("pads, which is not supported for pools");
    if (reader.node().type == "AvgPool2d") pool.factor = 1.0 / (double{1} * pool.size * pool.size);
    return pool;
}

class LayerBuilder {
  public:
    LayerBuilder(const NirRules& rules, const std::string& where) : rules_(rules), where_(where) {}

    void start(const NirInput& input) {
        result_.network.channels = channels_ = input.channels;
        result_.network.height = height_ = input.height;
        result_.network.width = width_ = input.width;
        flat_ = input.flat;
    }

    void add(const NirNode& node) {
        const NirNodeReader reader(node, where_);
        static const std::map<std::string, void (LayerBuilder::*)(const NirNodeReader&)> steps = {
            {"Pass", &LayerBuilder::skip},        {"Output", &LayerBuilder::output},   {"Conv2d", &LayerBuilder::conv},
            {"Affine", &LayerBuilder::full},      {"Linear", &LayerBuilder::full},     {"SumPool2d", &LayerBuilder::pool},
            {"AvgPool2d", &LayerBuilder::pool},   {"Flatten", &LayerBuilder::flatten}, {"Scale", &LayerBuilder::scale},
            {"IF", &LayerBuilder::neuron},        {"LIF", &LayerBuilder::neuron},      {"CubaLIF", &LayerBuilder::neuron},
            {"Threshold", &LayerBuilder::neuron}, {"LI", &LayerBuilder::readout},      {"CubaLI", &LayerBuilder::readout}};
        const auto step = steps.find(node.type);
        if (step == steps.end()) reader.fail("is of a type that is not supported");
        const bool harmless = node.type == "Pass" || node.type == "Output" || node.type == "Flatten";
        check_nir_parameters(reader);
        check_nir_input(reader, signal());
        if (ended_ && !harmless) reader.fail(fmt::format("follows the readout '{}', which must be the last", *ended_));
        (this->*step->second)(reader);
    }

    ImportedNetwork finish() {
        if (!steps_.empty()) NirNodeReader(steps_.front().node, where_).fail("has no weights after it");
        if (weights_) {
            result_.assumptions.emplace_back("The last weights have no neuron: their output is summed over time without leak.");
            finish_layer(std::nullopt, 1.0F);
        }
        if (result_.network.layers.empty()) throw InputError(where_ + ": the graph has no weights");
        const Layer& last = result_.network.layers.back();
        if (last.out_height != 1 || last.out_width != 1 || last.pool.kind != PoolKind::none)
            throw InputError(fmt::format("{}: the graph must end in one number per class, but its output is {}", where_,
                                         shape_text(Shape{channels_, height_, width_})));
        say_neurons();
        return std::move(result_);
    }

  private:
    Shape signal() const {
        const int64_t elements = int64_t{channels_} * height_ * width_;
        return flat_ ? Shape{elements} : Shape{channels_, height_, width_};
    }

    void skip(const NirNodeReader&) {}

    void output(const NirNodeReader& reader) {
        const auto shape = reader.node().values.find("shape");
        if (shape == reader.node().values.end() || shape->second.numbers.empty()) return;
        double elements = 1;
        for (double extent : reader.numbers("shape").numbers) elements *= extent;
        if (elements != static_cast<double>(element_count(signal())))
            reader.fail(fmt::format("has {:g} elements, but receives {}", elements, shape_text(signal())));
    }

    void conv(const NirNodeReader& reader) { begin_weights(reader, read_conv(reader, rules_, signal())); }
    void full(const NirNodeReader& reader) { begin_weights(reader, read_full(reader, rules_, signal())); }

    void begin_weights(const NirNodeReader& reader, NirWeightNode read) {
        if (weights_)
            reader.fail(
                fmt::format("follows the weights of '{}' without a neuron between them; only the last weights may be "
                            "without",
                            weights_node_));
        weights_ = std::move(read.weights);
        tensors_ = std::move(read.tensors);
        weights_node_ = reader.node().name;
        notes_.clear();
        weights_->in_channels = channels_;  // a flat signal still has its map
        weights_->in_height = height_;
        weights_->in_width = width_;
        apply_input_steps(reader);
        channels_ = weights_->outputs;
        height_ = weights_->out_height();
        width_ = weights_->out_width();
        flat_ = weights_->kind == LayerKind::full;
        if (element_count(signal()) > most_neurons) reader.fail("gives too large a signal: " + shape_text(signal()));
    }

    /// Pools and scales before the weights become part of them, the nearest first.
    void apply_input_steps(const NirNodeReader& reader) {
        std::for_each(steps_.rbegin(), steps_.rend(), [&](const InputStep& step) {
            notes_.push_back(fmt::format("'{}' folded in", step.node.name));
            if (step.pool)
                apply_pool(reader, step);
            else
                apply_scale(step);
        });
        steps_.clear();
    }

    void apply_scale(const InputStep& step) {
        if (weights_->kind == LayerKind::full) return scale_inputs(*weights_, step.scale);
        std::vector<double> per_channel(weights_->in_channels);
        const size_t each = step.scale.size() / per_channel.size();
        for (size_t i = 0; i < step.scale.size(); ++i) {
            per_channel[i / each] = step.scale[i / each * each];
            if (step.scale[i] != per_channel[i / each])
                NirNodeReader(step.node, where_).fail("has a scale that differs inside a channel that a convolution reads");
        }
        scale_inputs(*weights_, per_channel);
    }

    void apply_pool(const NirNodeReader& reader, const InputStep& step) {
        const int64_t kernel = step.pool->size + int64_t{weights_->kernel - 1} * step.pool->stride;
        const int64_t fan_in = weights_->kind == LayerKind::conv ? weights_->in_channels * kernel * kernel
                                                                 : int64_t{weights_->in_channels} * step.height * step.width;
        check_folded(reader, step.node, weights_->kind == LayerKind::conv ? kernel : 1,
                     int64_t{weights_->stride} * step.pool->stride, fan_in);
        if (!fold_pool_before(*weights_, *step.pool, step.height, step.width))
            reader.fail(fmt::format("pads what the pool '{}' gives, in a way that no single convolution can", step.node.name));
    }

    void check_folded(const NirNodeReader& reader, const NirNode& pool, int64_t kernel, int64_t stride, int64_t fan_in) const {
        if (kernel > largest_nir_kernel || (weights_->kind == LayerKind::conv && stride > largest_nir_kernel) ||
            fan_in > most_weights / weights_->outputs)
            reader.fail(fmt::format("makes too large a layer together with the pool '{}'", pool.name));
    }

    // ---- between weights and neuron, or between neuron and weights --------------------------------------------------------

    void pool(const NirNodeReader& reader) {
        const LinearPool pool = read_pool(reader);
        if (flat_) reader.fail("reads a flat signal, expected a map");
        if (pool.size > height_ || pool.size > width_)
            reader.fail(fmt::format("has a window of {} that does not fit into {}", pool.size, shape_text(signal())));
        if (weights_)
            pool_currents(reader, pool);
        else
            pool_spikes(reader, pool);
        height_ = (height_ - pool.size) / pool.stride + 1;
        width_ = (width_ - pool.size) / pool.stride + 1;
    }

    void pool_currents(const NirNodeReader& reader, const LinearPool& pool) {
        if (weights_->kind == LayerKind::full) reader.fail("pools the output of a fully connected layer");
        const int64_t kernel = weights_->kernel + int64_t{pool.size - 1} * weights_->stride;
        check_folded(reader, reader.node(), kernel, int64_t{weights_->stride} * pool.stride,
                     weights_->in_channels * kernel * kernel);
        fold_pool_after(*weights_, pool);
        notes_.push_back(fmt::format("'{}' folded in", reader.node().name));
    }

    void pool_spikes(const NirNodeReader& reader, const LinearPool& pool) {
        if (result_.network.layers.empty() || !steps_.empty() || result_.network.layers.back().pool.kind != PoolKind::none) {
            steps_.push_back({reader.node(), pool, {}, height_, width_});
            return;
        }
        Layer& layer = result_.network.layers.back();
        layer.pool = {reader.node().type == "AvgPool2d" ? PoolKind::average : PoolKind::sum, pool.size, pool.stride};
        layer.pooled_height = (height_ - pool.size) / pool.stride + 1;
        layer.pooled_width = (width_ - pool.size) / pool.stride + 1;
    }

    void scale(const NirNodeReader& reader) {
        if (!weights_) {
            steps_.push_back({reader.node(), std::nullopt, reader.per_element("scale", signal()), height_, width_});
            return;
        }
        scale_outputs(*weights_, reader.per_output("scale", signal(), weights_->outputs));
        notes_.push_back(fmt::format("'{}' folded in", reader.node().name));
    }

    void flatten(const NirNodeReader& reader) {
        const int64_t axes = static_cast<int64_t>(signal().size());
        const auto axis = [&](const char* name, int64_t usual) {
            return reader.node().has(name) ? static_cast<int64_t>(reader.number(name)) : usual;
        };
        const int64_t start = axis("start_dim", 1), end = axis("end_dim", -1);
        const bool whole = (start == 0 || start == -axes) && (end == -1 || end == axes - 1);
        const bool with_batch = start == 1 && (end == -1 || end == axes);
        if (!flat_ && !whole && !with_batch)
            reader.fail(fmt::format("flattens axes {} to {} of {}; only all of them together are supported", start, end,
                                    shape_text(signal())));
        if (!flat_ && !whole)
            result_.assumptions.push_back(
                fmt::format("Flatten '{}' was taken to count a batch axis: it begins at axis 1.", reader.node().name));
        flat_ = true;
    }

    // ---- the end of a layer --------------------------------------------------------------------------------------------

    void require_weights(const NirNodeReader& reader) const {
        if (!weights_) reader.fail("has no weights before it");
    }

    void neuron(const NirNodeReader& reader) {
        require_weights(reader);
        const bool had_bias = weights_->has_bias;
        const std::vector<double> before = weights_->weight;
        const Neuron neuron = nir_neuron(reader, rules_, signal(), *weights_, where_);
        note_changes(reader, before, had_bias);
        neurons_.emplace_back(reader.node().name, neuron);
        finish_layer(reader, neuron, 1.0F);
    }

    void readout(const NirNodeReader& reader) {
        require_weights(reader);
        const bool had_bias = weights_->has_bias;
        const std::vector<double> before = weights_->weight;
        const float beta = nir_readout(reader, rules_, signal(), *weights_, where_);
        note_changes(reader, before, had_bias);
        finish_layer(reader, std::nullopt, beta);
        ended_ = reader.node().name;
        result_.assumptions.push_back(
            fmt::format("'{}' is the readout: the last potential counts, with beta = {:.7g}.", *ended_, beta));
    }

    void note_changes(const NirNodeReader& reader, const std::vector<double>& before, bool had_bias) {
        if (weights_->weight != before) notes_.push_back(fmt::format("scaled by the parameters of '{}'", reader.node().name));
        if (weights_->has_bias && !had_bias) notes_.push_back(fmt::format("v_leak of '{}' became a bias", reader.node().name));
    }

    void finish_layer(const NirNodeReader& reader, const std::optional<Neuron>& neuron, float readout_beta) {
        finish_layer(neuron, readout_beta);
        const std::string& layer = result_.network.layers.back().name;
        for (const auto& [name, value] : reader.node().values)
            if (value.type != NirType::text && value.type != NirType::other && name.find('/') == std::string::npos)
                result_.tensors.push_back({reader.node().name + "/" + name, "", value.shape,
                                           fmt::format("{} of {}", neuron ? "the neuron" : "the readout", layer)});
    }

    void finish_layer(const std::optional<Neuron>& neuron, float readout_beta) {
        Layer layer;
        layer.kind = weights_->kind;
        layer.name = (layer.kind == LayerKind::conv ? "conv" : "full") + std::to_string(result_.network.layers.size() + 1);
        layer.inputs = {static_cast<int>(result_.network.layers.size()) - 1};
        layer.in_channels = weights_->in_channels;
        layer.in_height = weights_->in_height;
        layer.in_width = weights_->in_width;
        layer.out_channels = weights_->outputs;
        layer.out_height = layer.pooled_height = height_;
        layer.out_width = layer.pooled_width = width_;
        if (layer.kind == LayerKind::conv) {
            layer.kernel = weights_->kernel;
            layer.stride = weights_->stride;
            layer.padding = weights_->padding;
        }
        layer.has_bias = weights_->has_bias;
        layer.neuron = neuron;
        layer.readout_beta = readout_beta;
        const int64_t out = layer.out_channels, k = layer.kernel;
        layer.weight =
            FloatArray(layer.kind == LayerKind::conv ? Shape{out, layer.in_channels, k, k} : Shape{out, layer.fan_in()},
                       floats(weights_->weight, layer));
        if (layer.has_bias) layer.bias = FloatArray({out}, floats(weights_->bias, layer));
        for (ImportedTensor& tensor : tensors_) {
            if (!tensor.to.empty()) {
                for (const std::string& note : notes_) tensor.note += (tensor.note.empty() ? "" : "; ") + note;
                tensor.to = layer.name + "." + tensor.to;
            }
            result_.tensors.push_back(std::move(tensor));
        }
        tensors_.clear();
        result_.network.layers.push_back(std::move(layer));
        weights_.reset();
    }

    std::vector<float> floats(const std::vector<double>& values, const Layer& layer) const {
        std::vector<float> narrow(values.begin(), values.end());
        if (!std::ranges::all_of(narrow, [](float value) { return std::isfinite(value); }))
            throw InputError(fmt::format("{}: the weights of '{}' are too large for float32 in layer {}", where_, weights_node_,
                                         layer.name));
        return narrow;
    }

    /// One sentence for all nodes with the same neuron.
    void say_neurons() {
        if (rules_.own) return;
        for (size_t i = 0; i < neurons_.size(); ++i) {
            const Neuron& neuron = neurons_[i].second;
            const auto same = [&](const auto& other) { return other.second == neuron; };
            if (std::ranges::find_if(neurons_, same) != neurons_.begin() + static_cast<std::ptrdiff_t>(i)) continue;
            std::vector<std::string> names;
            for (const auto& [name, other] : neurons_)
                if (other == neuron) names.push_back("'" + name + "'");
            result_.assumptions.push_back(
                fmt::format("{}: beta = {:.7g}, {}gain = {:.7g}{}, threshold = {:.7g}{}.", fmt::join(names, ", "), neuron.beta,
                            neuron.alpha > 0 ? fmt::format("alpha = {:.7g}, ", neuron.alpha) : "", neuron.gain,
                            neuron.decay_input ? " · (1 − beta)" : "", neuron.threshold,
                            neuron.reset == Reset::zero ? fmt::format(", v_reset = {:.7g}", neuron.v_reset) : ""));
        }
    }

    const NirRules& rules_;
    const std::string& where_;
    ImportedNetwork result_;
    int channels_ = 0, height_ = 0, width_ = 0;  ///< of the signal
    bool flat_ = false;                          ///< the signal has one axis
    std::optional<NirWeights> weights_;          ///< seen, with no neuron after them yet
    std::string weights_node_;
    std::vector<ImportedTensor> tensors_;  ///< of the weights; `to` without the layer's name
    std::vector<std::string> notes_;
    std::vector<InputStep> steps_;
    std::vector<std::pair<std::string, Neuron>> neurons_;
    std::optional<std::string> ended_;
};

}  // namespace

ImportedNetwork nir_network(const std::vector<NirNode>& chain, const NirRules& rules, const NirOptions& options,
                            const std::string& where) {
    LayerBuilder builder(rules, where);
    const NirInput input = nir_input(chain.front(), options, where);
    builder.start(input);
    for (size_t i = 1; i < chain.size(); ++i) builder.add(chain[i]);
    ImportedNetwork result = builder.finish();
    result.assumptions.insert(result.assumptions.begin(), input.assumptions.begin(), input.assumptions.end());
    return result;
}

}  // namespace spikelens
