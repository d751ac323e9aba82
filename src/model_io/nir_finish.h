#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "spikelens/model_io/import.h"

#include "nir_dialect.h"
#include "nir_input.h"
#include "nir_weights.h"

namespace spikelens {

/// A network while its layers are put together, and what is said of them.
class NirResult {
  public:
    NirResult(const NirRules& rules, const std::string& where) : rules_(rules), where_(where) {}

    std::vector<NirLayer> layers;  ///< in topological order, with inputs and sizes

    void start(const NirInput& input);
    void say(std::string assumption) { result_.assumptions.push_back(std::move(assumption)); }
    /// The node is the neuron or the readout of this layer.
    void note_neuron(const NirNode& node, int layer) { neurons_[layer] = &node; }

    /// The network: names, tensors in float32. The last layer sends a signal of these axes.
    ImportedNetwork finish(const Shape& axes, bool leaks);

  private:
    void end(const Shape& axes, bool leaks);
    void name_layers();
    void narrow(NirLayer& from) const;
    std::vector<float> floats(const std::vector<double>& values, const NirLayer& layer) const;
    void list_tensors();
    void list_parameters(int layer);
    void say_neurons();

    const NirRules& rules_;
    const std::string& where_;
    ImportedNetwork result_;
    std::map<int, const NirNode*> neurons_;  ///< by layer
};

}  // namespace spikelens
