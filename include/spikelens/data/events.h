#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/core/samples.h"

namespace spikelens {

/// One change of brightness.
struct Event {
    int64_t time = 0;  ///< µs
    uint16_t x = 0, y = 0;
    uint8_t polarity = 0;  ///< 0: darker, 1: brighter
    bool operator==(const Event&) const = default;
};

/// What an event camera saw, in the order of the file. Times are ≥ 0 and never decrease: events out of order are
/// sorted, stably.
struct EventRecording {
    std::string format;  ///< "nmnist", "aedat2", "aedat3.1", "aedat4", "npz", "evt2", "evt3", "dat"
    /// Of the sensor; from the file's header, 34 × 34 for N-MNIST, else the smallest that holds all events.
    int width = 0, height = 0;
    std::vector<Event> events;
    std::string name = {};  ///< of the file it was read from, for messages; empty otherwise
};

/// Reads a recording; the format is told by the content, and by the name where content cannot tell (.bin, .bs2).
/// docs/formats/events.md describes each. Throws InputError that names the file and what was expected where (byte
/// offset, packet) for a file that is truncated, damaged, of an unknown format or larger than 2^28 events; memory stays
/// below a small multiple of the file's size (of its unpacked size, limited, for compressed ones).
EventRecording read_events(const std::filesystem::path& path);

/// How events become steps: of equal time, or of equal numbers of events.
struct Binning {
    enum class By { time, count } by = By::time;
    int64_t window = 1000;  ///< µs per step (time); unused by count
    int steps = 0;          ///< T; 0 (time only): as many as the recording needs
    bool clip = false;      ///< true: at most 255 events count in one place and step; false: more are an error
    bool operator==(const Binning&) const = default;
};

/// "1ms" or "500us" (windows of time), "310x1ms" (310 of them), "count=50" (50 steps of equal numbers of events);
/// each also with ",clip".
/// Throws InputError for anything else. binning_text gives the canonical form back.
Binning parse_binning(std::string_view text);
std::string binning_text(const Binning& binning);

/// Whole numbers of spikes [T, 2, H, W], channel = polarity. By time: step = (time − first event's time) / window;
/// events after T are dropped; T = 0 gives as many as the recording needs, at least one. By count: the i-th of n events
/// goes to step ⌊i·T/n⌋. Throws InputError for an event outside height × width, for more than 255 events in one place
/// and step (unless `clip`: then 255 of them count), and for more than 65535 steps or 2^33 numbers.
Array<uint8_t> bin_events(const EventRecording& recording, const Binning& binning, int height, int width);

/// Recordings with labels, in memory as events; input() bins.
class EventSet : public SampleSource {
  public:
    /// With binning.steps = 0, T is what the longest recording needs. Throws InputError when labels, recordings and
    /// classes do not fit together, the set is empty, an event lies outside height × width, it would take more than
    /// 65535 steps.
    EventSet(std::vector<EventRecording> recordings, std::vector<int> labels, std::vector<std::string> classes,
             Binning binning, int height, int width);

    int64_t size() const override { return static_cast<int64_t>(recordings_.size()); }
    Shape shape() const override { return {2, height_, width_}; }
    const std::vector<std::string>& classes() const override { return classes_; }
    int steps() const override { return binning_.steps; }
    FloatArray images(std::span<const int64_t> indices) const override;
    Input input(std::span<const int64_t> indices) const override;
    int label(int64_t index) const override { return labels_.at(index); }
    const EventRecording& recording(int64_t index) const { return recordings_.at(index); }
    const Binning& binning() const { return binning_; }

  private:
    std::vector<EventRecording> recordings_;
    std::vector<int> labels_;
    std::vector<std::string> classes_;
    Binning binning_;
    int height_, width_;
};

}  // namespace spikelens
