#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace spikelens {

/// The number that all of a text is, in decimal; nothing for another text, and for a number that the type does not
/// hold.
template <class Number>
std::optional<Number> number_in(std::string_view text) {
    Number number{};
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    return error == std::errc{} && rest == end ? std::optional(number) : std::nullopt;
}

}  // namespace spikelens
