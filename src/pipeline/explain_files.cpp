#include "explain_files.h"

#include <algorithm>

#include <fmt/format.h>

#include "spikelens/attribute/map_state.h"
#include "spikelens/core/error.h"
#include "spikelens/draw/colour.h"
#include "spikelens/draw/space_time.h"
#include "spikelens/io/array_file.h"
#include "spikelens/io/files.h"
#include "spikelens/io/picture.h"
#include "spikelens/io/sha256.h"
#include "spikelens/pipeline/content.h"
#include "spikelens/pipeline/output.h"

namespace spikelens {
namespace {

namespace fs = std::filesystem;

int enlargement(int64_t height, int64_t width) {
    return static_cast<int>(std::max<int64_t>(1, 224 / std::max(height, width)));
}

/// A method's text in file names: ':' and '=' become '-'. Where that, or its length, could make two texts one, a
/// checksum of the text follows.
std::string method_part(const std::string& text) {
    const std::string part = file_name_part(text);
    const bool plain = std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == ':' || c == '=';
    });
    return plain && part.size() == text.size() ? part : part.substr(0, 60) + "-" + sha256_of_bytes(text).substr(0, 8);
}

/// One attribution as files: the coloured map, its overlay, the raw values; of a timed one also windows and a point
/// cloud.
class MapWriter {
  public:
    MapWriter(const fs::path& folder, const MapFiles& files, const Explained& explained)
        : folder_(folder),
          files_(files),
          method_(explained.method),
          attribution_(explained.attribution),
          signed_(method_.method->info().signed_values && method_.view == View::natural),
          map_(without_batch_axis(pixel_maps(attribution_, method_.view))),
          state_(map_state(method_.method->info(), map_.data, explained.scores)),
          empty_(state_ != MapState::values && state_ != MapState::constant) {}

    MapSummary write(const SampleToExplain& sample, int64_t windows, OverlayStyle style) const {
        const int factor = enlargement(map_.extent(0), map_.extent(1));
        const Colours over = style == OverlayStyle::jet && !signed_ ? Colours::jet : colours();
        write_map_and_values(factor);
        write_png(folder_ / files_.overlay, enlarge(overlay(drawable(sample.picture), drawn(map_), over), factor));
        MapSummary entry;
        entry.method = method_.text;
        entry.map = files_.map;
        entry.overlay = files_.overlay;
        entry.values = files_.values;
        if (!files_.windows.empty()) write_windows(windows, factor, entry);
        if (!files_.space_time.empty()) write_space_time(sample, entry);
        entry.state = map_state_text(state_);
        if (state_ != MapState::values) entry.remark = "map is " + remark();
        entry.minimum = *std::ranges::min_element(map_.data);
        entry.maximum = *std::ranges::max_element(map_.data);
        return entry;
    }

  private:
    Colours colours() const { return signed_ ? Colours::diverging : Colours::heat; }
    std::string remark() const { return state_ == MapState::noise ? "rounding noise" : map_state_text(state_); }
    /// What is not there, drowns in rounding or is no number is not stretched to full colour.
    FloatArray drawn(const FloatArray& values) const { return empty_ ? FloatArray(values.shape) : values; }

    /// The map's picture holds the checksum of the raw values, by which these are known as ours. Old values go first,
    /// so that at no moment there are values that no picture tells of.
    void write_map_and_values(int factor) const {
        const fs::path values = folder_ / files_.values;
        const std::string bytes = npy_bytes(method_.method->info().timed ? attribution_.sub(0) : map_);
        remove_file(values);
        write_png(folder_ / files_.map, enlarge(colour_map(drawn(map_), colours()), factor),
                  {{"Values", sha256_of_bytes(bytes)}});
        write_file(values, bytes);
    }

    void write_windows(int64_t windows, int factor, MapSummary& entry) const {
        const FloatArray parts = window_maps(attribution_, method_.view, std::min(windows, attribution_.shape[1]));
        write_png(folder_ / files_.windows, window_strip(drawn(without_batch_axis(parts)), colours(), factor));
        entry.windows = files_.windows;
    }

    void write_space_time(const SampleToExplain& sample, MapSummary& entry) const {
        const Array<uint8_t>& spikes = sample.input.spikes;
        const FloatArray scores = drawn(spike_scores(attribution_, method_.view, spikes.shape));
        write_png(folder_ / files_.space_time, space_time_picture(spikes.sub(0), scores.sub(0), signed_, 960, 640));
        entry.space_time = files_.space_time;
    }

    const fs::path& folder_;
    const MapFiles& files_;
    const MethodSpec& method_;
    const FloatArray& attribution_;
    bool signed_;
    FloatArray map_;
    MapState state_;
    bool empty_;
};

}  // namespace

MapFiles map_files(const std::string& stem, const MethodSpec& method, bool spiking) {
    const std::string name = stem + "_" + method_part(method.text);
    MapFiles files{name + ".png", name + "_overlay.png", name + ".npy", "", ""};
    if (method.method->info().timed) files.windows = name + "_windows.png";
    if (method.method->info().timed && spiking) files.space_time = name + "_xyt.png";
    return files;
}

MapSummary write_map(const fs::path& folder, const MapFiles& files, const Explained& explained,
                     const SampleToExplain& sample, int64_t windows, OverlayStyle style) {
    return MapWriter(folder, files, explained).write(sample, windows, style);
}

void write_sample(const fs::path& folder, const SampleToExplain& sample) {
    write_png(folder / (sample.name + ".png"),
              enlarge(drawable(sample.picture), enlargement(sample.picture.extent(1), sample.picture.extent(2))));
    if (!sample.input.spiking()) return;
    write_png(folder / (sample.name + "_xyt.png"), space_time_picture(sample.input.spikes.sub(0), {}, false, 960, 640));
}

void check_outputs(const fs::path& folder, const SampleToExplain& sample, const std::vector<MapFiles>& maps,
                   const std::vector<std::string>& sources) {
    const auto check = [&](const std::string& name, OutputKind kind) {
        if (name.empty()) return;
        check_output(folder / name, kind);
        std::error_code error;
        for (const std::string& source : sources)
            if (fs::equivalent(folder / name, source, error))
                throw InputError(fmt::format("{} is read, so it cannot be written: choose another folder", source));
    };
    check(sample.name + ".png", OutputKind::picture);
    if (sample.input.spiking()) check(sample.name + "_xyt.png", OutputKind::picture);
    for (const MapFiles& map : maps) {
        for (const std::string& name : {map.map, map.overlay, map.windows, map.space_time})
            check(name, OutputKind::picture);
        check(map.values, OutputKind::values);
    }
}

}  // namespace spikelens
