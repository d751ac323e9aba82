#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "spikelens/core/execution.h"
#include "spikelens/data/pictures.h"
#include "spikelens/pipeline/made_run.h"
#include "spikelens/pipeline/stage.h"
#include "spikelens/train/outcome.h"
#include "spikelens/train/train.h"

namespace spikelens {

/// Whose weights a run has: those after the last epoch, or after the epoch that is best on the test set, the first of
/// equals. The test accuracy of the best is chosen and no estimate of what the network does on other data.
enum class KeptEpoch { last, best };

/// A run to be trained.
struct TrainRunOptions {
    std::string data = "fashion-mnist";  ///< a known name or a folder
    std::string network;                 ///< a preset or a text; empty: shallow
    std::string coding = "direct";       ///< of images
    std::string binning;                 ///< of recordings; empty: 1 ms
    PictureWords pictures;               ///< of folders of pictures
    std::filesystem::path out;           ///< the run directory
    std::optional<int> steps;            ///< of images; absent: 10, or those of `from`
    NetworkDefaults neurons;             ///< of neurons whose text does not say
    /// A model file, or a run: training starts from its network and weights, so neither a network nor neurons can be
    /// chosen.
    std::filesystem::path from;
    bool replace_last = false;     ///< of `from`: a new last layer, with an output for every class of the data
    int64_t calibrate = 0;         ///< batches on which thresholds are balanced before training (train/calibrate.h)
    TrainOptions training;         ///< its seed is the run's
    int64_t samples = 0;           ///< the first so many of the training set; 0: all
    double checkpoint_every = 30;  ///< seconds; 0: after every batch
    bool restart = false;          ///< begin anew, whatever the directory holds
    KeptEpoch keep_epoch = KeptEpoch::last;
    std::vector<std::string> again;      ///< the program's words that make this run again, for the manifest
    std::vector<std::string> arguments;  ///< the command line that was called, for the manifest
    LockRun lock;
};

/// train.json. docs/formats.md describes the fields.
struct TrainResult {
    std::string command = "train";
    MadeRun made;
    NetworkSummary network;
    std::string fingerprint;
    int threads = 0;
    bool diverged = false;
    std::optional<int> kept_epoch;  ///< with KeptEpoch::best: whose weights the run has
    double seconds = 0;

    static void fields(auto& self, auto& field) {
        field("command", self.command), field("network", self.network), field("fingerprint", self.fingerprint);
        MadeRun::fields(self.made, field);
        field("threads", self.threads), field("diverged", self.diverged);
        field("kept_epoch", self.kept_epoch), field("seconds", self.seconds);
    }

    /// What a report of plain numbers would hide, one sentence each: training diverged, a layer is silent, nothing was
    /// learned.
    std::vector<std::string> warnings() const;
};

/// Trains a network on a data set and makes a run of it: from the checkpoint in the run directory where there is one,
/// else from the beginning. A checkpoint is kept at every epoch's end, within an epoch every so many seconds, and when
/// the work is cancelled; Cancelled is then thrown on. With KeptEpoch::best the network after every epoch is kept too.
/// Messages say how much memory training takes before it starts, how long it takes once that is known, and after every
/// epoch how much each layer spikes. Warnings are told as messages too.
///
/// Throws InputError, before anything is loaded or deleted, for options that cannot be used; for data and networks that
/// do not fit each other; for a checkpoint of other options or beyond the epochs asked for, and for a directory that
/// holds a model that was not trained there, or whose first epochs were not kept where the best is asked for. RunError
/// when training stops being finite, or another process holds the run.
TrainResult train_run(const TrainRunOptions& options, const Execution& execution, const StageNotes& notes);

}  // namespace spikelens
