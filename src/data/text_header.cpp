#include "text_header.h"

#include <algorithm>

namespace spikelens {
namespace {

bool is_control(unsigned char letter) { return letter < 0x20 || letter == 0x7f; }

bool is_text(std::string_view line) {
    return std::ranges::none_of(line, [](unsigned char letter) { return letter != '\t' && is_control(letter); });
}

std::string_view trimmed(std::string_view text) {
    const size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

TextHeader read_text_header(std::span<const uint8_t> bytes, std::string_view prefix, std::string_view last) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    TextHeader header;
    while (!header.ended && text.substr(header.size).starts_with(prefix)) {
        const size_t end = text.find('\n', header.size);
        if (end == std::string_view::npos) break;
        std::string_view line = text.substr(header.size, end - header.size);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (!is_text(line)) break;
        header.lines.push_back(line);
        header.size = end + 1;
        header.ended = line == last;
    }
    return header;
}

std::optional<std::string_view> header_value(const TextHeader& header, std::string_view key) {
    const auto line = std::ranges::find_if(header.lines, [&](std::string_view text) { return text.starts_with(key); });
    if (line == header.lines.end()) return std::nullopt;
    return trimmed(line->substr(key.size()));
}

}  // namespace spikelens
