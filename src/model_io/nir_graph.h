#pragma once

#include <map>
#include <string>
#include <string_view>
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

/// "'a', 'b'": at most twelve names in quotes.
std::string quoted_names(const std::vector<std::string>& names, std::string_view between = ", ");

/// Whether export_nir wrote the file.
bool written_by_us(const NirGraph& graph);

/// The texts that our own files keep among the metadata of the graph under this key; none in files of others.
std::vector<std::string> own_texts(const NirGraph& graph, const std::string& key);

/// The graph that a file's datasets make. A graph inside the graph is replaced by its nodes, "outer.inner"; its Input
/// and Output become nodes of type "Pass". The edges of our own files keep their order; those of others, which may be
/// any, are sorted by names. Throws InputError, opened by `where`, when a part is missing or of another form.
NirGraph build_nir_graph(const NirValues& values, const std::string& where);

}  // namespace spikelens
