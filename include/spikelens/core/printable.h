#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace spikelens {

/// The text as one line that is safe on a terminal. What could move the cursor, change colours, reorder letters or hide
/// becomes visible: control characters and bytes that are not UTF-8 as `\n`, `\t`, `\x1b`; invisible marks, line separators
/// and marks of writing direction as `\u202e`. All else, of any language, stays. O(length).
std::string printable(std::string_view text);

/// The same for text of several lines: line feeds stay.
std::string printable_lines(std::string_view text);

/// The same for a JSON document: such characters, which JSON allows in texts as they are, become `\u007f`. The document
/// keeps its value. Expects valid JSON in UTF-8.
std::string printable_json(std::string_view json);

/// Columns of a terminal that printable text takes: one a character, two for wide letters of East Asia and pictographs, none
/// for accents that combine with the letter before.
int columns_of(std::string_view text);

/// The first characters that fit into so many columns; never a part of a character.
std::string_view first_columns(std::string_view text, int columns);

/// "12,300"
std::string grouped(int64_t count);

}  // namespace spikelens
