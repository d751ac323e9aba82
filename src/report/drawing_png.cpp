#include <algorithm>
#include <cmath>
#include <functional>
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
constexpr size_t keys = size_t{1} << 18;

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

size_t nearest(const Palette& palette, Rgb colour) {
    const auto distance = [&](Rgb entry) {
        const int r = entry.r - colour.r, g = entry.g - colour.g, b = entry.b - colour.b;
        return r * r + g * g + b * b;
    };
    return static_cast<size_t>(std::ranges::min_element(palette, std::less<>(), distance) - palette.begin());
}

}  // namespace

std::string drawing_png(const FloatArray& drawing) {
    if (drawing.shape.size() != 3 || drawing.extent(0) != 3 || drawing.empty())
        throw InputError("a drawing of the report must be [3, H, W], not " + shape_text(drawing.shape));
    const std::vector<Rgb> pixels = pixels_of(drawing);
    const std::vector<Group> groups = groups_of(pixels);
    Palette palette{};
    const size_t used = std::min(groups.size(), palette.size());
    for (size_t i = 0; i < used; ++i) palette[i] = groups[i].mean();
    std::vector<uint8_t> entry_of(keys);
    for (size_t i = 0; i < groups.size(); ++i)
        entry_of[groups[i].key] = static_cast<uint8_t>(i < used ? i : nearest(palette, groups[i].mean()));
    std::vector<uint8_t> entries;
    for (const Rgb& pixel : pixels) entries.push_back(entry_of[key_of(pixel)]);
    return png(entries, drawing.extent(1), drawing.extent(2), palette);
}

}  // namespace spikelens::report
