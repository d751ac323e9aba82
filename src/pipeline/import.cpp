#include "spikelens/pipeline/import.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <regex>

#include <fmt/format.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/error.h"
#include "spikelens/core/option_error.h"
#include "spikelens/io/files.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/pipeline/check_memory.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/output.h"

#include "make_run.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

std::string surrogate_of(const ImportOptions& options) {
    return options.surrogate.empty() ? "atan(2,through_reset)" : options.surrogate;
}

/// What a file holds counts, not its name. Where there is nothing that is read, the name says what was meant.
bool is_nir(const fs::path& file) {
    const std::string_view begins = fs::is_regular_file(file) ? begins_as(file) : "";
    if (!begins.empty()) return begins == "nir";
    const std::string ending = file.extension().string();
    return ending == ".nir" || ending == ".h5" || ending == ".hdf5" ||
           ending == ".net";  // Lava's, which is refused by name
}

/// Whether the file describes its network itself, as our own models do.
bool is_own_model(const ImportOptions& options) {
    return !is_nir(options.file) && options.network.empty() && is_model_file(options.file);
}

NirOptions nir_options(const ImportOptions& options) {
    NirOptions nir;
    if (!options.dialect.empty()) nir.dialect = options.dialect;
    nir.dt = options.dt;
    nir.reset = options.reset;
    nir.steps = options.steps.value_or(0);
    nir.input = options.input;
    return nir;
}

/// "0.1307", "0.485,0.456,0.406" or "imagenet"; absent: `none`.
std::vector<double> input_numbers(const ImportOptions& options, const std::string& name,
                                  const std::vector<double>& imagenet, double none) {
    const auto word = options.pictures.find(name);
    if (word == options.pictures.end() || word->second == "none") return {none};
    if (word->second == "imagenet") return imagenet;
    std::vector<double> numbers;
    const char* at = word->second.data();
    const char* const end = at + word->second.size();
    for (bool more = true; more; ++at) {
        double number = 0;
        const auto [next, error] = std::from_chars(at, end, number);
        if (error != std::errc() || (next != end && *next != ','))
            throw InputError(fmt::format("{} is '{}', expected none, imagenet, or numbers, one or one for each channel",
                                         name, word->second));
        numbers.push_back(number);
        more = next != end, at = next;
    }
    return numbers;
}

/// What is to be folded into weights; of a run it is the pictures' that the network is shown.
std::optional<InputNormalisation> input_of(const ImportOptions& options) {
    if (!options.data.empty() || (!options.pictures.contains("mean") && !options.pictures.contains("std")))
        return std::nullopt;
    return InputNormalisation{input_numbers(options, "mean", {0.485, 0.456, 0.406}, 0),
                              input_numbers(options, "std", {0.229, 0.224, 0.225}, 1)};
}

/// The steps for which a text normalises: BN4.
std::optional<int> said_steps(const std::string& text) {
    std::smatch found;
    static const std::regex norm(R"((?:^|[-[|])BN(\d{1,5})(?:$|[-\]|]))");
    return std::regex_search(text, found, norm) ? std::optional(std::stoi(found[1])) : std::nullopt;
}

/// The network whose weights the file holds.
Network network_of(const ImportOptions& options) {
    if (options.network.empty() || !options.input)
        throw InputError(
            options.file.string() +
            " holds weights alone: the text of the network and its input C,H,W are needed (and its steps)");
    const std::string text = preset_text(options.network, options.classes.value_or(10));
    if (options.classes && text == options.network)
        throw InputError("the number of classes is for presets; the network " + options.network +
                         " says its outputs itself");
    return parse_network(text, *options.input, options.steps.value_or(said_steps(text).value_or(kUsualSteps)));
}

/// An option that the import would not read.
struct Unused {
    const char* option;
    bool given;
};
void refuse_unused(std::initializer_list<Unused> options, const std::string& reason) {
    for (const Unused& unused : options)
        if (unused.given) throw InputError(unused.option + reason);
}

void check_numbers(const ImportOptions& options) {
    constexpr int most_steps = 65535;
    constexpr int64_t most_classes = 1'000'000;
    if (options.steps && (*options.steps < 1 || *options.steps > most_steps))
        throw InputError(fmt::format("the number of steps is {}, expected 1 to {}", *options.steps, most_steps));
    if (options.classes && (*options.classes < 1 || *options.classes > most_classes))
        throw InputError(fmt::format("the number of classes is {}, expected 1 to {}", *options.classes, most_classes));
    if (options.replace_last && (*options.replace_last < 1 || *options.replace_last > most_classes))
        throw OptionError("replace_last", fmt::format("the new last layer has {} outputs, expected 1 to {}",
                                                      *options.replace_last, most_classes));
    if (options.dt && (!(*options.dt > 0) || !std::isfinite(*options.dt)))
        throw InputError(fmt::format("dt is {}, expected seconds above 0", *options.dt));
    if (options.bn_eps && (!(*options.bn_eps >= 0) || !std::isfinite(*options.bn_eps)))
        throw InputError(fmt::format("ε is {}, expected a number of 0 or more", *options.bn_eps));
}

