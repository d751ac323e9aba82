#include <algorithm>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/results/array_file.h"
#include "spikelens/results/picture.h"
#include "spikelens/results/space_time.h"
#include "spikelens/results/store.h"

#include "commands.h"
#include "explainer.h"
#include "pictures.h"

namespace spikelens::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct ExplainCommand {
    fs::path run;
    std::vector<std::string> files;
    std::vector<int64_t> test;
    std::vector<std::string> methods;
    std::string target;
    int64_t windows = 6;
    fs::path out;
};

/// One sample to explain.
struct Sample {
    std::string name;  // of its files
    std::string source;
    int64_t address = 0;  // of seeded methods
    Input input;          // one sample
    FloatArray picture;   // [C, H, W], as people see it
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

/// The first of an attribution's samples: [1, …] or [T, 1, …] without that axis.
FloatArray only_sample(FloatArray attribution) {
    attribution.shape.erase(attribution.shape.begin() + (attribution.shape.size() == 5 ? 1 : 0));
    return attribution;
}

/// A recording, or a picture in the run's coding.
Sample read_sample(const fs::path& path, int64_t address, const OpenRun& run) {
    Sample sample{path.stem().string(), path.string(), address, {}, {}, -1};
    const Network& network = *run.network;
    if (!run.binning().empty()) {
        const EventSet set({read_events(path)}, {0}, {""}, parse_binning(run.binning()), network.height, network.width);
        sample.input = set.input(std::vector<int64_t>{0});
        sample.picture = without_batch_axis(set.images(std::vector<int64_t>{0}));
        return sample;
    }
    const std::string coding = run.manifest.at("data").value("coding", "");
    const FloatArray image = with_batch_axis(read_picture(path, network.channels, network.height, network.width));
    sample.input =
        coding.empty()
            ? Input(image)
            : Input(encode(image, parse_coding(coding), network.steps, run.manifest.value("seed", uint64_t{1}), {&address, 1}));
    sample.picture = without_batch_axis(image);
    return sample;
}

std::vector<Sample> gather_samples(const ExplainCommand& command, const OpenRun& run) {
    std::vector<Sample> samples;
    for (const std::string& path : command.files) {
        Sample sample = read_sample(path, static_cast<int64_t>(samples.size()), run);
        while (std::ranges::any_of(samples, [&](const Sample& other) { return other.name == sample.name; })) sample.name += "_";
        samples.push_back(std::move(sample));
    }
    if (!command.test.empty()) {
        const RunData data = run.load_data();
        const char* kind = run.binning().empty() ? "image" : "recording";
        for (int64_t index : command.test) {
            if (index < 0 || index >= data.test->size())
                throw InputError(fmt::format("--test {} is outside the test set, which has {}s 0 to {}", index, kind,
                                             data.test->size() - 1));
            const std::vector<int64_t> one{index};
            samples.push_back({fmt::format("test{:05}", index), fmt::format("test {} {}", kind, index), index,
                               data.test->input(one), without_batch_axis(data.test->images(one)), data.test->label(index)});
        }
    }
    if (samples.empty())
        throw InputError("nothing to explain: name picture or recording files, or test samples with --test 0 1 2");
    return samples;
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

/// One attribution as files: the coloured map, its overlay, the raw values; of a timed one also windows and a point cloud.
class MapWriter {
  public:
    MapWriter(fs::path folder, std::string stem, const MethodSpec& method, const FloatArray& attribution)
        : folder_(std::move(folder)),
          stem_(std::move(stem)),
          method_(method),
          attribution_(attribution),
          signed_(method.method->info().signed_values && method.view == View::natural),
          map_(without_batch_axis(pixel_maps(attribution, method.view))) {}

    json write(const Sample& sample, int64_t windows) const {
        const int factor = enlargement(map_.extent(0), map_.extent(1));
        const bool timed = method_.method->info().timed;
        write_png(file(".png"), enlarge(colour_map(map_, colours()), factor));
        write_png(file("_overlay.png"), enlarge(overlay(drawable(sample.picture), map_), factor));
        write_npy(file(".npy"), timed ? only_sample(attribution_) : map_);
        json names = {{"map", stem_ + ".png"}, {"overlay", stem_ + "_overlay.png"}, {"values", stem_ + ".npy"}};
        if (timed) names.update(write_in_time(sample, windows, factor));
        names["method"] = method_.text;
        names["minimum"] = *std::ranges::min_element(map_.data);
        names["maximum"] = *std::ranges::max_element(map_.data);
        return names;
    }

  private:
    fs::path file(const char* ending) const { return folder_ / (stem_ + ending); }
    Colours colours() const { return signed_ ? Colours::diverging : Colours::heat; }

    json write_in_time(const Sample& sample, int64_t windows, int factor) const {
        const FloatArray parts = window_maps(attribution_, method_.view, std::min(windows, attribution_.shape[0]));
        FloatArray frames({parts.shape[0], parts.shape[2], parts.shape[3]}, parts.data);
        write_png(file("_windows.png"), window_strip(frames, colours(), factor));
        json names = {{"windows", stem_ + "_windows.png"}};
        if (!sample.input.spiking()) return names;
        Array<uint8_t> spikes = sample.input.spikes;
        FloatArray scores = only_sample(spike_scores(attribution_, method_.view, spikes.shape));
        spikes.shape.erase(spikes.shape.begin() + 1);
        write_png(file("_xyt.png"), space_time_picture(spikes, scores, signed_, 960, 640));
        names["space_time"] = stem_ + "_xyt.png";
        return names;
    }

    fs::path folder_;
    std::string stem_;
    const MethodSpec& method_;
    const FloatArray& attribution_;
    bool signed_;
    FloatArray map_;
};

void write_sample(const Sample& sample, const fs::path& folder) {
    write_png(folder / (sample.name + ".png"),
              enlarge(drawable(sample.picture), enlargement(sample.picture.extent(1), sample.picture.extent(2))));
    if (!sample.input.spiking()) return;
    Array<uint8_t> spikes = sample.input.spikes;
    spikes.shape.erase(spikes.shape.begin() + 1);
    write_png(folder / (sample.name + "_xyt.png"), space_time_picture(spikes, {}, false, 960, 640));
}

json explain_one(const Sample& sample, const Explainer& explainer, const Network& network, const ExplainCommand& command,
                 const fs::path& folder) {
    const FloatArray scores = explainer.simulator().run(sample.input).scores;
    const int predicted = predictions(scores)[0];
    const std::vector<int> target = {command.target.empty() ? predicted : parse_target(command.target, network)};
    json maps = json::array();
    for (const MethodSpec& method : explainer.methods()) {
        const FloatArray attribution = explainer.attributions(method, sample.input, target, {&sample.address, 1});
        const MapWriter writer(folder, sample.name + "_" + file_part(method.text), method, attribution);
        maps.push_back(writer.write(sample, command.windows));
    }
    write_sample(sample, folder);
    json document = {{"image", sample.source},
                     {"file", sample.name + ".png"},
                     {"predicted", predicted},
                     {"predicted_name", class_name(network, predicted)},
                     {"target", target[0]},
                     {"target_name", class_name(network, target[0])},
                     {"scores", scores.data},
                     {"probabilities", softmax(scores.row(0))},
                     {"maps", maps}};
    document["label"] = sample.label < 0 ? json(nullptr) : json(sample.label);
    return document;
}

std::string line_of(const Sample& sample, const json& one, const Network& network) {
    return fmt::format(
        "{}: {} ({:.1f} %){}\n", sample.source, one["predicted_name"].get<std::string>(),
        100 * one["probabilities"][one["predicted"].get<size_t>()].get<double>(),
        sample.label < 0 || sample.label == one["predicted"] ? "" : ", in truth " + class_name(network, sample.label));
}

Outcome run_explain(const ExplainCommand& command, const Globals& globals, Console& console) {
    const auto [lock, run] = open_for_output(command.run, command.out, globals, console);
    if (command.windows < 1) throw InputError(fmt::format("--windows must be 1 or more, not {}", command.windows));
    const bool spiking = !run.binning().empty() || run.manifest.at("data").contains("coding");
    const std::vector<std::string> methods = split_list(command.methods);
    const Explainer explainer(run, methods.empty() ? shown_methods(run, spiking, console) : methods, spiking, globals);
    const std::vector<Sample> samples = gather_samples(command, run);
    if (!command.target.empty()) parse_target(command.target, *run.network);
    const fs::path folder = command.out.empty() ? run.files.explanations() : command.out;
    const Progress progress = console.progress();
    const auto count = static_cast<int64_t>(samples.size());
    json images = json::array();
    std::string text;
    for (const Sample& sample : samples) {
        report_progress(progress, "explaining", static_cast<int64_t>(images.size()), count);
        images.push_back(explain_one(sample, explainer, *run.network, command, folder));
        text += line_of(sample, images.back(), *run.network);
    }
    report_progress(progress, "explaining", count, count);
    const json document = {{"command", "explain"},
                           {"run", command.run.string()},
                           {"fingerprint", run.fingerprint},
                           {"folder", folder.string()},
                           {"images", images}};
    write_json(folder / "explain.json", document);
    return {document, text + fmt::format("{} maps with overlays and raw values in {}\n",
                                         samples.size() * explainer.methods().size(), folder.string())};
}

}  // namespace

void add_explain(CLI::App& program, Run& run) {
    auto command = std::make_shared<ExplainCommand>();
    CLI::App* app = program.add_subcommand("explain", "Explain single predictions: heatmaps as PNG, raw values as NPY");
    app->add_option("run", command->run, "The run directory")->required();
    app->add_option("files", command->files, "Picture files, or recordings where the run is of recordings");
    app->add_option("--test", command->test, "Samples of the test set, by index");
    app->add_option("--method,--methods", command->methods,
                    "Methods, with options: ig2d:steps=64 (spikelens methods lists them); a usual set unless said");
    app->add_option("--target", command->target, "The class explained, by name or index; the prediction unless said");
    app->add_option("--windows", command->windows, "Parts in time that maps of timed methods are drawn in")
        ->capture_default_str();
    app->add_option("--out", command->out, "Folder for the files; RUN/explain unless said");
    app->callback([command, &run] {
        run = [command](const Globals& globals, Console& console) { return run_explain(*command, globals, console); };
    });
}

}  // namespace spikelens::app
