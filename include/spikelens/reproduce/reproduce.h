#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "spikelens/core/execution.h"
#include "spikelens/pipeline/claims.h"
#include "spikelens/pipeline/codings.h"
#include "spikelens/pipeline/evaluate.h"
#include "spikelens/pipeline/import.h"
#include "spikelens/pipeline/interpret.h"
#include "spikelens/pipeline/stage.h"
#include "spikelens/pipeline/train.h"
#include "spikelens/report/stage.h"

namespace spikelens {

/// The program's words that run a stage again, for the run's manifest and the report; each may be empty.
struct StageWords {
    using Words = std::vector<std::string>;
    std::function<Words(const TrainRunOptions&)> train;
    std::function<Words(const ImportOptions&)> import;
    std::function<Words(const std::filesystem::path& run, const InterpretOptions&)> interpret;
    std::function<Words(const std::filesystem::path& run, const EvaluateOptions&)> evaluate;
    std::function<Words(const std::filesystem::path& run, const ReportOptions&)> report;
};

struct ReproduceOptions {
    std::filesystem::path out;       ///< the run directory
    std::filesystem::path model;     ///< of bitar-nmnist: the NIR network; empty: $SPIKELENS_DATA/nir/cnn_sinabs.nir
    std::optional<int64_t> samples;  ///< of the test set, evaluated; 0: all; absent: the experiment's own choice
    std::optional<int64_t> train_samples;  ///< of the training set; likewise
    uint64_t seed = 1;
    /// Of all but svebi-awa2: so many runs, with seeds from `seed` on, the others in OUT-seed2, … Of coding-fashion
    /// with every second seed, since the control takes the next one: OUT-seed3, …
    int seeds = 1;
    std::function<StageWords(uint64_t seed)> words;  ///< may be empty
    std::vector<std::string> arguments;              ///< the command line that was called, for the manifest
    LockRun lock;
};

/// What the paper of svebi-mnist leaves open, or its code does otherwise.
struct PaperChoices {
    /// As the paper's code measures: loaders of 16 images of one class that drop the last batch, so 9,920 of MNIST's
    /// 10,000 test images, and weights of the epoch that is best on the test set. Each choice is then made otherwise
    /// too, in a run of its own beside the first (OUT-epochs20, OUT-last, OUT-all-images), and claims show its effect.
    bool exact = false;
    std::optional<int> epochs;            ///< absent: 5, as the paper says; its code has 20
    std::optional<KeptEpoch> keep_epoch;  ///< absent: the best where `exact`, else the last
};

/// What svebi-awa2 works on. The usual is the paper's, which takes a GPU or weeks; a small network and small pictures
/// do as well.
struct PhotographOptions {
    std::string data;  ///< a folder of pictures (docs/formats/pictures.md)
    PictureWords pictures = {{"resize", "224x224"}, {"mean", "imagenet"}, {"std", "imagenet"}};
    std::filesystem::path weights;  ///< torchvision's, of 1000 classes, to start from; empty: drawn ones
    std::string network = "svgg19";
    int steps = 25, epochs = 50, batch = 8;
    double learning_rate = 0.003;
    int64_t calibrate = 0;  ///< as in TrainRunOptions
};

/// docs/formats.md describes the fields.
struct SvebiMnistResult {
    std::string command = "reproduce", experiment = "svebi-mnist";
    std::string run;
    double test_accuracy = 0, train_accuracy = 0, kkt_residual = 0, duality_gap = 0;
    AblationSummary ablation;
    EvaluateResult evaluate;
    std::vector<PaperClaim> claims;  ///< of several seeds over all of them
    std::vector<SeedClaims> seeds;   ///< of several seeds each by itself; the other fields are of the first
    std::string report;

    static void fields(auto& self, auto& field) {
        field("command", self.command), field("experiment", self.experiment), field("run", self.run);
        field("test_accuracy", self.test_accuracy), field("train_accuracy", self.train_accuracy);
        field("kkt_residual", self.kkt_residual), field("duality_gap", self.duality_gap);
        field("ablation", self.ablation), field("evaluate", self.evaluate), field("claims", self.claims);
        field("seeds", self.seeds), field("report", self.report);
    }
};

/// docs/formats.md describes the fields.
struct SvebiAwa2Result {
    std::string command = "reproduce", experiment = "svebi-awa2";
    std::string run;
    double test_accuracy = 0, train_accuracy = 0;
    AblationSummary ablation;
    std::vector<LayerCounts> layer_distribution;
    EvaluateResult evaluate;  ///< pixels are inserted into a blurred picture, and deleted to a black one
    std::vector<PaperClaim> claims;
    std::string report;

