#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace spikelens {

/// Parses a whole JSON document. Throws InputError that opens with `where` and says at which byte it is broken; also
/// for a key that appears twice in one object and for nesting deeper than 64.
nlohmann::json parse_json(std::string_view text, const std::string& where);

/// The document as text: indent −1 is one line. Throws InputError, opened by `where`, when a text in it is not UTF-8.
std::string json_text(const nlohmann::json& document, const std::string& where, int indent = -1);

/// A value of a JSON document with its place in it: every access is checked, and every InputError says
/// "<file>: <path of the value> <what was expected>". Cheap to copy; the document must outlive it.
class JsonField {
  public:
    JsonField(const nlohmann::json& document, std::string file) : value_(&document), file_(std::move(file)) {}

    JsonField operator[](const std::string& key) const;  ///< a member that must be there
    std::vector<JsonField> items() const;                ///< the elements of an array
    std::vector<std::string> keys() const;               ///< the names of an object's members, sorted
    bool has(const std::string& key) const;              ///< whether the object has this member
    bool is_null() const { return value_->is_null(); }

    const nlohmann::json& value() const { return *value_; }
    int64_t integer(int64_t smallest, int64_t largest) const;
    uint64_t unsigned_integer() const;  ///< any seed: integer() ends at 2^63
    double number() const;              ///< null is NaN: JSON has no other way to say it
    float single() const;               ///< a finite number that float32 can hold
    bool boolean() const;
    std::string text() const;

    std::vector<int64_t> integers(int64_t smallest, int64_t largest) const;
    std::vector<double> numbers() const;
    std::vector<std::string> texts() const;

    [[noreturn]] void fail(const std::string& expected) const;

  private:
    const nlohmann::json* value_;
    std::string file_;
    std::string place_;  ///< "layers[2].neuron", empty for the document
};

/// The shortest decimal that reads back as this float: 0.95, not 0.949999988079071.
nlohmann::json json_of_float(float value);

/// Not-a-number and infinities become null.
nlohmann::json json_of_double(double value);
nlohmann::json json_of_doubles(const std::vector<double>& values);

}  // namespace spikelens
