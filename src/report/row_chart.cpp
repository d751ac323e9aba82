#include <algorithm>
#include <cmath>

#include "charts.h"
#include "svg.h"

namespace spikelens::report {
namespace {

using svg::Anchor;

constexpr double kRowHeight = 22, kLetter = 6.4;

size_t letters_of(const std::string& text) {
    return static_cast<size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

struct Layout {
    double left, right, top, bottom;
    size_t label_letters;
};

Layout layout_of(const RowChart& chart) {
    size_t label = 4, note = 0;
    for (const Row& row : chart.rows) {
        label = std::max(label, letters_of(row.label));
        note = std::max(note, letters_of(row.note));
    }
    label = std::min<size_t>(label, 24);
    const double top = chart.legend.empty() ? 8 : 30;
    return {kLetter * static_cast<double>(label) + 18, chart.width - 12 - kLetter * static_cast<double>(note), top,
            top + kRowHeight * static_cast<double>(chart.rows.size()), label};
}

Html draw_mark(const Mark& mark, const Scale& x, double y) {
    if (!std::isfinite(mark.value)) return {};
    Html out;
    if (mark.ci.known()) out = svg::stroke(x(mark.ci.low), y, x(mark.ci.high), y, mark.style.colour);
    return out + svg::marker(std::max(0, mark.style.marker), x(mark.value), y, mark.style.colour);
}

Html draw_rows(const RowChart& chart, const Layout& at, const Scale& x) {
    Html out;
    double y = at.top + kRowHeight / 2;
    for (const Row& row : chart.rows) {
        out += svg::text(at.left - 8, y + 4, shorten(row.label, at.label_letters), Anchor::end);
        out += svg::line(at.left, y, at.right, y, "grid");
        for (const Mark& mark : row.marks) out += draw_mark(mark, x, y);
        if (!row.note.empty()) out += svg::text(chart.width - 2, y + 4, row.note, Anchor::end, "tick");
        y += kRowHeight;
    }
    return out;
}

Html draw_axis(const RowChart& chart, const Layout& at, const Scale& x) {
    Html out = svg::line(at.left, at.bottom, at.right, at.bottom, "axis");
    for (double tick : nice_ticks(chart.x.low, chart.x.high, 4))
        out += svg::line(x(tick), at.bottom, x(tick), at.bottom + 4, "axis") +
               svg::text(x(tick), at.bottom + 17, chart.x.tick_label(tick), Anchor::middle, "tick");
    if (chart.zero_line) out += svg::line(x(0), at.top - 4, x(0), at.bottom, "zero");
    return out + svg::text((at.left + at.right) / 2, at.bottom + 34, chart.x.label, Anchor::middle);
}

Html draw_legend(const RowChart& chart) {
    Html out;
    double x = 8;
    for (size_t i = 0; i < std::min(chart.legend.size(), chart.legend_names.size()); ++i) {
        out += svg::marker(chart.legend[i].style.marker, x, 12, chart.legend[i].style.colour) +
               svg::text(x + 9, 16, chart.legend_names[i], Anchor::start);
        x += 26 + kLetter * static_cast<double>(letters_of(chart.legend_names[i]));
    }
    return out;
}

}  // namespace

std::string shorten(const std::string& text, size_t letters) {
    if (letters_of(text) <= letters) return text;
    size_t seen = 0, at = 0;
    for (; at < text.size(); ++at) {
        const bool starts_letter = (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
        if (starts_letter && ++seen >= letters) break;
    }
    return text.substr(0, at) + "…";
}

Html draw(const RowChart& chart) {
    const Layout at = layout_of(chart);
    const Scale x(chart.x, at.left + 4, at.right - 8);
    return svg::drawing(chart.width, at.bottom + 42, chart.title, "plot rows",
                        draw_legend(chart) + draw_axis(chart, at, x) + draw_rows(chart, at, x));
}

}  // namespace spikelens::report
