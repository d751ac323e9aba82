#pragma once

#include "snn/engines.h"

// The list of src/snn/engines.h with the toy in it.
#undef SPIKELENS_ENGINES
#define SPIKELENS_ENGINES(engine) engine(cpu) engine(one_by_one)

namespace spikelens {

EnginePointer make_one_by_one_engine(std::shared_ptr<const Network> network, Execution execution,
                                     GradientOptions gradients);

}  // namespace spikelens
