#include "spikelens/pipeline/run_data.h"

#include <algorithm>
#include <filesystem>

#include "spikelens/core/error.h"
#include "spikelens/pipeline/identity.h"

namespace spikelens {

using nlohmann::json;

Input RunData::shown(const FloatArray& images, std::span<const int64_t> addresses) const {
    if (!coded()) return images;
    return encode(images, coding, coding_steps, coding_seed, addresses, execution);
}

RunData load_run_data(const std::string& source, const std::string& binning, const std::string& coding, int steps,
                      uint64_t seed, const Execution& execution) {
    const Binning bins = binning.empty() ? Binning{} : parse_binning(binning);
    LoadedDataset loaded = load_dataset(source, bins, execution);
    RunData data;
    data.name = std::move(loaded.name);
    data.sha256 = std::move(loaded.sha256);
    data.train = std::move(loaded.train);
    data.test = std::move(loaded.test);
    data.coding = coding.empty() ? Coding{} : parse_coding(coding);
    data.coding_seed = seed;
    data.coding_steps = steps;
    data.execution = execution;
    if (data.test->steps() > 0) data.binning = binning_text(bins);
    if (!data.coded()) return data;
    if (data.test->steps() > 0)
        throw InputError("the recordings of " + data.name + " are spikes already; the coding " + coding_text(data.coding) +
                         " is for images");
    const Coder coder = coder_of(data.coding, steps, seed, execution);
    data.train = std::make_shared<CodedSamples>(data.train, coder);
    data.test = std::make_shared<CodedSamples>(data.test, coder, data.train->size());
    return data;
}

std::string source_of(const std::string& data) {
    const bool known = std::ranges::any_of(known_datasets(), [&](const DatasetInfo& info) { return info.name == data; });
    return known ? data : std::filesystem::canonical(data).string();
}

json data_document(const RunData& data, const std::string& source) {
    json document = {{"name", data.name}, {"source", source_of(source)}, {"sha256", data.sha256}};
    if (data.coded()) document["coding"] = coding_text(data.coding);
    if (!data.binning.empty()) document["binning"] = data.binning;
    return document;
}

json data_inputs(const json& sha256, const std::string& binning, const Coding& coding, uint64_t coding_seed) {
    json inputs = {{"data", digest_of(sha256)}, {"binning", binning}, {"coding", coding_text(coding)}};
    if (coding.kind != CodingKind::direct) inputs["coding_seed"] = coding_seed;
    return inputs;
}

json data_inputs(const RunData& data) { return data_inputs(data.sha256, data.binning, data.coding, data.coding_seed); }

}  // namespace spikelens
