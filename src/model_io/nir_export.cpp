#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "spikelens/core/error.h"

#include "description.h"
#include "nir_export_neuron.h"
#include "nir_file.h"
#include "nir_import.h"

namespace spikelens {
namespace {

constexpr const char* kNirVersion = "1.0";

using Names = std::vector<std::string>;

/// Whether nodes of one axis say the network: all kernels have one row, one is no mere point, and NIR has what goes
/// with it.
bool has_one_row(const Network& network) {
    bool rows = false;
    for (const Layer& layer : network.layers) {
        if (layer.pool.kind != PoolKind::none || layer.recurrence.kind == RecurrenceKind::conv) return false;
        if (layer.kind != LayerKind::conv) continue;
        if (layer.in_height != 1 || layer.kernel != 1 || layer.stride != 1 || layer.padding != 0 || layer.dilation != 1)
            return false;
        rows |= layer.kernel_columns() > 1;
    }
    return rows;
}

class Writer {
  public:
    Writer(const Network& network, const std::string& where)
        : network_(network), where_(where), one_row_(has_one_row(network)), readers_(network.layers.size()) {
        for (const Layer& layer : network.layers)
            for (const int input : layer.inputs)
                if (input != kNetworkInput) readers_[input].push_back(&layer);
    }

    NirValues run() {
        begin_node("input", "Input", {});
        put_whole("shape", one_row_ ? Shape{network_.channels, network_.width} : network_.input_shape());
        for (const Layer& layer : network_.layers) add_layer(layer);
        begin_node("output", "Output", outputs_.back().nodes);
        put_whole("shape", {network_.layers.back().out_channels});
        finish();
        return std::move(values_);
    }

  private:
    /// The nodes whose sum a layer sends, and whether as one axis.
    struct End {
        Names nodes;
        bool flat = false;
    };

    [[noreturn]] void refuse(const Layer& layer, const std::string& what) const {
        refuse_nir_layer(where_, layer, what);
    }

    void begin_node(const std::string& name, const std::string& type, const Names& from) {
        for (const std::string& source : from) edges_.insert(edges_.end(), {source, name});
        node_ = name;
        values_["node/nodes/" + node_ + "/type"] = nir_text(type);
    }
    void put(const std::string& parameter, NirType type, Shape shape, std::vector<double> numbers) {
        values_["node/nodes/" + node_ + "/" + parameter] = nir_numbers(type, std::move(shape), std::move(numbers));
    }
    void put_whole(const std::string& parameter, const Shape& numbers) {
        put(parameter, NirType::int64, {static_cast<int64_t>(numbers.size())}, {numbers.begin(), numbers.end()});
    }
    void put_tensor(const std::string& parameter, const FloatArray& tensor, Shape shape) {
        put(parameter, NirType::float32, std::move(shape), {tensor.data.begin(), tensor.data.end()});
    }
    /// Of rows and of columns; the latter alone where nodes have one axis.
    void put_sides(const std::string& parameter, int rows, int columns) {
        if (one_row_) return put(parameter, NirType::int64, {}, {1.0 * columns});
        put_whole(parameter, {rows, columns});
    }

    std::string numbered(const char* name) const { return name + std::to_string(layer_ - network_.layers.data() + 1); }
    End input_end(int input) const {
        return input == kNetworkInput ? End{{"input"}, false} : outputs_[static_cast<size_t>(input)];
    }
    Shape axes(const Layer& layer, bool flat) const {
        if (flat) return {element_count(layer.output_shape())};
        return one_row_ ? Shape{layer.out_channels, layer.out_width} : layer.output_shape();
    }

    /// The node in hand is what comes last.
    void advance(End& end, const std::string& name, const std::string& type) {
        begin_node(name, type, end.nodes);
        end.nodes = {name};
    }

    void add_layer(const Layer& layer) {
        layer_ = &layer;
        if (layer.kind == LayerKind::norm) refuse(layer, "a batch normalisation with values for each step");
        End end = input_end(layer.inputs[0]);
        if (layer.kind == LayerKind::conv) add_conv(layer, end);
        if (layer.kind == LayerKind::full) add_full(layer, end);
        if (layer.inputs.size() > 1) join(layer, end);
        if (layer.neuron) add_neuron(layer, end);
        if (layer.leaks()) {
            const NirWrittenNeuron written = write_nir_readout(layer, where_);
            advance(end, numbered("readout"), written.type);
            for (const auto& [name, numbers] : written.parameters)
                put(name, NirType::float64, axes(layer, end.flat), numbers);
        }
        if (layer.pool.kind != PoolKind::none) add_pool(layer, end);
        if (end.nodes.size() > 1 && !is_read_directly(layer)) {
            advance(end, layer.name, "Scale");
            const Shape shape = axes(layer, end.flat);
            put("scale", NirType::float32, shape, std::vector<double>(element_count(shape), 1.0));
        }
        outputs_.push_back(std::move(end));
    }

