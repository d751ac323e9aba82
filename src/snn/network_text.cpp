#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <map>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/snn/network.h"

namespace spikelens {
namespace {

/// What a network text may ask for at most: a hostile file must not ask for terabytes.
constexpr int kLargestExtent = 1 << 17;
constexpr int64_t kMostWeights = int64_t{1} << 31;

/// How stages begin that pool, in the order of PoolKind.
constexpr std::array<std::string_view, 4> pool_stages = {"", "MP", "AP", "SP"};

/// One stage of the text, and the errors that name it.
struct Stage {
    std::string text;
    size_t position = 0;  // from 1

    [[noreturn]] void fail(const std::string& what) const {
        throw InputError("network text, stage " + std::to_string(position) + " '" + text + "': " + what);
    }
};

std::vector<Stage> split_stages(std::string_view text) {
    std::vector<Stage> stages(1);
    int depth = 0;
    for (char c : text) {
        if (c == '(') ++depth;
        if (c == ')') --depth;
        if (c == '-' && depth == 0) {
            stages.emplace_back();
        } else if (c != ' ') {
            stages.back().text += c;
        }
    }
    for (size_t i = 0; i < stages.size(); ++i) stages[i].position = i + 1;
    return stages;
}

/// Reads a stage from left to right.
class Cursor {
  public:
    explicit Cursor(const Stage& stage) : stage_(stage), rest_(stage.text) {}

    bool done() const { return rest_.empty(); }
    bool take(std::string_view word) {
        if (!rest_.starts_with(word)) return false;
        rest_.remove_prefix(word.size());
        return true;
    }
    int number(const std::string& what, int lowest, int highest) {
        int value = 0;
        const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
        if (error != std::errc() || value < lowest || value > highest)
            stage_.fail(what + " must be a whole number from " + std::to_string(lowest) + " to " + std::to_string(highest));
        rest_.remove_prefix(end - rest_.data());
        return value;
    }
    std::string_view rest() const { return rest_; }

  private:
    const Stage& stage_;
    std::string_view rest_;
};

float parse_float(const Stage& stage, const std::string& key, std::string_view text) {
    float value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
        stage.fail("'" + key + "' must be a number, not '" + std::string(text) + "'");
    return value;
}

Neuron parse_neuron(const Stage& stage, Cursor cursor, Neuron neuron) {
    if (cursor.done()) return neuron;
    std::string_view options = cursor.rest();
    if (!options.starts_with('(') || !options.ends_with(')'))
        stage.fail("a neuron's options stand in parentheses, LIF(beta=0.9)");
    options = options.substr(1, options.size() - 2);
    while (!options.empty()) {
        const size_t comma = options.find(',');
        if (const auto wrong = set_neuron_option(neuron, options.substr(0, comma))) stage.fail(*wrong);
        options = comma == std::string_view::npos ? std::string_view{} : options.substr(comma + 1);
    }
    return neuron;
}

/// Builds the layers while the stages are read.
class Builder {
  public:
    Builder(const Shape& input, int steps, const NetworkDefaults& defaults) : defaults_(defaults) {
        if (input.size() != 3) throw InputError("a network's input has three extents [C, H, W], not " + shape_text(input));
        for (int64_t extent : input)
            if (extent < 1 || extent > kLargestExtent)
                throw InputError("a network's input extents must be 1 to 131072, not " + shape_text(input));
        if (steps < 1 || steps > 65535) throw InputError("a network runs for 1 to 65535 steps, not " + std::to_string(steps));
        network_.channels = channels_ = static_cast<int>(input[0]);
        network_.height = height_ = static_cast<int>(input[1]);
        network_.width = width_ = static_cast<int>(input[2]);
        network_.steps = steps;
    }

    void add(const Stage& stage) {
        Cursor cursor(stage);
        if (leaky_readout_) stage.fail("nothing follows a readout");
        if (cursor.take("LIF")) return add_neuron(stage, parse_neuron(stage, cursor, defaults_.neuron));
        if (cursor.take("IF")) {
            Neuron neuron = defaults_.neuron;
            neuron.beta = 1.0F;
            return add_neuron(stage, parse_neuron(stage, cursor, neuron));
        }
        if (cursor.take("LI")) return add_leak(stage, cursor);
        for (size_t kind = 1; kind < pool_stages.size(); ++kind)
            if (cursor.take(pool_stages[kind])) return add_pool(stage, cursor, static_cast<PoolKind>(kind));
        if (cursor.done() || cursor.rest()[0] < '0' || cursor.rest()[0] > '9')
            stage.fail("expected 16C3 (convolution), 128F (fully connected), LIF, IF, MP2, AP2 or SP2");
        const int outputs = cursor.number("the number of outputs", 1, kLargestExtent);
        if (cursor.take("C")) return add_conv(stage, cursor, outputs);
        if (cursor.take("F")) return add_full(stage, cursor, outputs);
        stage.fail("after the number of outputs comes C (convolution) or F (fully connected)");
    }

