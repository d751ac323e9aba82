#include "spikelens/core/text.h"

#include <algorithm>
#include <numeric>

#include "spikelens/core/printable.h"

namespace spikelens {
namespace {

constexpr int kGap = 2;         // spaces between columns
constexpr int kNarrowest = 16;  // columns that a wrapped text is given at least
constexpr std::string_view kMarks = ":,=/-|";

/// Where the first line of a text ends that is longer than a line, so much of it fitting.
size_t break_within(std::string_view text, size_t fitting) {
    if (text[fitting] == ' ') return fitting;
    if (const size_t space = text.substr(0, fitting).rfind(' '); space != std::string_view::npos && space > 0)
        return space;
    if (const size_t mark = text.substr(0, fitting).find_last_of(kMarks); mark != std::string_view::npos)
        return mark + 1;
    return fitting;
}

std::string_view trimmed(std::string_view text) {
    const size_t first = std::min(text.find_first_not_of(' '), text.size());
    return text.substr(first);
}

std::string padded(std::string_view text, int width, TextTable::Align align) {
    const std::string space(static_cast<size_t>(std::max(0, width - columns_of(text))), ' ');
    return align == TextTable::Align::left ? std::string(text) + space : space + std::string(text);
}

int total(const std::vector<int>& widths) {
    return std::accumulate(widths.begin(), widths.end(), kGap * (static_cast<int>(widths.size()) - 1));
}

}  // namespace

std::vector<std::string> wrap(std::string_view text, int width) {
    std::vector<std::string> lines;
    while (columns_of(text) > width) {
        const size_t fitting = std::max<size_t>(1, first_columns(text, width).size());
        const size_t end = break_within(text, fitting);
        lines.emplace_back(text.substr(0, end));
        while (lines.back().ends_with(' ')) lines.back().pop_back();
        text = trimmed(text.substr(end));
    }
    if (!text.empty() || lines.empty()) lines.emplace_back(text);
    return lines;
}

std::string paragraph(std::string_view text, int indent, std::string_view first) {
    const std::string space(static_cast<size_t>(indent), ' ');
    std::string lines;
    for (const std::string& line : wrap(text, kTextWidth - indent))
        lines +=
            (lines.empty() && !first.empty() ? padded(first, indent, TextTable::Align::left) : space) + line + "\n";
    return lines;
}

void TextTable::add(std::vector<std::string> cells) {
    cells.resize(columns_.size());
    for (std::string& cell : cells) cell = printable(cell);
    rows_.push_back(std::move(cells));
}

/// The widths that contents want; texts are narrowed, the widest first, while the table is too wide.
std::vector<int> TextTable::widths(int available) const {
    std::vector<int> widths;
    for (size_t c = 0; c < columns_.size(); ++c) {
        int width = columns_of(columns_[c].title);
        for (const Row& row : rows_) width = std::max(width, columns_of(row[c]));
        widths.push_back(width);
    }
    while (total(widths) > available) {
        int* widest = nullptr;
        for (size_t c = 0; c < columns_.size(); ++c)
            if (columns_[c].align == Align::left && widths[c] > kNarrowest &&
                (widest == nullptr || widths[c] > *widest))
                widest = &widths[c];
        if (widest == nullptr) break;
        --*widest;
    }
    for (int& width : widths) width = std::min(width, available);
    return widths;
}

std::string TextTable::lines_of(const Row& row, const std::vector<size_t>& shown, const std::vector<int>& widths,
                                int indent) const {
    std::vector<std::vector<std::string>> cells;
    size_t height = 1;
    for (size_t c : shown) height = std::max(height, cells.emplace_back(wrap(row[c], widths[c])).size());
    std::string text;
    for (size_t l = 0; l < height; ++l) {
        std::string line(static_cast<size_t>(indent), ' ');
        for (size_t i = 0; i < shown.size(); ++i) {
            const std::string& cell = l < cells[i].size() ? cells[i][l] : std::string();
            line += std::string(i > 0 ? kGap : 0, ' ') + padded(cell, widths[shown[i]], columns_[shown[i]].align);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

std::string TextTable::block(const std::vector<size_t>& shown, const std::vector<int>& widths, int indent) const {
    Row titles;
    for (const Column& column : columns_) titles.push_back(column.title);
    const bool titled = std::ranges::any_of(shown, [&](size_t c) { return !titles[c].empty(); });
    std::string text = titled ? lines_of(titles, shown, widths, indent) : "";
    for (const Row& row : rows_) text += lines_of(row, shown, widths, indent);
    return text;
}

std::string TextTable::text(int indent) const {
    const int available = kTextWidth - indent;
    const std::vector<int> widths = this->widths(available);
    std::string text;
    for (size_t next = 1; next < columns_.size() || text.empty();) {
        std::vector<size_t> shown{0};
        int used = widths[0];
        do {
            if (next < columns_.size()) {
                shown.push_back(next);
                used += kGap + widths[next];
            }
            ++next;
        } while (next < columns_.size() && used + kGap + widths[next] <= available);
        text += (text.empty() ? "" : "\n") + block(shown, widths, indent);
    }
    return text;
}

}  // namespace spikelens
