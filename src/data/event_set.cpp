#include <algorithm>

#include "spikelens/core/error.h"
#include "spikelens/data/events.h"

#include "binning.h"

namespace spikelens {
namespace {

void check_samples(const std::vector<EventRecording>& recordings, const std::vector<int>& labels, size_t classes) {
    if (recordings.empty()) throw InputError("there are no recordings");
    if (recordings.size() != labels.size())
        throw InputError("there are " + std::to_string(recordings.size()) + " recordings but " +
                         std::to_string(labels.size()) + " labels");
    const auto wrong =
        std::ranges::find_if(labels, [&](int label) { return label < 0 || static_cast<size_t>(label) >= classes; });
    if (wrong != labels.end())
        throw InputError("the label " + std::to_string(*wrong) + " of sample " +
                         std::to_string(wrong - labels.begin()) + " is none of the " + std::to_string(classes) +
                         " classes");
}

void check_places(const std::vector<EventRecording>& recordings, int height, int width) {
    if (height < 1 || width < 1 || height > 1 << 16 || width > 1 << 16)
        throw InputError("a sensor of " + std::to_string(width) + " x " + std::to_string(height) +
                         " pixels is not possible, expected 1 to 65536 of each");
    for (size_t i = 0; i < recordings.size(); ++i)
        for (const Event& event : recordings[i].events)
            if (event.x >= width || event.y >= height)
                throw InputError((recordings[i].name.empty() ? "sample " + std::to_string(i) : recordings[i].name) +
                                 ": an event lies at x = " + std::to_string(event.x) +
                                 ", y = " + std::to_string(event.y) + ", outside the " + std::to_string(width) + " x " +
                                 std::to_string(height) + " pixels");
}

const EventRecording& sample(const EventSet& set, int64_t index) {
    if (index < 0 || index >= set.size())
        throw InputError("there is no sample " + std::to_string(index) + " among " + std::to_string(set.size()));
    return set.recording(index);
}

}  // namespace

EventSet::EventSet(std::vector<EventRecording> recordings, std::vector<int> labels, std::vector<std::string> classes,
                   Binning binning, int height, int width)
    : recordings_(std::move(recordings)),
      labels_(std::move(labels)),
      classes_(std::move(classes)),
      binning_(binning),
      height_(height),
      width_(width) {
    check_binning(binning_);
    check_samples(recordings_, labels_, classes_.size());
    check_places(recordings_, height_, width_);
    if (binning_.steps > 0) return;
    for (int64_t i = 0; i < size(); ++i)
        binning_.steps = std::max(
            binning_.steps, of_recording(recording(i), i, [&] { return steps_needed(recording(i), binning_.window); }));
}

Input EventSet::input(std::span<const int64_t> indices) const {
    const auto samples = static_cast<int64_t>(indices.size());
    Array<uint8_t> spikes({samples, binning_.steps, 2, height_, width_});
    for (int64_t i = 0; i < samples; ++i) {
        const int64_t index = indices[static_cast<size_t>(i)];
        const EventRecording& recording = sample(*this, index);
        of_recording(recording, index, [&] { add_events(recording, binning_, height_, width_, spikes.row(i)); });
    }
    return spikes;
}

FloatArray EventSet::images(std::span<const int64_t> indices) const {
    FloatArray images({static_cast<int64_t>(indices.size()), 2, height_, width_});
    auto target = images.data.begin();
    for (const int64_t index : indices) {
        const std::vector<int64_t> sums = sum_events(sample(*this, index), binning_, height_, width_);
        const auto largest = static_cast<double>(std::max<int64_t>(std::ranges::max(sums), 1));
        target = std::ranges::transform(sums, target, [&](int64_t sum) {
                     return static_cast<float>(static_cast<double>(sum) / largest);
                 }).out;
    }
    return images;
}

}  // namespace spikelens
