#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace spikelens {

/// The lines of text before the bytes of a recording, without their ends.
struct TextHeader {
    std::vector<std::string_view> lines;
    size_t size = 0;     ///< bytes; where the rest begins
    bool ended = false;  ///< by the line that ends headers
};

/// All lines from the start that begin with `prefix`, are text (no control characters but tabs) and end with \n or
/// \r\n, up to and with the line `last`. Bytes that happen to begin like a line are therefore no line.
TextHeader read_text_header(std::span<const uint8_t> bytes, std::string_view prefix, std::string_view last);

/// What follows the key on the first line that begins with it, without spaces around it.
std::optional<std::string_view> header_value(const TextHeader& header, std::string_view key);

}  // namespace spikelens