    /// Whether the one reader of a mere sum, or the output, can have its edges.
    bool is_read_directly(const Layer& layer) const {
        const auto& readers = readers_[&layer - network_.layers.data()];
        return readers.empty() || (readers.size() == 1 && readers[0]->inputs.size() == 1);
    }

    void join(const Layer& layer, End& end) const {
        if (layer.kind != LayerKind::add)
            refuse(layer,
                   fmt::format("it joins layers by '{}', not by a sum", kLayerWords[static_cast<size_t>(layer.kind)]));
        for (size_t i = 1; i < layer.inputs.size(); ++i) {
            if (std::ranges::count(layer.inputs, layer.inputs[i]) > 1) refuse(layer, "a sum that has one part twice");
            const End more = input_end(layer.inputs[i]);
            if (more.flat != end.flat) refuse(layer, "a sum of a map and of what a fully connected layer gives");
            end.nodes.insert(end.nodes.end(), more.nodes.begin(), more.nodes.end());
        }
    }

    void put_conv(const FloatArray& weight, const FloatArray& bias) {
        Shape shape = weight.shape;
        if (one_row_) shape.erase(shape.begin() + 2);
        put_tensor("weight", weight, shape);
        const int64_t outputs = shape[0];
        if (!bias.empty()) return put_tensor("bias", bias, bias.shape);
        put("bias", NirType::float32, {outputs},
            std::vector<double>(outputs, 0.0));  // NIR's convolutions always have one
        without_bias_.push_back(node_);
    }

    void add_conv(const Layer& layer, End& end) {
        if (end.flat) refuse(layer, "a convolution of what a fully connected layer gives");
        advance(end, layer.name, one_row_ ? "Conv1d" : "Conv2d");
        put_conv(layer.weight, layer.bias);
        put_sides("input_shape", layer.in_height, layer.in_width);
        put_sides("stride", layer.stride, layer.stride_columns());
        put_sides("padding", layer.padding, layer.padding_columns());
        put_sides("dilation", layer.dilation, layer.dilation_columns());
        put("groups", NirType::int64, {}, {1.0 * layer.groups});
    }

    void add_full(const Layer& layer, End& end) {
        if (!end.flat) {
            advance(end, numbered("flatten"), "Flatten");
            put("start_dim", NirType::int64, {}, {0});
            put("end_dim", NirType::int64, {}, {-1});
            put_whole("input_type", one_row_ ? Shape{layer.in_channels, layer.in_width} : layer.input_shape());
        }
        advance(end, layer.name, layer.has_bias ? "Affine" : "Linear");
        put_tensor("weight", layer.weight, layer.weight.shape);
        if (layer.has_bias) put_tensor("bias", layer.bias, layer.bias.shape);
        end.flat = true;
    }

    void add_neuron(const Layer& layer, End& end) {
        const NirWrittenNeuron written = write_nir_neuron(layer, where_);
        advance(end, numbered("neuron"), written.type);
        for (const auto& [name, numbers] : written.parameters)
            put(name, NirType::float64, axes(layer, end.flat), numbers);
        if (layer.neuron->reset == Reset::subtract) by_subtraction_.push_back(node_);
        for (const NeuronValue& value : layer.values)
            varying_.push_back(node_ + "." + value.field + (value.values.shape.size() == 1 ? "=*" : "=**"));
        if (layer.recurrence.kind != RecurrenceKind::none) add_recurrence(layer, end);
    }

