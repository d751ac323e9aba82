#include "nir_graph.h"

#include <algorithm>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "spikelens/core/error.h"

namespace spikelens {
namespace {

constexpr size_t most_named = 12;

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

std::string joined(const std::vector<std::string>& names, std::string_view between) {
    std::vector<std::string> quoted;
    for (const std::string& name : names) quoted.push_back("'" + name + "'");
    if (quoted.size() > most_named) {
        quoted.resize(most_named);
        quoted.emplace_back("…");
    }
    return fmt::format("{}", fmt::join(quoted, between));
}

class Builder {
  public:
    Builder(NirGraph& graph, const std::string& where) : graph_(graph), where_(where) {}

    /// Where edges to and from a node of the graph that holds it go: for a graph inside, to its Input and from its Output.
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
                    throw InputError(fmt::format("{}: an edge names '{}', but there is no such node", place, prefix + end));
            graph_.edges.emplace_back(ends.at(edges.texts[i]).last, ends.at(edges.texts[i + 1]).first);
        }
    }

    NirGraph& graph_;
    const std::string& where_;
};

/// Who feeds whom.
struct Neighbours {
    std::map<std::string, std::vector<std::string>> before, after;

    explicit Neighbours(const NirGraph& graph) {
        for (const auto& [from, to] : graph.edges) {
            before[to].push_back(from);
            after[from].push_back(to);
        }
    }
    const std::vector<std::string>& of(const std::map<std::string, std::vector<std::string>>& side,
                                       const std::string& name) const {
        static const std::vector<std::string> none;
        const auto found = side.find(name);
        return found == side.end() ? none : found->second;
    }
};

/// What is left when nodes without a predecessor are taken away again and again: empty, or every cycle with what follows it.
std::set<std::string> in_or_after_cycles(const NirGraph& graph, const Neighbours& neighbours) {
    std::map<std::string, size_t> waiting;
    std::set<std::string> left;
    std::vector<std::string> free;
    for (const auto& [name, node] : graph.nodes) {
        left.insert(name);
        waiting[name] = neighbours.of(neighbours.before, name).size();
        if (waiting[name] == 0) free.push_back(name);
    }
    while (!free.empty()) {
        const std::string name = free.back();
        free.pop_back();
        left.erase(name);
        for (const std::string& next : neighbours.of(neighbours.after, name))
            if (--waiting[next] == 0) free.push_back(next);
    }
    return left;
}

void refuse_cycles(const NirGraph& graph, const Neighbours& neighbours, const std::string& where) {
    const std::set<std::string> left = in_or_after_cycles(graph, neighbours);
    if (left.empty()) return;
    std::vector<std::string> path = {*left.begin()};
    std::set<std::string> seen = {path[0]};
    while (true) {  // backwards: each of these has a predecessor among them
        for (const std::string& name : neighbours.of(neighbours.before, path.back()))
            if (left.contains(name)) {
                path.push_back(name);
                break;
            }
        if (!seen.insert(path.back()).second) break;
    }
    path.erase(path.begin(), std::find(path.begin(), path.end(), path.back()));
    std::ranges::reverse(path);
    throw InputError(
        fmt::format("{}: the graph is recurrent, which is not supported: {} is a cycle", where, joined(path, " → ")));
}

void refuse_branches(const NirGraph& graph, const Neighbours& neighbours, const std::string& where) {
    std::set<std::pair<std::string, std::string>> seen;
    for (const auto& edge : graph.edges)
        if (!seen.insert(edge).second)
            throw InputError(fmt::format("{}: the edge '{}' → '{}' appears twice", where, edge.first, edge.second));
    for (const auto& [name, node] : graph.nodes) {
        if (const auto& next = neighbours.of(neighbours.after, name); next.size() > 1)
            throw InputError(fmt::format("{}feeds {}; a graph that branches is not supported", node_place(where, node),
                                         joined(next, " and ")));
        if (const auto& previous = neighbours.of(neighbours.before, name); previous.size() > 1)
            throw InputError(fmt::format("{}receives the sum of {}; a graph that branches is not supported",
                                         node_place(where, node), joined(previous, " and ")));
    }
}

}  // namespace

std::string node_place(const std::string& where, const NirNode& node) {
    return fmt::format("{}: the node '{}' ({}) ", where, node.name, node.type);
}

NirGraph build_nir_graph(const NirValues& values, const std::string& where) {
    const NirValues root = below(values, "node");
    if (root.empty()) throw InputError(where + " is HDF5 but not a NIR file: it has no group 'node'");
    const std::string type = text_of(root, "type", where + ": the root node");
    if (type != "NIRGraph") throw InputError(fmt::format("{}: the root node is a {}, expected a NIRGraph", where, type));
    NirGraph graph;
    if (values.contains("version")) graph.version = text_of(values, "version", where);
    graph.metadata = below(root, "metadata");
    Builder(graph, where).add(root, "");
    return graph;
}

std::vector<NirNode> nir_chain(const NirGraph& graph, const std::string& where) {
    const Neighbours neighbours(graph);
    refuse_cycles(graph, neighbours, where);
    refuse_branches(graph, neighbours, where);
    std::vector<NirNode> chain;
    for (const auto& [name, node] : graph.nodes)
        if (node.type == "Input") chain.push_back(node);
    if (chain.size() != 1) throw InputError(fmt::format("{}: the graph has {} Input nodes, expected one", where, chain.size()));
    while (true) {
        const auto& next = neighbours.of(neighbours.after, chain.back().name);
        if (next.empty()) break;
        chain.push_back(graph.nodes.at(next[0]));
    }
    std::set<std::string> reached;
    for (const NirNode& node : chain) reached.insert(node.name);
    for (const auto& [name, node] : graph.nodes)
        if (!reached.contains(name)) throw InputError(node_place(where, node) + "is not reached from the Input");
    if (chain.back().type != "Output")
        throw InputError(node_place(where, chain.back()) + "is the last, expected an Output after it");
    return chain;
}

}  // namespace spikelens
