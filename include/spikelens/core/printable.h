#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace spikelens {

/// The text as one line that is safe on a terminal. What could move the cursor, change colours, reorder letters or hide
/// becomes visible: control characters and bytes that are not UTF-8 as `\n`, `\t`, `\x1b`; invisible marks, line
/// separators and marks of writing direction as `\u202e`. All else, of any language, stays. O(length).
std::string printable(std::string_view text);

/// The same for text of several lines: line feeds stay.
std::string printable_lines(std::string_view text);

/// Whether all of it is valid UTF-8, as every text in a JSON document must be.
bool is_utf8(std::string_view text);

/// The same for a JSON document, valid and in UTF-8. JSON allows such characters in texts; here they become escapes
/// such as
/// `\u007f`. The document keeps its value.
std::string printable_json(std::string_view json);

/// How many columns of a terminal the printable text takes: one per character, two for wide letters of East Asia and
/// pictographs, none for accents that combine with the letter before.
int columns_of(std::string_view text);

/// The first characters that fit into this number of columns; never a part of a character.
std::string_view first_columns(std::string_view text, int columns);

/// "12,300"
std::string grouped(int64_t count);

}  // namespace spikelens
