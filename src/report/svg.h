#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "html.h"

namespace spikelens::report::svg {

enum class Anchor { start, middle, end };

/// Two decimals are plenty for pixels and keep the file small.
std::string pixel(double value);

/// A complete <svg> that is readable by itself. `title`: what a screen reader says.
Html drawing(double width, double height, const std::string& title, std::string_view classes, const Html& content,
             const Attributes& attributes = {});
Html text(double x, double y, const std::string& content, Anchor anchor, std::string_view classes = "label");
Html line(double x1, double y1, double x2, double y2, std::string_view classes);
/// A line in a data colour.
Html stroke(double x1, double y1, double x2, double y2, const std::string& colour, const std::string& dash = {});
Html rect(double x, double y, double width, double height, Attributes attributes);

/// A bar without an axis, as wide as its place: `share` of it is filled, in [0, 1].
Html share_bar(double share);

/// "M1,2L3,4"; points that are not finite interrupt the path.
std::string path(const std::vector<std::pair<double, double>>& points);

/// The n-th of five marker shapes, filled.
Html marker(int shape, double x, double y, const std::string& colour);

}  // namespace spikelens::report::svg
