#include "run_directory.h"

#include "spikelens/core/error.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/results/store.h"

namespace spikelens::app {
namespace fs = std::filesystem;

LoadedDataset OpenRun::load_data() const {
    LoadedDataset data = load_dataset(manifest.at("data").at("source").get<std::string>());
    for (const auto& [file, checksum] : manifest.at("data").at("sha256").items())
        if (const auto found = data.sha256.find(file);
            found == data.sha256.end() || found->second != checksum.get<std::string>())
            throw InputError("the data set " + data_name() + " is not the one the run " + files.root.string() +
                             " was made with: " + file + " has another checksum");
    if (data.test->shape() != network.input_shape())
        throw InputError("the data set " + data_name() + " has images " + shape_text(data.test->shape()) +
                         ", the network expects " + shape_text(network.input_shape()));
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
    run.network = load_model(run.files.model());
    run.fingerprint = model_fingerprint(run.network);
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
