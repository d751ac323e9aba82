#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <nlohmann/json.hpp>

#include "spikelens/io/json_fields.h"

namespace spikelens {

/// A result struct names its fields once, in the order of its document:
///
///     struct Epoch {
///         int epoch = 0;
///         std::optional<double> loss;
///         static void fields(auto& self, auto& field) { field("epoch", self.epoch), field("loss", self.loss); }
///     };
///
/// document_of writes the struct as a JSON object and read_fields reads it back. A field is a bool, a whole number, a
/// double (not a number is null), a text, a document, such a struct, a list or a map of them, or a struct that has its
/// own `json document() const` and `static T read(const JsonField&)`. An empty optional is no field, or null as
/// `field.nullable("coding", self.coding)`. `field.group("run", self.made)` puts the fields of an optional struct
/// beside the others; it is there where its field "run" is.
struct AnyField {
    void operator()(const char*, auto&) {}
    void nullable(const char*, auto&) {}
    void group(const char*, auto&) {}
};
template <class T>
concept Record = requires(T& value, AnyField& field) {
    T::fields(value, field);
};

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_list = false;
template <class T>
inline constexpr bool is_list<std::vector<T>> = true;
template <class T>
inline constexpr bool is_map = false;
template <class T>
inline constexpr bool is_map<std::map<std::string, T>> = true;

template <class T>
nlohmann::json field_document(const T& value);

class FieldWriter {
  public:
    template <class T>
    void operator()(const char* name, const T& value) {
        if constexpr (is_optional<T>) {
            if (value) document[name] = field_document(*value);
        } else {
            document[name] = field_document(value);
        }
    }
    template <class T>
    void nullable(const char* name, const std::optional<T>& value) {
        document[name] = value ? field_document(*value) : nlohmann::json();
    }
    template <class T>
    void group(const char*, const std::optional<T>& part) {
        if (part) T::fields(*part, *this);
    }

    nlohmann::json document = nlohmann::json::object();
};

template <class T>
void read_field(const JsonField& field, T& value);

class FieldReader {
  public:
    explicit FieldReader(const JsonField& object) : object_(object) {}

    template <class T>
    void operator()(const char* name, T& value) {
        if constexpr (is_optional<T>) {
            value.reset();
            if (object_.has(name)) read_field(object_[name], value.emplace());
        } else {
            read_field(object_[name], value);
        }
    }
    template <class T>
    void nullable(const char* name, std::optional<T>& value) {
        value.reset();
        if (const JsonField field = object_[name]; !field.is_null()) read_field(field, value.emplace());
    }
    template <class T>
    void group(const char* name, std::optional<T>& part) {
        part.reset();
        if (object_.has(name)) T::fields(part.emplace(), *this);
    }

  private:
    const JsonField& object_;
};

template <class T>
nlohmann::json field_document(const T& value) {
    if constexpr (Record<T>) {
        FieldWriter writer;
        T::fields(value, writer);
        return writer.document;
    } else if constexpr (is_list<T>) {
        nlohmann::json list = nlohmann::json::array();
        for (const auto& one : value) list.push_back(field_document(one));
        return list;
    } else if constexpr (is_map<T>) {
        nlohmann::json members = nlohmann::json::object();
        for (const auto& [name, one] : value) members[name] = field_document(one);
        return members;
    } else if constexpr (std::floating_point<T>) {
        return json_of_double(value);
    } else if constexpr (requires { value.document(); }) {
        return value.document();
    } else {
        return value;
    }
}

template <class T>
void read_field(const JsonField& field, T& value) {
    if constexpr (Record<T>) {
        FieldReader reader(field);
        T::fields(value, reader);
    } else if constexpr (is_list<T>) {
        value.clear();
        for (const JsonField& one : field.items()) read_field(one, value.emplace_back());
    } else if constexpr (is_map<T>) {
        value.clear();
        for (const std::string& name : field.keys()) read_field(field[name], value[name]);
    } else if constexpr (std::same_as<T, bool>) {
        value = field.boolean();
    } else if constexpr (std::same_as<T, uint64_t>) {
        value = field.unsigned_integer();
    } else if constexpr (std::integral<T>) {
        value = static_cast<T>(field.integer(std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
    } else if constexpr (std::same_as<T, float>) {
        value = field.is_null() ? std::numeric_limits<float>::quiet_NaN() : field.single();
    } else if constexpr (std::floating_point<T>) {
        value = field.number();
    } else if constexpr (std::same_as<T, std::string>) {
        value = field.text();
    } else if constexpr (std::same_as<T, nlohmann::json>) {
        value = field.value();
    } else {
        value = T::read(field);
    }
}

/// The document of a result.
template <Record T>
nlohmann::json document_of(const T& result) {
    return field_document(result);
}

/// The result of a document. Throws InputError that names the file, the field and what was expected; more fields than
/// the struct has are left aside.
template <Record T>
T read_fields(const nlohmann::json& document, const std::string& file) {
    T result;
    read_field(JsonField(document, file), result);
    return result;
}

}  // namespace spikelens
