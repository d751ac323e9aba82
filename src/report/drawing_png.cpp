#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "spikelens/core/error.h"

#include "png.h"

namespace spikelens::report {
namespace {

uint8_t level(float value) {
    if (!std::isfinite(value)) return 0;
    return static_cast<uint8_t>(std::lround(255 * std::clamp(value, 0.0F, 1.0F)));
}

std::vector<Rgb> pixels_of(const FloatArray& drawing) {
    const size_t plane = drawing.data.size() / 3;
    std::vector<Rgb> pixels;
    for (size_t i = 0; i < plane; ++i)
        pixels.push_back({level(drawing.data[i]), level(drawing.data[plane + i]), level(drawing.data[2 * plane + i])});
    return pixels;
}

/// Colours that agree in their upper six bits are one.
size_t key_of(Rgb colour) {
    return static_cast<size_t>(colour.r >> 2) << 12 | static_cast<size_t>(colour.g >> 2) << 6 |
           static_cast<size_t>(colour.b >> 2);
}
constexpr size_t kKeys = size_t{1} << 18;

struct Group {
    size_t key = 0;
    int64_t count = 0, r = 0, g = 0, b = 0;
    Rgb mean() const {
        const auto part = [&](int64_t sum) { return static_cast<uint8_t>((sum + count / 2) / count); };
        return {part(r), part(g), part(b)};
    }
};

/// Most frequent first; equals by colour.
std::vector<Group> groups_of(std::vector<Rgb> pixels) {
    std::ranges::sort(pixels, std::less<>(), key_of);
    std::vector<Group> groups;
    for (const Rgb& pixel : pixels) {
        if (groups.empty() || groups.back().key != key_of(pixel)) groups.push_back({key_of(pixel)});
        Group& group = groups.back();
        ++group.count;
        group.r += pixel.r;
        group.g += pixel.g;
        group.b += pixel.b;
    }
    std::ranges::stable_sort(groups, std::greater<>(), &Group::count);
    return groups;
}

int distance(Rgb a, Rgb b) {
    const int red = a.r - b.r, green = a.g - b.g, blue = a.b - b.b;
    return red * red + green * green + blue * blue;
}

/// The most frequent colours for one half; then, one by one, the colour farthest from all chosen, so that a rare colour
/// does not become another one.
std::vector<Rgb> chosen_colours(const std::vector<Group>& groups) {
    constexpr size_t most = std::tuple_size_v<Palette>;
    std::vector<Rgb> chosen;
    std::vector<int> gap(groups.size(), std::numeric_limits<int>::max());
    while (chosen.size() < std::min(most, groups.size())) {
        const auto farthest = static_cast<size_t>(std::ranges::max_element(gap) - gap.begin());
        const size_t next = groups.size() <= most || chosen.size() < most / 2 ? chosen.size() : farthest;
        chosen.push_back(groups[next].mean());
        for (size_t i = 0; i < groups.size(); ++i) gap[i] = std::min(gap[i], distance(groups[i].mean(), chosen.back()));
    }
    return chosen;
}

}  // namespace

std::string drawing_png(const FloatArray& drawing) {
    if (drawing.shape.size() != 3 || drawing.extent(0) != 3 || drawing.empty())
        throw InputError("a drawing of the report must be [3, H, W], not " + shape_text(drawing.shape));
    const std::vector<Rgb> pixels = pixels_of(drawing);
    const std::vector<Group> groups = groups_of(pixels);
    const std::vector<Rgb> colours = chosen_colours(groups);
    std::vector<uint8_t> entry_of(kKeys);
    for (const Group& group : groups) {
        const auto from_group = [&](Rgb colour) { return distance(colour, group.mean()); };
        entry_of[group.key] =
            static_cast<uint8_t>(std::ranges::min_element(colours, std::less<>(), from_group) - colours.begin());
    }
    std::vector<uint8_t> entries;
    for (const Rgb& pixel : pixels) entries.push_back(entry_of[key_of(pixel)]);
    Palette palette{};
    std::ranges::copy(colours, palette.begin());
    return png(entries, drawing.extent(1), drawing.extent(2), palette);
}

}  // namespace spikelens::report
