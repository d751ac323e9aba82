#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "layer_plan.h"

namespace spikelens::kernels {
namespace {

/// The part of the kernel that lies inside the input, for one output pixel.
struct Window {
    int row, column;  // of the kernel's corner
    int first_ky, end_ky, first_kx, end_kx;

    bool whole(const LayerPlan& plan) const {
        return first_ky == 0 && first_kx == 0 && end_ky == plan.kernel_height && end_kx == plan.kernel_width;
    }
};
inline Window window(const LayerPlan& plan, int row, int column) {
    Window w{row * plan.stride - plan.padding,
             column * plan.stride - plan.padding,
             0,
             plan.kernel_height,
             0,
             plan.kernel_width};
    if (w.row < 0) w.first_ky = -w.row;
    if (w.column < 0) w.first_kx = -w.column;
    if (w.row + w.end_ky > plan.in_height) w.end_ky = plan.in_height - w.row;
    if (w.column + w.end_kx > plan.in_width) w.end_kx = plan.in_width - w.column;
    return w;
}

/// Weight rows to add, as offsets into a block: one list for each pixel of a tile, step and plane.
template <class Isa>
class EventLists {
  public:
    /// `share` of all rows is expected to be listed.
    EventLists(const LayerPlan& plan, int steps, int planes, int64_t most_pixels, double share = 1)
        : plan_(plan),
          steps_(steps),
          planes_(planes),
          step_words_(int64_t{planes} * plan.in_words),
          rows_of_bits_(static_cast<uint32_t>(plan.lanes)) {
        const int64_t capacity = int64_t{steps} * planes * plan.taps() * (plan.in_words * 64);
        const auto expected = static_cast<int64_t>(std::max(share, kLeastListed) * static_cast<double>(capacity));
        pixels_ = static_cast<int>(
            std::clamp<int64_t>(kListBytes / (4 * (1 + expected)), 1, std::max<int64_t>(1, most_pixels)));
        const int64_t weights = int64_t{plan.taps()} * plan.in_channels * plan.lanes;
        if (4 * weights > 2 * kPartBytes) {
            part_size_ = kPartBytes / 4;
            parts_ = static_cast<int>((weights + part_size_ - 1) / part_size_);
            pixels_ = static_cast<int>(
                std::min<int64_t>(pixels_, std::max<int64_t>(1, kSumBytes / (8 * steps * plan.lanes))));
        }
        first_words_.resize(parts_ + 1);
        rows_.reset(new uint32_t[pixels_ * capacity + kSlack]);
        ends_.reset(new uint32_t*[int64_t{pixels_} * steps * planes * parts_ + 1]);
        words_.reset(new InputWord[int64_t{plan.taps()} * plan.in_words]);
        silence_ = std::make_unique<bool[]>(pixels_);
    }

    int pixels() const { return pixels_; }
    int planes() const { return planes_; }
    /// ends(p, t)[plane] … ends(p, t)[plane + 1]: the rows of this plane.
    uint32_t* const* ends(int pixel, int step) const {
        return &ends_[(int64_t{pixel} * steps_ + step) * planes_ * parts_];
    }
    /// Lists are cut where a part of the weights ends: in parts, each plane has as many ends as there are parts.
    int parts() const { return parts_; }
    /// Whether this pixel's lists name the inputs that are silent.
    bool lists_silence(int pixel) const { return silence_[pixel]; }

    /// Of neighbouring pixels, counted row by row. What is silent is listed only for pixels whose kernel lies wholly
    /// inside the input.
    void build(const uint64_t* spikes, int64_t first_pixel, int64_t end_pixel, Listing listing) {
        uint32_t* out = rows_.get();
        uint32_t** end = ends_.get();
        *end++ = out;
        for (int64_t pixel = first_pixel; pixel < end_pixel; ++pixel) {
            const auto row = static_cast<int>(pixel / plan_.out_width),
                       column = static_cast<int>(pixel % plan_.out_width);
            const Window w = window(plan_, row, column);
            const Listing here = listing == Listing::silence && !w.whole(plan_) ? Listing::active_words : listing;
            silence_[pixel - first_pixel] = here == Listing::silence;
            find_words(w);
            for (int step = 0; step < steps_; ++step)
                for (int plane = 0; plane < planes_; ++plane) {
                    const uint64_t* words = spikes + step * step_words_ + int64_t{plane} * plan_.in_words;
                    for (int part = 0; part < parts_; ++part) {
                        out = here == Listing::every_word     ? list<Listing::every_word>(words, part, out)
                              : here == Listing::active_words ? list<Listing::active_words>(words, part, out)
                                                              : list<Listing::silence>(words, part, out);
                        *end++ = out;
                    }
                }
        }
    }

  private:
    static constexpr int64_t kPartBytes = 256 * 1024;  // of weights
    static constexpr int64_t kSumBytes =
        256 * 1024;                    // of sums in parts; with the lists all stay in the second-level cache
    static constexpr int kSlack = 64;  // Isa::RowsOfBits may write beyond the end

    /// A word of the input under the kernel: where it lies at step 0, and the weight row of its first bit.
    struct InputWord {
        int64_t offset;
        uint32_t first_row;
        int bits;
    };

    void find_words(const Window& w) {
        InputWord* word = words_.get();
        int part = 0;
        first_words_[0] = word;
        for (int ky = w.first_ky; ky < w.end_ky; ++ky)
            for (int kx = w.first_kx; kx < w.end_kx; ++kx)
                for (int i = 0; i < plan_.in_words; ++i) {
                    const int tap = ky * plan_.kernel_width + kx;
                    const int64_t pixel = int64_t{w.row + ky} * plan_.in_width + w.column + kx;
                    const auto first_row = static_cast<uint32_t>((tap * plan_.in_channels + i * 64) * plan_.lanes);
                    while (first_row >= (part + 1) * part_size_) first_words_[++part] = word;
                    *word++ = {pixel * steps_ * step_words_ + i, first_row, std::min(64, plan_.in_channels - i * 64)};
                }
        while (part < parts_) first_words_[++part] = word;
    }

    template <Listing kListing>
    uint32_t* list(const uint64_t* spikes, int part, uint32_t* out) const {
        const auto rows_of_bits = rows_of_bits_;
        const InputWord* const end = first_words_[part + 1];
        for (const InputWord* word = first_words_[part]; word != end; ++word) {
            uint64_t bits = spikes[word->offset];
            if constexpr (kListing == Listing::silence) bits = ~bits & (~uint64_t{0} >> (64 - word->bits));
            if constexpr (kListing == Listing::active_words)
                if (bits == 0) continue;
            out = rows_of_bits.list(bits, word->first_row, kListing == Listing::every_word ? 16 : word->bits, out);
        }
        return out;
    }

    const LayerPlan& plan_;
    int steps_, planes_, pixels_ = 1, parts_ = 1;
    int64_t part_size_ = INT64_MAX / 2;  // of the weights of a block, in numbers
    int64_t step_words_;
    typename Isa::RowsOfBits rows_of_bits_;
    std::unique_ptr<uint32_t[]> rows_;
    std::unique_ptr<uint32_t*[]> ends_;
    std::unique_ptr<InputWord[]> words_;
    std::vector<const InputWord*> first_words_;  // of each part, and the end
    std::unique_ptr<bool[]> silence_;
};

}  // namespace
}  // namespace spikelens::kernels
