#include "branch_order.h"

#include <algorithm>

#include <fmt/format.h>

#include "pickle_globals.h"

namespace spikelens {

bool reaches(const Network& network, const Layer& from, const Layer& to) {
    std::vector<bool> reached(network.layers.size(), false);
    for (size_t l = 0; l < reached.size(); ++l)
        reached[l] = &network.layers[l] == &from || std::ranges::any_of(network.layers[l].inputs, [&](int input) {
            return input != kNetworkInput && reached[static_cast<size_t>(input)];
        });
    return reached[static_cast<size_t>(&to - network.layers.data())];
}

std::string branch_fault(const AlikeLayers& alike, const std::map<const Layer*, const StateTensor*>& weights,
                         const NameNumbers& numbers) {
    if (alike.empty()) return "";
    for (auto a = weights.begin(); a != weights.end(); ++a)
        for (auto b = std::next(a); b != weights.end(); ++b) {
            const StateTensor &first = *a->second, &second = *b->second;
            const bool defined_after = first.module && second.module && *second.module < *first.module;
            if (numbers.order(first.name, second.name) != NameOrder::second_before && !defined_after) continue;
            const auto& [one, other] = alike.front();
            return fmt::format(
                "{} and {} fit {} and {}, which stand in different branches, and {} comes before {}, not as {} and {} "
                "in the network text: say which layer each fills",
                shown(weights.at(one)->from), shown(weights.at(other)->from), one->name, other->name,
                shown(second.from), shown(first.from), a->first->name, b->first->name);
        }
    return "";
}

}  // namespace spikelens
