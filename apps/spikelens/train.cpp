#include "spikelens/pipeline/train.h"

#include <fmt/format.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/core/printable.h"
#include "spikelens/pipeline/fields.h"

#include "arguments.h"
#include "choices.h"
#include "commands.h"
#include "remarks.h"
#include "run_directory.h"
#include "text.h"

namespace spikelens::app {
namespace {

/// The warnings in a word each, for the result.
std::string learned_text(const TrainResult& result) {
    std::string text;
    if (result.diverged)
        text += fmt::format("diverged: the loss of the last epoch is {:.3g}\n", result.made.epochs.back().loss);
    for (const std::string& layer : result.silent_layers) text += fmt::format("silent: {}\n", layer);
    if (result.at_chance) text += "learned nothing: no better than always answering one class\n";
    return text;
}

std::string text_of(const TrainResult& result) {
    const AccuracySummary &test = result.made.test, &train = result.made.train;
    const std::string right =
        fmt::format("{} on {}: {:.2f} % of {} right (95 % interval {:.2f} to {:.2f}), {:.2f} % of {}", result.network.text,
                    result.made.data, 100 * test.accuracy, counted(test.samples, "test sample"), 100 * test.ci95.low,
                    100 * test.ci95.high, 100 * train.accuracy, counted(train.samples, "training sample"));
    return paragraph(right) + learned_text(result) + accuracy_remarks(result.made) + "run: " + printable(result.made.run) +
           "\n";
}

}  // namespace

TrainResult call_train(TrainRunOptions options, const Globals& globals, Console& console) {
    options.training.seed = globals.seed;
    options.again = arguments_of(options);
    options.arguments = globals.arguments;
    options.lock = [&](const std::filesystem::path& root) { return lock_run(root, globals, console); };
    be_patient(kTrainingPatience);
    TrainResult result = train_run(options, globals.execution(console), console.notes());
    be_patient(kUsualPatience);
    return result;
}

void add_train(CLI::App& program, Run& run) {
    auto options = std::make_shared<TrainRunOptions>();
    TrainOptions& training = options->training;
    NetworkDefaults& neurons = options->neurons;
    CLI::App* app =
        program.add_subcommand("train", "Train a spiking network on a data set; continues where an interrupted run stopped");
    app->add_option("--data", options->data,
                    "fashion-mnist, mnist, nmnist, or a folder of IDX files, event recordings or pictures")
        ->capture_default_str();
    app->add_option("--coding", options->coding, "Images as spikes: direct, rate, latency, latency(log) or delta")
        ->capture_default_str();
    app->add_option("--binning", options->binning,
                    "Recordings as steps: 1ms, 30x10ms or count=50 (1ms); with ,clip at most 255 events a pixel and step");
    add_picture_options(app, options->pictures);
    app->add_option("--network", options->network,
                    "A preset (shallow, svgg11 to svgg19) or a text such as 16C3-LIF-MP2-128F-LIF-10F")
        ->default_str("shallow");
    app->add_option("--from", options->from, "A model file or a run to start from: its network and its weights");
    app->add_flag("--replace-last", options->replace_last, "A new last layer for --from, with an output for every class");
    app->add_option("--calibrate", options->calibrate, "Batches to balance thresholds on, layer by layer, before training")
        ->capture_default_str();
    app->add_option("--out", options->out, "The run directory to make")->required();
    app->add_option("--steps", options->steps, "Time steps T, for images")->default_str("10");
    app->add_option("--epochs", training.epochs, "Passes over the training set")->capture_default_str();
    app->add_option("--batch", training.batch, "Samples per step of the optimiser")->capture_default_str();
    app->add_option("--learning-rate", training.learning_rate, "Step size of stochastic gradient descent")
        ->capture_default_str();
    add_parsed(*app, "--schedule", training.schedule, parse_schedule,
               "Learning rate over time: constant, cosine, cosine(EPOCHS) or step(EPOCHS,FACTOR)")
        ->default_str("constant");
    app->add_option("--warm-up", training.warm_up, "Epochs in which the learning rate rises to its value")
        ->capture_default_str();
    app->add_option("--accumulate", training.accumulate, "Parts that a batch is computed in, one after the other")
        ->capture_default_str();
    add_parsed(*app, "--augment", training.augmentation, parse_augmentation,
               "Samples changed anew in every epoch: flip, crop=PIXELS, both with a comma, or none")
        ->default_str("none");
    app->add_option("--freeze", training.freeze, "Layers that keep their weights: conv1,conv2 or conv1..conv4")->delimiter(',');
    app->add_option("--momentum", training.momentum, "Momentum of stochastic gradient descent")->capture_default_str();
    app->add_option("--weight-decay", training.weight_decay, "L2 penalty on the weights")->capture_default_str();
    app->add_option("--clip-norm", training.clip_norm, "Largest norm of a gradient; 0: no limit")->capture_default_str();
    add_parsed(*app, "--surrogate", training.surrogate, parse_surrogate,
               "triangle, sigmoid, fast_sigmoid or atan, with scale: atan(2)")
        ->default_str(surrogate_text(training.surrogate));
    app->add_option("--beta", neurons.neuron.beta, "Leak of neurons for which the network text gives none")
        ->capture_default_str();
    app->add_option("--threshold", neurons.neuron.threshold, "Threshold of neurons for which the network text gives none")
        ->capture_default_str();
    add_parsed(*app, "--reset", neurons.neuron.reset, parse_reset, "What a spike does to the membrane: subtract, zero or none")
        ->default_str(reset_word(neurons.neuron.reset));
    app->add_flag("--delay", neurons.neuron.delay, "The reset takes effect one step after the spike");
    app->add_flag("!--no-bias", neurons.bias, "Layers without biases");
    app->add_option("--train-samples", options->samples, "How many training samples to use, from the first on; 0: all")
        ->capture_default_str();
    app->add_option("--checkpoint-every", options->checkpoint_every, "Seconds between checkpoints; 0: after every batch")
        ->capture_default_str();
    app->add_flag("--restart", options->restart, "Start over, even if the run directory holds a training");
    app->callback([options, &run] {
        run = [options](const Globals& globals, Console& console) -> Outcome {
            const TrainResult result = call_train(*options, globals, console);
            return {document_of(result), text_of(result)};
        };
    });
}

}  // namespace spikelens::app
