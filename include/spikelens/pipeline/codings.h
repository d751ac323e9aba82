#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "spikelens/core/execution.h"
#include "spikelens/pipeline/evaluate.h"
#include "spikelens/pipeline/made_run.h"
#include "spikelens/pipeline/stage.h"
#include "spikelens/pipeline/train.h"

namespace spikelens {

/// How the coding of images changes which inputs matter: one classifier per coding, or one for all, each explained by
/// the same methods.
struct CodingsOptions {
    std::string data = "fashion-mnist";  ///< a known name or a folder, of images
    std::string network = "shallow";     ///< a preset or a text
    std::filesystem::path out;           ///< folder of the runs, one per coding
    std::vector<std::string> codings = {"direct", "rate", "latency", "latency(log)", "delta"};
    std::vector<std::string> methods = {"grad2d", "ig2d:steps=8", "sam", "input", "random"};
    bool shared = false;  ///< train with the first coding only
    int steps = 10;
    int epochs = 1;
    double learning_rate = 0.1;
    int64_t train_samples = 20000;  ///< the first so many of the training set; 0: all
    int64_t samples = 200;          ///< of the test set, drawn by the seed and explained; 0: all
    double share = 0.1;             ///< of the pixels, the highest ranked, whose overlap is measured
    uint64_t seed = 1;              ///< of training, methods and draws
    /// The program's words that train such a run and that evaluate it, for its manifest; may be empty.
    std::function<std::vector<std::string>(const TrainRunOptions& options)> train_again;
    std::function<std::vector<std::string>(const std::filesystem::path& run, const EvaluateOptions& options)>
        evaluate_again;
    std::vector<std::string> arguments;  ///< the command line that was called, for the manifests
    LockRun lock;                        ///< of the runs, and of the folder
};

/// A coding with its network.
struct CodedRun {
    std::string coding, run;
    EvaluateResult evaluate;  ///< of the run's what the study measured
    AccuracySummary test;     ///< of the images in this coding

    static void fields(auto& self, auto& field) {
        field("coding", self.coding), field("run", self.run), field("evaluate", self.evaluate);
        AccuracySummary::fields(self.test, field, "test");
    }
};

/// How much the best pixels of two codings' maps have in common: the mean of top_overlap() (evaluate/overlap.h).
struct CodingOverlap {
    std::string method, a, b;
    int64_t samples = 0;  ///< those that both networks decide
    double overlap = std::numeric_limits<double>::quiet_NaN();
    Interval ci95;

    static void fields(auto& self, auto& field) {
        field("method", self.method), field("a", self.a), field("b", self.b), field("samples", self.samples);
        field("overlap", self.overlap), field("ci95", self.ci95);
    }
};

/// codings.json. docs/formats.md describes the fields.
struct CodingsResult {
    std::string command = "codings";
    std::string data;
    bool shared_classifier = false;
    int64_t samples = 0;
    double share = 0;
    std::vector<std::string> methods;
    std::vector<CodedRun> codings;
    std::vector<CodingOverlap> overlaps;
    std::vector<std::string> warnings;  ///< of all trainings (TrainResult::warnings); no part of the document

    static void fields(auto& self, auto& field) {
        field("command", self.command), field("data", self.data), field("shared_classifier", self.shared_classifier);
        field("samples", self.samples), field("share", self.share), field("methods", self.methods);
        field("codings", self.codings), field("overlaps", self.overlaps);
    }
};

/// Under which name the overlaps hold the control: the first coding's network trained once more, with another seed.
std::string control_name(const std::string& coding);

/// Trains a network for each coding (train_run), evaluates its explanations by insertion and deletion (evaluate), and
/// compares the maps of the same test images between all networks. Unless the classifier is shared, a control says what
/// two trainings alone do to the overlap. Runs that are there are gone on with. Writes codings.json into the folder.
/// When the work is cancelled, what the stages keep is kept and Cancelled is thrown on.
///
/// Throws InputError, before a network is trained, for options that cannot be used, for methods that do not explain
/// both images and spikes or need what interpret_run finds; else what train_run and evaluate throw.
CodingsResult compare_codings(const CodingsOptions& options, const Execution& execution, const StageNotes& notes);

}  // namespace spikelens
