#include "nir_graph.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "spikelens/core/error.h"

namespace spikelens {
namespace {

constexpr size_t kMostNamed = 12;

/// The values below a group, by their names inside it.
NirValues below(const NirValues& values, const std::string& group) {
    NirValues inside;
    const std::string prefix = group + "/";
    for (auto at = values.lower_bound(prefix); at != values.end() && at->first.starts_with(prefix); ++at)
        inside.emplace(at->first.substr(prefix.size()), at->second);
    return inside;
}

std::string text_of(const NirValues& values, const std::string& name, const std::string& place) {
    const auto found = values.find(name);
    if (found == values.end()) throw InputError(fmt::format("{} has no '{}'", place, name));
    if (found->second.type != NirType::text || found->second.texts.size() != 1)
        throw InputError(fmt::format("{} has a '{}' that is not one text", place, name));
    return found->second.texts[0];
}

class Builder {
  public:
    Builder(NirGraph& graph, const std::string& where) : graph_(graph), where_(where) {}

    /// Where edges to and from a node of the graph that holds it go: for a graph inside, to its Input and from its
    /// Output.
    struct Ends {
        std::string first, last;
    };

    /// Adds the nodes and edges of a graph. `prefix` goes before their names.
    Ends add(const NirValues& values, const std::string& prefix) {
        const std::string place = prefix.empty() ? where_ : fmt::format("{}: the graph '{}'", where_, name_of(prefix));
        if (!values.contains("edges")) throw InputError(place + " has no 'edges'");
        std::map<std::string, Ends> ends;
        std::vector<std::string> inputs, outputs;
        for (const auto& [name, node] : children(below(values, "nodes"))) {
            ends[name] = add_node(node, prefix + name);
            const auto added = graph_.nodes.find(prefix + name);
            if (added == graph_.nodes.end()) continue;
            if (added->second.type == "Input") inputs.push_back(prefix + name);
            if (added->second.type == "Output") outputs.push_back(prefix + name);
        }
        add_edges(values.at("edges"), prefix, ends, place);
        if (prefix.empty()) return {};
        if (inputs.size() != 1 || outputs.size() != 1)
            throw InputError(place + " is not understood: expected one Input and one Output inside it");
        for (const std::string& name : {inputs[0], outputs[0]}) graph_.nodes[name].type = "Pass";
        return {inputs[0], outputs[0]};
    }

  private:
    static std::string name_of(const std::string& prefix) { return prefix.substr(0, prefix.size() - 1); }

    static std::map<std::string, NirValues> children(const NirValues& values) {
        std::map<std::string, NirValues> groups;
        for (const auto& [path, value] : values) {
            const size_t slash = path.find('/');
            if (slash != std::string::npos) groups[path.substr(0, slash)].emplace(path.substr(slash + 1), value);
        }
        return groups;
    }

    Ends add_node(const NirValues& values, const std::string& name) {
        const std::string type = text_of(values, "type", fmt::format("{}: the node '{}'", where_, name));
        if (type == "NIRGraph") return add(values, name + ".");
        if (!graph_.nodes.emplace(name, NirNode{name, type, values}).second)
            throw InputError(fmt::format("{}: two nodes are named '{}'", where_, name));
        return {name, name};
    }

    void add_edges(const NirValue& edges, const std::string& prefix, const std::map<std::string, Ends>& ends,
                   const std::string& place) {
        const bool pairs = edges.shape.size() == 2 && edges.shape[1] == 2 && edges.type == NirType::text;
        const bool none = element_count(edges.shape) == 0 && !edges.shape.empty();
        if (!pairs && !none) throw InputError(place + " has 'edges' that are not pairs of names");
        for (size_t i = 0; i + 1 < edges.texts.size(); i += 2) {
            for (const std::string& end : {edges.texts[i], edges.texts[i + 1]})
                if (!ends.contains(end))
                    throw InputError(
                        fmt::format("{}: an edge names '{}', but there is no such node", place, prefix + end));
            graph_.edges.emplace_back(ends.at(edges.texts[i]).last, ends.at(edges.texts[i + 1]).first);
        }
    }

    NirGraph& graph_;
    const std::string& where_;
};

/// Numbers in names count as numbers: "2" before "10".
bool comes_before(std::string_view a, std::string_view b) {
    const auto digits = [](std::string_view text) {
        return std::min(text.find_first_not_of("0123456789"), text.size());
    };
    while (!a.empty() && !b.empty()) {
        const size_t in_a = digits(a), in_b = digits(b);
        const size_t step_a = std::max<size_t>(in_a, 1), step_b = std::max<size_t>(in_b, 1);
        const std::string_view part_a = a.substr(0, step_a), part_b = b.substr(0, step_b);
        if (in_a > 0 && in_b > 0 && in_a != in_b) return in_a < in_b;
        if (part_a != part_b) return part_a < part_b;
        a.remove_prefix(step_a);
        b.remove_prefix(step_b);
    }
    return a.empty() && !b.empty();
}

/// What slayer's export_hdf5 writes: layer/0/type, layer/0/neuron/iDecay, …
bool is_of_lava(const NirValues& values) {
    return std::ranges::any_of(values, [](const auto& value) {
        return value.first.starts_with("layer/") &&
               (value.first.ends_with("/type") || value.first.ends_with("/vThMant"));
    });
}

}  // namespace

std::string quoted_names(const std::vector<std::string>& names, std::string_view between) {
    std::vector<std::string> quoted;
    for (const std::string& name : names) quoted.push_back("'" + name + "'");
    if (quoted.size() > kMostNamed) {
        quoted.resize(kMostNamed);
        quoted.emplace_back("…");
    }
    return fmt::format("{}", fmt::join(quoted, between));
}

bool written_by_us(const NirGraph& graph) {
    const auto writer = graph.metadata.find("writer");
    return writer != graph.metadata.end() && writer->second.texts == std::vector<std::string>{"spikelens"};
}

std::vector<std::string> own_texts(const NirGraph& graph, const std::string& key) {
    const auto found = graph.metadata.find(key);
    if (!written_by_us(graph) || found == graph.metadata.end()) return {};
    return found->second.texts;
}

std::string node_place(const std::string& where, const NirNode& node) {
    return fmt::format("{}: the node '{}' ({}) ", where, node.name, node.type);
}

NirGraph build_nir_graph(const NirValues& values, const std::string& where) {
    const NirValues root = below(values, "node");
    if (root.empty() && is_of_lava(values))
        throw InputError(where +
                         " is a network of Lava-DL: its neurons count in whole numbers and cut what decays to one, "
                         "which no neuron here does, so that some would spike otherwise; expected a network with "
                         "neurons of floating point, as a NIR graph or a state dict");
    if (root.empty()) throw InputError(where + " is HDF5 but not a NIR file: it has no group 'node'");
    const std::string type = text_of(root, "type", where + ": the root node");
    if (type != "NIRGraph")
        throw InputError(fmt::format("{}: the root node is a {}, expected a NIRGraph", where, type));
    NirGraph graph;
    if (values.contains("version")) graph.version = text_of(values, "version", where);
    graph.metadata = below(root, "metadata");
    Builder(graph, where).add(root, "");
    if (!written_by_us(graph))
        std::ranges::sort(graph.edges, [](const auto& a, const auto& b) {
            return a.second == b.second ? comes_before(a.first, b.first) : comes_before(a.second, b.second);
        });
    return graph;
}

}  // namespace spikelens
