#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spikelens {

constexpr int kTextWidth = 80;  ///< columns that results and help fit into

/// The text in lines of at most `width` columns, cut at spaces, else after one of ":,=/-|", else anywhere.
std::vector<std::string> wrap(std::string_view text, int width);

/// A paragraph in kTextWidth columns, every line behind `indent` spaces; the first behind `first` in place of them.
std::string paragraph(std::string_view text, int indent = 0, std::string_view first = {});

/// Rows of cells in aligned columns, measured as a terminal shows them. What does not fit into kTextWidth columns is
/// told in more lines: texts are wrapped within their cells; then the table is cut into blocks, the first column
/// repeated. Cells are made printable.
class TextTable {
  public:
    enum class Align { left, right };
    struct Column {
        std::string title;
        Align align = Align::left;
    };

    explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

    /// One cell per column; cells that are left out at the end are empty.
    void add(std::vector<std::string> cells);
    /// The table, its titles above it (unless all are empty), every line behind so many spaces.
    std::string text(int indent = 0) const;

  private:
    using Row = std::vector<std::string>;
    std::vector<int> widths(int available) const;
    std::string block(const std::vector<size_t>& shown, const std::vector<int>& widths, int indent) const;
    std::string lines_of(const Row& row, const std::vector<size_t>& shown, const std::vector<int>& widths,
                         int indent) const;

    std::vector<Column> columns_;
    std::vector<Row> rows_;
};

}  // namespace spikelens
