#include <algorithm>
#include <cmath>

#include "space_time_parts.h"
#include "space_time_view.h"

namespace spikelens::space_time {
namespace {

constexpr Rgb kFloorGrey = {0.955F, 0.953F, 0.945F}, kWallGrey = {0.980F, 0.979F, 0.974F},
              kLineGrey = {0.88F, 0.875F, 0.865F}, kShadowGrey = {0.55F, 0.54F, 0.52F};

/// The three faces of the box that lie behind the points: floor, the wall at x = 0, and the wall at the last step.
class Box {
  public:
    Box(Canvas& canvas, const View& view, const Recording& recording, double letter)
        : canvas_(canvas),
          view_(view),
          w_(static_cast<double>(recording.width)),
          h_(static_cast<double>(recording.height)),
          t_(static_cast<double>(recording.steps)),
          x_ticks_(ticks(recording.width, 4)),
          y_ticks_(ticks(recording.height, 4)),
          t_ticks_(ticks(recording.steps, 5)),
          letter_(letter) {}

    void draw() const {
        face({0, h_, 0}, {w_, h_, 0}, {w_, h_, t_}, {0, h_, t_}, kFloorGrey);
        face({0, 0, 0}, {0, h_, 0}, {0, h_, t_}, {0, 0, t_}, kWallGrey);
        face({0, 0, t_}, {w_, 0, t_}, {w_, h_, t_}, {0, h_, t_}, kWallGrey);
        grid();
        edges();
        labels();
    }

  private:
    void face(Place a, Place b, Place c, Place d, const Rgb& colour) const {
        canvas_.polygon({view_.at(a), view_.at(b), view_.at(c), view_.at(d)}, colour);
    }
    void line(Place from, Place to, const Rgb& colour, double width) const {
        canvas_.line(view_.at(from), view_.at(to), colour, width * letter_);
    }
    void grid() const {
        for (int64_t tick : t_ticks_) {
            const auto t = static_cast<double>(tick);
            line({0, 0, t}, {0, h_, t}, kLineGrey, 0.1);
            line({0, h_, t}, {w_, h_, t}, kLineGrey, 0.1);
        }
        for (int64_t tick : x_ticks_) {
            const auto x = static_cast<double>(tick);
            line({x, h_, 0}, {x, h_, t_}, kLineGrey, 0.1);
            line({x, 0, t_}, {x, h_, t_}, kLineGrey, 0.1);
        }
        for (int64_t tick : y_ticks_) {
            const auto y = static_cast<double>(tick);
            line({0, y, 0}, {0, y, t_}, kLineGrey, 0.1);
            line({0, y, t_}, {w_, y, t_}, kLineGrey, 0.1);
        }
    }
    void edges() const {
        line({0, 0, t_}, {0, h_, t_}, kEdgeGrey, 0.13);
        line({0, h_, 0}, {0, h_, t_}, kEdgeGrey, 0.13);
        line({0, h_, t_}, {w_, h_, t_}, kEdgeGrey, 0.13);
        line({0, 0, 0}, {0, 0, t_}, kEdgeGrey, 0.13);
        line({0, 0, t_}, {w_, 0, t_}, kEdgeGrey, 0.13);
        line({w_, 0, t_}, {w_, h_, t_}, kEdgeGrey, 0.13);
        line({0, 0, 0}, {0, h_, 0}, kEdgeGrey, 0.17);
        line({0, h_, 0}, {w_, h_, 0}, kEdgeGrey, 0.17);
        line({w_, h_, 0}, {w_, h_, t_}, kEdgeGrey, 0.17);
    }
    void number(Place place, Point outwards, int64_t value) const {
        canvas_.text(view_.at(place) + letter_ * outwards, std::to_string(value), letter_, kLetterGrey, Anchor::middle);
    }
    void name(Place place, Point outwards, const std::string& words) const {
        canvas_.text(view_.at(place) + letter_ * outwards, words, 1.15 * letter_, {0.12F, 0.11F, 0.1F}, Anchor::middle);
    }
    void labels() const {
        for (int64_t tick : x_ticks_) number({static_cast<double>(tick), h_, 0}, {-0.9, 1.3}, tick);
        for (int64_t tick : t_ticks_) number({w_, h_, static_cast<double>(tick)}, {0.9, 1.4}, tick);
        for (int64_t tick : y_ticks_)
            if (tick != y_ticks_.back() || tick + 2 < static_cast<int64_t>(h_))
                number({0, static_cast<double>(tick), 0}, {-1.4, 0}, tick);
        name({w_ / 2, h_, 0}, {-2.2, 3.0}, "x");
        name({w_, h_, t_ / 2}, {2.6, 4.1}, "t (steps)");
        name({0, h_ / 2, 0}, {-3.2, 0}, "y");
    }

    Canvas& canvas_;
    const View& view_;
    double w_, h_, t_;
    std::vector<int64_t> x_ticks_, y_ticks_, t_ticks_;
    double letter_;
};

Place middle_of(const Spot& spot) {
    return {static_cast<double>(spot.x) + 0.5, static_cast<double>(spot.y) + 0.5, static_cast<double>(spot.t) + 0.5};
}

/// The spots by depth, far to near; those at one depth in the order of the array.
std::vector<const Spot*> far_to_near(const std::vector<Spot>& spots, const View& view) {
    std::vector<const Spot*> order;
    for (const Spot& spot : spots) order.push_back(&spot);
    std::ranges::stable_sort(order, std::greater<>(), [&](const Spot* spot) { return view.depth(middle_of(*spot)); });
    return order;
}

}  // namespace

void draw_cloud(Canvas& canvas, const Recording& recording, const Area& area, double letter) {
    const Area inside{area.left + 4.5 * letter, area.top + 1.5 * letter, area.width - 6.5 * letter,
                      area.height - 5.5 * letter};
    const View view(static_cast<double>(recording.width), static_cast<double>(recording.height),
                    static_cast<double>(recording.steps), inside);
    Box(canvas, view, recording, letter).draw();
    const double radius = 0.15 * letter;
    const ScoreInk ink = score_ink(recording);
    const auto mark_of = [&](const Spot& spot) {
        return recording.scored ? ink.mark(spot.score)
                                : Mark{channel_colour(spot.channel, recording.channels), 0.85, 0.9};
    };
    for (const Spot& spot : recording.spots) {
        Place place = middle_of(spot);
        place.y = static_cast<double>(recording.height);
        const double opacity = mark_of(spot).opacity;
        canvas.disc(view.at(place), radius, kShadowGrey, 0.16 * opacity * opacity);
    }
    for (const Spot* spot : far_to_near(recording.spots, view)) {
        const Mark mark = mark_of(*spot);
        canvas.disc(view.at(middle_of(*spot)), radius * mark.size, mark.colour, mark.opacity);
    }
}

ScoreInk score_ink(const Recording& recording) {
    std::vector<double> scores;
    for (const Spot& spot : recording.spots) scores.push_back(spot.score);
    return {scores, recording.signed_values};
}

std::vector<int64_t> ticks(int64_t end, int wanted) {
    int64_t step = 1;
    for (int64_t power = 1; step * wanted < end; power *= 10)
        for (int64_t factor : {1, 2, 5})
            if (step * wanted < end) step = factor * power;
    std::vector<int64_t> found;
    for (int64_t tick = 0; tick <= end; tick += step) found.push_back(tick);
    return found;
}

}  // namespace spikelens::space_time
