
#include "codings.h"

#include <cmath>

#include <fmt/format.h>

#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/text.h"

namespace spikelens::app {
namespace {

Outcome run_codings(CodingsOptions& options, const Call& call) {
    const StageWords words = stage_words(call.globals.seed);
    options.seed = call.globals.seed;
    options.train_again = words.train;
    options.evaluate_again = words.evaluate;
    options.arguments = call.globals.arguments;
    options.lock = call.lock();
    be_patient(kTrainingPatience);
    const CodingsResult result = compare_codings(options, call.execution(), call.notes());
    say_warnings(result.warnings, call.console);
    return {document_of(result), text_of(result)};
}

}  // namespace

void declare(OptionTable& table, CodingsOptions& options) {
    table.add("--out", options.out, "Folder of the runs, one per coding").required();
    table.add("--data", options.data, "fashion-mnist, mnist, or a folder of IDX files");
    table.add("--network", options.network, "A preset or a network text");
    table.add_list("--codings", options.codings, "coding",
                   "Two or more of direct, rate, latency, latency(log), delta(step=0.1)");
    table.add_list("--methods,--method", options.methods, "method", "Methods that explain images and spikes");
    table.add("--shared", options.shared, "One classifier, trained with the first coding, for all");
    table.add("--steps", options.steps, "Time steps T");
    table.add("--epochs", options.epochs, "Passes over the training set");
    table.add("--train-samples", options.train_samples, "How many training samples to use, from the first on; 0: all");
    table.add("--samples", options.samples, "Test images explained, drawn by the seed; 0: all");
    table.add("--share", options.share, "Share of the pixels, the highest ranked, whose overlap is measured");
}

Command codings_command() {
    return command_of<CodingsOptions>("codings", "Study how the spike coding of images changes which inputs matter",
                                      run_codings);
}

}  // namespace spikelens::app
