#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "nir_values.h"

namespace spikelens {

/// One node with its parameters: "weight", "v_threshold", …
struct NirNode {
    std::string name;
    std::string type;
    NirValues values;

    bool has(const std::string& parameter) const { return values.contains(parameter); }
};

struct NirGraph {
    std::string version;  ///< of the nir package that wrote it, "" when the file does not say
    std::map<std::string, NirNode> nodes;
    std::vector<std::pair<std::string, std::string>> edges;
    NirValues metadata;  ///< of the whole graph
};

/// Begins every error about a node: "FILE: the node '3' (Conv2d) ".
std::string node_place(const std::string& where, const NirNode& node);

/// The graph that a file's datasets make. A graph inside the graph is replaced by its nodes, "outer.inner"; its Input and
/// Output become nodes of type "Pass". Throws InputError, opened by `where`, when a part is missing or of another form.
NirGraph build_nir_graph(const NirValues& values, const std::string& where);

/// The nodes in the order in which the signal runs through them, from Input to Output. Throws InputError that names the nodes
/// of a cycle, of a branch or a sum, nodes that nothing reaches, and ends of edges that are not there.
std::vector<NirNode> nir_chain(const NirGraph& graph, const std::string& where);

}  // namespace spikelens
