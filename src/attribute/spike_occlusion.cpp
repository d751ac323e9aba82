#include <algorithm>

#include "methods.h"
#include "spike_copies.h"

namespace spikelens {
namespace {

/// Places of one pixel and channel that are emptied together.
using Group = std::vector<int64_t>;

/// Every place with spikes, in groups of so many consecutive ones of its pixel and channel; the last may be smaller.
std::vector<Group> groups_of(std::vector<int64_t> places, int64_t per_step, int64_t size) {
    std::ranges::stable_sort(places, {}, [&](int64_t place) { return place % per_step; });
    std::vector<Group> groups;
    for (int64_t place : places) {
        const bool joins = !groups.empty() && groups.back().front() % per_step == place % per_step &&
                           static_cast<int64_t>(groups.back().size()) < size;
        if (!joins) groups.emplace_back();
        groups.back().push_back(place);
    }
    return groups;
}

class SpikeOcclusion final : public AttributionMethod {
  public:
    explicit SpikeOcclusion(MethodOptions& options)
        : group_(options.integer("group", 1, 1, 65535, "consecutive spikes of a pixel and channel removed together")) {
        info_ = {.name = "spike_occlusion",
                 .title = "Occlusion of single spikes",
                 .meaning =
                     "signed: drop of the class score without the spikes of this place (without its group, an equal "
                     "share of the drop); 0 where there are none",
                 .cost = "1 forward per " + (group_ == 1 ? "place" : std::to_string(group_) + " places") +
                         " with spikes, + 1",
                 .source = "Zeiler, Fergus, ECCV 2014, for single spikes",
                 .unit = Unit::score,
                 .signed_values = true,
                 .on_images = false,
                 .on_spikes = true,
                 .timed = true};
    }

    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const Array<uint8_t>& spikes = request.input.spikes;
        const FloatArray scores = context.engine->run(spikes).scores;
        const int64_t per_step = spikes.row_size() / spikes.extent(1);
        FloatArray result(spikes.shape);
        for (int64_t n = 0; n < spikes.extent(0); ++n) {
            const int target = request.targets[n];
            const std::vector<Group> groups = groups_of(spike_places(spikes.row(n)), per_step, group_);
            const FloatArray left = scores_without(*context.engine, spikes.sub(n), static_cast<int64_t>(groups.size()),
                                                   [&](int64_t k) { return groups[k]; });
            for (size_t k = 0; k < groups.size(); ++k) {
                const double drop =
                    static_cast<double>(scores.row(n)[target]) - left.row(static_cast<int64_t>(k))[target];
                for (int64_t place : groups[k])
                    result.row(n)[place] = static_cast<float>(drop / static_cast<double>(groups[k].size()));
            }
        }
        return result;
    }

  private:
    int64_t group_;
};

}  // namespace

MethodPointer make_spike_occlusion(MethodOptions& options) { return std::make_unique<SpikeOcclusion>(options); }

}  // namespace spikelens
