#include "spikelens/core/nearest.h"

#include <algorithm>
#include <cstddef>

namespace spikelens {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same(char a, char b) { return lower(a) == lower(b); }

size_t edits(std::string_view a, std::string_view b) {
    std::vector<size_t> before_previous(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j) previous[j] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
        current[0] = i;
        for (size_t j = 1; j <= b.size(); ++j) {
            const size_t substituted = previous[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1);
            current[j] = std::min({previous[j] + 1, current[j - 1] + 1, substituted});
            const bool swapped = i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]);
            if (swapped) current[j] = std::min(current[j], before_previous[j - 2] + 1);
        }
        before_previous.swap(previous);
        previous.swap(current);
    }
    return previous[b.size()];
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& names) {
    const size_t allowed = std::max<size_t>(2, word.size() / 3);
    std::string best;
    size_t fewest = std::min(allowed + 1, word.size());
    for (const std::string& name : names) {
        const size_t distance = edits(word, name);
        if (distance >= fewest) continue;
        fewest = distance;
        best = name;
    }
    return best;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& names) {
    if (const std::string name = nearest(word, names); !name.empty()) return "; did you mean '" + name + "'?";
    if (names.empty()) return "; none is known";
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
    return "; known are " + list;
}

}  // namespace spikelens
