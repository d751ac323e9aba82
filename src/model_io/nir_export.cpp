#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "spikelens/core/error.h"

#include "nir_dialect.h"
#include "nir_file.h"
#include "nir_import.h"

namespace spikelens {
namespace {

constexpr const char* nir_version = "1.0";
constexpr double written_dt = 1e-4;
constexpr int tries = 256;  ///< of neighbouring doubles; a float32 has 2²⁹ of them

[[noreturn]] void refuse(const std::string& where, const Layer& layer, const std::string& what) {
    throw InputError(fmt::format("{}: NIR has no word for layer {}: {}", where, layer.name, what));
}

NirRules written_rules() {
    NirRules rules;
    rules.dt = written_dt;
    rules.own = true;
    return rules;
}

/// The index-th double around a value: 0, +1, −1, +2, … in units of the last place.
double neighbour(double value, int index) {
    const double towards = index % 2 ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
    for (int step = (index + 1) / 2; step > 0; --step) value = std::nextafter(value, towards);
    return value;
}

/// The first double around `start` that the condition holds for. Throws InputError when there is none near.
template <class Condition>
double find_double(double start, Condition condition, const std::string& where, const Layer& layer, const char* what) {
    for (int index = 0; index < tries; ++index)
        if (const double value = neighbour(start, index); condition(value)) return value;
    refuse(where, layer, fmt::format("its {} cannot be said in NIR's parameters to the bit", what));
}

class Writer {
  public:
    Writer(const Network& network, const std::string& where) : network_(network), where_(where) {}

    NirValues run() {
        require_chain(network_, where_);
        begin_node("input", "Input");
        put("shape", NirType::int64, {3}, {1.0 * network_.channels, 1.0 * network_.height, 1.0 * network_.width});
        for (const Layer& layer : network_.layers) add_layer(layer);
        begin_node("output", "Output");
        put("shape", NirType::int64, {1}, {1.0 * network_.layers.back().out_channels});
        finish();
        return std::move(values_);
    }

  private:
    void begin_node(const std::string& name, const std::string& type) {
        if (!node_.empty()) {
            edges_.push_back(node_);
            edges_.push_back(name);
        }
        node_ = name;
        values_["node/nodes/" + node_ + "/type"] = nir_text(type);
    }
    void put(const std::string& parameter, NirType type, Shape shape, std::vector<double> numbers) {
        values_["node/nodes/" + node_ + "/" + parameter] = nir_numbers(type, std::move(shape), std::move(numbers));
    }
    void put_tensor(const std::string& parameter, const FloatArray& tensor) {
        put(parameter, NirType::float32, tensor.shape, {tensor.data.begin(), tensor.data.end()});
    }
    void put_pair(const std::string& parameter, int number) {
        put(parameter, NirType::int64, {2}, {1.0 * number, 1.0 * number});
    }

    /// The same value for every neuron of the layer: NIR's neurons have the signal's shape.
    void put_neuron(const std::string& parameter, const Layer& layer, double value) {
        Shape shape = {layer.out_channels};
        if (layer.kind == LayerKind::conv) shape = {layer.out_channels, layer.out_height, layer.out_width};
        put(parameter, NirType::float64, shape, std::vector<double>(element_count(shape), value));
    }

    std::string numbered(const char* name) const { return name + std::to_string(&layer() - network_.layers.data() + 1); }
    const Layer& layer() const { return *layer_; }

    void add_layer(const Layer& layer) {
        layer_ = &layer;
        layer.kind == LayerKind::conv ? add_conv(layer) : add_full(layer);
        if (layer.neuron) add_neuron(layer, *layer.neuron);
        if (layer.readout_beta != 1) add_readout(layer);
        if (layer.pool.kind != PoolKind::none) add_pool(layer);
        flat_ = layer.kind == LayerKind::full;
    }

