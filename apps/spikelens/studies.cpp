#include "spikelens/reproduce/reproduce.h"

#include "commands.h"
#include "interrupt.h"

namespace spikelens::app {
namespace {

struct WithSeeds : ReproduceOptions {};
struct WithModel : WithSeeds {};
struct WithChoices : WithSeeds {
    PaperChoices choices;
};
struct WithPhotographs : ReproduceOptions {
    PhotographOptions photographs;
};

void declare(OptionTable& table, WithSeeds& options) {
    declare(table, static_cast<ReproduceOptions&>(options));
    table.add("--seeds", options.seeds,
              "So many runs, with seeds from --seed on (of coding-fashion every second one: its controls take the "
              "others); claims over all");
}

void declare(OptionTable& table, WithModel& options) {
    declare(table, static_cast<WithSeeds&>(options));
    table.add("--model", options.model, "The NIR network; by default SPIKELENS_DATA/nir/cnn_sinabs.nir");
}

void declare(OptionTable& table, WithChoices& options) {
    PaperChoices& choices = options.choices;
    declare(table, static_cast<WithSeeds&>(options));
    table.add("--exact-paper", choices.exact,
              "As the paper's code measures: 16 images of a class at a time without the last batch (9,920 test "
              "images), the epoch best on the test set; the effect of each choice too, in runs beside it");
    table.add("--epochs", choices.epochs, "Passes over the training set (5, as the paper says; its code has 20)");
    table.add_choice("--keep-epoch", choices.keep_epoch, kEpochWords,
                     "Weights of the last epoch (the default) or of the one best on the test set (with --exact-paper)");
}

void declare(OptionTable& table, WithPhotographs& options) {
    PhotographOptions& photographs = options.photographs;
    declare(table, static_cast<ReproduceOptions&>(options));
    table.add("--data", photographs.data, "The folder of photographs");
    table.add("--weights", photographs.weights, "torchvision's weights to start from, .pth or .safetensors");
    table.add("--network", photographs.network, "A preset or a text");
    table.add("--steps", photographs.steps, "Time steps T");
    table.add("--epochs", photographs.epochs, "Passes over the training set");
    table.add("--batch", photographs.batch, "Samples per step of the optimiser");
    table.add("--learning-rate", photographs.learning_rate, "Step size of stochastic gradient descent");
    table.add("--calibrate", photographs.calibrate,
              "Batches to balance thresholds on, layer by layer, before training");
    table.add_pictures(photographs.pictures);
}

/// `reproduce` takes options, an Execution and StageNotes.
template <class Options, class Reproduce>
Command experiment(const std::string& name, const std::string& description, const Reproduce& reproduce) {
    return command_of<Options>(name, description, [name, reproduce](Options& options, const Call& call) {
        if (options.out.empty()) options.out = "runs/" + name;
        options.words = stage_words;
        be_patient(kTrainingPatience);
        const auto result = reproduce(options, call.execution(), call.notes());
        if constexpr (requires { result.study; }) call.warn(result.study.warnings);
        return outcome_of(result);
    });
}

CodingsResult run_codings(CodingsOptions& options, const Call& call) {
    const StageWords words = stage_words(call.globals.seed);
    options.train_again = words.train;
    options.evaluate_again = words.evaluate;
    be_patient(kTrainingPatience);
    CodingsResult result = compare_codings(options, call.execution(), call.notes());
    call.warn(result.warnings);
    return result;
}

}  // namespace

void declare(OptionTable& table, ReproduceOptions& options) {
    table.add("--out", options.out, "The run directory; by default runs/EXPERIMENT");
    table.add("--samples", options.samples,
              "How many test samples to evaluate; 0: all; by default the experiment's choice");
    table.add("--train-samples", options.train_samples,
              "How many training samples to use; 0: all; by default the experiment's choice");
}

void declare(OptionTable& table, CodingsOptions& options) {
    table.add("--out", options.out, "Folder of the runs, one per coding").required();
    table.add("--data", options.data, "fashion-mnist, mnist, or a folder of IDX files");
    table.add("--network", options.network, "A preset or a network text");
    table.add_list("--codings", options.codings, "coding",
                   "Two or more of direct, rate, latency, latency(log), delta(step=0.1)");
    table.add_list("--methods,--method", options.methods, "method; spikelens methods lists them",
                   "Methods that explain images and spikes");
    table.add("--shared", options.shared, "One classifier, trained with the first coding, for all");
    table.add("--steps", options.steps, "Time steps T");
    table.add("--epochs", options.epochs, "Passes over the training set");
    table.add("--train-samples", options.train_samples, "How many training samples to use, from the first on; 0: all");
    table.add("--samples", options.samples, "Test images explained, drawn by the seed; 0: all");
    table.add("--share", options.share, "Share of the pixels, the highest ranked, whose overlap is measured");
}

StageWords stage_words(uint64_t seed) {
    return {[seed](const auto& options) { return words_of("train", options, seed); },
            [seed](const auto& options) { return words_of("import", options, seed); },
            [seed](const auto& run, const auto& options) {
                return words_of("interpret", OfRun<InterpretOptions>{options, run}, seed);
            },
            [seed](const auto& run, const auto& options) {
                return words_of("evaluate", OfRun<EvaluateOptions>{options, run}, seed);
            },
            [seed](const auto& run, const auto& options) {
                return words_of("report", OfRun<ReportOptions>{options, run}, seed);
            }};
}

Command reproduce_command() {
    Command command{"reproduce", "Run a paper's whole experiment and print its numbers beside ours"};
    command.parts.push_back(
        experiment<WithChoices>("svebi-mnist", "De Laet et al. 2025 on MNIST: filters that drive classes",
                                [](const WithChoices& options, const Execution& execution, const StageNotes& notes) {
                                    return reproduce_svebi_mnist(options, options.choices, execution, notes);
                                }));
    command.parts.push_back(experiment<WithPhotographs>(
        "svebi-awa2", "De Laet et al. 2025 on photographs, with a spiking VGG",
        [](const WithPhotographs& options, const Execution& execution, const StageNotes& notes) {
            return reproduce_svebi_awa2(options, options.photographs, execution, notes);
        }));
    command.parts.push_back(
        experiment<WithModel>("bitar-nmnist", "Bitar et al. 2023: gradient attributions find the spikes that matter",
                              reproduce_bitar_nmnist));
    command.parts.push_back(experiment<WithSeeds>(
        "coding-fashion", "Bitar et al. 2023: the coding changes which inputs matter", reproduce_coding_fashion));
    return command;
}

Command codings_command() {
    return command_of<CodingsOptions>("codings", "Study how the spike coding of images changes which inputs matter",
                                      run_codings);
}

}  // namespace spikelens::app
