#include "space_time_letters.h"

#include <algorithm>
#include <cassert>

namespace spikelens::space_time {

std::string_view rowmans();  // the font's file, embedded

namespace {

struct Letter {
    double width = 0;
    std::vector<Segment> strokes;  ///< from the letter's left edge
};

/// As the file says.
Letter read_letter(std::string_view line) {
    constexpr double middle = -1.5;  // of a capital letter's height
    const auto number = [&](size_t place) { return static_cast<double>(line[place] - 'R'); };
    constexpr size_t left = 8, right = 9, points = 10;
    Letter letter;
    letter.width = number(right) - number(left);
    bool down = false;
    Point pen;
    for (size_t place = points; place + 1 < line.size(); place += 2) {
        if (line.substr(place, 2) == " R") {
            down = false;
            continue;
        }
        const Point next{number(place) - number(left), number(place + 1) - middle};
        if (down) letter.strokes.push_back({pen, next});
        pen = next;
        down = true;
    }
    return letter;
}

/// From the space on.
std::vector<Letter> read_letters() {
    std::vector<Letter> letters;
    std::string_view left = rowmans();
    while (!left.empty()) {
        const std::string_view line = left.substr(0, left.find('\n'));
        if (!line.starts_with('#')) letters.push_back(read_letter(line));
        left.remove_prefix(std::min(left.size(), line.size() + 1));
    }
    return letters;
}

}  // namespace

std::vector<Segment> letter_strokes(std::string_view words) {
    static const std::vector<Letter> letters = read_letters();
    std::vector<Segment> strokes;
    double x = 0;
    for (const char character : words) {
        assert(character >= ' ' && character <= '~');
        const Letter& letter = letters[static_cast<size_t>(character - ' ')];
        for (const Segment& stroke : letter.strokes)
            strokes.push_back({stroke.from + Point{x, 0}, stroke.to + Point{x, 0}});
        x += letter.width;
    }
    return strokes;
}

}  // namespace spikelens::space_time