    void add_conv(const Layer& layer) {
        if (flat_) refuse(where_, layer, "a convolution of what a fully connected layer gives");
        begin_node(layer.name, "Conv2d");
        put_tensor("weight", layer.weight);
        if (layer.has_bias) {
            put_tensor("bias", layer.bias);
        } else {  // NIR's convolutions always have one
            put("bias", NirType::float32, {layer.out_channels}, std::vector<double>(layer.out_channels, 0.0));
            without_bias_.push_back(layer.name);
        }
        put("input_shape", NirType::int64, {2}, {1.0 * layer.in_height, 1.0 * layer.in_width});
        put_pair("stride", layer.stride);
        put_pair("padding", layer.padding);
        put_pair("dilation", 1);
        put("groups", NirType::int64, {}, {1});
    }

    void add_full(const Layer& layer) {
        if (!flat_) {
            begin_node(numbered("flatten"), "Flatten");
            put("start_dim", NirType::int64, {}, {0});
            put("end_dim", NirType::int64, {}, {-1});
            put("input_type", NirType::int64, {3}, {1.0 * layer.in_channels, 1.0 * layer.in_height, 1.0 * layer.in_width});
        }
        begin_node(layer.name, layer.has_bias ? "Affine" : "Linear");
        put_tensor("weight", layer.weight);
        if (layer.has_bias) put_tensor("bias", layer.bias);
    }

    void add_neuron(const Layer& layer, const Neuron& neuron) {
        if (neuron.delay) refuse(where_, layer, "a reset that acts one step late");
        if (neuron.at_threshold) refuse(where_, layer, "spikes at the threshold, not only above it");
        if (neuron.decay_input) refuse(where_, layer, "an input scaled by 1 − beta (decay_input)");
        if (neuron.reset == Reset::none) return add_threshold(layer, neuron);
        if (neuron.alpha > 0 && neuron.beta == 1) refuse(where_, layer, "a synaptic current (alpha) without leak (beta = 1)");
        begin_node(numbered("neuron"), neuron.alpha > 0 ? "CubaLIF" : neuron.beta == 1 ? "IF" : "LIF");
        if (neuron.reset == Reset::subtract) by_subtraction_.push_back(node_);
        put_dynamics(layer, neuron);
        put_neuron("v_threshold", layer, neuron.threshold);
        put_neuron("v_reset", layer, neuron.v_reset);
    }

    /// Without a reset NIR knows the step alone: no memory, no gain.
    void add_threshold(const Layer& layer, const Neuron& neuron) {
        if (neuron.beta != 0 || neuron.alpha != 0) refuse(where_, layer, "a neuron with memory that is never reset");
        if (neuron.gain != 1 || neuron.v_reset != 0) refuse(where_, layer, "a step with a gain or a v_reset");
        begin_node(numbered("neuron"), "Threshold");
        put_neuron("threshold", layer, neuron.threshold);
    }

    /// τ with float32(1 − dt/τ) = decay.
    double find_tau(const Layer& layer, float decay, const char* what) const {
        const auto says = [&](double tau) { return static_cast<float>(std::max(1 - written_dt / tau, 0.0)) == decay; };
        return find_double(written_dt / (1 - double{decay}), says, where_, layer, what);
    }

    void put_dynamics(const Layer& layer, const Neuron& neuron) {
        NirNode node{node_, values_["node/nodes/" + node_ + "/type"].texts[0], {}};
        NirTimeConstants constants;
        double w_in = 1;
        if (node.type != "IF") {
            constants.tau_mem = find_tau(layer, neuron.beta, "beta");
            put_neuron(node.type == "LIF" ? "tau" : "tau_mem", layer, constants.tau_mem);
            put_neuron("v_leak", layer, 0);
        }
        if (node.type == "CubaLIF") {
            constants.tau_syn = find_tau(layer, neuron.alpha, "alpha");
            w_in = constants.tau_syn / written_dt;
            put_neuron("tau_syn", layer, constants.tau_syn);
            put_neuron("w_in", layer, w_in);
        }
        const double gain = w_in * nir_dynamics(written_rules(), node, constants, where_).gain;
        const auto says = [&](double r) { return static_cast<float>(r * gain) == neuron.gain; };
        put_neuron("r", layer, find_double(neuron.gain / gain, says, where_, layer, "gain"));
    }

