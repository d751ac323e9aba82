#include "spikelens/io/json_fields.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>

#include <fmt/format.h>

#include "spikelens/core/error.h"

namespace spikelens {
namespace {

using nlohmann::json;

constexpr size_t kDeepestNesting = 64;

/// nlohmann keeps the last of two equal keys; a file with two meanings must not be read at all. This looks at a text
/// before it is parsed: nlohmann's own callbacks take quadratic time in objects of objects.
class Strict : public nlohmann::json_sax<json> {
  public:
    explicit Strict(const std::string& where) : where_(where) {}

    bool start_object(size_t) override { return open(); }
    bool start_array(size_t) override { return open(); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(std::string& name) override {
        if (!open_.back().insert(name).second)
            throw InputError(fmt::format("{}: the key {} appears twice", where_, json(name).dump(-1, ' ', true)));
        return true;
    }
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const std::string&) override { return true; }
    bool string(std::string&) override { return true; }
    bool binary(json::binary_t&) override { return true; }
    /// The parser, which stops at the same place, says what is wrong.
    bool parse_error(size_t, const std::string&, const json::exception&) override { return false; }

  private:
    bool open() {
        if (open_.size() >= kDeepestNesting)
            throw InputError(fmt::format("{}: its JSON is nested deeper than {}", where_, kDeepestNesting));
        open_.emplace_back();
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    const std::string& where_;
    std::vector<std::set<std::string>> open_;  ///< keys of what is open; none of lists
};

}  // namespace

json parse_json(std::string_view text, const std::string& where) {
    try {
        Strict strict(where);
        json::sax_parse(text.begin(), text.end(), &strict);
        return json::parse(text.begin(), text.end());
    } catch (const json::parse_error& error) {
        throw InputError(fmt::format("{}: broken JSON at byte {} of {}", where, error.byte, text.size()));
    } catch (const json::exception&) {
        throw InputError(where + ": a number in its JSON is too large");
    }
}

std::string json_text(const json& document, const std::string& where, int indent) {
    try {
        return document.dump(indent);
    } catch (const json::type_error&) {
        throw InputError(where + ": a text to be written is not UTF-8");
    }
}

void JsonField::fail(const std::string& expected) const {
    throw InputError(fmt::format("{}: {} {}", file_, place_.empty() ? "the document" : place_, expected));
}

bool JsonField::has(const std::string& key) const { return value_->is_object() && value_->contains(key); }

JsonField JsonField::operator[](const std::string& key) const {
    if (!value_->is_object()) fail("must be an object");
    const auto found = value_->find(key);
    JsonField member = *this;
    member.place_ = place_.empty() ? key : place_ + "." + key;
    if (found == value_->end()) member.fail("is missing");
    member.value_ = &*found;
    return member;
}

std::vector<JsonField> JsonField::items() const {
    if (!value_->is_array()) fail("must be a list");
    std::vector<JsonField> elements(value_->size(), *this);
    for (size_t i = 0; i < elements.size(); ++i) {
        elements[i].value_ = &(*value_)[i];
        elements[i].place_ = fmt::format("{}[{}]", place_, i);
    }
    return elements;
}

std::vector<std::string> JsonField::keys() const {
    if (!value_->is_object()) fail("must be an object");
    std::vector<std::string> names;
    for (const auto& [name, value] : value_->items()) names.push_back(name);
    return names;
}

int64_t JsonField::integer(int64_t smallest, int64_t largest) const {
    const bool too_large =
        value_->is_number_unsigned() && value_->get<uint64_t>() > uint64_t(std::numeric_limits<int64_t>::max());
    if (!value_->is_number_integer() || too_large || value_->get<int64_t>() < smallest ||
        value_->get<int64_t>() > largest)
        fail(fmt::format("must be a whole number in {}..{}", smallest, largest));
    return value_->get<int64_t>();
}

uint64_t JsonField::unsigned_integer() const {
    if (!value_->is_number_unsigned()) fail("must be 0 or more");
    return value_->get<uint64_t>();
}

double JsonField::number() const {
    if (value_->is_null()) return std::numeric_limits<double>::quiet_NaN();
    if (!value_->is_number()) fail("must be a number or null");
    return value_->get<double>();
}

float JsonField::single() const {
    const double value = number();
    if (!(std::abs(value) <= std::numeric_limits<float>::max())) fail("must be a finite number that float32 can hold");
    return static_cast<float>(value);
}

bool JsonField::boolean() const {
    if (!value_->is_boolean()) fail("must be true or false");
    return value_->get<bool>();
}

std::string JsonField::text() const {
    if (!value_->is_string()) fail("must be a text");
    return value_->get<std::string>();
}

std::vector<int64_t> JsonField::integers(int64_t smallest, int64_t largest) const {
    std::vector<int64_t> values;
    for (const JsonField& item : items()) values.push_back(item.integer(smallest, largest));
    return values;
}

std::vector<double> JsonField::numbers() const {
    std::vector<double> values;
    for (const JsonField& item : items()) values.push_back(item.number());
    return values;
}

std::vector<std::string> JsonField::texts() const {
    std::vector<std::string> values;
    for (const JsonField& item : items()) values.push_back(item.text());
    return values;
}

json json_of_float(float value) {
    std::array<char, 32> digits{};
    const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    double decimal = 0;
    std::from_chars(digits.data(), end, decimal);
    // Rounding twice (to double, to float) may miss by one unit; the exact value never does.
    return static_cast<float>(decimal) == value ? decimal : static_cast<double>(value);
}

json json_of_double(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

json json_of_doubles(const std::vector<double>& values) {
    json list = json::array();
    for (double value : values) list.push_back(json_of_double(value));
    return list;
}

}  // namespace spikelens
