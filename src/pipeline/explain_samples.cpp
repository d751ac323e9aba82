#include "explain_samples.h"

#include <algorithm>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/printable.h"
#include "spikelens/data/dataset.h"
#include "spikelens/data/events.h"
#include "spikelens/encode/coding.h"
#include "spikelens/pipeline/content.h"
#include "spikelens/pipeline/output.h"

namespace spikelens {
namespace {

namespace fs = std::filesystem;

FloatArray with_batch_axis(FloatArray image) {
    image.shape.insert(image.shape.begin(), 1);
    return image;
}

/// A recording, or a picture in the run's coding. Random coders draw from the picture's content, and so do seeded
/// methods.
SampleToExplain read_sample(const fs::path& path, const Background& background, const Run& run) {
    SampleToExplain sample;
    sample.source = path.string();
    if (!is_utf8(sample.source))
        throw InputError(sample.source + " cannot be told in a document: its name is not UTF-8; rename the file");
    const Network& network = *run.network;
    if (!run.binning().empty()) {
        const EventSet set({read_events(path)}, {0}, {""}, parse_binning(run.binning()), network.height, network.width);
        sample.input = set.input(std::vector<int64_t>{0});
        sample.picture = without_batch_axis(set.images(std::vector<int64_t>{0}));
        sample.address = content_address(sample.input);
        if (std::ranges::all_of(sample.input.spikes.data, [](uint8_t count) { return count == 0; }))
            sample.changes.emplace_back("the input has no spike");
    } else {
        const PictureOptions options = parse_pictures(run.pictures());
        Picture picture = run.has_pictures()
                              ? read_like(options, path, network.input_shape())
                              : read_picture(path, network.channels, network.height, network.width, background);
        sample.changes = std::move(picture.changes);
        sample.picture = picture.image;
        const FloatArray image = normalised(with_batch_axis(std::move(picture.image)), options);
        sample.address = content_address(image);
        sample.input =
            run.coding().empty()
                ? Input(image)
                : Input(encode(image, parse_coding(run.coding()), network.steps, run.seed(), {&sample.address, 1}));
    }
    sample.name = file_name_part(path.stem().string()) + "-" + address_text(sample.address);
    return sample;
}

void add_files(const Run& run, const ExplainOptions& options, const StageNotes& notes,
               std::vector<SampleToExplain>& samples) {
    if (options.background && (options.files.empty() || !run.binning().empty()))
        throw InputError("a background is for picture files, and none is named");
    if (options.background && run.has_pictures())
        throw InputError(
            "a background is chosen when the run is made: its data are pictures, and files are read as they are");
    for (const std::string& path : options.files) {
        SampleToExplain sample = read_sample(path, options.background.value_or(Background{}), run);
        if (!sample.changes.empty()) notes.say(fmt::format("{}: {}", path, fmt::join(sample.changes, ", ")));
        const auto same = std::ranges::find(samples, sample.name, &SampleToExplain::name);
        if (same == samples.end())
            samples.push_back(std::move(sample));
        else
            notes.say(fmt::format("{} has the name and the content of {}: explained once", path, same->source));
    }
}

void add_test_samples(const Run& run, const std::vector<int64_t>& test, const Execution& execution,
                      std::vector<SampleToExplain>& samples) {
    const RunData data = run.load_data(execution);
    const char* kind = run.binning().empty() ? "image" : "recording";
    for (const int64_t index : test) {
        if (index < 0 || index >= data.test->size())
            throw InputError(
                fmt::format("the test set has no {} {}: it has {}s 0 to {}", kind, index, kind, data.test->size() - 1));
        if (std::ranges::find(samples, index, &SampleToExplain::address) != samples.end()) continue;
        const std::vector<int64_t> one{index};
        samples.push_back({fmt::format("test{:05}", index), fmt::format("test {} {}", kind, index), index,
                           data.test->input(one), without_batch_axis(data.test->images(one)), data.test->label(index)});
    }
}

}  // namespace

FloatArray without_batch_axis(FloatArray image) {
    image.shape.erase(image.shape.begin());
    return image;
}

std::vector<SampleToExplain> gather_samples(const Run& run, const ExplainOptions& options, const Execution& execution,
                                            const StageNotes& notes) {
    std::vector<SampleToExplain> samples;
    add_files(run, options, notes, samples);
    if (!options.test.empty()) add_test_samples(run, options.test, execution, samples);
    if (samples.empty())
        throw InputError("nothing to explain: name picture or recording files, or samples of the test set");
    return samples;
}

}  // namespace spikelens
