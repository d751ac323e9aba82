#include "spikelens/pipeline/run_data.h"

#include <algorithm>
#include <filesystem>

#include "spikelens/core/error.h"
#include "spikelens/core/printable.h"
#include "spikelens/io/files.h"
#include "spikelens/pipeline/identity.h"

namespace spikelens {

using nlohmann::json;

Input RunData::shown(const FloatArray& images, std::span<const int64_t> addresses) const {
    if (!coded()) return pictures ? normalised(images, *pictures) : images;
    return encode(images, coding, coding_steps, coding_seed, addresses, execution);
}

namespace {

void check_coded(const RunData& data) {
    if (data.test->steps() > 0)
        throw InputError("the recordings of " + data.name + " are spikes already; the coding " +
                         coding_text(data.coding) + " is for images");
    if (data.pictures && data.pictures->normalised())
        throw InputError(
            "the coding " + coding_text(data.coding) +
            " needs values from 0 to 1: pictures with a mean or a standard deviation are for direct coding");
}

/// "resize=64x64 split=0.8 split_seed=0"
std::string words_text(const PictureWords& words) {
    std::string text;
    for (const auto& [name, word] : words) text.append(text.empty() ? "" : " ").append(name).append("=").append(word);
    return text;
}

}  // namespace

RunData load_run_data(const std::string& source, const DataWords& words, int steps, uint64_t seed,
                      const Execution& execution) {
    const Binning bins = words.binning.empty() ? Binning{} : parse_binning(words.binning);
    LoadedDataset loaded = load_dataset(source, {bins, parse_pictures(words.pictures)}, execution);
    RunData data;
    data.name = std::move(loaded.name);
    data.sha256 = std::move(loaded.sha256);
    data.train = std::move(loaded.train);
    data.test = std::move(loaded.test);
    data.pictures = std::move(loaded.pictures);
    data.damaged = std::move(loaded.damaged);
    data.coding = words.coding.empty() ? Coding{} : parse_coding(words.coding);
    data.coding_seed = seed;
    data.coding_steps = steps;
    data.execution = execution;
    if (data.test->steps() > 0) data.binning = binning_text(bins);
    if (!data.coded()) return data;
    check_coded(data);
    const Coder coder = coder_of(data.coding, steps, seed, execution);
    data.train = std::make_shared<CodedSamples>(data.train, coder);
    data.test = std::make_shared<CodedSamples>(data.test, coder, data.train->size());
    return data;
}

Picture read_like(const PictureOptions& options, const std::filesystem::path& path, const Shape& shape) {
    const Array<uint8_t> bytes = photograph_bytes(read_file(path), path.string(), options.framing, options.background);
    if (bytes.shape != shape)
        throw InputError(path.string() + " becomes " + shape_text(bytes.shape) + ", the network expects " +
                         shape_text(shape));
    Picture picture;
    picture.image = FloatArray(bytes.shape);
    std::ranges::transform(bytes.data, picture.image.data.begin(),
                           [](uint8_t byte) { return static_cast<float>(byte) / 255; });
    const std::string text = words_text(picture_words(options));
    if (!text.empty()) picture.changes.push_back("read as the run's pictures: " + text);
    return picture;
}

std::string source_of(const std::string& data) {
    const bool known =
        std::ranges::any_of(known_datasets(), [&](const DatasetInfo& info) { return info.name == data; });
    return known ? data : std::filesystem::canonical(data).string();
}

json data_document(const RunData& data, const std::string& source) {
    json document = {{"name", data.name}, {"source", source_of(source)}, {"sha256", data.sha256}};
    if (data.coded()) document["coding"] = coding_text(data.coding);
    if (!data.binning.empty()) document["binning"] = data.binning;
    if (data.pictures) document["pictures"] = picture_words(*data.pictures);
    for (const std::string& sentence : data.damaged) document["damaged"].push_back(printable(sentence));
    return document;
}

json data_inputs(const json& sha256, const std::string& binning, const PictureWords& pictures, const Coding& coding,
                 uint64_t coding_seed) {
    json inputs = {{"data", digest_of(sha256)}, {"binning", binning}, {"coding", coding_text(coding)}};
    if (sha256.contains(kPicturesChecksum)) inputs["pictures"] = words_text(pictures);
    if (coding.kind != CodingKind::direct) inputs["coding_seed"] = coding_seed;
    return inputs;
}

json data_inputs(const RunData& data) {
    return data_inputs(data.sha256, data.binning, data.pictures ? picture_words(*data.pictures) : PictureWords{},
                       data.coding, data.coding_seed);
}

}  // namespace spikelens
