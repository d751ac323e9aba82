#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <string>

#include "spikelens/snn/network.h"

#include "text_reader.h"

namespace spikelens {
namespace {

/// Shortest text that reads back as the same float.
std::string float_text(float value) {
    char buffer[32];
    const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);
    return {buffer, result.ptr};
}

std::string sides_text(int rows, int columns) {
    return std::to_string(rows) + (columns == rows ? "" : "x" + std::to_string(columns));
}

std::string conv_text(const Layer& layer) {
    std::string text = "C" + sides_text(layer.kernel, layer.kernel_columns());
    const int usual_rows = (layer.kernel - 1) * layer.dilation / 2;
    const int usual_columns = (layer.kernel_columns() - 1) * layer.dilation_columns() / 2;
    if (layer.padding != usual_rows || layer.padding_columns() != usual_columns)
        text += "p" + sides_text(layer.padding, layer.padding_columns());
    if (layer.stride != 1 || layer.stride_columns() != 1)
        text += "s" + sides_text(layer.stride, layer.stride_columns());
    if (layer.dilation != 1 || layer.dilation_columns() != 1)
        text += "d" + sides_text(layer.dilation, layer.dilation_columns());
    if (layer.groups != 1) text += "g" + std::to_string(layer.groups);
    return text;
}

std::string pool_text(const Pool& pool) {
    std::string text = std::string(kPoolStages[static_cast<size_t>(pool.kind)]) + sides_text(pool.size, pool.columns());
    if (pool.stride != pool.size || pool.stride_columns() != pool.columns())
        text += "s" + sides_text(pool.stride, pool.stride_columns());
    if (pool.padding > 0 || pool.padding_columns() > 0) text += "p" + sides_text(pool.padding, pool.padding_columns());
    return text + (pool.ceil ? "c" : "");
}

std::string recurrence_text(const Recurrence& recurrence) {
    switch (recurrence.kind) {
        case RecurrenceKind::none:
            return "";
        case RecurrenceKind::all:
            return "-R";
        case RecurrenceKind::one:
            return "-R1";
        case RecurrenceKind::conv:
            return "-RC" + std::to_string(recurrence.kernel);
    }
    return "";
}

/// The stages that follow what a layer does with its inputs, each behind a '-'.
std::string following_text(const Layer& layer) {
    std::string text = recurrence_text(layer.recurrence);
    if (layer.neuron) text += "-" + neuron_text(*layer.neuron, layer.values);
    if (layer.leaks()) {
        text += "-LI(beta=" + float_text(layer.readout_beta);
        if (layer.readout_alpha != 0) text += ",alpha=" + float_text(layer.readout_alpha);
        text += ")";
    }
    if (layer.pool.kind != PoolKind::none) text += "-" + pool_text(layer.pool);
    return text;
}

/// All of a layer that has one input, without the '-' before it. A `pass` that is a readout says nothing.
std::string stages_text(const Layer& layer) {
    std::string text;
    if (layer.weighted()) {
        text = std::to_string(layer.out_channels) + (layer.kind == LayerKind::conv ? conv_text(layer) : "F");
        if (!layer.has_bias) text += "b0";
    }
    if (layer.kind == LayerKind::norm) text = "BN" + std::to_string(layer.steps);
    const bool opens = !text.empty();
    text += following_text(layer);
    return opens || text.empty() ? text : text.substr(1);
}

void append(std::string& text, const std::string& stages) {
    if (!stages.empty()) text += (text.empty() ? "" : "-") + stages;
}

/// Prints layers as brackets in brackets, where the graph is made so and its order is that of the text; else not at
/// all.
class Nested {
  public:
    explicit Nested(const std::vector<Layer>& layers) : layers_(layers) {}

    /// The layers first … last as one chain that reads the layer `start`.
    std::optional<std::string> chain(int first, int last, int start) const {
        std::vector<std::string> stages;  // from the last
        for (int at = last; at >= first;) {
            const Layer& layer = layers_[at];
            const int block = layer.inputs.size() == 1 ? layer.inputs[0] : meeting_point(at);
            if (block != start && (block < first || block >= at)) return std::nullopt;
            const int begin = block == start ? first : block + 1;  // of the layers within the block
            std::optional<std::string> text;
            if (layer.inputs.size() > 1)
                text = branches(begin, at, block);
            else if (begin == at && !would_be_one_layer(block, at, start))
                text = stages_text(layer);
            if (!text) return std::nullopt;
            stages.push_back(*text);
            at = begin - 1;
        }
        std::string text;
        for (size_t i = stages.size(); i-- > 0;) append(text, stages[i]);
        return text;
    }

  private:
    /// Whether a `pass` would be read as part of the layer before it.
    bool would_be_one_layer(int before, int at, int start) const {
        const Layer& layer = layers_[at];
        if (layer.kind != LayerKind::pass || before == start) return false;
        return layers_[before].pool.kind == PoolKind::none;
    }

    /// The last layer that all inputs of this one come from.
    int meeting_point(int at) const {
        std::vector<int> open = layers_[at].inputs;
        for (;;) {
            std::ranges::sort(open);
            open.erase(std::unique(open.begin(), open.end()), open.end());
            if (open.size() == 1) return open[0];
            const int last = open.back();
            open.pop_back();
            open.insert(open.end(), layers_[last].inputs.begin(), layers_[last].inputs.end());
        }
    }

    std::optional<std::string> branches(int begin, int at, int start) const {
        const Layer& layer = layers_[at];
        std::string text = "[";
        for (size_t i = 0; i < layer.inputs.size(); ++i) {
            if (i > 0) text += "|";
            const int end = layer.inputs[i];
            if (end == start) continue;  // an empty branch
            if (end < begin) return std::nullopt;
            const std::optional<std::string> branch = chain(begin, end, start);
            if (!branch) return std::nullopt;
            text += *branch;
            begin = end + 1;
        }
        if (begin != at) return std::nullopt;
        return text + "]" + std::string(kLayerWords[static_cast<size_t>(layer.kind)]) + following_text(layer);
    }

    const std::vector<Layer>& layers_;
};

/// Any graph: every layer after another by its inputs' names where they are not the layer before.
std::string flat_text(const std::vector<Layer>& layers) {
    std::string text;
    for (int at = 0; at < static_cast<int>(layers.size()); ++at) {
        const Layer& layer = layers[at];
        if (layer.inputs.size() > 1) {
            std::string branches;
            for (const int input : layer.inputs) branches += (branches.empty() ? "@" : "|@") + layers[input].name;
            append(text, "[" + branches + "]" + std::string(kLayerWords[static_cast<size_t>(layer.kind)]) +
                             following_text(layer));
            continue;
        }
        const int input = layer.inputs[0];
        const bool readout = layer.kind == LayerKind::pass && !layer.neuron && layer.pool.kind == PoolKind::none;
        const bool goes_on = input == at - 1 && (layer.weighted() || layer.kind == LayerKind::norm || readout);
        if (!goes_on) append(text, "@" + (input == kNetworkInput ? "input" : layers[input].name));
        append(text, stages_text(layer));
    }
    return text;
}

}  // namespace

std::string network_text(const Network& network) {
    const int last = static_cast<int>(network.layers.size()) - 1;
    if (const auto text = Nested(network.layers).chain(0, last, kNetworkInput)) return *text;
    return flat_text(network.layers);
}

}  // namespace spikelens
