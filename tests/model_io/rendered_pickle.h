#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "model_io/pickle_machine.h"
#include "support/errors.h"

namespace spikelens {

inline std::span<const uint8_t> bytes_of(const std::string& text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

inline Pickle read(const std::string& bytes) { return read_pickle(bytes_of(bytes), "file"); }
inline std::string error_of(const std::string& bytes) {
    return input_error([&] { read(bytes); });
}

/// A value as JSON that says its kind.
inline nlohmann::json rendered(const Pickle& pickle, const PickleValue& value) {
    nlohmann::json items = nlohmann::json::array();
    for (const PickleId id : value.items) items.push_back(rendered(pickle, pickle[id]));
    switch (value.kind) {
        case PickleKind::none:
            return nullptr;
        case PickleKind::boolean:
            return value.integer == 1;
        case PickleKind::integer:
            return value.integer;
        case PickleKind::number:
            return {{"number", value.number}};
        case PickleKind::text:
            return value.text;
        case PickleKind::bytes:
            return {{"bytes", std::vector<uint8_t>(value.text.begin(), value.text.end())}};
        case PickleKind::long_integer:
            return {{"long", std::vector<uint8_t>(value.text.begin(), value.text.end())}};
        case PickleKind::tuple:
            return {{"tuple", items}};
        case PickleKind::list:
            return {{"list", items}};
        case PickleKind::dict:
            return {{"dict", items}};
        case PickleKind::global:
        case PickleKind::call:
        case PickleKind::persistent:
            return {{"call", value.text}, {"with", items}};
    }
    return "unknown";
}
inline nlohmann::json rendered(const std::string& bytes) {
    const Pickle pickle = read(bytes);
    return rendered(pickle, pickle[pickle.root]);
}

}  // namespace spikelens
