#include "spikelens/pipeline/explain.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/error.h"
#include "spikelens/core/printable.h"
#include "spikelens/pipeline/explainer.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/text.h"

#include "commands.h"

namespace spikelens::app {
namespace {

struct ExplainCommand : ExplainOptions {
    std::filesystem::path run;
    std::string engine = Execution{}.engine;
};

/// Indices; and files, which may stand behind them.
void read_test(ExplainCommand& command, const Strings& words) {
    for (const std::string& word : words)
        if (word.find_first_not_of("0123456789") == std::string::npos || word.starts_with('-'))
            command.test.push_back(number_of<int64_t>("--test", word));
        else if (std::filesystem::exists(word))
            command.files.push_back(word);
        else
            throw InputError("--test is '" + word + "', expected a whole number, or the name of a file after the numbers");
}

Strings test_words(const std::vector<int64_t>& test) {
    Strings words;
    for (const int64_t index : test) words.push_back(std::to_string(index));
    return words;
}

void declare(OptionTable& table, ExplainCommand& command) {
    static const Words<OverlayStyle> overlays = {{"faded", OverlayStyle::faded}, {"jet", OverlayStyle::jet}};
    table.add("run", command.run, "The run directory").required();
    table
        .add_option(
            {"files", "Picture files, or recordings if the run's data set has recordings", "TEXT",
             [&command](const Strings& words) { command.files.insert(command.files.end(), words.begin(), words.end()); },
             [&command] { return command.files; }})
        .list = true;
    table
        .add_option({"--test", "Samples of the test set, by index", "INT",
                     [&command](const Strings& words) { read_test(command, words); },
                     [&command] { return test_words(command.test); }})
        .list = true;
    table.add_list("--methods,--method", command.methods, "method",
                   "Methods, with options: ig2d:steps=64 (spikelens methods lists them); by default a usual set");
    table.add("--target", command.target, "The class to explain, by name or index; by default the predicted class");
    table.add_parsed(
        "--background", command.background, parse_background, [](const Background& colour) { return colour.name; },
        "Colour behind transparent pixels: black (the default), white or #rrggbb");
    table.add_choice("--overlay", command.overlay, overlays,
                     "How maps lie over samples: faded, clear where a map is zero, or jet, as in the SVEBI paper (maps without "
                     "a sign only)");
    table.add("--windows", command.windows, "Time windows that the maps of timed methods are split into");
    table.add_engine(command.engine);
    table.add("--out", command.out, "Folder for the files; by default RUN/explain");
}

Outcome run_explain(ExplainCommand& command, const Call& call) {
    const WrittenRun written = open_to_write(command.run, call.globals, call.console, command.out);
    command.seed = call.globals.seed;
    command.again = [named = ExplainCommand(command), &call](const auto& methods) mutable {
        named.methods = methods;
        return words_of("explain", named, call.globals.seed);
    };
    StageNotes notes = call.notes();
    notes.kept = [](const std::string& what) { note_kept(what + "; the same command makes them anew"); };
    const ExplainResult result = explain_run(written.run, command, call.execution(command.engine), notes);
    return {document_of(result), text_of(result, *written.run.network)};
}

}  // namespace

Command explain_command() {
    return command_of<ExplainCommand>("explain", "Explain single predictions: heatmaps as PNG, raw values as NPY", run_explain);
}

}  // namespace spikelens::app
