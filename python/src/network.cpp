#include "network.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "spikelens/core/error.h"
#include "spikelens/model_io/model_file.h"

#include "arrays.h"

namespace spikelens::python {
namespace {

constexpr size_t kIdle = 2;  ///< engines kept: each has the weights once more

NetworkHandle make_network(const std::string& text, const Shape& shape, int steps,
                           const std::map<std::string, FloatValues>& tensors, std::vector<std::string> classes) {
    Network network = parse_network(text, shape, steps);
    std::map<std::string, FloatArray> values;
    for (const auto& [name, tensor] : tensors) values[name] = float_array(tensor);
    set_tensors(network, std::move(values), "the network's tensors");
    network.classes = std::move(classes);
    check_network(network, "the network");
    return NetworkHandle(std::move(network));
}

NetworkHandle draw_network(const std::string& text, const Shape& shape, int steps, uint64_t seed) {
    Network network = parse_network(text, shape, steps);
    initialise_weights(network, seed);
    check_network(network, "the network");
    return NetworkHandle(std::move(network));
}

nb::dict tensors_of(const NetworkHandle& handle) {
    nb::dict tensors;
    for (auto& [name, values] : network_tensors(*handle.network))
        tensors[name.c_str()] = numpy_array(std::move(values));
    return tensors;
}

nb::dict layer_of(const Layer& layer) {
    nb::dict description;
    description["name"] = layer.name;
    description["kind"] = std::string(kLayerWords[static_cast<size_t>(layer.kind)]);
    description["neuron"] = layer.neuron ? nb::cast(neuron_text(*layer.neuron, layer.values)) : nb::none();
    description["input_shape"] = nb::tuple(nb::cast(layer.input_shape()));
    description["output_shape"] = nb::tuple(nb::cast(layer.output_shape()));
    description["pooled_shape"] = nb::tuple(nb::cast(layer.pooled_shape()));
    return description;
}

nb::list layers_of(const NetworkHandle& handle) {
    nb::list layers;
    for (const Layer& layer : handle.network->layers) layers.append(layer_of(layer));
    return layers;
}

}  // namespace

std::unique_ptr<const Engine> make_engine(std::shared_ptr<const Network> network, const Execution& execution,
                                          const std::string& surrogate) {
    GradientOptions gradients;
    if (!surrogate.empty()) gradients.surrogate = parse_surrogate(surrogate);
    return std::make_unique<const CpuEngine>(std::move(network), execution, gradients);
}

NetworkHandle::Lease::Lease(NetworkHandle& owner, const Settings& settings, const std::string& surrogate)
    : owner_(owner) {
    const auto found = std::ranges::find_if(owner.idle_, [&](const std::unique_ptr<Prepared>& idle) {
        return idle->settings == settings && idle->surrogate == surrogate;
    });
    if (found != owner.idle_.end()) {
        prepared_ = std::move(*found);
        owner.idle_.erase(found);
        prepared_->line->clear();
        return;
    }
    prepared_ = std::make_unique<Prepared>();
    prepared_->settings = {settings.threads, settings.memory, settings.kernel, nb::none()};
    prepared_->surrogate = surrogate;
    prepared_->line = std::make_shared<Line>();
    prepared_->engine = make_engine(owner.network, execution_of(settings, prepared_->line), surrogate);
}

NetworkHandle::Lease::~Lease() {
    if (owner_.idle_.size() >= kIdle) owner_.idle_.erase(owner_.idle_.begin());
    owner_.idle_.push_back(std::move(prepared_));
}

const std::string& NetworkHandle::fingerprint() {
    if (fingerprint_.empty()) fingerprint_ = model_fingerprint(*network);
    return fingerprint_;
}

void bind_network(nb::module_& module) {
    nb::class_<NetworkHandle>(module, "Network",
                              "A spiking network: layers, weights, steps and classes. It never changes.")
        .def_prop_ro("text", [](const NetworkHandle& self) { return network_text(*self.network); })
        .def_prop_ro("steps", [](const NetworkHandle& self) { return self.network->steps; })
        .def_prop_ro("input_shape",
                     [](const NetworkHandle& self) { return nb::tuple(nb::cast(self.network->input_shape())); })
        .def_prop_ro("class_count", [](const NetworkHandle& self) { return self.network->class_count(); })
        .def_prop_ro("classes", [](const NetworkHandle& self) { return self.network->classes; })
        .def_prop_ro("layers", &layers_of)
        .def_prop_ro("parameters", [](const NetworkHandle& self) { return parameter_count(*self.network); })
        .def_prop_ro("fingerprint", &NetworkHandle::fingerprint)
        .def("tensors", &tensors_of)
        .def(
            "save",
            [](const NetworkHandle& self, const std::filesystem::path& path) { save_model(*self.network, path); },
            nb::arg("path"));
    module.def(
        "network", &make_network, nb::arg("text"), nb::arg("shape"), nb::arg("steps"), nb::arg("tensors"),
        nb::arg("classes") = std::vector<std::string>{},
        "The network of a text, with these weights: float32 arrays named as model files name them (\"conv1.weight\").");
    module.def("draw_network", &draw_network, nb::arg("text"), nb::arg("shape"), nb::arg("steps"), nb::arg("seed"),
               "The network of a text, with weights drawn by the seed.");
    module.def(
        "load_model", [](const std::filesystem::path& path) { return NetworkHandle(load_model(path)); },
        nb::arg("path"), "The network of a model file.");
}

}  // namespace spikelens::python
