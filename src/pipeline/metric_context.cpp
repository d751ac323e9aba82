#include "metric_context.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/data/idx.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

/// Every map would score alike by a mask that has nothing or everything inside.
void check_place(const Array<uint8_t>& masks, int64_t sample, const fs::path& path) {
    const auto outside = std::ranges::count(masks.row(sample), uint8_t{0});
    if (outside > 0 && outside < std::ssize(masks.row(sample))) return;
    throw InputError(
        fmt::format("the mask of test sample {} in {} has {} inside, so every map would score alike; leave "
                    "the sample out of the data, or draw its mask anew",
                    sample, path.string(), outside > 0 ? "nothing" : "everything"));
}

/// One mask for each test sample, with a place in those that are measured; none where no file is named.
std::shared_ptr<const Array<uint8_t>> load_masks(const fs::path& path, const SampleSource& test,
                                                 std::span<const int64_t> measured) {
    if (path.empty()) return nullptr;
    auto masks = std::make_shared<const Array<uint8_t>>(read_idx(path, 3));
    const Shape sample = test.shape(), expected = {test.size(), sample[1], sample[2]};
    if (masks->shape != expected)
        throw InputError(fmt::format("the masks in {} have the shape {}, expected one for each test sample: {}",
                                     path.string(), shape_text(masks->shape), shape_text(expected)));
    for (const int64_t index : measured) check_place(*masks, index, path);
    return masks;
}

}  // namespace

MetricContext metric_context(const Explainer& explainer, const Explainer* shuffled, const RunData& data,
                             const fs::path& masks_file, std::span<const int64_t> measured) {
    const auto masks = load_masks(masks_file, *data.test, measured);
    MetricContext context;
    context.model = explainer.context();
    context.data = data.test.get();
    context.engine_of = [explainer](Network network) {
        const auto other = std::make_shared<Explainer>(explainer, std::move(network), explainer.engine().execution());
        return std::shared_ptr<const Engine>(other, &other->engine());
    };
    if (shuffled) context.shuffled = shuffled->context();
    if (masks) context.masks = [masks](std::span<const int64_t> samples) { return masks->select(samples); };
    context.images = [&data](std::span<const int64_t> samples) {
        return data.test->steps() > 0 ? data.test->images(samples) : data.test->input(samples).images;
    };
    if (data.coded())
        context.shown = [&data](const FloatArray& images, int64_t sample) {
            return data.shown(images, std::vector<int64_t>(images.extent(0), data.test_address(sample)));
        };
    return context;
}

}  // namespace spikelens
