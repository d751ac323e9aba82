#include "spikelens/pipeline/train.h"

#include "spikelens/pipeline/ranks.h"

#include "commands.h"
#include "interrupt.h"

namespace spikelens::app {
namespace {

Outcome run_train(const TrainRunOptions& options, const Call& call) {
    be_patient(kTrainingPatience);
    if (!call.ranks) return outcome_of(train_run(options, call.execution(), call.notes()));
    const TrainResult result = train_run(options, call.execution(), call.notes(), *call.ranks);
    return call.ranks->first() ? outcome_of(result) : Outcome();
}

}  // namespace

void declare(OptionTable& table, TrainRunOptions& options) {
    TrainOptions& training = options.training;
    Neuron& neuron = options.neurons.neuron;
    table
        .add("--data", options.data,
             "fashion-mnist, mnist, nmnist, or a folder of IDX files, event recordings or pictures")
        .always_written();
    table.add("--network", options.network,
              "A preset (shallow, svgg11 to svgg19) or a text such as 16C3-LIF-MP2-128F-LIF-10F (shallow)");
    table.add("--coding", options.coding, "Images as spikes: direct, rate, latency, latency(log) or delta");
    table.add("--binning", options.binning,
              "Recordings as steps: 1ms, 30x10ms or count=50 (1ms); with ,clip at most 255 events a pixel and step");
    table.add_pictures(options.pictures);
    table.add("--from", options.from, "A model file or a run to start from: its network and its weights");
    table.add("--replace-last", options.replace_last, "A new last layer for --from, with an output for every class");
    table.add("--calibrate", options.calibrate, "Batches to balance thresholds on, layer by layer, before training");
    table.add("--out", options.out, "The run directory to make").required();
    table.add("--steps", options.steps, "Time steps T, for images (10, or those of --from)");
    table.add("--epochs", training.epochs, "Passes over the training set");
    table.add("--batch", training.batch, "Samples per step of the optimiser");
    table.add("--learning-rate", training.learning_rate, "Step size of stochastic gradient descent");
    table.add_parsed("--schedule", training.schedule, parse_schedule, schedule_text,
                     "Learning rate over time: constant, cosine, cosine(EPOCHS) or step(EPOCHS,FACTOR)");
    table.add("--warm-up", training.warm_up, "Epochs in which the learning rate rises to its value");
    table.add("--accumulate", training.accumulate, "Parts that a batch is computed in, one after the other");
    table.add_parsed("--augment", training.augmentation, parse_augmentation, augmentation_text,
                     "Samples changed anew in every epoch: flip, crop=PIXELS, both with a comma, or none");
    table.add_list("--freeze", training.freeze, "layer", "Layers that keep their weights: conv1,conv2 or conv1..conv4");
    table.add("--momentum", training.momentum, "Momentum of stochastic gradient descent");
    table.add("--weight-decay", training.weight_decay, "L2 penalty on the weights");
    table.add("--clip-norm", training.clip_norm, "Largest norm of a gradient; 0: no limit");
    table.add_parsed("--surrogate", training.surrogate, parse_surrogate, surrogate_text,
                     "triangle, sigmoid, fast_sigmoid or atan, with scale: atan(2)");
    table.add_parsed("--device", training.device, parse_device, device_text,
                     "What computes: cpu, or cuda (a GPU by NVIDIA)");
    table.add_parsed("--precision", training.precision, parse_precision, precision_text,
                     "Convolutions and products in float32 or bfloat16; all else is float32");
    table.add("--beta", neuron.beta, "Leak of neurons for which the network text gives none");
    table.add("--threshold", neuron.threshold, "Threshold of neurons for which the network text gives none");
    add_reset(table, neuron.reset, "What a spike does to the membrane");
    table.add("--delay", neuron.delay, "The reset takes effect one step after the spike");
    table.add("!--no-bias", options.neurons.bias, "Layers without biases");
    table.add("--train-samples", options.samples, "How many training samples to use, from the first on; 0: all");
    table.add_choice("--keep-epoch", options.keep_epoch, kEpochWords,
                     "Weights of the last epoch, or of the one best on the test set, as some papers do: last or best");
    table.add("--checkpoint-every", options.checkpoint_every, "Seconds between checkpoints; 0: after every batch")
        .unwritten();
    table.add("--restart", options.restart, "Start over, even if the run directory holds a training").unwritten();
}

Command train_command() {
    Command command = command_of<TrainRunOptions>(
        "train", "Train a spiking network on a data set; continues where an interrupted run stopped", run_train);
    command.shares = true;
    return command;
}

}  // namespace spikelens::app