void check_file_options(const ImportOptions& options) {
    const std::string file = options.file.string();
    [[maybe_unused]] const FileReader there(options.file);  // throws where no file is
    const std::initializer_list<Unused> of_weights = {
        {"network", !options.network.empty()},    {"classes", options.classes.has_value()},
        {"match", options.match.has_value()},     {"map", !options.layers.empty()},
        {"neurons", options.neurons.has_value()}, {"bn-eps", options.bn_eps.has_value()}};
    const std::initializer_list<Unused> of_nir = {
        {"dialect", !options.dialect.empty()}, {"dt", options.dt.has_value()}, {"reset", options.reset.has_value()}};
    if (is_nir(options.file)) {
        const char* const what = begins_as(options.file).empty() ? " is named as a NIR graph" : " is a NIR graph";
        refuse_unused(of_weights, " is for files of weights alone; " + file + what);
        check_dialect(nir_options(options).dialect);
        return;
    }
    refuse_unused(of_nir,
                  " is for NIR graphs; " + file + " holds weights, and the network text says what its neurons do");
    if (is_own_model(options)) {
        const std::string reason =
            " cannot be chosen: " + file + " is a model of Spikelens and tells its network itself";
        refuse_unused(of_weights, reason);
        refuse_unused({{"input", options.input.has_value()}, {"steps", options.steps.has_value()}}, reason);
    } else {
        network_of(options);
    }
}

/// Everything that can be told before the file is read.
void check_options(const ImportOptions& options) {
    check_numbers(options);
    check_file_options(options);
    if (options.data.empty()) {
        const bool weights = !is_nir(options.file) && !is_own_model(options);
        const auto folded = std::ranges::count_if(options.pictures, [&](const auto& word) {
            return weights && (word.first == "mean" || word.first == "std");
        });
        input_of(options);
        refuse_unused({{"binning", !options.binning.empty()},
                       {"an option of pictures", std::ssize(options.pictures) > folded},
                       {"coding", !options.coding.empty()},
                       {"surrogate", !options.surrogate.empty()}},
                      " is of a run: it needs a data set");
        if (options.out.extension() != ".safetensors")
            throw InputError(
                "'" + options.out.string() +
                "' cannot be written: expected a model file ending in .safetensors, or a data set to make a run "
                "directory");
        check_output(options.out, OutputKind::model);
        return;
    }
    if (!options.binning.empty()) parse_binning(options.binning);
    if (!options.coding.empty()) parse_coding(options.coding);
    parse_pictures(options.pictures);
    parse_surrogate(surrogate_of(options));
    if (fs::exists(options.out) && !fs::is_directory(options.out))
        throw InputError(options.out.string() + " is a file; with a data set, a run directory is made");
}

void check_not_trained(const fs::path& out) {
    if (fs::exists(RunDirectory{out}.checkpoint()))
        throw InputError(out.string() + " holds a network trained there; choose another folder");
}

ImportedNetwork import_file(const ImportOptions& options) {
    if (is_nir(options.file)) return import_nir(options.file, nir_options(options));
    const WeightOptions weights{options.match.value_or(MatchWeights::automatic), options.layers,
                                options.neurons.value_or(NeuronSource::agree), options.bn_eps, input_of(options)};
    return import_weights(options.file, is_own_model(options) ? load_model(options.file) : network_of(options),
                          weights);
}

/// Gives the network what the data know of it, its classes and steps. Throws InputError where they do not fit.
void fit_to_data(const ImportOptions& options, const RunData& data, Network& network) {
    if (data.test->shape() != network.input_shape())
        throw InputError(fmt::format("the network expects input {}, but {} has samples {}",
                                     shape_text(network.input_shape()), data.name, shape_text(data.test->shape())));
    check_outputs(network, *data.test, data.name);
    network.classes = data.test->classes();
    if (data.test->steps() == 0) return;
    if (options.steps && *options.steps != data.test->steps())
        throw InputError(fmt::format("the number of steps is {}, but the recordings of {} have {}", *options.steps,
                                     data.name, data.test->steps()));
    network.steps = data.test->steps();
}

/// A run directory as train_run makes one, its network from elsewhere.
void make_run(const ImportOptions& options, Network& network, ImportResult& result, const Execution& execution,
              const StageNotes& notes) {
    const RunDirectory files{options.out};
    const RunData data = load_run_data(options.data, {options.binning, options.pictures, options.coding}, network.steps,
                                       options.seed, execution);
    say_damaged(data, notes);
    fit_to_data(options, data, network);
    const RunInMaking making{files,
                             options.data,
                             data,
                             *data.train,
                             network,
                             {{"imported", options.file.string()}, {"surrogate", surrogate_of(options)}},
                             {options.again, options.seed},
                             options.arguments};
    const CpuEngine engine(network, execution);
    check_memory(engine, *data.test);
    check_run_folder(options.out);
    const auto lock = locked(options.lock, options.out);
    check_not_trained(options.out);
    result.made = measure_run(making, engine);
    result.network = NetworkSummary(network);
    result.fingerprint = model_fingerprint(network);
    write_made_run(making, "import", document_of(result));
    for (const std::string& warning : result.made->warnings()) notes.say("warning: " + warning);
}

}  // namespace

ImportResult import_run(const ImportOptions& options, const Execution& execution, const StageNotes& notes) {
    check_options(options);
    if (!options.data.empty()) check_not_trained(options.out);
    ImportedNetwork imported = import_file(options);
    if (options.replace_last) {
        replace_last_layer(imported.network, *options.replace_last, options.seed);
        imported.assumptions.push_back(
            fmt::format("The last layer, {}, is a new one with {}: its weights are drawn, not the file's.",
                        imported.network.layers.back().name, counted(*options.replace_last, "output")));
    }
    ImportResult result;
    result.file = options.file.string();
    result.format = imported.format;
    result.out = options.out.string();
    result.fingerprint = model_fingerprint(imported.network);
    result.network = NetworkSummary(imported.network);
    result.assumptions = imported.assumptions;
    for (const ImportedTensor& tensor : imported.tensors)
        result.tensors.push_back({tensor.from, tensor.to, tensor.shape, tensor.note});
    if (options.data.empty())
        save_model(imported.network, options.out);
    else
        make_run(options, imported.network, result, execution, notes);
    return result;
}

}  // namespace spikelens
