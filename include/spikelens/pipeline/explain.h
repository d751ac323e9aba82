#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "spikelens/core/execution.h"
#include "spikelens/io/picture.h"
#include "spikelens/pipeline/run.h"
#include "spikelens/pipeline/stage.h"

namespace spikelens {

/// How a map lies over its sample: clear where it is zero (or lowest), or as in the SVEBI paper, for maps without a
/// sign only.
enum class OverlayStyle { faded, jet };

struct ExplainOptions {
    std::vector<std::string> files;        ///< pictures, or recordings where the run's data set has recordings
    std::vector<int64_t> test;             ///< samples of the test set
    std::vector<std::string> methods;      ///< empty: shown_methods() (pipeline/explainer.h)
    std::string target;                    ///< the class to explain, by name or index; empty: the predicted one
    std::optional<Background> background;  ///< of transparent pixels of pictures; absent: black
    OverlayStyle overlay = OverlayStyle::faded;
    int64_t windows = 6;        ///< that maps of timed methods are split into, at most one a step
    std::filesystem::path out;  ///< folder of the files; empty: the run's own
    uint64_t seed = 1;          ///< of methods that draw
    /// The program's words that make these explanations again, for the manifest; may be empty.
    std::function<std::vector<std::string>(const std::vector<std::string>& methods)> again;
};

/// What a map sums to, of methods that aim at completeness (attribute/completeness.h).
struct MapSum {
    double attributed = 0, whole = 0, bias = 0, lost = 0, gap = 0;
    std::string baseline;  ///< completeness_baseline()

    static void fields(auto& self, auto& field) {
        field("baseline", self.baseline), field("attributed", self.attributed), field("whole", self.whole);
        field("bias", self.bias), field("lost", self.lost), field("gap", self.gap);
    }
};

/// When the sample was decided (evaluate/decision_time.h).
struct Decided {
    struct Window {
        int64_t first = 0, end = 0;
        double share = 0;

        static void fields(auto& self, auto& field) {
            field("first", self.first), field("end", self.end), field("share", self.share);
        }
    };
    int64_t steps = 0, decided = 0;
    std::vector<int> predicted;   ///< after each step
    std::vector<float> scores;    ///< of the class explained, after each step
    std::vector<Window> windows;  ///< of spikes: what each part of the time brought

    static void fields(auto& self, auto& field) {
        field("steps", self.steps), field("decided", self.decided), field("predicted", self.predicted);
        field("scores", self.scores), field("windows", self.windows);
    }
};

/// A sample explained by one method. Files are names in the result's folder.
struct MapSummary {
    std::string method;
    std::string map, overlay, values;                ///< two PNG and an NPY
    std::optional<std::string> windows, space_time;  ///< of timed methods; the latter of spikes
    std::string state;                               ///< map_state_text()
    std::optional<std::string> remark;               ///< "map is rounding noise", of every state but values
    float minimum = 0, maximum = 0;
    uint64_t seed = 1;
    std::optional<std::string> relevant, probe, surrogate;  ///< method_inputs() (pipeline/explainer.h)
    std::optional<MapSum> sum;

    static void fields(auto& self, auto& field) {
        field("method", self.method), field("map", self.map), field("overlay", self.overlay),
            field("values", self.values);
        field("windows", self.windows), field("space_time", self.space_time), field("state", self.state);
        field("remark", self.remark), field("minimum", self.minimum), field("maximum", self.maximum);
        field("seed", self.seed), field("relevant", self.relevant), field("probe", self.probe);
        field("surrogate", self.surrogate), field("sum", self.sum);
    }
};

/// A sample, what the network says of it, and its maps.
struct ExplainedImage {
    std::string image;                 ///< "test image 3", or the path of a file
    nlohmann::json sample;             ///< of a test sample its index, of a file ten digits of its content's address
    std::string file;                  ///< the sample itself, a PNG
    std::vector<std::string> changes;  ///< what reading changed
    int predicted = 0, target = 0;
    std::string predicted_name, target_name;
    bool undecided = false;  ///< the scores name no class (snn/decision.h)
    std::optional<int> label;
    std::vector<float> scores, probabilities;
    std::optional<Decided> when;
    std::vector<MapSummary> maps;

    static void fields(auto& self, auto& field) {
        field("image", self.image), field("sample", self.sample), field("file", self.file),
            field("changes", self.changes);
        field("predicted", self.predicted), field("predicted_name", self.predicted_name),
            field("undecided", self.undecided);
        field("target", self.target), field("target_name", self.target_name), field.nullable("label", self.label);
        field("scores", self.scores), field("probabilities", self.probabilities), field("when", self.when);
        field("maps", self.maps);
    }
};

/// explain.json. docs/formats.md describes the fields.
struct ExplainResult {
    std::string command = "explain";
    std::string run, fingerprint;
    nlohmann::json identity;
    std::optional<std::string> relevant, probe;  ///< digests of the identities of the files that the run has
    std::string surrogate, folder;
    std::vector<ExplainedImage> images;

    static void fields(auto& self, auto& field) {
        field("command", self.command), field("run", self.run), field("fingerprint", self.fingerprint);
        field("identity", self.identity), field.nullable("relevant", self.relevant),
            field.nullable("probe", self.probe);
        field("surrogate", self.surrogate), field("folder", self.folder), field("images", self.images);
    }

    int64_t map_count() const;
};

/// Explains single samples: files in the order given, then samples of the test set. Of files with equal name and
/// content the first alone is explained. Each sample becomes a picture; each map a coloured picture, an overlay and its
/// raw values, of a timed method also windows and a cloud of spikes. Maps that are zero, rounding noise or not finite
/// are drawn as zero. explain.json in the folder also keeps what earlier calls explained there; a line says what it no
/// longer lists. What reading a file changed is said too. When the work is cancelled the samples explained so far are
/// kept and Cancelled is thrown on. The caller holds the run's lock where the folder lies in the run.
///
/// Throws InputError, before anything is written, for options that cannot be used, files that cannot be read, test
/// samples that are not there, no sample, and files in the folder that may not be replaced (pipeline/output.h).
ExplainResult explain_run(const Run& run, const ExplainOptions& options, const Execution& execution,
                          const StageNotes& notes);

}  // namespace spikelens
