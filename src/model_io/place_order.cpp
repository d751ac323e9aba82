#include <algorithm>

#include "weight_matching.h"

namespace spikelens {
namespace {

NameOrder reversed(NameOrder order) {
    if (order == NameOrder::unknown) return order;
    return order == NameOrder::first_before ? NameOrder::second_before : NameOrder::first_before;
}

NameOrder order_of_modules(const NamedPlace& first, const NamedPlace& second) {
    if (!first.module || !second.module || *first.module == *second.module) return NameOrder::unknown;
    return *first.module < *second.module ? NameOrder::first_before : NameOrder::second_before;
}

}  // namespace

NameOrder order_of_places(const NamedPlace& first, const NamedPlace& second, bool& contradiction) {
    const NameOrder names = order_of_names(first.name, second.name), modules = order_of_modules(first, second);
    contradiction = names != NameOrder::unknown && modules == reversed(names);
    if (contradiction) return NameOrder::unknown;
    return names == NameOrder::unknown ? modules : names;
}

std::vector<size_t> sorted_places(const std::vector<NamedPlace>& places,
                                  const std::function<void(size_t, size_t, bool)>& fail) {
    std::vector<size_t> before(places.size(), 0), order(places.size(), places.size());
    for (size_t a = 0; a < places.size(); ++a)
        for (size_t b = a + 1; b < places.size(); ++b) {
            bool contradiction = false;
            const NameOrder known = order_of_places(places[a], places[b], contradiction);
            if (known == NameOrder::unknown) fail(a, b, contradiction);
            ++before[known == NameOrder::first_before ? b : a];
        }
    for (size_t i = 0; i < places.size(); ++i) {
        size_t& taken = order[before[i]];
        if (taken != places.size()) fail(taken, i, true);  // they follow each other in a circle
        taken = i;
    }
    return order;
}

}  // namespace spikelens
