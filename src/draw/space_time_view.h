#pragma once

#include "space_time_canvas.h"

namespace spikelens::space_time {

/// Where in a recording: pixels and steps; a spike of pixel 3 lies at 3.5.
struct Place {
    double x = 0, y = 0, t = 0;
};

/// An axonometric view from the front, the right and above: x runs to the front right, t to the back right, y down.
class View {
  public:
    /// The whole recording just fits into the area; steps are made as long as that needs, within reason.
    View(double width, double height, double steps, const Area& area);
    Point at(const Place& place) const;
    double depth(const Place& place) const;  ///< larger is farther

  private:
    Place scaled(const Place& place) const;
    double pixel_, step_;  ///< world units of each; the longer side of the sensor is 1
    double scale_ = 1;
    Point origin_;
};

}  // namespace spikelens::space_time
