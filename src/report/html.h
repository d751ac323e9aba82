#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <fmt/format.h>

namespace spikelens::report {

/// An attribute of an element. A number is written in full; `true` as the bare name; `false` leaves the attribute out.
struct Attribute {
    template <class Value>
    Attribute(std::string_view attribute, const Value& value) : name(attribute) {
        if constexpr (std::is_same_v<Value, bool>)
            present = value;
        else if constexpr (std::is_arithmetic_v<Value>)
            text = fmt::to_string(value);
        else
            text = std::string(value);
    }
    std::string_view name;
    std::string text;
    bool present = true;
};
using Attributes = std::vector<Attribute>;

/// A piece of a page or of a drawing: elements (`tag`) and text. A string that becomes part of it is text and is
/// escaped, so that nobody can forget to. Characters that a page cannot hold or that hide or reorder text are made
/// visible, as `printable_lines` writes them.
class Html {
  public:
    Html() = default;
    Html(std::string_view text);  // NOLINT(google-explicit-constructor): text is Html
    Html(const std::string& text) : Html(std::string_view(text)) {}  // NOLINT(google-explicit-constructor)
    Html(const char* text) : Html(std::string_view(text)) {}         // NOLINT(google-explicit-constructor)

    Html& operator+=(const Html& next);
    friend Html operator+(Html first, const Html& second) { return first += second; }

    bool empty() const { return markup_.empty(); }
    const std::string& markup() const { return markup_; }

    /// One element. `selector` is its name and its classes, "p.note.wide". Elements that never have content close
    /// themselves.
    static Html element(std::string_view selector, const Attributes& attributes, const Html& content);
    /// <style> or <script> with text that a browser takes as it is. Throws std::logic_error where the text could end
    /// it.
    static Html embedded(std::string_view name, const Attributes& attributes, std::string_view text);
    static Html doctype();

  private:
    std::string markup_;
};

template <class... Children>
Html tag(std::string_view selector, const Attributes& attributes, const Children&... children) {
    Html content;
    ((content += children), ...);
    return Html::element(selector, attributes, content);
}

template <class... Children>
Html tag(std::string_view selector, const Children&... children) {
    return tag(selector, Attributes(), children...);
}

/// A name as part of an id: letters, digits, `-`, `_` and `.` stay, other bytes become `-xx` in hex.
std::string identifier(std::string_view name);

}  // namespace spikelens::report
