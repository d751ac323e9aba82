#include "spikelens/pipeline/documents.h"

#include <cmath>

namespace spikelens {

nlohmann::json interval_document(const Estimate& estimate) {
    if (!std::isfinite(estimate.low)) return nullptr;
    return nlohmann::json::array({estimate.low, estimate.high});
}

}  // namespace spikelens
