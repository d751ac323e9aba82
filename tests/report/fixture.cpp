#include "fixture.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "spikelens/pipeline/fields.h"

#include "evaluation.h"
#include "recordings.h"

namespace spikelens::report_test {
namespace {

using Json = nlohmann::json;

const std::vector<double> budgets = {0.5, 1, 2, 3, 5, 8, 12, 20, 32, 50};
const std::array<const char*, 10> garments = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                              "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

/// A repeatable number in [0, 1).
double noise(uint64_t a, uint64_t b = 0) {
    uint64_t x = a * 0x9E3779B97F4A7C15ULL + b * 0xD1B54A32D192ED03ULL + 0x2545F4914F6CDD1DULL;
    for (int i = 0; i < 2; ++i) x = (x ^ (x >> 31)) * 0xBF58476D1CE4E5B9ULL;
    return static_cast<double>((x ^ (x >> 29)) >> 11) * 0x1p-53;
}

std::string class_name(int c) { return c < 10 ? garments[static_cast<size_t>(c)] : "class " + std::to_string(c); }

/// A blob with an edge: every class has its own place and slope.
float shape_value(int kind, double y, double x, double jitter) {
    const double angle = kind * 0.61 + jitter, cy = 0.5 + 0.14 * std::sin(kind * 1.7),
                 cx = 0.5 + 0.14 * std::cos(kind * 2.3);
    const double u = (x - cx) * std::cos(angle) + (y - cy) * std::sin(angle),
                 v = (y - cy) * std::cos(angle) - (x - cx) * std::sin(angle);
    const double body = std::exp(-(u * u * (9 + kind % 4 * 9) + v * v * 7));
    return static_cast<float>(std::clamp(body * (0.72 + 0.28 * std::sin(18 * u + kind)), 0.0, 1.0));
}

FloatArray picture(const FixtureOptions& options, int64_t side, int kind, uint64_t seed, double grain) {
    FloatArray image({options.channels, side, side});
    for (int64_t i = 0; i < image.size(); ++i) {
        const int64_t c = i / (side * side), y = i / side % side, x = i % side;
        const double v = shape_value(kind + static_cast<int>(c), static_cast<double>(y) / static_cast<double>(side),
                                     static_cast<double>(x) / static_cast<double>(side), 0.25 * (noise(seed) - 0.5));
        image.data[static_cast<size_t>(i)] =
            static_cast<float>(std::clamp(v + grain * (noise(seed, static_cast<uint64_t>(i)) - 0.5), 0.0, 1.0));
    }
    return image;
}

std::vector<int> filter_total(const FixtureOptions& options) {
    return {options.filters_per_layer[0], options.filters_per_layer[1]};
}

Json filter_reference(const FixtureOptions& options, int index) {
    const int first = options.filters_per_layer[0];
    return {{"layer", index < first ? "conv1" : "conv2"},
            {"filter", index < first ? index : index - first},
            {"index", index}};
}

/// Six candidates a class, entering one after another; weights add up to μ until saturation.
Json selection(const FixtureOptions& options, int c, double mu) {
    const int total = options.filters_per_layer[0] + options.filters_per_layer[1];
    Json filters = Json::array();
    const double shown = std::min(mu, 14.0);
    for (int k = 0; k < 6; ++k) {
        const double enters =
            k == 0 ? 0
                   : 0.35 * std::pow(2.3, k) * (0.7 + 0.6 * noise(static_cast<uint64_t>(c), static_cast<uint64_t>(k)));
        if (shown <= enters) continue;
        Json filter = filter_reference(options, (c * 7 + k * 11 + 16) % total);
        filter["weight"] = (shown - enters) * (0.5 / (k + 1)) * (k == 1 && shown > 6 ? 6 / shown : 1);
        filters.push_back(filter);
    }
    return filters;
}

Json class_path(const FixtureOptions& options, int c) {
    const bool absent = options.broken && c == 5;
    Json path = Json::array(), breakpoints = Json::array();
    for (double mu : budgets)
        path.push_back({{"mu", mu},
                        {"l1", mu},
                        {"objective", 4000 / mu},
                        {"kkt_residual", 2e-13},
                        {"duality_gap", 8e-13},
                        {"filters", absent ? Json::array() : selection(options, c, mu)}});
    for (int k = 1; k < 6 && !absent; ++k) {
        const double mu =
            0.35 * std::pow(2.3, k) * (0.7 + 0.6 * noise(static_cast<uint64_t>(c), static_cast<uint64_t>(k)));
        breakpoints.push_back({{"mu", mu},
                               {"l1", mu},
                               {"objective", 4000 / mu},
                               {"kkt_residual", 2e-13},
                               {"duality_gap", 8e-13},
                               {"filters", selection(options, c, mu)}});
    }
    return {{"class", c},
            {"name", class_name(c)},
            {"predicted_samples", absent ? 0 : 5900 + 31 * c},
            {"path", path},
            {"breakpoints", breakpoints}};
}

Json ablation(const FixtureOptions& options) {
    Json curve = Json::array();
    for (double mu : budgets) {
        const double drop = 0.11 * std::exp(-std::pow(std::log(mu / 1.8) / 1.3, 2)), relevant = 0.884 - drop,
                     random = 0.884 - 0.012 * std::log1p(mu) / 2;
        Json draws = Json::array(), class_relevant = Json::array(), class_random = Json::array();
        for (uint64_t d = 0; d < 5; ++d)
            draws.push_back(random + 0.012 * (noise(d, static_cast<uint64_t>(mu * 10)) - 0.5));
        for (int c = 0; c < options.classes; ++c) {
            const bool none = options.broken && c == 8;
            class_relevant.push_back(none ? Json() : Json(relevant - 0.25 * drop * (c % 4)));
            class_random.push_back(none ? Json() : Json(random - 0.004 * (c % 3)));
        }
        curve.push_back({{"mu", mu},
                         {"mean_filters", 1 + std::log1p(mu)},
                         {"relevant_accuracy", relevant},
                         {"relevant_ci95", 0.007},
                         {"random_accuracy", random},
                         {"random_ci95", 0.006},
                         {"random_draws", draws},
                         {"class_relevant", class_relevant},
                         {"class_random", class_random}});
    }
    return {{"samples", 10000}, {"draws", 5}, {"full_accuracy", 0.884}, {"curve", curve}};
}

Json filter_facts(const FixtureOptions& options) {
    Json filters = Json::array();
    const int first = options.filters_per_layer[0], total = first + options.filters_per_layer[1];
    for (int i = 0; i < total; ++i) {
        Json entry = filter_reference(options, i);
        const bool dead = options.broken && i % 17 == 4;
        entry.update({{"mean_response", dead ? 0 : 0.1 * noise(static_cast<uint64_t>(i))},
                      {"active_share", dead ? 0 : 0.4 + 0.6 * noise(9, static_cast<uint64_t>(i))},
                      {"dead", dead},
                      {"receptive_field", i < first ? 3 : 8}});
        filters.push_back(entry);
    }
    return filters;
}

Json interpretation(const FixtureOptions& options) {
    Json per_class = Json::array(), names = Json::array(), layers = Json::array();
    for (int c = 0; c < options.classes; ++c) {
        per_class.push_back(class_path(options, c));
        names.push_back(class_name(c));
    }
    for (double mu : budgets)
        layers.push_back({{"mu", mu},
                          {"conv1", std::lround(4 + 3 * std::log1p(mu))},
                          {"conv2", std::lround(9 + 7 * std::log1p(mu))}});
    return {{"command", "interpret"},
            {"run", "runs/synthetic"},
            {"data", "synthetic"},
            {"fingerprint", "synthetic"},
            {"identity", Json::object()},
            {"relevant", "synthetic"},
            {"seed", 1},
            {"classes", names},
            {"samples", 60000},
            {"undecided", 0},
            {"response", "energy"},
            {"non_negative", true},
            {"chosen_mu", 2},
            {"mu", budgets},
            {"kkt_residual", 2e-13},
            {"duality_gap", 8e-13},
            {"layers", {"conv1", "conv2"}},
            {"filters", filter_facts(options)},
            {"per_class", per_class},
            {"layer_distribution", layers},
            {"ablation", ablation(options)},
            {"seconds", {{"responses", 6.1}}}};
}

Json training(const FixtureOptions& options) {
    Json confusion = Json::array(), names = Json::array(), epochs = Json::array();
    for (int i = 0; i < options.classes; ++i) {
        Json row = Json::array();
        for (int j = 0; j < options.classes; ++j)
            row.push_back(i == j ? 860 + 10 * (i % 7)
                                 : static_cast<int>(40 * noise(static_cast<uint64_t>(i), static_cast<uint64_t>(j)) *
                                                    noise(static_cast<uint64_t>(j), 3)));
        confusion.push_back(row);
        names.push_back(class_name(i));
    }
    for (int e = 1; e <= 5; ++e)
        epochs.push_back(
            {{"epoch", e}, {"loss", 0.8 / e}, {"accuracy", 0.9 - 0.2 / e}, {"seconds", 12}, {"diverged", false}});
    return {{"command", "train"},
            {"run", "runs/synthetic"},
            {"data", "synthetic garments"},
            {"classes", names},
            {"network",
             {{"text", "16C3-LIF-MP2-32C3-LIF-MP2-FC10"},
              {"input", {options.channels, options.side, options.side}},
              {"steps", 10},
              {"parameters", 207018}}},
            {"seed", 1},
            {"threads", 2},
            {"options", {{"epochs", 5}, {"batch", 100}}},
            {"epochs", epochs},
            {"train_accuracy", 0.913},
            {"train_accuracy_ci95", {0.9107, 0.9152}},
            {"train_samples", 60000},
            {"train_undecided", 0},
            {"train_silent", 0},
            {"test_accuracy", 0.8894},
            {"test_accuracy_ci95", {0.8831, 0.8954}},
            {"test_samples", 10000},
            {"test_undecided", 0},
            {"test_silent", 0},
            {"confusion", confusion},
            {"confusion_undecided", Json::array()},
            {"identity", Json::object()},
            {"diverged", false},
            {"silent_layers", Json::array()},
            {"largest_class_share", 0.1},
            {"at_chance", false},
            {"fingerprint", "synthetic"},
            {"seconds", 61.5}};
}

ReportFilter report_filter(const FixtureOptions& options, int index) {
    const Json reference = filter_reference(options, index);
    ReportFilter filter;
    filter.name = reference["layer"].get<std::string>() + "." + std::to_string(reference["filter"].get<int>());
    filter.receptive_field = index < options.filters_per_layer[0] ? 3 : 8;
    if (options.broken && index % 17 == 4) return filter;
    filter.averaged = 100;
    filter.spread = 0.05 + 0.2 * noise(static_cast<uint64_t>(index), 5);
    filter.average = picture(options, options.side, index, static_cast<uint64_t>(index), 0.02);
    filter.crops = FloatArray({9, options.channels, filter.receptive_field, filter.receptive_field});
    for (int64_t k = 0; k < 9; ++k) {
        const FloatArray crop =
            picture(options, filter.receptive_field, index, static_cast<uint64_t>(index * 9 + k), 0.35);
        std::copy(crop.data.begin(), crop.data.end(), filter.crops.row(k).begin());
    }
    return filter;
}

FloatArray explanation(const FixtureOptions& options, const FloatArray& image, size_t method, int kind, uint64_t seed) {
    FloatArray map({options.side, options.side});
    for (int64_t i = 0; i < map.size(); ++i) {
        const int64_t y = i / options.side, x = i % options.side;
        const double v = image.data[static_cast<size_t>(i)], s = static_cast<double>(options.side);
        const double place = shape_value(kind + 3, static_cast<double>(y) / s, static_cast<double>(x) / s, 0);
        const double values[] = {std::floor(12 * v * place),
                                 0.02 * (noise(seed, static_cast<uint64_t>(i)) - 0.45) * v,
                                 v * (place - 0.3) * 0.05,
                                 std::floor(30 * v),
                                 noise(seed + 77, static_cast<uint64_t>(i)),
                                 v};
        map.data[static_cast<size_t>(i)] = static_cast<float>(values[method]);
    }
    return map;
}

ReportImage report_image(const FixtureOptions& options, int index) {
    ReportImage image;
    image.sample = 417 + 131 * index;
    image.label = index * 3 % options.classes;
    image.predicted = index % 2 ? (image.label + 2) % options.classes : image.label;
    double sum = 0;
    for (int c = 0; c < options.classes; ++c) {
        image.probabilities.push_back(static_cast<float>(
            c == image.predicted ? 3 : noise(static_cast<uint64_t>(index), static_cast<uint64_t>(c))));
        sum += image.probabilities.back();
    }
    for (float& p : image.probabilities) p = static_cast<float>(p / sum);
    image.image = picture(options, options.side, image.label, static_cast<uint64_t>(index + 50), 0.05);
    for (size_t m = 0; m < methods_of(options).size(); ++m)
        image.maps.push_back(explanation(options, image.image, m, image.predicted, static_cast<uint64_t>(index)));
    if (options.broken && index == 1) std::fill(image.maps[0].data.begin(), image.maps[0].data.end(), 0.0F);
    if (options.broken && index == 2) image.maps[1].data[5] = std::nanf("");
    if (options.broken && index == 3) {
        image.undecided = "no output spike";
        std::fill(image.probabilities.begin(), image.probabilities.end(), 1.0F / static_cast<float>(options.classes));
        for (float& value : image.maps[2].data) value *= 1e-9F;
        image.rounding.assign(image.maps.size(), 1e-8);
    }
    return image;
}

/// A document as a file gives it.
template <class Result>
Result read(const Json& document) {
    return read_fields<Result>(parse_json(document.dump(), "synthetic"), "synthetic");
}

}  // namespace

ReportData synthetic_report(const FixtureOptions& options) {
    ReportData data;
    data.run = "runs/synthetic";
    data.command = {"report", "runs/synthetic", "--images", "12"};
    data.manifest = manifest();
    data.results.train = read<TrainResult>(training(options));
    data.results.interpret = read<InterpretResult>(interpretation(options));
    data.results.evaluate = read<EvaluateResult>(evaluation(options));
    for (int layer = 0, index = 0; layer < 2; ++layer)
        for (int i = 0; i < filter_total(options)[static_cast<size_t>(layer)]; ++i)
            data.filters.push_back(report_filter(options, index++));
    for (const MethodTraits& m : methods_of(options))
        data.methods.push_back({m.name, m.title, m.meaning, m.is_signed, m.baseline});
    for (int i = 0; i < options.images; ++i) data.images.push_back(report_image(options, i));
    if (options.recordings) add_recordings(options, data);
    data.image_choice = "6 right and 6 wrong predictions, drawn at random with seed 7";
    data.decisions = {{20, 30, 25, 10, 5, 4, 3, 2, 1, 0}, {1, 2, 2, 3, 2, 4, 2, 2, 1, 1}};
    return data;
}

}  // namespace spikelens::report_test
