#pragma once

#include <string>
#include <vector>

#include "plot.h"
#include "results.h"

namespace spikelens::report {

/// One row per thing, values as marks with their intervals on a common axis: forest plots, accuracies per class.
struct Mark {
    double value = kUnknown;
    Interval ci;
    LineStyle style;
};
struct Row {
    std::string label;
    std::vector<Mark> marks;
    std::string note;  ///< at the right edge
};
struct RowChart {
    std::string title;
    Axis x;
    std::vector<Row> rows;
    std::vector<Mark> legend;  ///< styles only, with `legend_names`
    std::vector<std::string> legend_names;
    bool zero_line = false;
    double width = 480;
};
Html draw(const RowChart& chart);

/// Whole numbers per column, stacked: relevant filters per layer at each μ.
struct StackChart {
    std::string title, x_label, y_label;
    std::vector<std::string> columns, parts;
    std::vector<std::vector<int64_t>> counts;  ///< [column][part]
    double width = 480, height = 320;
};
Html draw(const StackChart& chart);

/// Counts [true][predicted], shaded by the share of the row.
struct MatrixChart {
    std::string title;
    std::vector<std::string> names;
    std::vector<std::vector<int64_t>> counts;
    double width = 480;
};
Html draw(const MatrixChart& chart);

/// At most `letters` characters (not bytes), the last an ellipsis when something was cut.
std::string shorten(const std::string& text, size_t letters);

}  // namespace spikelens::report
