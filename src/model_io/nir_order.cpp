#include "nir_order.h"

#include <algorithm>
#include <queue>
#include <set>

#include <fmt/format.h>

#include "spikelens/core/error.h"

namespace spikelens {
namespace {

using Edge = std::pair<std::string, std::string>;
using Names = std::vector<std::string>;

class Orderer {
  public:
    Orderer(const NirGraph& graph, const std::string& where) : graph_(graph), where_(where), edges_(graph.edges) {
        require_no_twins();
        for (const auto& [name, node] : graph.nodes)
            if (node.type == "Pass") remove_pass(name);
        require_no_twins();
    }

    std::vector<NirStep> run() {
        rank_nodes();
        connect();
        take_recurrences();
        const std::string input = only("Input"), output = only("Output");
        require_reached(input, after_, "is not reached from the Input");
        if (!after_[output].empty()) fail(output, "feeds " + quoted_names(after_[output], " and "));
        sort();
        if (steps_.size() != before_.size()) refuse_cycle();
        require_reached(output, before_, "does not lead to the Output");
        return std::move(steps_);
    }

  private:
    const NirNode& node(const std::string& name) const { return graph_.nodes.at(name); }
    [[noreturn]] void fail(const std::string& name, const std::string& what) const {
        throw InputError(node_place(where_, node(name)) + what);
    }

    void require_no_twins() const {
        std::set<Edge> seen;
        for (const Edge& edge : edges_)
            if (!seen.insert(edge).second)
                throw InputError(
                    fmt::format("{}: the edge '{}' → '{}' appears twice", where_, edge.first, edge.second));
    }

    /// What feeds the node feeds those that it fed.
    void remove_pass(const std::string& name) {
        std::vector<Edge> kept;
        Names from;
        for (const Edge& edge : edges_)
            if (edge.second == name && edge.first != name) from.push_back(edge.first);
        for (const Edge& edge : edges_) {
            if (edge.second == name) continue;
            if (edge.first != name) kept.push_back(edge);
            if (edge.first == name)
                for (const std::string& source : from) kept.emplace_back(source, edge.second);
        }
        if (kept.size() > kMostEdges) throw InputError(where_ + ": the graphs inside the graph have too many edges");
        edges_ = std::move(kept);
    }

    void rank_nodes() {
        for (const auto& [from, to] : edges_) rank_.emplace(to, rank_.size());
        for (const auto& [name, node] : graph_.nodes) rank_.emplace(name, rank_.size());
    }

    void connect() {
        for (const auto& [name, node] : graph_.nodes)
            if (node.type != "Pass") before_[name], after_[name];
        for (const auto& [from, to] : edges_) {
            before_[to].push_back(from);
            after_[from].push_back(to);
        }
    }

    /// A node between a neuron and the same neuron leaves the graph.
    void take_recurrences() {
        for (const auto& [name, found] : graph_.nodes) {
            if (!before_.contains(name) || is_nir_neuron(found)) continue;
            if (before_[name].size() != 1 || before_[name] != after_[name]) continue;
            const std::string neuron = before_[name][0];
            if (!is_nir_neuron(node(neuron))) continue;
            if (const auto [other, first] = recurrent_.emplace(neuron, &found); !first)
                fail(neuron,
                     fmt::format("has two recurrences, '{}' and '{}'; expected one, with the sum of their weights",
                                 other->second->name, name));
            std::erase(before_[neuron], name);
            std::erase(after_[neuron], name);
            before_.erase(name);
            after_.erase(name);
        }
    }

    std::string only(const std::string& type) const {
        Names found;
        for (const auto& [name, inputs] : before_)
            if (node(name).type == type) found.push_back(name);
        if (found.size() != 1)
            throw InputError(fmt::format("{}: the graph has {} {} nodes, expected one", where_, found.size(), type));
        return found[0];
    }

    void require_reached(const std::string& from, const std::map<std::string, Names>& edges,
                         const std::string& what) const {
        std::set<std::string> reached = {from};
        Names open = {from};
        while (!open.empty()) {
            const std::string name = open.back();
            open.pop_back();
            for (const std::string& next : edges.at(name))
                if (reached.insert(next).second) open.push_back(next);
        }
        for (const auto& [name, others] : edges)
            if (!reached.contains(name)) fail(name, what);
    }

    /// Of the nodes whose inputs are done, the one of the lowest rank comes next.
    void sort() {
        using Ranked = std::pair<size_t, std::string>;
        std::priority_queue<Ranked, std::vector<Ranked>, std::greater<>> free;
        std::map<std::string, size_t> waiting;
        for (const auto& [name, inputs] : before_)
            if ((waiting[name] = inputs.size()) == 0) free.emplace(rank_[name], name);
        while (!free.empty()) {
            const std::string name = free.top().second;
            free.pop();
            done_.insert(name);
            const auto recurrent = recurrent_.find(name);
            steps_.push_back({&node(name), before_[name], static_cast<int>(after_[name].size()),
                              recurrent == recurrent_.end() ? nullptr : recurrent->second});
            for (const std::string& next : after_[name])
                if (--waiting[next] == 0) free.emplace(rank_[next], next);
        }
    }

    /// What is not done is on a cycle or after one: backwards there is always a node that is not done.
    [[noreturn]] void refuse_cycle() {
        Names path;
        for (const auto& [name, inputs] : before_)
            if (path.empty() && !done_.contains(name)) path.push_back(name);
        for (std::set<std::string> seen = {path[0]};;) {
            const Names& inputs = before_[path.back()];
            path.push_back(
                *std::ranges::find_if(inputs, [&](const std::string& name) { return !done_.contains(name); }));
            if (!seen.insert(path.back()).second) break;
        }
        path.erase(path.begin(), std::ranges::find(path, path.back()));
        std::ranges::reverse(path);
        throw InputError(
            fmt::format("{}: {} is a cycle that no layer can be; expected a neuron → a Linear, Affine, Conv2d or "
                        "Scale → the same neuron",
                        where_, quoted_names(path, " → ")));
    }

    static constexpr size_t kMostEdges = 1'000'000;

    const NirGraph& graph_;
    const std::string& where_;
    std::vector<Edge> edges_;
    std::map<std::string, size_t> rank_;
    std::map<std::string, Names> before_, after_;
    std::map<std::string, const NirNode*> recurrent_;
    std::set<std::string> done_;
    std::vector<NirStep> steps_;
};

}  // namespace

bool is_nir_neuron(const NirNode& node) {
    static const std::set<std::string> types = {"IF", "LIF", "CubaLIF", "LI", "CubaLI", "I", "Threshold"};
    return types.contains(node.type);
}

std::vector<NirStep> nir_order(const NirGraph& graph, const std::string& where) { return Orderer(graph, where).run(); }

}  // namespace spikelens
