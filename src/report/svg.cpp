#include "svg.h"

#include <cmath>

#include <fmt/format.h>

#include "colours.h"

namespace spikelens::report::svg {

std::string pixel(double value) {
    std::string text = fmt::format("{:.2f}", value);
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
    return text == "-0" ? "0" : text;
}

Html drawing(double width, double height, const std::string& title, std::string_view classes, const Html& content,
             const Attributes& attributes) {
    Attributes all = {{"xmlns", "http://www.w3.org/2000/svg"},
                      {"viewBox", fmt::format("0 0 {} {}", pixel(width), pixel(height))},
                      {"class", classes},
                      {"role", "img"},
                      {"aria-label", title},
                      {"font-family", "system-ui, sans-serif"},
                      {"font-size", 12}};
    all.insert(all.end(), attributes.begin(), attributes.end());
    return tag("svg", all, content);
}

Html text(double x, double y, const std::string& content, Anchor anchor, std::string_view classes) {
    static constexpr const char* names[] = {"start", "middle", "end"};
    return tag("text",
               {{"class", classes},
                {"fill", hex(kLabelColour)},
                {"x", pixel(x)},
                {"y", pixel(y)},
                {"text-anchor", names[static_cast<int>(anchor)]}},
               content);
}

Html line(double x1, double y1, double x2, double y2, std::string_view classes) {
    return tag("line", {{"class", classes},
                        {"stroke", hex(kRuleColour)},
                        {"x1", pixel(x1)},
                        {"y1", pixel(y1)},
                        {"x2", pixel(x2)},
                        {"y2", pixel(y2)}});
}

Html stroke(double x1, double y1, double x2, double y2, const std::string& colour, const std::string& dash) {
    return tag("line", {{"stroke", colour},
                        {"stroke-width", 2},
                        {"stroke-dasharray", dash},
                        {"x1", pixel(x1)},
                        {"y1", pixel(y1)},
                        {"x2", pixel(x2)},
                        {"y2", pixel(y2)}});
}

Html rect(double x, double y, double width, double height, Attributes attributes) {
    const Attributes place = {{"x", pixel(x)},
                              {"y", pixel(y)},
                              {"width", pixel(std::fmax(0, width))},
                              {"height", pixel(std::fmax(0, height))}};
    attributes.insert(attributes.begin(), place.begin(), place.end());
    return tag("rect", attributes);
}

Html share_bar(double share) {
    return tag("svg.bar", {{"viewBox", "0 0 100 8"}, {"preserveAspectRatio", "none"}, {"aria-hidden", "true"}},
               tag("rect", {{"width", fmt::format("{:.1f}", 100 * share)}, {"height", 8}}));
}

std::string path(const std::vector<std::pair<double, double>>& points) {
    std::string commands;
    bool pen_down = false;
    for (const auto& [x, y] : points) {
        const bool finite = std::isfinite(x) && std::isfinite(y);
        if (finite) commands += (pen_down ? "L" : "M") + pixel(x) + "," + pixel(y);
        pen_down = finite;
    }
    return commands;
}

Html marker(int shape, double x, double y, const std::string& colour) {
    const auto polygon = [&](std::initializer_list<std::pair<double, double>> corners) {
        std::string points;
        for (const auto& [dx, dy] : corners)
            points += (points.empty() ? "" : " ") + pixel(x + dx) + "," + pixel(y + dy);
        return tag("polygon", {{"fill", colour}, {"points", points}});
    };
    switch (shape) {
        case 0:
            return tag("circle", {{"fill", colour}, {"cx", pixel(x)}, {"cy", pixel(y)}, {"r", 3}});
        case 1:
            return polygon({{-2.8, -2.8}, {2.8, -2.8}, {2.8, 2.8}, {-2.8, 2.8}});
        case 2:
            return polygon({{0, -3.6}, {3.4, 2.8}, {-3.4, 2.8}});
        case 3:
            return polygon({{0, -3.9}, {3.9, 0}, {0, 3.9}, {-3.9, 0}});
        case 4:
            return polygon({{-3.4, -2.8}, {3.4, -2.8}, {0, 3.6}});
        default:
            return {};
    }
}

}  // namespace spikelens::report::svg
