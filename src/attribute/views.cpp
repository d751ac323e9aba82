#include <algorithm>
#include <cmath>

#include "spikelens/attribute/method.h"
#include "spikelens/core/error.h"

namespace spikelens {
namespace {

float seen(float value, View view) {
    switch (view) {
        case View::natural:
            return value;
        case View::absolute:
            return std::abs(value);
        case View::positive:
            return std::max(0.0F, value);
        case View::negative:
            return std::max(0.0F, -value);
    }
    return value;
}

}  // namespace

FloatArray pixel_maps(const FloatArray& attribution, View view) {
    if (attribution.shape.size() != 4) {
        throw InputError("an attribution has shape " + shape_text(attribution.shape) + ", expected [N, C, H, W]");
    }
    const int64_t channels = attribution.shape[1], pixels = attribution.shape[2] * attribution.shape[3];
    FloatArray maps({attribution.shape[0], attribution.shape[2], attribution.shape[3]});
    for (int64_t n = 0; n < attribution.shape[0]; ++n) {
        const auto values = attribution.row(n);
        const auto map = maps.row(n);
        for (int64_t pixel = 0; pixel < pixels; ++pixel) {
            double sum = 0;
            for (int64_t c = 0; c < channels; ++c) sum += values[c * pixels + pixel];
            map[pixel] = seen(static_cast<float>(sum), view);
        }
    }
    return maps;
}

}  // namespace spikelens
