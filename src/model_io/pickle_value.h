#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace spikelens {

/// Where a value lies in its pickle. Values refer to each other by these, so that cycles and shared parts of a hostile
/// file cost nothing.
using PickleId = uint32_t;

enum class PickleKind : uint8_t {
    none,
    boolean,
    integer,
    long_integer,  ///< does not fit 64 bits
    number,
    text,
    bytes,
    tuple,
    list,
    dict,
    global,     ///< a name of the allow-list
    call,       ///< such a name and what it was called with; nothing was called
    persistent  ///< what PyTorch keeps outside the pickle: a storage
};

struct PickleValue {
    PickleKind kind = PickleKind::none;
    int64_t integer = 0;  ///< boolean (0, 1), integer
    double number = 0;
    std::string text;  ///< text, bytes; of global and call "module.name"; of long_integer its little-endian bytes
    std::vector<PickleId> attributes;  ///< of dict: what BUILD gave it, the last counts; may be empty
    std::vector<PickleId>
        items;  ///< tuple, list; of dict key, value, key, value…; of call its arguments; of persistent one
};

/// A pickle read: plain data.
struct Pickle {
    std::vector<PickleValue> values;
    PickleId root = 0;
    uint64_t size = 0;  ///< bytes it took

    const PickleValue& operator[](PickleId id) const { return values[id]; }
    /// The last value of a text key of a dict; null for everything else.
    const PickleValue* find(const PickleValue& dict, std::string_view key) const;
};

}  // namespace spikelens
