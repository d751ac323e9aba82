#include "pickle_number.h"

#include <array>
#include <cstring>
#include <utility>

namespace spikelens {
namespace {

constexpr std::array<std::pair<std::string_view, TensorType>, 12> kNumpyTypes = {{{"f8", TensorType::f64},
                                                                                  {"f4", TensorType::f32},
                                                                                  {"f2", TensorType::f16},
                                                                                  {"b1", TensorType::boolean},
                                                                                  {"i1", TensorType::i8},
                                                                                  {"i2", TensorType::i16},
                                                                                  {"i4", TensorType::i32},
                                                                                  {"i8", TensorType::i64},
                                                                                  {"u1", TensorType::u8},
                                                                                  {"u2", TensorType::u16},
                                                                                  {"u4", TensorType::u32},
                                                                                  {"u8", TensorType::u64}}};

TensorView view_of(std::vector<uint8_t> bytes, TensorType type, Shape shape) {
    const auto owner = std::make_shared<const std::vector<uint8_t>>(std::move(bytes));
    Shape strides = dense_strides(shape);
    return {{owner, *owner}, type, 0, std::move(shape), std::move(strides)};
}

template <class T>
TensorView single(T value, TensorType type) {
    std::vector<uint8_t> bytes(sizeof value);
    std::memcpy(bytes.data(), &value, sizeof value);
    return view_of(std::move(bytes), type, {});
}

std::optional<double> plain_number(const PickleValue& value) {
    if (value.kind == PickleKind::number) return value.number;
    if (value.kind == PickleKind::integer || value.kind == PickleKind::boolean)
        return static_cast<double>(value.integer);
    return std::nullopt;
}

std::optional<TensorView> vector_of(const Pickle& pickle, const PickleValue& list) {
    std::vector<uint8_t> bytes(list.items.size() * sizeof(double));
    for (size_t i = 0; i < list.items.size(); ++i) {
        const std::optional<double> number = plain_number(pickle[list.items[i]]);
        if (!number) return std::nullopt;
        std::memcpy(bytes.data() + i * sizeof(double), &*number, sizeof(double));
    }
    return list.items.empty()
               ? std::nullopt
               : std::optional(view_of(std::move(bytes), TensorType::f64, {static_cast<int64_t>(list.items.size())}));
}

/// Bytes as protocols 3 and later have them, or as protocol 2 writes them: _codecs.encode(text, 'latin1').
std::optional<std::vector<uint8_t>> bytes_of(const Pickle& pickle, const PickleValue& value) {
    if (value.kind == PickleKind::bytes) return std::vector<uint8_t>(value.text.begin(), value.text.end());
    if (value.kind != PickleKind::call || value.text != "_codecs.encode" || value.items.size() != 2)
        return std::nullopt;
    const std::string& text = pickle[value.items[0]].text;
    std::vector<uint8_t> bytes;
    for (size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<uint8_t>(text[i]);
        if (byte < 0x80) {
            bytes.push_back(byte);
        } else if ((byte == 0xC2 || byte == 0xC3) && i + 1 < text.size()) {
            bytes.push_back(static_cast<uint8_t>((byte & 3U) << 6 | (static_cast<uint8_t>(text[++i]) & 0x3FU)));
        } else {
            return std::nullopt;
        }
    }
    return bytes;
}

/// numpy.core.multiarray.scalar(dtype('f8'), bytes); a dtype's byte order is the machine's unless BUILD says another,
/// which NumPy's scalars never do.
std::optional<TensorView> numpy_scalar(const Pickle& pickle, const PickleValue& call) {
    const bool scalar = call.text == "numpy.core.multiarray.scalar" || call.text == "numpy._core.multiarray.scalar";
    if (!scalar || call.items.size() != 2) return std::nullopt;
    const PickleValue& dtype = pickle[call.items[0]];
    if (dtype.kind != PickleKind::call || dtype.text != "numpy.dtype" || dtype.items.empty()) return std::nullopt;
    std::optional<std::vector<uint8_t>> bytes = bytes_of(pickle, pickle[call.items[1]]);
    for (const auto& [name, type] : kNumpyTypes)
        if (pickle[dtype.items[0]].text == name && bytes && bytes->size() == type_size(type))
            return view_of(std::move(*bytes), type, {});
    return std::nullopt;
}

}  // namespace

std::optional<TensorView> pickled_numbers(const Pickle& pickle, const PickleValue& value) {
    switch (value.kind) {
        case PickleKind::number:
            return single(value.number, TensorType::f64);
        case PickleKind::integer:
            return single(value.integer, TensorType::i64);
        case PickleKind::boolean:
            return single(static_cast<uint8_t>(value.integer), TensorType::boolean);
        case PickleKind::list:
        case PickleKind::tuple:
            return vector_of(pickle, value);
        case PickleKind::call:
            return numpy_scalar(pickle, value);
        default:
            return std::nullopt;
    }
}

}  // namespace spikelens
