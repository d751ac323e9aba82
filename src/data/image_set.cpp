#include <algorithm>

#include "spikelens/core/error.h"
#include "spikelens/data/dataset.h"

namespace spikelens {
namespace {

void check_labels(const std::vector<int>& labels, size_t classes) {
    for (size_t i = 0; i < labels.size(); ++i)
        if (labels[i] < 0 || static_cast<size_t>(labels[i]) >= classes)
            throw InputError("the label " + std::to_string(labels[i]) + " of sample " + std::to_string(i) +
                             " is none of the " + std::to_string(classes) + " classes");
}

}  // namespace

ImageSet::ImageSet(Array<uint8_t> pixels, std::vector<int> labels, std::vector<std::string> classes)
    : pixels_(std::move(pixels)), labels_(std::move(labels)), classes_(std::move(classes)) {
    if (pixels_.shape.size() != 4)
        throw InputError("images have the shape " + shape_text(pixels_.shape) +
                         ", expected [images, channels, height, width]");
    if (pixels_.extent(0) != static_cast<int64_t>(labels_.size()))
        throw InputError("there are " + std::to_string(pixels_.extent(0)) + " images but " +
                         std::to_string(labels_.size()) + " labels");
    check_labels(labels_, classes_.size());
}

Shape ImageSet::shape() const { return {pixels_.shape.begin() + 1, pixels_.shape.end()}; }

FloatArray ImageSet::images(std::span<const int64_t> indices) const {
    Shape batch = pixels_.shape;
    batch[0] = static_cast<int64_t>(indices.size());
    FloatArray images(batch);
    float* target = images.data.data();
    for (const int64_t index : indices) {
        if (index < 0 || index >= size())
            throw InputError("there is no sample " + std::to_string(index) + " among " + std::to_string(size()));
        target = std::ranges::transform(pixels_.row(index), target, [](uint8_t pixel) {
                     return static_cast<float>(pixel) / 255.0F;
                 }).out;
    }
    return images;
}

}  // namespace spikelens
