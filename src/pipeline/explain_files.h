#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "spikelens/attribute/method.h"

#include "explain_samples.h"

namespace spikelens {

/// The names of the files of one explanation.
struct MapFiles {
    std::string map, overlay, values;
    std::string windows;     ///< of timed methods, else empty
    std::string space_time;  ///< of timed methods on spikes, else empty
};

/// Names of a map's files. `stem` is the sample's, with its class when that is not the predicted one. No two methods
/// have names that are equal on a file system without upper case.
MapFiles map_files(const std::string& stem, const MethodSpec& method, bool spiking);

/// A method's attribution of one sample, with the class scores of that sample.
struct Explained {
    const MethodSpec& method;
    const FloatArray& attribution;
    std::span<const float> scores;
};

/// Writes an explanation of `sample` into the folder; gives what explain.json says of it, but for its inputs. Maps that
/// are zero, rounding noise or not finite are drawn as zero.
MapSummary write_map(const std::filesystem::path& folder, const MapFiles& files, const Explained& explained,
                     const SampleToExplain& sample, int64_t windows, OverlayStyle style);

/// The sample itself as a picture, and a point cloud of spikes: SAMPLE.png, SAMPLE_xyt.png.
void write_sample(const std::filesystem::path& folder, const SampleToExplain& sample);

/// Throws InputError unless every file of these explanations, and of the sample, may be written (check_output).
/// `sources` are files that are read: none of them is ever written.
void check_outputs(const std::filesystem::path& folder, const SampleToExplain& sample,
                   const std::vector<MapFiles>& maps, const std::vector<std::string>& sources);

}  // namespace spikelens
