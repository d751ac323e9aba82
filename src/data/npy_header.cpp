#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "spikelens/core/error.h"
#include "spikelens/core/printable.h"

#include "byte_cursor.h"
#include "npy.h"
#include "text_header.h"

namespace spikelens {
namespace {

constexpr size_t kMagic = 6;

/// The few things of Python's notation that stand in such a header.
class Literal {
  public:
    Literal(std::string_view text, const std::string& what) : text_(text), what_(what) {}

    /// Whether the next thing is this sign, which is then passed.
    bool pass(char sign) {
        skip_spaces();
        if (at_ == text_.size() || text_[at_] != sign) return false;
        ++at_;
        return true;
    }
    void expect(char sign) {
        if (!pass(sign)) fail(std::string("'") + sign + "'");
    }
    bool next_is(char sign) {
        skip_spaces();
        return at_ < text_.size() && text_[at_] == sign;
    }
    std::string text() {
        const char quote = next_is('"') ? '"' : '\'';
        expect(quote);
        const size_t end = text_.find(quote, at_);
        if (end == std::string_view::npos) fail("the end of a text");
        const std::string_view inner = text_.substr(at_, end - at_);
        if (inner.find('\\') != std::string_view::npos || printable(inner) != inner) fail("a plain text");
        at_ = end + 1;
        return std::string(inner);
    }
    bool truth() {
        for (const auto& [word, value] :
             {std::pair{std::string_view("True"), true}, {std::string_view("False"), false}}) {
            skip_spaces();
            if (text_.substr(at_).starts_with(word)) {
                at_ += word.size();
                return value;
            }
        }
        fail("True or False");
    }
    int64_t extent() {
        skip_spaces();
        int64_t value = 0;
        const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
        if (error != std::errc() || value < 0) fail("an extent");
        at_ = static_cast<size_t>(end - text_.data());
        return value;
    }
    void end() {
        skip_spaces();
        if (at_ != text_.size()) fail("its end");
    }
    [[noreturn]] void fail(const std::string& expected) const {
        throw InputError(what_ + " has a damaged header: expected " + expected + " at its character " +
                         std::to_string(at_));
    }

  private:
    void skip_spaces() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    }

    std::string_view text_;
    const std::string& what_;
    size_t at_ = 0;
};

/// "<i8", "|b1", ">f4"; nothing when it is no number.
bool parse_type(const std::string& text, NpyType& type) {
    static constexpr std::array<std::string_view, 12> known = {"i1", "i2", "i4", "i8", "u1", "u2",
                                                               "u4", "u8", "f2", "f4", "f8", "b1"};
    if (text.size() != 3 || std::string_view("<>|").find(text[0]) == std::string_view::npos ||
        std::ranges::count(known, std::string_view(text).substr(1)) == 0)
        return false;
    type = {text[1], static_cast<size_t>(text[2] - '0'), text[0] == '>'};
    return type.bytes == 1 || text[0] != '|';
}

/// "|V4", which pads records.
size_t padding_bytes(const std::string& text) {
    size_t bytes = 0;
    if (!text.starts_with("|V")) return 0;
    const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), bytes);
    return error == std::errc() && end == text.data() + text.size() && bytes <= 1 << 16 ? bytes : 0;
}

void add_field(NpyHeader& header, const std::string& name, const std::string& type_text, const std::string& what) {
    NpyField field{name, {}, header.element_bytes};
    if (parse_type(type_text, field.type)) {
        header.fields.push_back(field);
        header.element_bytes += field.type.bytes;
    } else if (const size_t bytes = padding_bytes(type_text); bytes > 0 && name.empty()) {
        header.element_bytes += bytes;
    } else {
        throw InputError(what + " holds elements of type '" + type_text + "', expected whole numbers, floats or bools");
    }
}

/// '<i8', or [('t', '<i8'), ('x', '<u2')].
void parse_elements(Literal& literal, NpyHeader& header, const std::string& what) {
    if (!literal.pass('[')) return add_field(header, "", literal.text(), what);
    while (!literal.pass(']')) {
        literal.expect('(');
        const std::string name = literal.text();
        literal.expect(',');
        add_field(header, name, literal.text(), what);
        literal.pass(',');
        literal.expect(')');
        if (!literal.pass(',') && !literal.next_is(']')) literal.fail("',' or ']'");
    }
}

void parse_shape(Literal& literal, NpyHeader& header) {
    literal.expect('(');
    while (!literal.pass(')')) {
        header.shape.push_back(literal.extent());
        if (!literal.pass(',') && !literal.next_is(')')) literal.fail("',' or ')'");
    }
}

/// {'descr': '<i8', 'fortran_order': False, 'shape': (3,), }
void parse_dictionary(std::string_view text, NpyHeader& header, const std::string& what) {
    Literal literal(text, what);
    std::vector<std::string> keys;
    literal.expect('{');
    while (!literal.pass('}')) {
        keys.push_back(literal.text());
        literal.expect(':');
        if (keys.back() == "descr") {
            parse_elements(literal, header, what);
        } else if (keys.back() == "fortran_order") {
            header.fortran_order = literal.truth();
        } else if (keys.back() == "shape") {
            parse_shape(literal, header);
        } else {
            literal.fail("descr, fortran_order or shape");
        }
        if (!literal.pass(',') && !literal.next_is('}')) literal.fail("',' or '}'");
    }
    literal.end();
    std::ranges::sort(keys);
    if (keys != std::vector<std::string>{"descr", "fortran_order", "shape"})
        literal.fail("descr, fortran_order and shape, each once");
}

/// That the elements are exactly the rest of the file, so that their number fits into memory.
void check_size(const NpyHeader& header, size_t left, const std::string& what) {
    uint64_t bytes = header.element_bytes;
    bool empty = bytes == 0;
    for (const int64_t extent : header.shape) {
        empty = empty || extent == 0;
        const auto factor = static_cast<uint64_t>(std::max<int64_t>(extent, 1));
        if (bytes != 0 && factor > (uint64_t{1} << 48) / bytes)
            throw InputError(what + " announces the shape " + shape_text(header.shape) + ", which is too large");
        bytes *= factor;
    }
    if (bytes == 0 || (empty ? 0 : bytes) != left)
        throw InputError(what + " has " + std::to_string(left) + " bytes of elements, expected " +
                         std::to_string(empty ? 0 : bytes) + " for the shape " + shape_text(header.shape));
}

}  // namespace

NpyHeader read_npy_header(std::span<const uint8_t> bytes, const std::string& what) {
    static constexpr std::array<uint8_t, kMagic> magic = {0x93, 'N', 'U', 'M', 'P', 'Y'};
    ByteCursor cursor(bytes, what);
    if (!std::ranges::equal(cursor.take(kMagic, "the NumPy magic"), magic))
        throw InputError(what + " is not a NumPy array: it does not start with \\x93NUMPY");
    const auto version = cursor.little<uint16_t>("the version");
    if (version < 1 || version > 3)
        throw InputError(what + " is of NumPy's format version " + std::to_string(version & 0xff) + "." +
                         std::to_string(version >> 8) + ", expected 1.0 to 3.0");
    const size_t length =
        version == 1 ? cursor.little<uint16_t>("the header's length") : cursor.little<uint32_t>("the header's length");
    const auto text = cursor.take(length, "the header");
    NpyHeader header;
    parse_dictionary({reinterpret_cast<const char*>(text.data()), text.size()}, header, what);
    header.size = cursor.offset();
    check_size(header, cursor.left(), what);
    return header;
}

}  // namespace spikelens
