#include "run_directory.h"

#include <algorithm>

#include "spikelens/core/error.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/results/store.h"

namespace spikelens::app {
namespace fs = std::filesystem;

Input RunData::shown(const FloatArray& images, std::span<const int64_t> addresses) const {
    if (!coded()) return images;
    return encode(images, coding, coding_steps, coding_seed, addresses);
}

RunData load_run_data(const std::string& source, const std::string& binning, const std::string& coding, int steps,
                      uint64_t seed) {
    LoadedDataset loaded = load_dataset(source, binning.empty() ? Binning{} : parse_binning(binning));
    RunData data;
    data.name = std::move(loaded.name);
    data.sha256 = std::move(loaded.sha256);
    data.train = std::move(loaded.train);
    data.test = std::move(loaded.test);
    data.coding = coding.empty() ? Coding{} : parse_coding(coding);
    data.coding_seed = seed;
    data.coding_steps = steps;
    if (!data.coded()) return data;
    if (data.test->steps() > 0)
        throw InputError("the recordings of " + data.name + " are spikes already; --coding " + coding_text(data.coding) +
                         " is for images");
    data.train = std::make_shared<CodedSamples>(data.train, data.coding, steps, seed);
    data.test = std::make_shared<CodedSamples>(data.test, data.coding, steps, seed, data.train->size());
    return data;
}

std::string source_of(const std::string& data) {
    const bool known = std::ranges::any_of(known_datasets(), [&](const DatasetInfo& info) { return info.name == data; });
    return known ? data : fs::canonical(data).string();
}

nlohmann::json data_document(const RunData& data, const std::string& source, const std::string& binning) {
    nlohmann::json document = {{"name", data.name}, {"source", source_of(source)}, {"sha256", data.sha256}};
    if (data.coded())
        document["coding"] = coding_text(data.coding);
    else if (data.test->steps() > 0)
        document["binning"] = binning_text(binning.empty() ? Binning{} : parse_binning(binning));
    return document;
}

std::string OpenRun::binning() const { return manifest.at("data").value("binning", ""); }

RunData OpenRun::load_data(const std::string& coding) const {
    const nlohmann::json& made_with = manifest.at("data");
    RunData data = load_run_data(made_with.at("source"), binning(), coding.empty() ? made_with.value("coding", "") : coding,
                                 network->steps, manifest.value("seed", uint64_t{1}));
    for (const auto& [file, checksum] : made_with.at("sha256").items())
        if (const auto found = data.sha256.find(file);
            found == data.sha256.end() || found->second != checksum.get<std::string>())
            throw InputError("the data set " + data_name() + " is not the one the run " + files.root.string() +
                             " was made with: " + file + " has another checksum");
    if (data.test->shape() != network->input_shape())
        throw InputError("the data set " + data_name() + " has samples " + shape_text(data.test->shape()) +
                         ", the network expects " + shape_text(network->input_shape()));
    return data;
}

OpenRun open_run(const fs::path& root) {
    OpenRun run;
    run.files.root = root;
    if (!fs::is_directory(root))
        throw InputError("there is no run directory " + root.string() + "; make one with spikelens train --out " +
                         root.string());
    if (!fs::exists(run.files.manifest()) || !fs::exists(run.files.model()))
        throw InputError(root.string() + " holds no finished training; spikelens train --out " + root.string() +
                         " starts or continues one");
    run.manifest = read_json(run.files.manifest());
    try {
        run.manifest.at("data").at("name").get_ref<const std::string&>();
        run.manifest.at("data").at("source").get_ref<const std::string&>();
        for (const auto& [file, checksum] : run.manifest.at("data").at("sha256").items())
            checksum.get_ref<const std::string&>();
    } catch (const nlohmann::json::exception&) {
        throw InputError(run.files.manifest().string() + " does not name the run's data; expected what spikelens train writes");
    }
    run.network = std::make_shared<const Network>(load_model(run.files.model()));
    run.fingerprint = model_fingerprint(*run.network);
    return run;
}

nlohmann::json result_of(const OpenRun& run, const std::string& command) {
    const fs::path path = run.files.result(command);
    if (!fs::exists(path)) return nullptr;
    nlohmann::json document = read_json(path);
    if (!document.is_object() || document.value("fingerprint", "") != run.fingerprint)
        throw InputError(path.string() + " belongs to another model than " + run.files.model().string() + "; run spikelens " +
                         command + " " + run.files.root.string() + " again");
    return document;
}

}  // namespace spikelens::app
