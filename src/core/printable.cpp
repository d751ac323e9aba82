#include "spikelens/core/printable.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace spikelens {
namespace {

/// One character of UTF-8; of bytes that are none, one byte.
struct Character {
    uint32_t code;
    size_t bytes;
    bool valid;
};

struct Span {
    uint32_t first, last;
};

template <size_t N>
bool within(uint32_t code, const std::array<Span, N>& spans) {
    return std::ranges::any_of(spans, [&](Span span) { return code >= span.first && code <= span.last; });
}

/// Controls (C0, DEL, C1), soft hyphen, zero-width marks but for the joiners that scripts need, line separators, marks
/// of direction, fillers, annotations, tags.
constexpr std::array kUnsafe = {Span{0x00, 0x1F},      Span{0x7F, 0x9F},     Span{0xAD, 0xAD},     Span{0x61C, 0x61C},
                                Span{0x180E, 0x180E},  Span{0x200B, 0x200B}, Span{0x200E, 0x200F}, Span{0x2028, 0x202E},
                                Span{0x2060, 0x206F},  Span{0xFEFF, 0xFEFF}, Span{0xFFF9, 0xFFFB}, Span{0xFFFE, 0xFFFF},
                                Span{0xE0000, 0xE0FFF}};
constexpr std::array kCombining = {Span{0x300, 0x36F},   Span{0x483, 0x489},   Span{0x591, 0x5BD},
                                   Span{0x610, 0x61A},   Span{0x64B, 0x65F},   Span{0x1AB0, 0x1AFF},
                                   Span{0x1DC0, 0x1DFF}, Span{0x200C, 0x200D}, Span{0x20D0, 0x20FF},
                                   Span{0xFE00, 0xFE0F}, Span{0xFE20, 0xFE2F}};
constexpr std::array kWide = {Span{0x1100, 0x115F},   Span{0x2E80, 0x303E},   Span{0x3041, 0xA4CF},
                              Span{0xAC00, 0xD7A3},   Span{0xF900, 0xFAFF},   Span{0xFE30, 0xFE6F},
                              Span{0xFF00, 0xFF60},   Span{0xFFE0, 0xFFE6},   Span{0x1F300, 0x1F64F},
                              Span{0x1F680, 0x1F6FF}, Span{0x1F900, 0x1FAFF}, Span{0x20000, 0x3FFFD}};

size_t length_of(unsigned char first) {
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first < 0xE0) return 2;
    if (first >= 0xE0 && first < 0xF0) return 3;
    return first >= 0xF0 && first < 0xF5 ? 4 : 0;
}

Character character_at(std::string_view text, size_t at) {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[at + i]); };
    const Character broken{byte(0), 1, false};
    const size_t length = length_of(byte(0));
    if (length == 0 || at + length > text.size()) return broken;
    if (length == 1) return {byte(0), 1, true};
    uint32_t code = byte(0) & (0x7FU >> length);
    for (size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0U) != 0x80) return broken;
        code = code << 6 | (byte(i) & 0x3FU);
    }
    constexpr std::array<uint32_t, 5> smallest = {0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    if (code < smallest[length] || code > 0x10FFFF || surrogate) return broken;
    return {code, length, true};
}

std::string hex(uint32_t code, int digits) {
    std::string text;
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) text += "0123456789abcdef"[code >> shift & 15U];
    return text;
}

std::string visible(const Character& character) {
    if (character.code == '\n') return "\\n";
    if (character.code == '\r') return "\\r";
    if (character.code == '\t') return "\\t";
    if (!character.valid || character.code < 0x80) return "\\x" + hex(character.code, 2);
    return character.code < 0x10000 ? "\\u" + hex(character.code, 4) : "\\U" + hex(character.code, 8);
}

/// As JSON writes it, above the basic plane as two halves.
std::string visible_in_json(const Character& character) {
    if (character.code < 0x10000) return "\\u" + hex(character.code, 4);
    const uint32_t rest = character.code - 0x10000;
    return "\\u" + hex(0xD800 + (rest >> 10), 4) + "\\u" + hex(0xDC00 + (rest & 0x3FFU), 4);
}

template <class Show>
std::string escaped(std::string_view text, bool keep_lines, Show show) {
    std::string line;
    line.reserve(text.size());
    for (size_t at = 0; at < text.size();) {
        const Character character = character_at(text, at);
        const bool kept =
            character.valid && (!within(character.code, kUnsafe) || (keep_lines && character.code == '\n'));
        line += kept ? std::string(text.substr(at, character.bytes)) : show(character);
        at += character.bytes;
    }
    return line;
}

int columns_of(const Character& character) {
    if (within(character.code, kCombining)) return 0;
    return within(character.code, kWide) ? 2 : 1;
}

}  // namespace

std::string printable(std::string_view text) { return escaped(text, false, visible); }

bool is_utf8(std::string_view text) {
    for (size_t at = 0; at < text.size();) {
        const Character character = character_at(text, at);
        if (!character.valid) return false;
        at += character.bytes;
    }
    return true;
}

std::string printable_lines(std::string_view text) { return escaped(text, true, visible); }

std::string printable_json(std::string_view json) { return escaped(json, true, visible_in_json); }

int columns_of(std::string_view text) {
    int columns = 0;
    for (size_t at = 0; at < text.size();) {
        const Character character = character_at(text, at);
        columns += columns_of(character);
        at += character.bytes;
    }
    return columns;
}

std::string_view first_columns(std::string_view text, int columns) {
    size_t at = 0;
    for (int used = 0; at < text.size();) {
        const Character character = character_at(text, at);
        used += columns_of(character);
        if (used > columns) break;
        at += character.bytes;
    }
    return text.substr(0, at);
}

std::string grouped(int64_t count) {
    std::string digits = std::to_string(count);
    for (auto at = static_cast<int>(digits.size()) - 3; at > (count < 0 ? 1 : 0); at -= 3) digits.insert(at, ",");
    return digits;
}

}  // namespace spikelens
