#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace spikelens {

/// How `in` places become `out` places along one axis: shares of area when they shrink, linear between the middles of
/// pixels when they grow. A picture is resized by its two axes, one after the other.
class Resampling {
  public:
    Resampling(int64_t in, int64_t out) : in_(in), out_(out) {
        if (in >= out) return;
        users_.resize(static_cast<size_t>(in));
        for (int64_t o = 0; o < out; ++o) {
            const double at =
                std::clamp((static_cast<double>(o) + 0.5) * static_cast<double>(in) / static_cast<double>(out) - 0.5,
                           0.0, static_cast<double>(in - 1));
            const auto below = static_cast<int64_t>(at);
            const double share = at - static_cast<double>(below);
            users_[static_cast<size_t>(below)].push_back({o, 1 - share});
            if (share > 0) users_[static_cast<size_t>(below + 1)].push_back({o, share});
        }
    }

    /// Calls use(place of the result, weight) for every one that place `i` has a part in. The weights of one place of
    /// the result sum to 1.
    template <class Use>
    void from(int64_t i, Use&& use) const {
        if (in_ < out_) {
            for (const Share& user : users_[static_cast<size_t>(i)]) use(user.place, user.weight);
            return;
        }
        const int64_t begin = i * out_, end = begin + out_;  // in units of 1/out of a place
        for (int64_t o = begin / in_; o < out_ && o * in_ < end; ++o) {
            const int64_t overlap = std::min(end, (o + 1) * in_) - std::max(begin, o * in_);
            use(o, static_cast<double>(overlap) / static_cast<double>(in_));
        }
    }

  private:
    struct Share {
        int64_t place;
        double weight;
    };
    int64_t in_, out_;
    std::vector<std::vector<Share>> users_;
};

}  // namespace spikelens