    static void fields(auto& self, auto& field) {
        field("command", self.command), field("experiment", self.experiment), field("run", self.run);
        field("test_accuracy", self.test_accuracy), field("train_accuracy", self.train_accuracy);
        field("ablation", self.ablation), field("layer_distribution", self.layer_distribution);
        field("evaluate", self.evaluate), field("claims", self.claims);
        field("report", self.report);
    }
};

/// docs/formats.md describes the fields.
struct BitarNmnistResult {
    std::string command = "reproduce", experiment = "bitar-nmnist";
    std::string run;
    double test_accuracy = 0;
    int64_t test_samples = 0;
    std::vector<std::string> assumptions;
    AblationSummary ablation;
    EvaluateResult evaluate, model_agnostic;
    std::vector<PaperClaim> claims;
    std::vector<SeedClaims> seeds;  ///< as of svebi-mnist
    std::string report;

    static void fields(auto& self, auto& field) {
        field("command", self.command), field("experiment", self.experiment), field("run", self.run);
        field("test_accuracy", self.test_accuracy), field("test_samples", self.test_samples);
        field("assumptions", self.assumptions), field("ablation", self.ablation), field("evaluate", self.evaluate);
        field("model_agnostic", self.model_agnostic), field("claims", self.claims), field("seeds", self.seeds);
        field("report", self.report);
    }
};

/// The codings study (pipeline/codings.h) with the paper's claims. docs/formats.md describes the fields.
struct CodingFashionResult {
    std::string experiment = "coding-fashion";
    CodingsResult study;             ///< of the first seed
    std::vector<PaperClaim> claims;  ///< of several seeds over all of them
    std::vector<SeedClaims> seeds;   ///< of several seeds each by itself; `run` is the folder of its runs

    static void fields(auto& self, auto& field) {
        CodingsResult::fields(self.study, field);
        field("experiment", self.experiment), field("claims", self.claims), field("seeds", self.seeds);
    }
};

/// Claims and measurements beside each other, in lines of at most 80 columns.
std::string text_of(const std::vector<PaperClaim>& claims);
/// Likewise what was measured, the claims, and where the report is.
std::string text_of(const SvebiMnistResult& result);
std::string text_of(const SvebiAwa2Result& result);
std::string text_of(const BitarNmnistResult& result);
std::string text_of(const CodingFashionResult& result);

/// A paper's whole experiment: the stages one after another on one run, held against other writers from the first to
/// the last, and the paper's numbers beside the run's. When it is cancelled, what the stages keep is kept: the same
/// call goes on. Throws what the stages throw, and InputError for negative numbers of samples and a network that is not
/// found.
///
/// De Laet et al. 2025 on MNIST, with the network of its reference code.
SvebiMnistResult reproduce_svebi_mnist(const ReproduceOptions& options, const PaperChoices& choices,
                                       const Execution& execution, const StageNotes& notes);
/// The second half of the same paper: a spiking VGG on photographs. Weights are written as a model file beside the run,
/// OUT-start.safetensors, from which training starts with a new last layer.
SvebiAwa2Result reproduce_svebi_awa2(const ReproduceOptions& options, const PhotographOptions& photographs,
                                     const Execution& execution, const StageNotes& notes);
/// Bitar, Rosales, Paulitsch 2023: gradient attributions find the spikes that matter, and cost far less than methods
/// that do not see inside. Here on the pretrained convolutional network of the NIR paper (Pedersen et al. 2024) and
/// recordings of N-MNIST.
BitarNmnistResult reproduce_bitar_nmnist(const ReproduceOptions& options, const Execution& execution,
                                         const StageNotes& notes);
/// Bitar, Rosales, Paulitsch 2023: the coding has a noticeable effect on which inputs matter most. Here on
/// Fashion-MNIST, one classifier per coding: the overlap of the best pixels between codings against that between two
/// trainings of one coding.
CodingFashionResult reproduce_coding_fashion(const ReproduceOptions& options, const Execution& execution,
                                             const StageNotes& notes);

}  // namespace spikelens
