#include "spikelens/train/augment.h"

#include <algorithm>
#include <cassert>
#include <vector>

#include "spikelens/core/error.h"
#include "spikelens/core/number.h"
#include "spikelens/core/random.h"

namespace spikelens {
namespace {

constexpr int kMostCrop = 16384;

[[noreturn]] void refuse(std::string_view text) {
    throw InputError("samples cannot be augmented by '" + std::string(text) +
                     "'; expected none, flip, crop=PIXELS (1 to 16384) or both, such as flip,crop=4");
}

int read_pixels(std::string_view number, std::string_view text) {
    const auto pixels = number_in<int>(number);
    if (!pixels || *pixels < 1 || *pixels > kMostCrop) refuse(text);
    return *pixels;
}

/// How one sample is moved: row y shows row y + rows, column x shows column x + columns, after the flip.
struct Move {
    bool flip = false;
    int64_t rows = 0, columns = 0;
};

Move move_of(const Augmentation& augmentation, uint64_t seed, int epoch, int64_t index) {
    const auto draw = [&](uint64_t which) {
        return random_uniform(seed, Stream::augmentation,
                              {static_cast<uint64_t>(epoch), static_cast<uint64_t>(index), which});
    };
    const auto shift = [&](uint64_t which) {
        return static_cast<int64_t>(draw(which) * (2 * augmentation.crop + 1)) - augmentation.crop;
    };
    Move move;
    if (augmentation.flip) move.flip = draw(0) < 0.5;
    if (augmentation.crop > 0) move.rows = shift(1), move.columns = shift(2);
    return move;
}

/// Planes [height, width] of one sample, moved. Outside lies the nearest pixel, or nothing.
template <class Value>
void move_planes(std::span<Value> sample, int64_t height, int64_t width, const Move& move, bool repeat_edge) {
    std::vector<Value> before(static_cast<size_t>(height * width));
    for (auto plane = sample.begin(); plane != sample.end(); plane += height * width) {
        std::copy_n(plane, before.size(), before.begin());
        for (int64_t y = 0; y < height; ++y)
            for (int64_t x = 0; x < width; ++x) {
                const int64_t row = y + move.rows, moved = x + move.columns,
                              column = move.flip ? width - 1 - moved : moved;
                const int64_t near_row = std::clamp<int64_t>(row, 0, height - 1),
                              near_column = std::clamp<int64_t>(column, 0, width - 1);
                const bool inside = row == near_row && column == near_column;
                plane[y * width + x] = inside || repeat_edge ? before[near_row * width + near_column] : Value(0);
            }
    }
}

}  // namespace

Augmentation parse_augmentation(std::string_view text) {
    Augmentation augmentation;
    if (text == "none") return augmentation;
    for (std::string_view rest = text;;) {
        const size_t comma = rest.find(',');
        const std::string_view word = rest.substr(0, comma);
        if (word == "flip" && !augmentation.flip)
            augmentation.flip = true;
        else if (word.starts_with("crop=") && augmentation.crop == 0)
            augmentation.crop = read_pixels(word.substr(5), text);
        else
            refuse(text);
        if (comma == std::string_view::npos) return augmentation;
        rest = rest.substr(comma + 1);
    }
}

std::string augmentation_text(const Augmentation& augmentation) {
    std::string text = augmentation.flip ? "flip" : "";
    if (augmentation.crop > 0) text += (text.empty() ? "crop=" : ",crop=") + std::to_string(augmentation.crop);
    return text.empty() ? "none" : text;
}

void augment(Input& input, std::span<const int64_t> indices, const Augmentation& augmentation, uint64_t seed,
             int epoch) {
    assert(input.samples() == static_cast<int64_t>(indices.size()));
    if (!augmentation.any()) return;
    const Shape& shape = input.shape();
    const int64_t height = shape[shape.size() - 2], width = shape.back();
    for (size_t n = 0; n < indices.size(); ++n) {
        const Move move = move_of(augmentation, seed, epoch, indices[n]);
        const auto row = static_cast<int64_t>(n);
        if (input.spiking())
            move_planes(input.spikes.row(row), height, width, move, false);
        else
            move_planes(input.images.row(row), height, width, move, true);
    }
}

}  // namespace spikelens
