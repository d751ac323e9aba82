#include "spikelens/pipeline/explain.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/error.h"
#include "spikelens/core/printable.h"
#include "spikelens/pipeline/explainer.h"
#include "spikelens/pipeline/fields.h"

#include "arguments.h"
#include "choices.h"
#include "commands.h"
#include "run_directory.h"
#include "text.h"

namespace spikelens::app {
namespace {

struct ExplainCommand : ExplainOptions {
    std::filesystem::path run;
};

std::string reading_of(const ExplainedImage& image, const Network& network) {
    if (!std::ranges::all_of(image.scores, [](float score) { return std::isfinite(score); }))
        return "class scores are not finite";
    if (!image.undecided) return fmt::format("{} ({:.1f} %)", image.predicted_name, 100 * image.probabilities[image.predicted]);
    const bool silent = !signals(network).back().currents && image.scores[0] == 0;
    return silent ? "no output spike: undecided" : "all class scores are equal: undecided";
}

std::string when_of(const Decided& when) {
    std::string text = fmt::format("decided after step {} of {}", when.decided, when.steps);
    const auto most = std::ranges::max_element(when.windows, {}, &Decided::Window::share);
    if (most != when.windows.end() && when.windows.size() > 1)
        text += fmt::format("; most of the score came from steps {} to {}", most->first + 1, most->end);
    return text;
}

std::string text_of(const ExplainResult& result, const Network& network) {
    std::string text;
    for (const ExplainedImage& image : result.images) {
        const bool wrong = image.label && (image.undecided || image.label != image.predicted);
        text += paragraph(printable(fmt::format("{}: {}{}", image.image, reading_of(image, network),
                                                wrong ? ", in truth " + class_name(network, *image.label) : "")));
        if (image.when && image.when->decided > 0) text += paragraph(when_of(*image.when), 2);
        for (const MapSummary& map : image.maps)
            if (map.remark) text += paragraph(fmt::format("{}: {}", map.method, *map.remark), 2);
    }
    return text +
           fmt::format("{} with overlays and raw values in {}\n", counted(result.map_count(), "map"), printable(result.folder));
}

/// What makes these explanations again.
std::vector<std::string> arguments_of(const ExplainCommand& command, const std::vector<std::string>& methods,
                                      const Globals& globals) {
    const ExplainCommand usual;
    ArgumentList words("explain");
    words.word(command.run.string());
    for (const std::string& file : command.files) words.word(file);
    if (!command.test.empty()) words.word("--test");
    for (const int64_t index : command.test) words.word(std::to_string(index));
    return words.list("--methods", methods)
        .option("--target", command.target, usual.target)
        .option("--background", command.background ? command.background->name : "", "")
        .option("--overlay", word_of(command.overlay, kOverlays), word_of(usual.overlay, kOverlays))
        .option("--windows", command.windows, usual.windows)
        .option("--out", command.out.string(), usual.out.string())
        .with(globals);
}

Outcome run_explain(const ExplainCommand& command, const Globals& globals, Console& console) {
    const WrittenRun written = open_for_output(command.run, command.out, globals, console);
    ExplainOptions options = command;
    options.methods = split_list(command.methods);
    if (!command.methods.empty() && options.methods.empty())
        throw InputError("--methods names no method; spikelens methods lists them");
    options.seed = globals.seed;
    options.again = [&](const auto& methods) { return arguments_of(command, methods, globals); };
    const ExplainResult result = explain_run(written.run, options, globals.execution(console), console.notes());
    return {document_of(result), text_of(result, *written.run.network)};
}

}  // namespace

void add_explain(CLI::App& program, Run& run) {
    auto command = std::make_shared<ExplainCommand>();
    CLI::App* app = program.add_subcommand("explain", "Explain single predictions: heatmaps as PNG, raw values as NPY");
    app->add_option("run", command->run, "The run directory")->required();
    app->add_option("files", command->files, "Picture files, or recordings if the run's data set has recordings");
    app->add_option("--test", command->test, "Samples of the test set, by index");
    app->add_option("--method,--methods", command->methods,
                    "Methods, with options: ig2d:steps=64 (spikelens methods lists them); by default a usual set");
    app->add_option("--target", command->target, "The class to explain, by name or index; by default the predicted class");
    add_parsed(*app, "--background", command->background, parse_background,
               "Colour behind transparent pixels: black (the default), white or #rrggbb");
    add_choice(
        *app, "--overlay", command->overlay, kOverlays,
        "How maps lie over samples: faded, clear where a map is zero, or jet, as in the SVEBI paper (maps without a sign "
        "only)")
        ->default_str(word_of(command->overlay, kOverlays));
    app->add_option("--windows", command->windows, "Time windows that the maps of timed methods are split into")
        ->capture_default_str();
    app->add_option("--out", command->out, "Folder for the files; by default RUN/explain");
    app->callback([command, &run] {
        run = [command](const Globals& globals, Console& console) { return run_explain(*command, globals, console); };
    });
}

}  // namespace spikelens::app
