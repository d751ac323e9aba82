#include "manifest.h"

#include "spikelens/core/error.h"
#include "spikelens/data/pictures.h"
#include "spikelens/encode/coding.h"
#include "spikelens/io/json_fields.h"
#include "spikelens/pipeline/store.h"
#include "spikelens/snn/surrogate.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

/// Any seed: JsonField's whole numbers end at 2^63.
void check_seed(const json& document, const JsonField& field) {
    if (document.contains("seed") && !document["seed"].is_number_unsigned()) field["seed"].fail("must be 0 or more");
}

template <class Parse>
void check_with(Parse parse, const JsonField& field) {
    const std::string text = field.text();
    try {
        parse(text);
    } catch (const InputError& error) {
        field.fail(std::string("cannot be used: ") + error.what());
    }
}

void check_coding(const JsonField& field) { check_with(parse_coding, field); }

void check_pictures(const JsonField& field) {
    PictureWords words;
    for (const std::string& name : field.keys()) words[name] = field[name].text();
    try {
        parse_pictures(words);
    } catch (const InputError& error) {
        field.fail(std::string("cannot be used: ") + error.what());
    }
}

void check_data(const JsonField& data) {
    data["name"].text();
    data["source"].text();
    for (const std::string& file : data["sha256"].keys()) data["sha256"][file].text();
    if (data.has("binning")) check_with(parse_binning, data["binning"]);
    if (data.has("pictures")) check_pictures(data["pictures"]);
    if (data.has("damaged")) data["damaged"].texts();
    if (data.has("coding")) check_coding(data["coding"]);
}

void check_record(const json& record, const JsonField& field) {
    field["command"].texts();
    check_seed(record, field);
}

/// "stages": each is a record, or a list of them.
void check_stages(const json& stages, const JsonField& field) {
    for (const std::string& stage : field.keys()) {
        if (!stages[stage].is_array()) {
            check_record(stages[stage], field[stage]);
            continue;
        }
        const std::vector<JsonField> items = field[stage].items();
        for (size_t i = 0; i < items.size(); ++i) check_record(stages[stage][i], items[i]);
    }
}

void check_options(const JsonField& options) {
    options.keys();
    if (options.has("surrogate")) check_with(parse_surrogate, options["surrogate"]);
}

void check_evaluation(const JsonField& document) {
    for (const JsonField& method : document["methods"].items()) method["method"].text();
    document["metrics"].texts();
}

}  // namespace

json read_manifest(const fs::path& path) {
    json manifest = read_json(path);
    const JsonField fields(manifest, path.string());
    check_data(fields["data"]);
    check_seed(manifest, fields);
    if (fields.has("options")) check_options(fields["options"]);
    if (fields.has("identity")) fields["identity"].keys();
    if (fields.has("stages"))
        check_stages(manifest["stages"], fields["stages"]);
    else
        manifest["stages"] = json::object();
    return manifest;
}

void check_document(const json& document, const std::string& stage, const fs::path& path) {
    const JsonField fields(document, path.string());
    fields["command"].text();
    fields["fingerprint"].text();
    if (fields.has("identity")) {
        fields["identity"].keys();
        if (fields["identity"].has("coding")) check_coding(fields["identity"]["coding"]);
    }
    if (stage == "evaluate") check_evaluation(fields);
}

json record_document(const StageRecord& record) { return {{"command", record.command}, {"seed", record.seed}}; }

json kept_stages(const RunDirectory& files, const json& identity) {
    if (!fs::exists(files.manifest())) return json::object();
    json manifest;
    try {
        manifest = read_manifest(files.manifest());
    } catch (const InputError&) {
        return json::object();  // what is being written takes the place of a manifest that cannot be read
    }
    if (manifest.value("identity", json()) != identity) return json::object();
    json stages = manifest["stages"];
    stages.erase("train");
    stages.erase("import");
    return stages;
}

}  // namespace spikelens
