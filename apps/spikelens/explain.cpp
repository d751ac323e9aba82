#include "spikelens/pipeline/explain.h"

#include "commands.h"
#include "interrupt.h"

namespace spikelens::app {
namespace {

/// Indices; and files, which may stand behind them.
void read_test(ExplainOptions& options, const Strings& words) {
    for (const std::string& word : words)
        if (word.find_first_not_of("0123456789") == std::string::npos || word.starts_with('-'))
            options.test.push_back(number_of<int64_t>("--test", word));
        else if (std::filesystem::exists(word))
            options.files.push_back(word);
        else
            throw InputError("--test is '" + word +
                             "', expected a whole number, or the name of a file after the numbers");
}

Strings test_words(const std::vector<int64_t>& test) {
    Strings words;
    for (const int64_t index : test) words.push_back(std::to_string(index));
    return words;
}

Outcome run_explain(Simulated<ExplainOptions>& options, const Call& call) {
    const WrittenRun written = call.open_to_write(options.run, options.out);
    options.again = [named = options, &call](const Strings& methods) mutable {
        named.methods = methods;
        return words_of("explain", named, call.globals.seed);
    };
    StageNotes notes = call.notes();
    notes.kept = [](const std::string& what) { note_kept(what + "; the same command makes them anew"); };
    const ExplainResult result = explain_run(written.run, options, call.execution(options.engine), notes);
    return {document_of(result), text_of(result, *written.run.network)};
}

}  // namespace

void declare(OptionTable& table, ExplainOptions& options) {
    static const Words<OverlayStyle> overlays = {{"faded", OverlayStyle::faded}, {"jet", OverlayStyle::jet}};
    table
        .add_option({"files", "Picture files, or recordings if the run's data set has recordings", "TEXT",
                     [&options](const Strings& words) {
                         options.files.insert(options.files.end(), words.begin(), words.end());
                     },
                     [&options] { return options.files; }})
        .many();
    table
        .add_option({"--test", "Samples of the test set, by index", "INT",
                     [&options](const Strings& words) { read_test(options, words); },
                     [&options] { return test_words(options.test); }})
        .many();
    table.add_list(
        "--methods,--method", options.methods, "method; spikelens methods lists them",
        "Methods, with options: ig2d:steps=64 (spikelens methods lists them); by default share, svebi, grad2d and "
        "ig2d, of spikes share3d, svebi, grad3d and ig3d");
    table.add("--target", options.target, "The class to explain, by name or index; by default the predicted class");
    table.add_parsed(
        "--background", options.background, parse_background, [](const Background& colour) { return colour.name; },
        "Colour behind transparent pixels: black (the default), white or #rrggbb");
    table.add_choice("--overlay", options.overlay, overlays,
                     "How maps lie over samples; faded is clear where a map is zero, jet is as in the SVEBI paper "
                     "(maps without a sign only)");
    table.add("--windows", options.windows, "Time windows that the maps of timed methods are split into");
    table.add("--out", options.out, "Folder for the files; by default RUN/explain");
}

Command explain_command() {
    return command_of<Simulated<ExplainOptions>>(
        "explain", "Explain single predictions: heatmaps as PNG, raw values as NPY", run_explain);
}

}  // namespace spikelens::app
