#include <algorithm>
#include <cmath>
#include <functional>

#include <fmt/format.h>

#include "space_time_parts.h"

namespace spikelens::space_time {
namespace {

/// An axis of a recording cut into cells of the same number of pixels or steps (the last may be smaller).
struct Cells {
    int64_t extent, per_cell;
    Cells(int64_t places, double pixels) : extent(places) {
        const auto most = std::max<int64_t>(1, static_cast<int64_t>(pixels / 1.5));
        per_cell = (places + most - 1) / most;
    }
    int64_t count() const { return (extent + per_cell - 1) / per_cell; }
    /// Where a cell begins, as a share of the axis.
    double begin(int64_t cell) const {
        return std::min(1.0, static_cast<double>(cell * per_cell) / static_cast<double>(extent));
    }
};

struct Cell {
    double score = 0, spikes = 0;
    std::array<double, 3> colour{};  ///< of the channels, times their spikes
};

struct Panel {
    Area area;
    std::string across, down;
    int64_t Spot::*column, Spot::*row;
    int64_t columns, rows;
};

std::vector<Cell> sums(const Recording& recording, const Panel& panel, const Cells& across, const Cells& down) {
    std::vector<Cell> cells(static_cast<size_t>(across.count() * down.count()));
    for (const Spot& spot : recording.spots) {
        const int64_t row = spot.*panel.row / down.per_cell, column = spot.*panel.column / across.per_cell;
        Cell& cell = cells[static_cast<size_t>(row * across.count() + column)];
        const Rgb colour = channel_colour(spot.channel, recording.channels);
        const auto spikes = static_cast<double>(spot.count);
        cell.score += spot.score;
        cell.spikes += spikes;
        for (size_t c = 0; c < 3; ++c) cell.colour[c] += spikes * colour[c];
    }
    return cells;
}

/// Scores have a range of their own in each panel; spikes are as strong as they are many, mixed of their channels'
/// colours.
std::function<Rgb(const Cell&)> colouring(const Recording& recording, const std::vector<Cell>& cells) {
    std::vector<double> scores;
    double most = 1;
    for (const Cell& cell : cells) {
        scores.push_back(cell.score);
        most = std::max(most, cell.spikes);
    }
    if (recording.scored)
        return [ink = ScoreInk(scores, recording.signed_values)](const Cell& cell) { return ink.colour(cell.score); };
    return [most](const Cell& cell) {
        Rgb mixed{};
        for (size_t c = 0; c < 3; ++c) mixed[c] = static_cast<float>(cell.colour[c] / cell.spikes);
        return tint(mixed, std::sqrt(cell.spikes / most));
    };
}

void draw_panel(Canvas& canvas, const Recording& recording, const Panel& panel, double letter) {
    const Area& area = panel.area;
    const Cells across(panel.columns, area.width), down(panel.rows, area.height);
    const std::vector<Cell> cells = sums(recording, panel, across, down);
    const auto colour = colouring(recording, cells);
    for (int64_t i = 0; i < across.count() * down.count(); ++i) {
        const Cell& cell = cells[static_cast<size_t>(i)];
        if (cell.spikes == 0) continue;
        const int64_t row = i / across.count(), column = i % across.count();
        const double left = across.begin(column), right = across.begin(column + 1), top = down.begin(row),
                     bottom = down.begin(row + 1);
        canvas.rectangle({area.left + area.width * left, area.top + area.height * top, area.width * (right - left),
                          area.height * (bottom - top)},
                         colour(cell));
    }
    const Point corners[] = {
        {area.left, area.top}, {area.right(), area.top}, {area.right(), area.bottom()}, {area.left, area.bottom()}};
    for (size_t i = 0; i < 4; ++i) canvas.line(corners[i], corners[(i + 1) % 4], kEdgeGrey, 0.13 * letter);
    canvas.text({area.left + area.width / 2, area.bottom() + 1.1 * letter}, panel.across, letter, kLetterGrey,
                Anchor::middle);
    canvas.text({area.left - 0.7 * letter, area.top + area.height / 2}, panel.down, letter, kLetterGrey, Anchor::right);
}

/// Two digits; "4.4e4", not "4.4e+04".
std::string short_number(double value) {
    std::string text = fmt::format("{:.2g}", value);
    for (const auto& [from, to] : {std::pair<std::string, std::string>{"e+0", "e"}, {"e+", "e"}, {"e-0", "e-"}})
        if (const size_t at = text.find(from); at != std::string::npos) text.replace(at, from.size(), to);
    return text;
}

void draw_scale(Canvas& canvas, const ScoreInk& ink, const Area& area, double letter) {
    constexpr int parts = 96;
    const double low = ink.low(), high = ink.high(), bar = 1.1 * letter;
    // The bar is even in what the eye sees, the square root: its middle is a quarter of the range, or 0.
    const auto value = [&](double share) {
        if (low == -high) return high * std::copysign((2 * share - 1) * (2 * share - 1), share - 0.5);
        return low + (high - low) * share * share;
    };
    for (int i = 0; i < parts; ++i)
        canvas.rectangle({area.left + area.width * i / parts, area.top, area.width / parts, bar},
                         ink.colour(value((i + 0.5) / parts)));
    const Point corners[] = {
        {area.left, area.top}, {area.right(), area.top}, {area.right(), area.top + bar}, {area.left, area.top + bar}};
    for (size_t i = 0; i < 4; ++i) canvas.line(corners[i], corners[(i + 1) % 4], kEdgeGrey, 0.13 * letter);
    const double below = area.top + bar + 1.1 * letter;
    if (high <= low) return canvas.text({area.left + area.width / 2, below}, "0", letter, kLetterGrey, Anchor::middle);
    canvas.text({area.left, below}, short_number(low), letter, kLetterGrey, Anchor::left);
    canvas.text({area.left + area.width / 2, below}, short_number(value(0.5)), letter, kLetterGrey, Anchor::middle);
    canvas.text({area.right(), below}, short_number(high), letter, kLetterGrey, Anchor::right);
}

void draw_channels(Canvas& canvas, int64_t channels, const Area& area, double letter) {
    static constexpr const char* polarities[] = {"off", "on"};
    const int64_t entries = channels > kMostChannelColours ? 1 : channels;
    for (int64_t i = 0; i < entries; ++i) {
        const double left = area.left + area.width * static_cast<double>(i) / static_cast<double>(entries);
        const std::string name = channels == 2 ? polarities[i] : entries == 1 ? "spike" : std::to_string(i);
        canvas.disc({left + 0.5 * letter, area.top + 0.5 * letter}, 0.5 * letter, channel_colour(i, channels), 1);
        canvas.text({left + 1.5 * letter, area.top + 0.5 * letter}, name, letter, kLetterGrey, Anchor::left);
    }
}

}  // namespace

void draw_sums(Canvas& canvas, const Recording& recording, const Area& area, double letter) {
    const double label = 2.3 * letter, room = area.height - 3 * label, w = static_cast<double>(recording.width),
                 h = static_cast<double>(recording.height);
    const double left = area.left + 1.6 * letter, across = area.width - 1.6 * letter;
    const double scale = std::min(across / w, 0.46 * room / h), strip = (room - scale * h) / 2;
    const Area front{left + (across - scale * w) / 2, area.top, scale * w, scale * h};
    const Area middle{left, front.bottom() + label, across, strip}, last{left, middle.bottom() + label, across, strip};
    draw_panel(canvas, recording, {front, "x", "y", &Spot::x, &Spot::y, recording.width, recording.height}, letter);
    draw_panel(canvas, recording, {middle, "t", "x", &Spot::t, &Spot::x, recording.steps, recording.width}, letter);
    draw_panel(canvas, recording, {last, "t", "y", &Spot::t, &Spot::y, recording.steps, recording.height}, letter);
}

void draw_key(Canvas& canvas, const Recording& recording, const Area& area, double letter) {
    const Area inside{area.left + 1.6 * letter, area.top + 1.2 * letter, area.width - 1.6 * letter,
                      area.height - 1.2 * letter};
    if (recording.scored) return draw_scale(canvas, score_ink(recording), inside, letter);
    draw_channels(canvas, recording.channels, inside, letter);
}

}  // namespace spikelens::space_time
