#include "spikelens/pipeline/identity.h"

#include <cassert>
#include <utility>

#include "spikelens/io/sha256.h"

namespace spikelens {
namespace {

using nlohmann::json;

constexpr size_t kLongestValue = 40;

/// A value in a sentence; empty where it is too long for one.
std::string words(const json& value) {
    const std::string text =
        value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', true, json::error_handler_t::replace);
    return text.size() <= kLongestValue ? text : "";
}

std::string difference_in(const std::string& name, const json& needed, const json& found) {
    if (name == "model") return "another model";
    if (name == "data") return "other data";
    const std::string before = words(found), after = words(needed);
    if (before.empty() || after.empty()) return "other " + name;
    return name + " " + before + ", not " + after;
}

}  // namespace

std::string digest_of(const json& document) {
    Sha256 sum;
    const std::string text = document.dump(-1, ' ', true, json::error_handler_t::replace);
    sum.add(text.data(), text.size());
    return sum.hex();
}

Identity::Identity(json inputs) : inputs_(std::move(inputs)) { assert(inputs_.is_object()); }

Identity Identity::with(const json& more) const {
    json all = inputs_;
    all.update(more);
    return Identity(std::move(all));
}

std::string Identity::digest() const { return digest_of(inputs_); }

std::string Identity::difference(const json& made_under) const {
    if (!made_under.is_object()) return "another version of Spikelens";
    for (const char* first : {"model", "data"})  // the weightier reasons come first
        if (inputs_.contains(first) && (!made_under.contains(first) || made_under[first] != inputs_[first]))
            return difference_in(first, inputs_[first], made_under.value(first, json()));
    for (const auto& [name, needed] : inputs_.items())
        if (!made_under.contains(name) || made_under[name] != needed)
            return difference_in(name, needed, made_under.value(name, json()));
    return {};
}

}  // namespace spikelens
