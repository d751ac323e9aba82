#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model_io/nir_values.h"

namespace spikelens {

/// The datasets of a NIR file, put together node by node; each is fed by the one before.
class NirChain {
  public:
    using Parameters = std::vector<std::pair<std::string, NirValue>>;

    explicit NirChain(Shape input) { add("input", "Input", {{"shape", whole(std::move(input))}}); }

    NirChain& add(const std::string& name, const std::string& type, const Parameters& parameters = {}) {
        if (!last_.empty()) edge(last_, name);
        values_["node/nodes/" + name + "/type"] = nir_text(type);
        for (const auto& [key, value] : parameters) set(name, key, value);
        last_ = name;
        return *this;
    }
    NirChain& set(const std::string& name, const std::string& parameter, NirValue value) {
        values_["node/nodes/" + name + "/" + parameter] = std::move(value);
        return *this;
    }
    /// What is added next is fed by this node.
    NirChain& go_to(const std::string& name) {
        last_ = name;
        return *this;
    }
    NirChain& edge(const std::string& from, const std::string& to) {
        edges_.push_back({from, to});
        return *this;
    }
    NirChain& drop(const std::string& name, const std::string& parameter) {
        values_.erase("node/nodes/" + name + "/" + parameter);
        return *this;
    }
    std::vector<std::pair<std::string, std::string>>& edges() { return edges_; }

    /// With an Output at the end, unless there is one.
    NirValues values() {
        if (!values_.contains("node/nodes/output/type")) add("output", "Output");
        std::vector<std::string> names;
        for (const auto& [from, to] : edges_) names.insert(names.end(), {from, to});
        NirValues all = values_;
        all["node/type"] = nir_text("NIRGraph");
        all["node/edges"] = {NirType::text, {static_cast<int64_t>(edges_.size()), 2}, {}, names};
        all["version"] = nir_text("1.0");
        return all;
    }

    static NirValue whole(Shape numbers) {
        return nir_numbers(NirType::int64, {static_cast<int64_t>(numbers.size())}, {numbers.begin(), numbers.end()});
    }
    static NirValue scalar(double number) { return nir_numbers(NirType::float64, {}, {number}); }
    static NirValue list(std::vector<double> numbers) {
        return nir_numbers(NirType::float64, {static_cast<int64_t>(numbers.size())}, numbers);
    }
    static NirValue all(Shape shape, double number) {
        return nir_numbers(NirType::float64, shape, std::vector<double>(element_count(shape), number));
    }
    /// Dyadic numbers that differ: 1/8, −2/8, 3/8, …
    static NirValue ramp(Shape shape) {
        std::vector<double> numbers(element_count(shape));
        for (size_t i = 0; i < numbers.size(); ++i)
            numbers[i] = (i % 2 ? -1.0 : 1.0) * static_cast<double>(1 + i % 7) / 8;
        return nir_numbers(NirType::float32, std::move(shape), std::move(numbers));
    }

  private:
    NirValues values_;
    std::vector<std::pair<std::string, std::string>> edges_;
    std::string last_;
};

}  // namespace spikelens
