#include <filesystem>
#include <optional>

#include <fmt/format.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "spikelens/core/error.h"
#include "spikelens/core/naming.h"
#include "spikelens/interpret/ablation.h"
#include "spikelens/model_io/import.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/pipeline/run.h"
#include "spikelens/pipeline/store.h"

#include "attribute.h"

namespace spikelens::python {
namespace {

namespace fs = std::filesystem;

void check_of_model(const fs::path& file, const nlohmann::json& identity, const std::string& fingerprint) {
    if (identity.value("model", "") != fingerprint)
        throw InputError(file.string() + " was made of another model than the run's: run spikelens interpret again");
}

/// What the run knows of its network, as far as it belongs to the model that the run has.
Knowledge knowledge_of(const RunDirectory& files, const Network& network, const std::string& fingerprint) {
    Knowledge knowledge;
    if (fs::exists(files.relevant())) {
        const nlohmann::json identity = stored_identity(files.relevant());
        check_of_model(files.relevant(), identity, fingerprint);
        knowledge.relevant = std::make_shared<const RelevantFilters>(load_relevant_filters(identity, files.relevant()));
        naming(files.relevant(), [&] { check_relevant(network, *knowledge.relevant); });
    }
    if (fs::exists(files.probe())) {
        const nlohmann::json identity = stored_identity(files.probe());
        check_of_model(files.probe(), identity, fingerprint);
        knowledge.probe = std::make_shared<const Probe>(load_probe(identity, files.probe()));
    }
    return knowledge;
}

/// (network, knowledge, surrogate) of a run directory.
nb::tuple load_run(const fs::path& root) {
    const RunDirectory files{root};
    if (!fs::exists(files.manifest()) || !fs::exists(files.model()))
        throw InputError(root.string() + " is no run of Spikelens: it lacks a manifest or a model");
    const nlohmann::json manifest = read_json(files.manifest());
    NetworkHandle handle(load_model(files.model()));
    if (manifest.value("identity", nlohmann::json::object()).value("model", "") != handle.fingerprint())
        throw InputError(files.model().string() + " is not the model that " + files.manifest().string() + " tells of");
    Knowledge knowledge = knowledge_of(files, *handle.network, handle.fingerprint());
    const std::string surrogate = manifest.value("options", nlohmann::json::object()).value("surrogate", "");
    return nb::make_tuple(std::move(handle), std::move(knowledge), surrogate);
}

/// (network, assumptions) of a NIR graph.
nb::tuple import_graph(const fs::path& path, const std::string& dialect, std::optional<double> dt,
                       const std::optional<std::string>& reset, int steps, std::optional<Shape> input) {
    NirOptions options{dialect, dt, std::nullopt, steps, std::move(input)};
    if (reset) options.reset = parse_reset(*reset);
    check_dialect(dialect);
    ImportedNetwork imported = import_nir(path, options);
    return nb::make_tuple(NetworkHandle(std::move(imported.network)), imported.assumptions);
}

}  // namespace

void bind_files(nb::module_& module) {
    module.def("load_run", &load_run, nb::arg("path"), "Network, knowledge and surrogate of a run directory.");
    module.def("import_nir", &import_graph, nb::arg("path"), nb::arg("dialect"), nb::arg("dt").none(),
               nb::arg("reset").none(), nb::arg("steps"), nb::arg("input").none(),
               "Network and assumptions of a file with a NIR graph.");
}

}  // namespace spikelens::python