    /// A leaky readout has no gain: r·dt/τ must be 1 in double precision, or the weights would be rounded.
    void add_readout(const Layer& layer) {
        begin_node(numbered("readout"), "LI");
        double r = 0;
        const auto says = [&](double tau) {
            const double gain = written_dt / tau;
            if (static_cast<float>(std::max(1 - gain, 0.0)) != layer.readout_beta) return false;
            for (int index = 0; index < 5; ++index) {
                r = neighbour(1 / gain, index);
                if (r * gain == 1) return true;
            }
            return false;
        };
        const double tau = find_double(written_dt / (1 - double{layer.readout_beta}), says, where_, layer, "readout_beta");
        put_neuron("tau", layer, tau);
        put_neuron("r", layer, r);
        put_neuron("v_leak", layer, 0);
    }

    void add_pool(const Layer& layer) {
        if (layer.pool.kind == PoolKind::max) refuse(where_, layer, "max-pooling");
        if (layer.kind == LayerKind::full) refuse(where_, layer, "pooling of what a fully connected layer gives");
        begin_node(numbered("pool"), layer.pool.kind == PoolKind::sum ? "SumPool2d" : "AvgPool2d");
        put_pair("kernel_size", layer.pool.size);
        put_pair("stride", layer.pool.stride);
        put_pair("padding", 0);
    }

    void finish() {
        const auto texts = [](std::vector<std::string> names, Shape shape) {
            return NirValue{NirType::text, std::move(shape), {}, std::move(names)};
        };
        const auto list = [&](const std::string& key, const std::vector<std::string>& names) {
            if (!names.empty()) values_["node/metadata/" + key] = texts(names, {static_cast<int64_t>(names.size())});
        };
        values_["version"] = nir_text(nir_version);
        values_["node/type"] = nir_text("NIRGraph");
        values_["node/edges"] = texts(edges_, {static_cast<int64_t>(edges_.size() / 2), 2});
        values_["node/metadata/writer"] = nir_text("spikelens");
        values_["node/metadata/dt"] = nir_numbers(NirType::float64, {}, {written_dt});
        values_["node/metadata/steps"] = nir_numbers(NirType::int64, {}, {1.0 * network_.steps});
        list("classes", network_.classes);
        list("reset_by_subtraction", by_subtraction_);
        list("without_bias", without_bias_);
    }

    const Network& network_;
    const std::string& where_;
    NirValues values_;
    std::string node_;
    const Layer* layer_ = nullptr;
    bool flat_ = false;
    std::vector<std::string> edges_, by_subtraction_, without_bias_;
};

bool same_layer(const Layer& a, const Layer& b) {
    const auto extents = [](const Layer& l) {
        return std::array{l.in_channels, l.in_height, l.in_width, l.out_channels,  l.out_height,  l.out_width,
                          l.kernel,      l.stride,    l.padding,  l.pooled_height, l.pooled_width};
    };
    return a.name == b.name && a.kind == b.kind && extents(a) == extents(b) && a.has_bias == b.has_bias &&
           a.neuron == b.neuron && a.readout_beta == b.readout_beta && a.pool == b.pool && a.weight == b.weight &&
           a.bias == b.bias;
}

/// The promise that import_nir gives the same network, kept for what no case above foresaw.
void require_same(const Network& network, const Network& back, const std::string& where) {
    for (size_t l = 0; l < network.layers.size(); ++l)
        if (l >= back.layers.size() || !same_layer(network.layers[l], back.layers[l]))
            refuse(where, network.layers[l], "it would be read back as another one");
    if (back.layers.size() != network.layers.size() || back.steps != network.steps || back.classes != network.classes ||
        back.input_shape() != network.input_shape())
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