    Network finish() {
        if (network_.layers.empty()) throw InputError("network text is empty; expected for example 16C3-LIF-MP2-128F-LIF-10F");
        Layer& last = network_.layers.back();
        if (last.out_height != 1 || last.out_width != 1 || last.pool.kind != PoolKind::none)
            throw InputError("network text must end in one number per class, for example -10F; its last layer gives " +
                             shape_text(Shape{last.out_channels, last.pooled_height, last.pooled_width}));
        return std::move(network_);
    }

  private:
    void add_neuron(const Stage& stage, const Neuron& neuron) {
        if (network_.layers.empty()) stage.fail("a neuron needs a weighted layer before it");
        Layer& layer = network_.layers.back();
        if (layer.neuron || layer.pool.kind != PoolKind::none) stage.fail("a neuron follows its layer directly, once");
        layer.neuron = neuron;
    }

    void add_leak(const Stage& stage, Cursor cursor) {
        if (network_.layers.empty() || network_.layers.back().neuron)
            stage.fail("a leaky readout follows the last weighted layer, which has no neuron");
        const std::string_view option = cursor.rest();
        if (!option.starts_with("(beta=") || !option.ends_with(')')) stage.fail("expected LI(beta=0.9)");
        network_.layers.back().readout_beta = parse_float(stage, "beta", option.substr(6, option.size() - 7));
        leaky_readout_ = true;
    }

    void add_pool(const Stage& stage, Cursor cursor, PoolKind kind) {
        if (network_.layers.empty() || !network_.layers.back().neuron)
            stage.fail("pooling acts on spikes: it follows a neuron");
        Layer& layer = network_.layers.back();
        if (layer.pool.kind != PoolKind::none) stage.fail("a layer has at most one pool");
        layer.pool = {kind, cursor.number("the pool's size", 1, 255), 0};
        layer.pool.stride = cursor.take("s") ? cursor.number("the stride", 1, 255) : layer.pool.size;
        if (!cursor.done()) stage.fail("'" + std::string(cursor.rest()) + "' is not understood; expected MP2 or MP3s2");
        if (layer.pool.size > height_ || layer.pool.size > width_)
            stage.fail("the window does not fit into " + shape_text(Shape{channels_, height_, width_}));
        layer.pooled_height = height_ = (height_ - layer.pool.size) / layer.pool.stride + 1;
        layer.pooled_width = width_ = (width_ - layer.pool.size) / layer.pool.stride + 1;
    }

    Layer& new_layer(const Stage& stage, LayerKind kind, int outputs) {
        if (!network_.layers.empty() && !network_.layers.back().neuron)
            stage.fail("every layer but the last needs a neuron (LIF or IF) after it");
        Layer& layer = network_.layers.emplace_back();
        layer.name = std::string(layer_words[static_cast<size_t>(kind)]) + std::to_string(network_.layers.size());
        layer.kind = kind;
        layer.in_channels = channels_;
        layer.in_height = height_;
        layer.in_width = width_;
        layer.out_channels = outputs;
        layer.has_bias = defaults_.bias;
        return layer;
    }

    void finish_layer(const Stage& stage, Layer& layer) {
        weights_ += layer.out_channels * layer.fan_in();
        if (weights_ > kMostWeights) stage.fail("the network would have more than 2^31 weights");
        channels_ = layer.out_channels;
        height_ = layer.pooled_height = layer.out_height;
        width_ = layer.pooled_width = layer.out_width;
        layer.weight = layer.kind == LayerKind::conv
                           ? FloatArray({layer.out_channels, layer.in_channels, layer.kernel, layer.kernel})
                           : FloatArray({layer.out_channels, layer.fan_in()});
        if (layer.has_bias) layer.bias = FloatArray({layer.out_channels});
    }

