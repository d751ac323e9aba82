#pragma once

#include <string>
#include <vector>

#include "colours.h"
#include "html.h"

namespace spikelens::report {

/// Round values (1, 2 or 5 times a power of ten) inside [low, high], about `wanted` of them. Empty unless low < high,
/// both finite.
std::vector<double> nice_ticks(double low, double high, int wanted = 5);

/// Powers of ten inside [low, high], with their doubles and quintuples when there are few. Needs 0 < low.
std::vector<double> log_ticks(double low, double high);

struct Axis {
    std::string label;
    double low = 0, high = 1;
    bool log = false;
    bool percent = false;  ///< label ticks as percentages
    bool whole = false;    ///< counts or steps: ticks at whole numbers alone
    std::vector<double> ticks() const;
    std::string tick_label(double value) const;
};

/// A data interval to a pixel interval; logarithmic when the axis is.
class Scale {
  public:
    Scale(const Axis& axis, double first_pixel, double last_pixel);
    double operator()(double value) const;

  private:
    bool log_;
    double low_, span_, first_, length_;
};

/// One line; `half` are the half-widths of its band (empty: none). A value that is not finite interrupts the line.
struct Series {
    std::string name;
    std::vector<double> x, y, half;
    LineStyle style;
    bool labelled = true;  ///< in the legend
};

/// Points without a line: each draw of an experiment.
struct Scatter {
    std::string name;
    std::vector<double> x, y;
    std::string colour;
};

struct Level {
    std::string name;
    double y = 0;
};

struct LinePlot {
    std::string title;  ///< what a screen reader says
    Axis x, y;
    std::vector<Series> series;
    std::vector<Scatter> scatters;
    std::vector<Level> levels;
    double width = 480, height = 320;
    bool legend = true;
    bool cursor = false;  ///< adds a vertical line that the page's script moves
};

/// A complete <svg>, readable by itself: presentation attributes carry light colours, classes let a page restyle it.
Html draw(const LinePlot& plot);

/// Axes as large as the data: [min, max] of all finite y including bands, widened to `floor` and `ceiling` where those
/// are finite.
void fit_y(LinePlot& plot, double floor, double ceiling);

/// The axes of a plot of mean accuracy over budgets μ, of which one alone stands in the middle.
void accuracy_over_budgets(LinePlot& plot, double lowest, double highest);

/// A small plot without axes, for one class among many.
Html draw_small(const LinePlot& plot);

}  // namespace spikelens::report