    /// A node that the neuron feeds and that feeds it.
    void add_recurrence(const Layer& layer, const End& end) {
        const Recurrence& recurrence = layer.recurrence;
        const std::string neuron = end.nodes[0], name = numbered("recurrent");
        if (recurrence.kind == RecurrenceKind::one) {
            begin_node(name, "Scale", {neuron});
            const Shape shape = axes(layer, end.flat);
            const int64_t each = element_count(shape) / layer.out_channels;
            std::vector<double> scale(element_count(shape));
            for (size_t i = 0; i < scale.size(); ++i) scale[i] = recurrence.weight.data[static_cast<int64_t>(i) / each];
            put("scale", NirType::float32, shape, std::move(scale));
        } else if (recurrence.kind == RecurrenceKind::conv) {
            begin_node(name, "Conv2d", {neuron});
            put_conv(recurrence.weight, {});
            put_sides("input_shape", layer.out_height, layer.out_width);
            put_sides("stride", 1, 1);
            put_sides("padding", recurrence.kernel / 2, recurrence.kernel / 2);
            put_sides("dilation", 1, 1);
            put("groups", NirType::int64, {}, {1});
        } else {
            if (!end.flat) refuse(layer, "a recurrence of all neurons of a map");
            begin_node(name, "Linear", {neuron});
            put_tensor("weight", recurrence.weight, recurrence.weight.shape);
        }
        edges_.insert(edges_.end(), {name, neuron});
    }

    void add_pool(const Layer& layer, End& end) {
        if (layer.pool.kind == PoolKind::max) refuse(layer, "max-pooling");
        if (layer.pool.ceil) refuse(layer, "a pool that counts windows beyond its map");
        if (end.flat) refuse(layer, "pooling of what a fully connected layer gives");
        advance(end, numbered("pool"), layer.pool.kind == PoolKind::sum ? "SumPool2d" : "AvgPool2d");
        put_sides("kernel_size", layer.pool.size, layer.pool.columns());
        put_sides("stride", layer.pool.stride, layer.pool.stride_columns());
        put_sides("padding", layer.pool.padding, layer.pool.padding_columns());
    }

    void finish() {
        const auto texts = [](Names names, Shape shape) {
            return NirValue{NirType::text, std::move(shape), {}, std::move(names)};
        };
        const auto list = [&](const std::string& key, const Names& names) {
            if (!names.empty()) values_["node/metadata/" + key] = texts(names, {static_cast<int64_t>(names.size())});
        };
        values_["version"] = nir_text(kNirVersion);
        values_["node/type"] = nir_text("NIRGraph");
        values_["node/edges"] = texts(edges_, {static_cast<int64_t>(edges_.size() / 2), 2});
        values_["node/metadata/writer"] = nir_text("spikelens");
        values_["node/metadata/dt"] = nir_numbers(NirType::float64, {}, {kNirWrittenDt});
        values_["node/metadata/steps"] = nir_numbers(NirType::int64, {}, {1.0 * network_.steps});
        list("classes", network_.classes);
        list("reset_by_subtraction", by_subtraction_);
        list("varying", varying_);
        list("without_bias", without_bias_);
    }

    const Network& network_;
    const std::string& where_;
    const bool one_row_;
    std::vector<std::vector<const Layer*>> readers_;
    NirValues values_;
    std::string node_;
    const Layer* layer_ = nullptr;
    std::vector<End> outputs_;  ///< of the layers so far
    Names edges_, by_subtraction_, varying_, without_bias_;
};

bool same_tensors(const Layer& a, const Layer& b) {
    return a.weight == b.weight && a.bias == b.bias && a.values == b.values &&
           a.recurrence.weight == b.recurrence.weight;
}

/// The promise that import_nir gives the same network, kept for what no case above foresaw.
void require_same(const Network& network, const Network& back, const std::string& where) {
    const nlohmann::json before = describe_network(network), after = describe_network(back);
    for (size_t l = 0; l < network.layers.size(); ++l)
        if (l >= back.layers.size() || before["layers"][l] != after["layers"][l] ||
            !same_tensors(network.layers[l], back.layers[l]))
            refuse_nir_layer(where, network.layers[l], "it would be read back as another one");
    if (before != after)
        throw InputError(where + ": NIR cannot say this network, it would be read back as another one");
}

}  // namespace

NirValues export_nir_values(const Network& network, const std::string& where) {
    check_network(network, where);
    for (const std::string& name : network.classes)
        if (name.find('\0') != std::string::npos)
            throw InputError(where + ": a class name has a zero byte, which HDF5 cuts off");
    NirValues values = Writer(network, where).run();
    require_same(network, import_nir_values(values, {}, where).network, where);
    return values;
}

void export_nir(const Network& network, const std::filesystem::path& path) {
    write_nir_values(path, export_nir_values(network, "cannot write " + path.string()));
}

}  // namespace spikelens
