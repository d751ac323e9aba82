#include "spikelens/snn/engine.h"

#include <utility>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"

#include "engines.h"

namespace spikelens {

std::unique_ptr<const Engine> make_engine(std::string_view name, std::shared_ptr<const Network> network,
                                          Execution execution, GradientOptions gradients) {
#define SPIKELENS_MAKE_ENGINE(known) \
    if (name == #known) return make_##known##_engine(std::move(network), std::move(execution), std::move(gradients));
    SPIKELENS_ENGINES(SPIKELENS_MAKE_ENGINE)
#undef SPIKELENS_MAKE_ENGINE
    throw InputError("there is no engine '" + std::string(name) + "'" + suggestion(name, engine_names()));
}

std::vector<std::string> engine_names() {
#define SPIKELENS_NAME_ENGINE(name) #name,
    return {SPIKELENS_ENGINES(SPIKELENS_NAME_ENGINE)};
#undef SPIKELENS_NAME_ENGINE
}

}  // namespace spikelens
