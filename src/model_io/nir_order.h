#pragma once

#include <string>
#include <vector>

#include "nir_graph.h"

namespace spikelens {

/// A node with what it reads and who reads it.
struct NirStep {
    const NirNode* node = nullptr;
    std::vector<std::string> inputs;     ///< the nodes whose sum it reads, in the order of the edges
    int readers = 0;                     ///< how many nodes read it, its own recurrence not counted
    const NirNode* recurrent = nullptr;  ///< the node through which its own output comes back to it
};

/// The nodes of a graph in an order in which the signal can run, that of the edges where there is a choice; the first
/// is the Input, the last the Output. Nodes of type "Pass" are gone. A node that reads one neuron and feeds it alone is
/// that neuron's recurrence. The steps point into the graph. Throws InputError that names the nodes of another cycle,
/// of edges that appear twice, nodes that nothing reaches or that reach no Output, and graphs with other than one Input
/// and one Output.
std::vector<NirStep> nir_order(const NirGraph& graph, const std::string& where);

/// Whether it is a neuron, a node with a state of its own.
bool is_nir_neuron(const NirNode& node);

}  // namespace spikelens
