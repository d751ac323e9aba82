#include "spikelens/core/error.h"
#include "spikelens/encode/coding.h"

#include "check_coding.h"

namespace spikelens {

CodedSamples::CodedSamples(std::shared_ptr<const SampleSource> images, Coding coding, int steps, uint64_t seed,
                           int64_t first_address, Execution execution)
    : images_(std::move(images)),
      coding_(coding),
      steps_(steps),
      seed_(seed),
      first_address_(first_address),
      execution_(std::move(execution)) {
    check_coding(coding_);
    if (images_->steps() != 0) throw InputError("the samples are spikes already: only images can be coded");
    if (coding_.kind != CodingKind::direct && steps_ < 1)
        throw InputError("a coder needs at least 1 step, not " + std::to_string(steps_));
}

Input CodedSamples::input(std::span<const int64_t> indices) const {
    FloatArray images = images_->images(indices);
    if (coding_.kind == CodingKind::direct) return images;
    std::vector<int64_t> addresses;
    for (const int64_t index : indices) addresses.push_back(first_address_ + index);
    return encode(images, coding_, steps_, seed_, addresses, execution_);
}

}  // namespace spikelens
