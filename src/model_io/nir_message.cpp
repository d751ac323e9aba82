#include "nir_message.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace spikelens {
namespace {

constexpr uint64_t kMostAxes = 32;

template <class T>
void append(std::string& message, const T& value) {
    message.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append_text(std::string& message, const std::string& text) {
    append<uint64_t>(message, text.size());
    message += text;
}

/// Takes pieces off the front; after the first that is not there, every answer is empty and `good` is false.
class Cursor {
  public:
    explicit Cursor(std::string_view bytes) : bytes_(bytes) {}

    bool good() const { return good_; }
    bool done() const { return bytes_.empty(); }

    template <class T>
    T take() {
        T value{};
        const std::string_view piece = take_bytes(sizeof value);
        if (good_) std::memcpy(&value, piece.data(), sizeof value);
        return value;
    }
    std::string text() { return std::string(take_bytes(take<uint64_t>())); }

    /// A count of elements of this size that the rest can hold.
    uint64_t count(uint64_t element_size) {
        const auto count = take<uint64_t>();
        if (count > bytes_.size() / element_size) good_ = false;
        return good_ ? count : 0;
    }
    std::vector<double> numbers() {
        std::vector<double> values(count(sizeof(double)));
        const std::string_view piece = take_bytes(values.size() * sizeof(double));
        if (!values.empty()) std::memcpy(values.data(), piece.data(), piece.size());
        return values;
    }
    void fail() { good_ = false; }

  private:
    std::string_view take_bytes(uint64_t length) {
        if (!good_ || length > bytes_.size()) {
            good_ = false;
            return {};
        }
        const std::string_view piece = bytes_.substr(0, length);
        bytes_.remove_prefix(length);
        return piece;
    }

    std::string_view bytes_;
    bool good_ = true;
};

/// Whether a shape has exactly this many elements.
bool holds(const Shape& shape, uint64_t count) {
    uint64_t elements = 1;
    for (int64_t extent : shape)
        if (extent < 0 || __builtin_mul_overflow(elements, static_cast<uint64_t>(extent), &elements)) return false;
    return elements == count;
}

NirValue take_value(Cursor& cursor) {
    NirValue value;
    const auto type = cursor.take<uint8_t>();
    if (type > static_cast<uint8_t>(NirType::other)) cursor.fail();
    value.type = static_cast<NirType>(type);
    const auto axes = cursor.take<uint64_t>();
    if (axes > kMostAxes) cursor.fail();
    for (uint64_t axis = 0; axis < axes && cursor.good(); ++axis) value.shape.push_back(cursor.take<int64_t>());
    value.numbers = cursor.numbers();
    for (uint64_t left = cursor.count(sizeof(uint64_t)); left > 0 && cursor.good(); --left)
        value.texts.push_back(cursor.text());
    const uint64_t present = value.type == NirType::text ? value.texts.size() : value.numbers.size();
    if (value.type != NirType::other && !holds(value.shape, present)) cursor.fail();
    return value;
}

}  // namespace

void append_value(std::string& message, const std::string& path, const NirValue& value) {
    message += kMessageValue;
    append_text(message, path);
    append(message, static_cast<uint8_t>(value.type));
    append<uint64_t>(message, value.shape.size());
    for (int64_t extent : value.shape) append(message, extent);
    append<uint64_t>(message, value.numbers.size());
    message.append(reinterpret_cast<const char*>(value.numbers.data()), value.numbers.size() * sizeof(double));
    append<uint64_t>(message, value.texts.size());
    for (const std::string& text : value.texts) append_text(message, text);
}

void append_error(std::string& message, const std::string& sentence) {
    message += kMessageError;
    append_text(message, sentence);
}

void append_image(std::string& message, const std::string& bytes) {
    message += kMessageImage;
    append_text(message, bytes);
}

NirMessage parse_message(std::string_view bytes) {
    NirMessage message;
    Cursor cursor(bytes);
    while (cursor.good() && !cursor.done()) {
        const char kind = cursor.take<char>();
        if (kind == kMessageEnd) {
            message.complete = cursor.done();
            return message;
        }
        if (kind == kMessageError) {
            message.error = cursor.text();
            if (!cursor.good()) message.error.clear();
            continue;
        }
        if (kind == kMessageImage) {
            message.image = cursor.text();
            if (!cursor.good()) message.image.clear();
            continue;
        }
        if (kind != kMessageValue) return message;
        std::string path = cursor.text();
        NirValue value = take_value(cursor);
        if (cursor.good()) message.values.insert_or_assign(std::move(path), std::move(value));
    }
    return message;
}

}  // namespace spikelens
