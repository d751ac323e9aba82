#pragma once

#include <memory>

#include "spikelens/snn/engine.h"

/// Every engine, the usual one first: one line each, and a function make_<name>_engine() in a file of its own.
#define SPIKELENS_ENGINES(engine) engine(cpu) engine(gpu) engine(gpu_emulated)

namespace spikelens {

using EnginePointer = std::unique_ptr<const Engine>;

#define SPIKELENS_DECLARE_ENGINE(name)                                                              \
    EnginePointer make_##name##_engine(std::shared_ptr<const Network> network, Execution execution, \
                                       GradientOptions gradients);
SPIKELENS_ENGINES(SPIKELENS_DECLARE_ENGINE)
#undef SPIKELENS_DECLARE_ENGINE

}  // namespace spikelens
