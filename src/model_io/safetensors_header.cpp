#include "safetensors_header.h"

#include <set>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "spikelens/core/error.h"

namespace spikelens {
namespace {

using nlohmann::json;

/// The grammar: { "__metadata__": { text: text, … }, name: { "dtype": text, "shape": [n, …], "data_offsets": [n, n] },
/// … }
class HeaderReader : public nlohmann::json_sax<json> {
  public:
    explicit HeaderReader(const std::string& where) : where_(where) {}

    SafetensorsHeader header;

    bool start_object(std::size_t) override {
        if (depth_ == 2 || in_list_) fail("an object where none may be");
        ++depth_;
        fields_.clear();
        return true;
    }

    bool key(string_t& text) override {
        key_ = text;
        if (depth_ == 1) {
            name_ = text;
            if (!names_.insert(text).second) fail("the name appears twice");
        } else if (!fields_.insert(text).second) {
            fail(fmt::format("the field {} appears twice", text));
        } else if (!in_metadata() && text != "dtype" && text != "shape" && text != "data_offsets") {
            fail(fmt::format("unknown field {}", text));
        }
        return true;
    }

    bool end_object() override {
        if (depth_ == 2 && !in_metadata()) finish_entry();
        --depth_;
        return true;
    }

    bool start_array(std::size_t) override {
        if (depth_ != 2 || in_metadata() || key_ == "dtype" || in_list_) fail("a list where none may be");
        in_list_ = true;
        return true;
    }

    bool end_array() override {
        in_list_ = false;
        return true;
    }

    bool string(string_t& text) override {
        if (depth_ == 2 && in_metadata())
            header.metadata[key_] = text;
        else if (depth_ == 2 && key_ == "dtype")
            type_ = read_type(text);
        else
            fail("a text where none may be");
        return true;
    }

    bool number_unsigned(number_unsigned_t value) override {
        if (!in_list_ || value >> 62) fail("a number that cannot be");
        (key_ == "shape" ? shape_ : offsets_).push_back(static_cast<int64_t>(value));
        return true;
    }

    bool null() override { fail("null"); }
    bool boolean(bool) override { fail("true or false"); }
    bool number_integer(number_integer_t) override { fail("a negative number"); }
    bool number_float(number_float_t, const string_t&) override { fail("a number that is not whole"); }
    bool binary(binary_t&) override { fail("binary data"); }

    bool parse_error(std::size_t position, const std::string&, const json::exception&) override {
        throw InputError(
            fmt::format("{} is not a safetensors file: broken JSON at byte {} of its header", where_, position));
    }

  private:
    bool in_metadata() const { return name_ == "__metadata__"; }

    [[noreturn]] void fail(const std::string& what) const {
        throw InputError(fmt::format("{}: safetensors header, at \"{}\": {}", where_, name_, what));
    }

    TensorType read_type(const std::string& text) const {
        static const std::map<std::string, TensorType> types = {
            {"F32", TensorType::f32},     {"F16", TensorType::f16}, {"BF16", TensorType::bf16},
            {"F64", TensorType::f64},     {"I8", TensorType::i8},   {"I16", TensorType::i16},
            {"I32", TensorType::i32},     {"I64", TensorType::i64}, {"U8", TensorType::u8},
            {"U16", TensorType::u16},     {"U32", TensorType::u32}, {"U64", TensorType::u64},
            {"BOOL", TensorType::boolean}};
        const auto found = types.find(text);
        if (found == types.end()) fail(fmt::format("type {}, expected for example F32, F16, BF16 or F64", text));
        return found->second;
    }

    void finish_entry() {
        if (fields_.size() != 3) fail("dtype, shape or data_offsets is missing");
        if (offsets_.size() != 2) fail("data_offsets must be two numbers");
        header.tensors[name_] = {type_, std::move(shape_), static_cast<uint64_t>(offsets_[0]),
                                 static_cast<uint64_t>(offsets_[1])};
        shape_.clear();
        offsets_.clear();
    }

    const std::string& where_;
    int depth_ = 0;
    bool in_list_ = false;
    std::set<std::string> names_, fields_;
    std::string name_, key_;
    TensorType type_ = TensorType::f32;
    Shape shape_;
    std::vector<int64_t> offsets_;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& where) {
    if (!text.starts_with('{'))
        throw InputError(where + " is not a safetensors file: its header does not begin with {");
    HeaderReader reader(where);
    json::sax_parse(text.begin(), text.end(), &reader);
    return std::move(reader.header);
}

}  // namespace spikelens
