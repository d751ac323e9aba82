#include "arrays.h"

#include "spikelens/core/error.h"

namespace spikelens::python {

Samples samples_of(const nb::object& values) {
    ByteValues spikes;
    FloatValues images;
    const bool spiking = nb::try_cast(values, spikes, false);
    if (!spiking && !nb::try_cast(values, images, false))
        throw nb::type_error("samples must be a C-contiguous array of float32 (images) or uint8 (spikes)");
    Samples samples = spiking ? Samples(spikes) : Samples(images);
    const size_t axes = spiking ? 5 : 4;
    if (samples.shape().size() != axes)
        throw InputError(std::string(spiking ? "spikes" : "images") + " have shape " + shape_text(samples.shape()) +
                         ", expected " + (spiking ? "[N, T, C, H, W]" : "[N, C, H, W]"));
    return samples;
}

FloatArray float_array(const FloatValues& values) { return view_of<float>(values).copy(); }

}  // namespace spikelens::python
