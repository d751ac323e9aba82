#include "svg.h"

#include <cmath>

#include <fmt/format.h>

#include "html.h"

namespace spikelens::report::svg {

std::string pixel(double value) {
    std::string text = fmt::format("{:.2f}", value);
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
    return text == "-0" ? "0" : text;
}

std::string open(double width, double height, const std::string& title, const std::string& classes,
                 const std::string& attributes) {
    return fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" class=\"{}\" role=\"img\" aria-label=\"{}\" "
        "font-family=\"system-ui, sans-serif\" font-size=\"12\"{}>",
        pixel(width), pixel(height), classes, escape(title), attributes);
}

std::string text(double x, double y, const std::string& content, Anchor anchor, const std::string& classes) {
    static constexpr const char* names[] = {"start", "middle", "end"};
    return fmt::format("<text class=\"{}\" fill=\"#55524c\" x=\"{}\" y=\"{}\" text-anchor=\"{}\">{}</text>", classes, pixel(x),
                       pixel(y), names[static_cast<int>(anchor)], escape(content));
}

std::string line(double x1, double y1, double x2, double y2, const std::string& classes) {
    return fmt::format("<line class=\"{}\" stroke=\"#d9d5cc\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>", classes, pixel(x1),
                       pixel(y1), pixel(x2), pixel(y2));
}

std::string rect(double x, double y, double width, double height, const std::string& attributes) {
    return fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" {}/>", pixel(x), pixel(y),
                       pixel(std::fmax(0, width)), pixel(std::fmax(0, height)), attributes);
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

std::string marker(int shape, double x, double y, const std::string& colour) {
    const auto polygon = [&](std::initializer_list<std::pair<double, double>> corners) {
        std::string points;
        for (const auto& [dx, dy] : corners) points += pixel(x + dx) + "," + pixel(y + dy) + " ";
        points.pop_back();
        return fmt::format("<polygon fill=\"{}\" points=\"{}\"/>", colour, points);
    };
    switch (shape) {
        case 0:
            return fmt::format("<circle fill=\"{}\" cx=\"{}\" cy=\"{}\" r=\"3\"/>", colour, pixel(x), pixel(y));
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
