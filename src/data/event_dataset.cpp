#include "event_dataset.h"

#include <algorithm>
#include <map>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"
#include "spikelens/data/download.h"
#include "spikelens/io/files.h"
#include "spikelens/io/sha256.h"

#include "binning.h"
#include "combined_checksum.h"
#include "event_layout.h"
#include "event_readers.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

struct ReadSplit {
    std::vector<EventRecording> recordings;
    std::vector<int> labels;
};

/// Reads the files, each once, and notes their checksums by their paths within the folder.
ReadSplit read_split(const std::vector<RecordingFile>& files, const fs::path& folder,
                     std::map<std::string, std::string>& checksums, const Execution& execution) {
    ReadSplit split;
    split.recordings.resize(files.size());
    std::vector<std::string> sums(files.size());
    parallel_for(static_cast<int64_t>(files.size()), execution, [&](int64_t index, int) {
        const auto i = static_cast<size_t>(index);
        const std::string bytes = read_file(files[i].path);
        sums[i] = sha256_of_bytes(bytes);
        split.recordings[i] =
            read_event_file({files[i].path.string(), {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}});
    });
    for (size_t i = 0; i < files.size(); ++i) {
        split.labels.push_back(files[i].label);
        checksums[files[i].path.lexically_relative(folder).generic_string()] = sums[i];
    }
    return split;
}

/// What both splits need.
struct Needs {
    int height = 1, width = 1, steps = 1;

    void add(const ReadSplit& split, const Binning& binning) {
        for (const EventRecording& recording : split.recordings) {
            height = std::max(height, recording.height);
            width = std::max(width, recording.width);
            if (binning.steps == 0)
                steps = std::max(steps,
                                 of_recording(recording, 0, [&] { return steps_needed(recording, binning.window); }));
        }
    }
};

/// Before anything is computed with them, and with the file's name.
void check_split(const std::vector<RecordingFile>& files, const ReadSplit& split, const Binning& binning,
                 const Needs& needs, const Execution& execution) {
    parallel_for(static_cast<int64_t>(files.size()), execution, [&](int64_t index, int) {
        const auto i = static_cast<size_t>(index);
        check_counts(split.recordings[i], binning, needs.height, needs.width, files[i].path.string() + ": ");
    });
}

}  // namespace

bool holds_recordings(const fs::path& folder) { return has_event_layout(folder); }

LoadedDataset load_recordings(const fs::path& folder, const std::string& name, std::vector<std::string> classes,
                              const Binning& binning, const Execution& execution) {
    check_binning(binning);
    const EventLayout layout = read_event_layout(folder, std::move(classes));
    if (layout.train.empty() || layout.test.empty())
        throw InputError("the folder " + folder.string() + " has no " + (layout.train.empty() ? "training" : "test") +
                         " recordings");
    std::map<std::string, std::string> checksums;
    ReadSplit train = read_split(layout.train, folder, checksums, execution),
              test = read_split(layout.test, folder, checksums, execution);
    Needs needs;
    needs.add(train, binning);
    needs.add(test, binning);
    Binning resolved = binning;
    if (resolved.steps == 0) resolved.steps = needs.steps;
    check_split(layout.train, train, resolved, needs, execution);
    check_split(layout.test, test, resolved, needs, execution);
    LoadedDataset loaded{
        .name = name, .train = {}, .test = {}, .sha256 = {{"recordings", combined_checksum(checksums)}}};
    for (const fs::path& list : layout.lists) loaded.sha256[list.filename().string()] = sha256_of_file(list);
    loaded.train = std::make_shared<EventSet>(std::move(train.recordings), std::move(train.labels), layout.classes,
                                              resolved, needs.height, needs.width);
    loaded.test = std::make_shared<EventSet>(std::move(test.recordings), std::move(test.labels), layout.classes,
                                             resolved, needs.height, needs.width);
    return loaded;
}

}  // namespace spikelens
