#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "spikelens/core/execution.h"
#include "spikelens/data/pictures.h"
#include "spikelens/model_io/import.h"
#include "spikelens/pipeline/made_run.h"
#include "spikelens/pipeline/stage.h"

namespace spikelens {

/// A network from elsewhere: a NIR graph (.nir, .h5, .hdf5), a file of weights, or a model file of our own. What is
/// absent or empty is the usual; an option that the kind of file has no use for is an InputError.
struct ImportOptions {
    std::filesystem::path file;
    std::filesystem::path out;               ///< a model file (.safetensors), or with `data` a run directory
    std::string data;                        ///< a known name or a folder; empty: a model file is written and no run
    std::string binning, coding, surrogate;  ///< of the run
    PictureWords pictures;  ///< of the run, where its data are a folder of pictures; without data, of weights: mean and
                            ///< std (numbers, one or one for each channel) that are folded into the first layer
    uint64_t seed = 1;      ///< of the run's coding, and of a new last layer
    std::string network;    ///< of weights: a preset or a text; not needed for our own models
    std::optional<int64_t> classes;             ///< of a preset; absent: 10
    std::optional<int64_t> replace_last;        ///< a new last layer with so many outputs, drawn by the seed
    std::optional<Shape> input;                 ///< [C, H, W]
    std::optional<int> steps;                   ///< absent: the default of what is imported
    std::optional<MatchWeights> match;          ///< of weights
    std::map<std::string, std::string> layers;  ///< of weights: layer → module in the file
    std::optional<double> bn_eps;         ///< of weights: ε of their batch normalisations; absent: PyTorch's default
    std::optional<NeuronSource> neurons;  ///< of weights
    std::string dialect;                  ///< of NIR
    std::optional<double> dt;             ///< of NIR, seconds
    std::optional<Reset> reset;           ///< of NIR
    std::vector<std::string> again, arguments;  ///< as in TrainRunOptions
    LockRun lock;
};

struct TensorSummary {
    std::string from, to;  ///< `to` is empty for what was left out
    std::vector<int64_t> shape;
    std::string note;

    static void fields(auto& self, auto& field) {
        field("from", self.from), field("to", self.to), field("shape", self.shape), field("note", self.note);
    }
};

/// What `import` gives; train.json of an imported run.
struct ImportResult {
    std::string command = "import";
    std::string file, format, out, fingerprint;
    NetworkSummary network;
    std::vector<std::string> assumptions;
    std::vector<TensorSummary> tensors;
    std::optional<MadeRun> made;

    static void fields(auto& self, auto& field) {
        field("command", self.command), field("file", self.file), field("format", self.format), field("out", self.out);
        field("fingerprint", self.fingerprint), field("network", self.network), field("assumptions", self.assumptions);
        field("tensors", self.tensors), field.group("run", self.made);
    }
};

/// Reads a network and writes a model file, or makes a run of it as train_run does. Throws InputError for options that
/// do not fit the file, before it is read where that is possible; for files that cannot be imported
/// (model_io/import.h); for data that do not fit the network; for a directory that holds a network trained there.
ImportResult import_run(const ImportOptions& options, const Execution& execution, const StageNotes& notes);

}  // namespace spikelens
