#include "spikelens/core/sample_sets.h"

#include <algorithm>

#include "spikelens/core/error.h"

namespace spikelens {

FirstSamples::FirstSamples(const SampleSource& all, int64_t count) : all_(all), count_(std::min(count, all.size())) {
    if (count < 0) throw InputError("cannot take the first " + std::to_string(count) + " samples");
}

CodedSamples::CodedSamples(std::shared_ptr<const SampleSource> images, Coder coder, int64_t first_address)
    : images_(std::move(images)), coder_(std::move(coder)), first_address_(first_address) {
    if (images_->steps() != 0) throw InputError("the samples are spikes already: only images can be coded");
}

Input CodedSamples::input(std::span<const int64_t> indices) const {
    std::vector<int64_t> addresses;
    for (const int64_t index : indices) addresses.push_back(first_address_ + index);
    return coder_.code(images_->images(indices), addresses);
}

}  // namespace spikelens
