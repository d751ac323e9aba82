#include <algorithm>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/results/array_file.h"
#include "spikelens/results/picture.h"
#include "spikelens/results/store.h"

#include "commands.h"
#include "explainer.h"

namespace spikelens::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct ExplainCommand {
    fs::path run;
    std::vector<std::string> pictures;
    std::vector<int64_t> test;
    std::vector<std::string> methods = {"svebi", "grad2d", "ig2d", "gate"};
    std::string target;
    fs::path out;
};

/// One image to explain.
struct Input {
    std::string name;  // of its files
    std::string source;
    int64_t sample = 0;  // the address of seeded methods
    FloatArray image;    // [1, C, H, W]
    int label = -1;
};

FloatArray with_batch_axis(FloatArray image) {
    image.shape.insert(image.shape.begin(), 1);
    return image;
}

FloatArray without_batch_axis(FloatArray image) {
    image.shape.erase(image.shape.begin());
    return image;
}

std::vector<Input> gather_inputs(const ExplainCommand& command, const OpenRun& run) {
    std::vector<Input> inputs;
    for (const std::string& path : command.pictures) {
        FloatArray image = read_picture(path, run.network.channels, run.network.height, run.network.width);
        std::string name = fs::path(path).stem().string();
        while (std::ranges::any_of(inputs, [&](const Input& other) { return other.name == name; })) name += "_";
        inputs.push_back({name, path, static_cast<int64_t>(inputs.size()), with_batch_axis(std::move(image))});
    }
    if (!command.test.empty()) {
        const LoadedDataset data = run.load_data();
        for (int64_t index : command.test) {
            if (index < 0 || index >= data.test->size())
                throw InputError(
                    fmt::format("--test {} is outside the test set, which has images 0 to {}", index, data.test->size() - 1));
            inputs.push_back({fmt::format("test{:05}", index), fmt::format("test image {}", index), index,
                              data.test->images(std::vector{index}), data.test->label(index)});
        }
    }
    if (inputs.empty()) throw InputError("nothing to explain: name picture files, or test images with --test 0 1 2");
    return inputs;
}

int parse_target(const std::string& text, const Network& network) {
    for (size_t c = 0; c < network.classes.size(); ++c)
        if (network.classes[c] == text) return static_cast<int>(c);
    if (!text.empty() && text.size() < 7 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; }))
        if (const int index = std::stoi(text); index < network.class_count()) return index;
    throw InputError(fmt::format("--target '{}' is neither a class index below {} nor a class name{}", text,
                                 network.class_count(), suggestion(text, network.classes)));
}

std::string class_name(const Network& network, int index) {
    return index < static_cast<int>(network.classes.size()) ? network.classes[index] : std::to_string(index);
}

/// File names take no ':' or '=' from a method's options.
std::string file_part(std::string text) {
    std::ranges::replace_if(
        text, [](char c) { return c == ':' || c == '=' || c == '/'; }, '-');
    return text;
}

int enlargement(int64_t height, int64_t width) { return static_cast<int>(std::max<int64_t>(1, 224 / std::max(height, width))); }

/// Writes the overlay, the coloured map and the raw values; returns their names.
json write_map(const fs::path& folder, const std::string& stem, const MethodSpec& method, const FloatArray& image,
               const FloatArray& map) {
    const int factor = enlargement(map.extent(0), map.extent(1));
    const Colours colours =
        method.method->info().signed_values && method.view == View::natural ? Colours::diverging : Colours::heat;
    write_png(folder / (stem + ".png"), enlarge(colour_map(map, colours), factor));
    write_png(folder / (stem + "_overlay.png"), enlarge(overlay(image, map), factor));
    write_npy(folder / (stem + ".npy"), map);
    return {{"map", stem + ".png"}, {"overlay", stem + "_overlay.png"}, {"values", stem + ".npy"}};
}

