#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nir_graph.h"

namespace spikelens {

/// Of rows and of columns.
struct NirSides {
    int rows = 1, columns = 1;
};

/// One value for all elements of a signal, or one for each.
struct NirSpread {
    std::vector<double> values;

    double at(int64_t element) const { return values[values.size() == 1 ? 0 : element]; }
    bool all(double value) const;
};

/// One value for each channel of a signal of so many elements, where all elements of a channel have the same; else
/// nothing.
std::optional<std::vector<double>> channel_values(const NirSpread& spread, int64_t channels, int64_t elements);

/// A node's parameters, checked as they are read: every InputError names the file, the node and the parameter.
class NirNodeReader {
  public:
    NirNodeReader(const NirNode& node, const std::string& where) : node_(&node), where_(where) {}

    const NirNode& node() const { return *node_; }

    /// A parameter of finite numbers that must be there.
    const NirValue& numbers(const std::string& name) const;

    /// One number.
    double number(const std::string& name) const;

    /// A whole number of a range, once for both or for rows and for columns.
    NirSides sides(const std::string& name, int smallest, int largest) const;

    /// Values for the elements of a signal; parameters spread as numpy's broadcasting does, but those of one axis, as
    /// long as a map has channels, are of channels. `missing` stands for a parameter that is not there.
    NirSpread spread(const std::string& name, const Shape& shape, std::optional<double> missing = std::nullopt) const;

    [[noreturn]] void fail(const std::string& what) const;

  private:
    NirSpread by_first_axis(const std::string& name, const Shape& shape) const;

    const NirNode* node_;
    std::string where_;
};

/// Nothing that a node says is passed over: throws for a parameter that NIR does not give its type.
void check_nir_parameters(const NirNodeReader& reader);

/// Throws when the node says which shape it expects, and the signal has another number of elements.
void check_nir_input(const NirNodeReader& reader, const Shape& signal);

}  // namespace spikelens