    void add_conv(const Stage& stage, Cursor cursor, int outputs) {
        Layer& layer = new_layer(stage, LayerKind::conv, outputs);
        layer.kernel = cursor.number("the kernel's size", 1, 255);
        layer.padding = (layer.kernel - 1) / 2;
        while (!cursor.done()) {
            if (cursor.take("p"))
                layer.padding = cursor.number("the padding", 0, layer.kernel - 1);
            else if (cursor.take("s"))
                layer.stride = cursor.number("the stride", 1, 255);
            else if (cursor.take("b"))
                layer.has_bias = cursor.number("b", 0, 1) == 1;
            else
                stage.fail("'" + std::string(cursor.rest()) + "' is not understood; expected for example 16C3p1s2b0");
        }
        const int rows = height_ + 2 * layer.padding - layer.kernel, columns = width_ + 2 * layer.padding - layer.kernel;
        if (rows < 0 || columns < 0)
            stage.fail("the kernel does not fit into " + shape_text(Shape{channels_, height_, width_}));
        layer.out_height = rows / layer.stride + 1;
        layer.out_width = columns / layer.stride + 1;
        finish_layer(stage, layer);
    }

    void add_full(const Stage& stage, Cursor cursor, int outputs) {
        Layer& layer = new_layer(stage, LayerKind::full, outputs);
        if (cursor.take("b")) layer.has_bias = cursor.number("b", 0, 1) == 1;
        if (!cursor.done())
            stage.fail("'" + std::string(cursor.rest()) + "' is not understood; expected for example 128F or 128Fb0");
        layer.out_height = layer.out_width = 1;
        finish_layer(stage, layer);
    }

    Network network_;
    NetworkDefaults defaults_;
    int channels_ = 0, height_ = 0, width_ = 0;
    int64_t weights_ = 0;
    bool leaky_readout_ = false;
};

/// Shortest text that reads back as the same float.
std::string float_text(float value) {
    char buffer[32];
    const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);
    return {buffer, result.ptr};
}

std::string layer_text(const Layer& layer) {
    std::string text = std::to_string(layer.out_channels);
    if (layer.kind == LayerKind::conv) {
        text += "C" + std::to_string(layer.kernel);
        if (layer.padding != (layer.kernel - 1) / 2) text += "p" + std::to_string(layer.padding);
        if (layer.stride != 1) text += "s" + std::to_string(layer.stride);
    } else {
        text += "F";
    }
    if (!layer.has_bias) text += "b0";
    if (layer.neuron) text += "-" + neuron_text(*layer.neuron);
    if (layer.readout_beta != 1.0F) text += "-LI(beta=" + float_text(layer.readout_beta) + ")";
    if (layer.pool.kind != PoolKind::none) {
        text += "-" + std::string(pool_stages[static_cast<size_t>(layer.pool.kind)]) + std::to_string(layer.pool.size);
        if (layer.pool.stride != layer.pool.size) text += "s" + std::to_string(layer.pool.stride);
    }
    return text;
}

const std::map<std::string, std::string>& presets() {
    static const std::map<std::string, std::string> texts = [] {
        std::string vgg;
        for (const auto& [filters, repeats] : {std::pair{64, 2}, {128, 2}, {256, 4}, {512, 4}, {512, 4}}) {
            for (int i = 0; i < repeats; ++i) vgg += std::to_string(filters) + "C3-LIF-";
            vgg += "MP2-";
        }
        return std::map<std::string, std::string>{{"shallow", "16C3-LIF-MP2-32C3-LIF-MP2-128F-LIF-"},
                                                  {"svgg19", vgg + "4096F-LIF-4096F-LIF-"}};
    }();
    return texts;
}

}  // namespace

Network parse_network(std::string_view text, const Shape& input, int steps, const NetworkDefaults& defaults) {
    Builder builder(input, steps, defaults);
    if (!text.empty())
        for (const Stage& stage : split_stages(text)) builder.add(stage);
    Network network = builder.finish();
    check_network(network, "network text");
    return network;
}

std::string network_text(const Network& network) {
    std::string text;
    for (const Layer& layer : network.layers) text += (text.empty() ? "" : "-") + layer_text(layer);
    return text;
}

std::string preset_text(std::string_view name_or_text, int64_t classes) {
    std::string name(name_or_text);
    if (const auto preset = presets().find(name); preset != presets().end())
        return preset->second + std::to_string(classes) + "F";
    if (!name.empty() && name[0] >= '0' && name[0] <= '9') return name;
    std::vector<std::string> names;
    for (const auto& [preset, text] : presets()) names.push_back(preset);
    throw InputError("'" + name + "' is neither a preset nor a network text such as 16C3-LIF-MP2-128F-LIF-10F" +
                     suggestion(name, names));
}

}  // namespace spikelens