json explain_one(const Input& input, const Explainer& explainer, const Network& network, const std::string& target_text,
                 const fs::path& folder) {
    const FloatArray scores = explainer.simulator().run(input.image).scores;
    const int predicted = predictions(scores)[0];
    const std::vector<int> target = {target_text.empty() ? predicted : parse_target(target_text, network)};
    const std::vector<int64_t> sample = {input.sample};
    const FloatArray image = without_batch_axis(input.image);
    json maps = json::array();
    for (const MethodSpec& method : explainer.methods()) {
        const FloatArray map = without_batch_axis(explainer.maps(method, input.image, target, sample));
        json entry = write_map(folder, input.name + "_" + file_part(method.text), method, image, map);
        entry["method"] = method.text;
        entry["minimum"] = *std::ranges::min_element(map.data);
        entry["maximum"] = *std::ranges::max_element(map.data);
        maps.push_back(entry);
    }
    write_png(folder / (input.name + ".png"), enlarge(image, enlargement(image.extent(1), image.extent(2))));
    json document = {{"image", input.source},
                     {"file", input.name + ".png"},
                     {"predicted", predicted},
                     {"predicted_name", class_name(network, predicted)},
                     {"target", target[0]},
                     {"target_name", class_name(network, target[0])},
                     {"scores", scores.data},
                     {"probabilities", softmax(scores.row(0))},
                     {"maps", maps}};
    document["label"] = input.label < 0 ? json(nullptr) : json(input.label);
    return document;
}

Outcome run_explain(const ExplainCommand& command, const Globals& globals, Console& console) {
    const OpenRun run = open_run(command.run);
    const Explainer explainer(run, split_list(command.methods), globals);
    const std::vector<Input> inputs = gather_inputs(command, run);
    if (!command.target.empty()) parse_target(command.target, run.network);
    const fs::path folder = command.out.empty() ? run.files.explanations() : command.out;
    const Progress progress = console.progress();
    json images = json::array();
    std::string text;
    for (size_t i = 0; i < inputs.size(); ++i) {
        report_progress(progress, "explaining", static_cast<int64_t>(i), static_cast<int64_t>(inputs.size()));
        const json& one = images.emplace_back(explain_one(inputs[i], explainer, run.network, command.target, folder));
        text += fmt::format("{}: {} ({:.1f} %){}\n", inputs[i].source, one["predicted_name"].get<std::string>(),
                            100 * one["probabilities"][one["predicted"].get<size_t>()].get<double>(),
                            inputs[i].label < 0 || inputs[i].label == one["predicted"]
                                ? ""
                                : ", in truth " + class_name(run.network, inputs[i].label));
    }
    report_progress(progress, "explaining", static_cast<int64_t>(inputs.size()), static_cast<int64_t>(inputs.size()));
    const json document = {{"command", "explain"},
                           {"run", command.run.string()},
                           {"fingerprint", run.fingerprint},
                           {"folder", folder.string()},
                           {"images", images}};
    write_json(folder / "explain.json", document);
    return {document, text + fmt::format("{} maps with overlays and raw values in {}\n",
                                         inputs.size() * explainer.methods().size(), folder.string())};
}

}  // namespace

void add_explain(CLI::App& program, Run& run) {
    auto command = std::make_shared<ExplainCommand>();
    CLI::App* app = program.add_subcommand("explain", "Explain single predictions: heatmaps as PNG, raw values as NPY");
    app->add_option("run", command->run, "The run directory")->required();
    app->add_option("pictures", command->pictures, "Picture files");
    app->add_option("--test", command->test, "Images of the test set, by index");
    app->add_option("--method,--methods", command->methods,
                    "Methods, with options: ig2d:steps=64 (spikelens methods lists them)")
        ->capture_default_str();
    app->add_option("--target", command->target, "The class explained, by name or index; the prediction unless said");
    app->add_option("--out", command->out, "Folder for the files; RUN/explain unless said");
    app->callback([command, &run] {
        run = [command](const Globals& globals, Console& console) { return run_explain(*command, globals, console); };
    });
}

}  // namespace spikelens::app
