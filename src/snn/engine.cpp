#include "spikelens/snn/engine.h"

#include <algorithm>
#include <array>
#include <utility>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"

namespace spikelens {
namespace {

using Make = std::unique_ptr<const Engine> (*)(std::shared_ptr<const Network>, Execution, GradientOptions);

template <class Kind>
std::unique_ptr<const Engine> make(std::shared_ptr<const Network> network, Execution execution, GradientOptions gradients) {
    return std::make_unique<const Kind>(std::move(network), std::move(execution), std::move(gradients));
}

struct Entry {
    const char* name;
    Make make;
};
constexpr std::array kEngines = {Entry{"cpu", &make<CpuEngine>}};

}  // namespace

std::unique_ptr<const Engine> make_engine(std::string_view name, std::shared_ptr<const Network> network, Execution execution,
                                          GradientOptions gradients) {
    const auto* const found = std::ranges::find(kEngines, name, &Entry::name);
    if (found == kEngines.end())
        throw InputError("there is no engine '" + std::string(name) + "'" + suggestion(name, engine_names()));
    return found->make(std::move(network), std::move(execution), std::move(gradients));
}

std::vector<std::string> engine_names() {
    std::vector<std::string> names;
    for (const Entry& engine : kEngines) names.emplace_back(engine.name);
    return names;
}

}  // namespace spikelens
