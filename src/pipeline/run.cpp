#include "spikelens/pipeline/run.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "spikelens/core/error.h"
#include "spikelens/core/version.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/import.h"
#include "spikelens/pipeline/store.h"
#include "spikelens/pipeline/train.h"

#include "manifest.h"

namespace spikelens {
namespace fs = std::filesystem;

using nlohmann::json;

namespace {

/// Loads the data that a manifest names; what is wrong with them is told with the manifest's name.
RunData load_named(const fs::path& manifest, const std::function<RunData()>& load) {
    try {
        return load();
    } catch (const InputError& error) {
        throw InputError(error.what() + (" (the data that " + manifest.string() + " names)"));
    }
}

/// Model and manifest are written one after the other: whoever was stopped between them leaves two runs in one folder.
void check_model(const Run& run) {
    const json recorded = run.manifest.value("identity", json::object()).value("model", json());
    if (!recorded.is_null() && recorded != run.fingerprint)
        throw InputError(run.files.model().string() + " is not the model that " + run.files.manifest().string() +
                         " tells of, as when writing a run was interrupted: train or import it again");
}

std::vector<std::string> warnings_of(const Run& run) {
    const json document = run.document("train");
    const bool tells = !document.is_null() && document.contains("identity") && document.contains("silent_layers");
    if (!tells || !run.why_stale(document).empty()) return {};
    const std::string file = run.files.result("train").string();
    if (document["command"] == "import") return read_fields<ImportResult>(document, file).made->warnings();
    return read_fields<TrainResult>(document, file).warnings();
}

}  // namespace

Run Run::open(const fs::path& root) {
    Run run;
    run.files.root = root;
    if (!fs::is_directory(root)) throw InputError("there is no run directory " + root.string());
    if (!fs::exists(run.files.manifest()) || !fs::exists(run.files.model()))
        throw InputError(root.string() + " holds no finished training");
    run.manifest = read_manifest(run.files.manifest());
    run.network = std::make_shared<const Network>(load_model(run.files.model()));
    run.fingerprint = model_fingerprint(*run.network);
    check_model(run);
    run.warnings = warnings_of(run);
    return run;
}

std::string Run::data_name() const { return manifest.at("data").at("name").get<std::string>(); }

std::string Run::binning() const { return manifest.at("data").value("binning", ""); }

bool Run::has_pictures() const { return manifest.at("data").at("sha256").contains(kPicturesChecksum); }

PictureWords Run::pictures() const { return manifest.at("data").value("pictures", PictureWords{}); }

std::string Run::coding() const { return manifest.at("data").value("coding", ""); }

uint64_t Run::seed() const { return manifest.value("seed", uint64_t{1}); }

std::string Run::surrogate() const {
    return manifest.contains("options") ? manifest.at("options").value("surrogate", "") : std::string();
}

RunData Run::load_data(const Execution& execution, const std::string& other_coding) const {
    const json& made_with = manifest.at("data");
    RunData data = load_named(files.manifest(), [&] {
        return load_run_data(made_with.at("source"),
                             {binning(), pictures(), other_coding.empty() ? coding() : other_coding}, network->steps,
                             seed(), execution);
    });
    const auto recorded = made_with.at("sha256").get<std::map<std::string, std::string>>();
    for (const auto* both : {&recorded, &std::as_const(data.sha256)})
        for (const auto& [file, checksum] : *both)
            if (!recorded.contains(file) || !data.sha256.contains(file) || recorded.at(file) != data.sha256.at(file))
                throw InputError("the data set " + data_name() + " is not the one the run " + files.root.string() +
                                 " was made with: " + file + " has another checksum than in " +
                                 files.manifest().filename().string());
    if (data.test->shape() != network->input_shape())
        throw InputError("the data set " + data_name() + " has samples " + shape_text(data.test->shape()) +
                         ", the network expects " + shape_text(network->input_shape()));
    return data;
}

std::string Run::coding_or_direct() const { return coding().empty() ? "direct" : coding(); }

Identity Run::identity(const std::string& other_coding) const {
    const std::string& shown = other_coding.empty() ? coding() : other_coding;
    return Identity()
        .with({{"model", fingerprint}})
        .with(data_inputs(manifest.at("data").at("sha256"), binning(), pictures(),
                          shown.empty() ? Coding{} : parse_coding(shown), seed()));
}

Identity Run::identity_of(const std::string& stage, int revision, const std::string& other_coding) const {
    return identity(other_coding).with({{"stage", stage}, {"revision", revision}, {"spikelens", version}});
}

std::string Run::why_stale(const fs::path& path) const {
    return identity().with({{"spikelens", version}}).difference(stored_identity(path));
}

json Run::document(const std::string& stage) const {
    const fs::path path = files.result(stage);
    if (!fs::exists(path)) return nullptr;
    json document = read_json(path);
    check_document(document, stage, path);
    return document;
}

std::string Run::why_stale(const json& document) const {
    if (document.value("fingerprint", "") != fingerprint) return "another model";
    const json made_under = document.value("identity", json());
    const std::string command = document.value("command", "");
    const bool trained = command == "train" || command == "import";
    if (trained && made_under.is_null())
        return {};  // of a run made before there were identities: the model is all it says
    if (trained) return identity().difference(made_under);
    const std::string shown = made_under.is_object() ? made_under.value("coding", "") : "";
    return identity(command == "evaluate" ? shown : "")
        .with({{"spikelens", version}})
        .with(command == "evaluate" ? json{{"coding_of_run", coding_or_direct()}} : json::object())
        .difference(made_under);
}

json create_run(const RunDirectory& files, const NewRun& run) {
    json document = run.document;
    document["identity"] =
        Identity().with({{"model", model_fingerprint(run.network)}}).with(data_inputs(run.data)).inputs();
    json stages = kept_stages(files, document["identity"]);
    stages[run.stage] = record_document(run.made);
    save_model(run.network, files.model());
    write_json(files.result("train"), document);
    write_json(files.manifest(), {{"spikelens", version},
                                  {"command", run.arguments},
                                  {"data", data_document(run.data, run.source)},
                                  {"network", document.at("network")},
                                  {"options", run.options},
                                  {"seed", run.made.seed},
                                  {"identity", document["identity"]},
                                  {"stages", stages}});
    return document;
}

namespace {

void put_stage(const RunDirectory& files, json manifest, const std::string& stage, const json& record) {
    if (manifest["stages"].value(stage, json()) == record) return;
    manifest["stages"][stage] = record;
    write_json(files.manifest(), manifest);
}

}  // namespace

void record_stage(const RunDirectory& files, const std::string& stage, const StageRecord& record) {
    put_stage(files, read_manifest(files.manifest()), stage, record_document(record));
}

void record_calls(const RunDirectory& files, const std::string& stage, const std::vector<StageRecord>& records) {
    json calls = json::array();
    for (const StageRecord& record : records) calls.push_back(record_document(record));
    put_stage(files, read_manifest(files.manifest()), stage, calls);
}

void record_call(const RunDirectory& files, const std::string& stage, const StageRecord& record, bool keep) {
    json manifest = read_manifest(files.manifest());
    const json before = manifest["stages"].value(stage, json());
    json calls = keep && before.is_array() ? before : json::array();
    if (const json call = record_document(record); std::ranges::find(calls, call) == calls.end()) calls.push_back(call);
    put_stage(files, std::move(manifest), stage, calls);
}

}  // namespace spikelens
