#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spikelens::report::svg {

enum class Anchor { start, middle, end };

/// Two decimals are plenty for pixels and keep the file small.
std::string pixel(double value);

std::string open(double width, double height, const std::string& title, const std::string& classes,
                 const std::string& attributes = {});
std::string text(double x, double y, const std::string& content, Anchor anchor, const std::string& classes = "label");
std::string line(double x1, double y1, double x2, double y2, const std::string& classes);
std::string rect(double x, double y, double width, double height, const std::string& attributes);

/// "M1,2L3,4"; points that are not finite interrupt the path.
std::string path(const std::vector<std::pair<double, double>>& points);

/// The n-th of five marker shapes, filled.
std::string marker(int shape, double x, double y, const std::string& colour);

}  // namespace spikelens::report::svg
