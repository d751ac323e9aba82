#include "html.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>

#include "spikelens/core/printable.h"

namespace spikelens::report {
namespace {

/// Elements without content: those of HTML that cannot have any, and the shapes of SVG.
constexpr std::array<std::string_view, 11> kEmptyElements{"meta", "link", "img",    "input",   "br",  "use",
                                                          "line", "rect", "circle", "polygon", "path"};
/// A line feed after these keeps the file's lines short, and nobody sees it.
constexpr std::array<std::string_view, 9> kEndsALine{"p",    "tr",   "section", "article", "details",
                                                     "head", "body", "meta",    "html"};

bool is_one_of(const auto& names, std::string_view name) { return std::ranges::find(names, name) != names.end(); }

std::string escape(std::string_view text) {
    std::string safe;
    for (char c : printable_lines(text)) {
        switch (c) {
            case '&':
                safe += "&amp;";
                break;
            case '<':
                safe += "&lt;";
                break;
            case '>':
                safe += "&gt;";
                break;
            case '"':
                safe += "&quot;";
                break;
            case '\'':
                safe += "&#39;";
                break;
            default:
                safe += c;
        }
    }
    return safe;
}

std::string opening(std::string_view name, const Attributes& attributes) {
    std::string text = "<" + std::string(name);
    for (const Attribute& attribute : attributes) {
        if (!attribute.present) continue;
        text += " " + std::string(attribute.name);
        if (!attribute.text.empty()) text += "=\"" + escape(attribute.text) + "\"";
    }
    return text;
}

}  // namespace

Html::Html(std::string_view text) : markup_(escape(text)) {}

Html& Html::operator+=(const Html& next) {
    markup_ += next.markup_;
    return *this;
}

Html Html::element(std::string_view selector, const Attributes& attributes, const Html& content) {
    const size_t dot = selector.find('.');
    const std::string name(selector.substr(0, dot));
    Attributes all;
    if (dot != std::string_view::npos) {
        std::string classes(selector.substr(dot + 1));
        std::ranges::replace(classes, '.', ' ');
        all.emplace_back("class", classes);
    }
    all.insert(all.end(), attributes.begin(), attributes.end());
    Html result;
    result.markup_ = opening(name, all);
    if (is_one_of(kEmptyElements, name))
        result.markup_ += "/>";
    else
        result.markup_ += ">" + content.markup_ + "</" + name + ">";
    if (is_one_of(kEndsALine, name)) result.markup_ += "\n";
    return result;
}

Html Html::embedded(std::string_view name, const Attributes& attributes, std::string_view text) {
    if (text.find("</") != std::string_view::npos || text.find("<!--") != std::string_view::npos)
        throw std::logic_error("embedded text could end its <" + std::string(name) + ">");
    Html result;
    result.markup_ = opening(name, attributes) + ">" + std::string(text) + "</" + std::string(name) + ">\n";
    return result;
}

Html Html::doctype() {
    Html result;
    result.markup_ = "<!DOCTYPE html>\n";
    return result;
}

std::string identifier(std::string_view name) {
    std::string id;
    for (unsigned char c : name) {
        if (std::isalnum(c) || c == '-' || c == '_' || c == '.')
            id += static_cast<char>(c);
        else
            id += fmt::format("-{:02x}", c);
    }
    return id;
}

}  // namespace spikelens::report
