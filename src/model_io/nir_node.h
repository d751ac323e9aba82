#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nir_graph.h"

namespace spikelens {

/// A node's parameters, checked as they are read: every InputError names the file, the node and the parameter.
class NirNodeReader {
  public:
    NirNodeReader(const NirNode& node, const std::string& where) : node_(&node), where_(where) {}

    const NirNode& node() const { return *node_; }

    /// A parameter of finite numbers that must be there.
    const NirValue& numbers(const std::string& name) const;

    /// One number.
    double number(const std::string& name) const;

    /// A whole number of a range, given once or once per axis and then the same.
    int square(const std::string& name, int smallest, int largest) const;

    /// One value per output: `shape` is the signal's, its first extent the outputs. Parameters spread as numpy's broadcasting
    /// does, and must be the same for all neurons of one output. `missing` stands for a parameter that is not there.
    std::vector<double> per_output(const std::string& name, const Shape& shape, int outputs,
                                   std::optional<double> missing = std::nullopt) const;

    /// One value per element of the signal.
    std::vector<double> per_element(const std::string& name, const Shape& shape) const;

    /// One value for all.
    double uniform(const std::string& name, const Shape& shape) const;

    [[noreturn]] void fail(const std::string& what) const;

  private:
    const NirNode* node_;
    std::string where_;
};

/// Nothing that a node says is passed over: throws for a parameter that NIR does not give its type.
void check_nir_parameters(const NirNodeReader& reader);

/// Throws when the node says which shape it expects, and the signal has another number of elements.
void check_nir_input(const NirNodeReader& reader, const Shape& signal);

}  // namespace spikelens
